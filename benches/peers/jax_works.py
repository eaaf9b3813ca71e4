"""The works of `benches/work` in JAX, compiled, in strict fp32: `python jax_works.py [--device cpu|cuda] [--hypercoil]`.

With `--hypercoil`, correlation and parcellation are hypercoil's: install requirements-hypercoil.txt, then
`pip install --no-deps hypercoil==0.1.0.dev1`, under Python 3.11.
"""

import argparse
import os

given = argparse.ArgumentParser()
given.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
given.add_argument("--hypercoil", action="store_true")
given = given.parse_args()
os.environ["JAX_PLATFORMS"] = given.device

import jax
import jax.numpy as jnp

from answer import operands, parse, serve

jax.config.update("jax_default_matmul_precision", "highest")


def correlation(x):
    centred = x - x.mean(-1, keepdims=True)
    unit = centred / jnp.sqrt((centred * centred).sum(-1, keepdims=True))
    return unit @ unit.swapaxes(-1, -2)


def parcellation(logits, series):
    memberships = jax.nn.softmax(logits, axis=0)
    return memberships @ series / memberships.sum(1, keepdims=True)


def hypercoil_works():
    from hypercoil.functional import corr
    from hypercoil.functional.linear import compartmentalised_linear

    def atlas(logits, series):
        weight = {"all": jax.nn.softmax(logits, axis=0)}
        return compartmentalised_linear(series, weight, {"all": (0, series.shape[0])}, normalisation="mean")

    return {"correlation": corr, "parcellation": atlas}


def made(functions):
    def make(work):
        kind, extents = parse(work)
        function = functions[kind.removesuffix(" gradient")]
        x = [jax.device_put(a) for a in operands(kind, extents)]
        if kind.endswith("gradient"):
            run = jax.jit(jax.value_and_grad(lambda *x: (function(*x) ** 2).sum()))
            return lambda: jax.block_until_ready(run(*x))
        run = jax.jit(function)
        return lambda: [jax.block_until_ready(run(*x))]

    return make


if __name__ == "__main__":
    functions = {"product": jnp.matmul, "correlation": correlation, "parcellation": parcellation}
    side = f"JAX {jax.__version__}"
    if given.hypercoil:
        functions |= hypercoil_works()
        side = f"hypercoil 0.1.0.dev1, {side}"
    serve(side, str(jax.devices()[0].device_kind), made(functions))
