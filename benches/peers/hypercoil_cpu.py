"""hypercoil on JAX's CPU back end: the correlation of `[16, 400, 1200]` and the soft atlas map V = 20,000, P = 400, T = 1200, each
forward, and as the value and gradient of the sum of the result's squares. Install requirements-hypercoil.txt, then
`pip install --no-deps hypercoil==0.1.0.dev1`, under Python 3.11.
"""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
from hypercoil.functional import corr
from hypercoil.functional.linear import compartmentalised_linear

from answer import serve

SUBJECTS, REGIONS, FRAMES = 16, 400, 1200
VERTICES, PARCELS = 20_000, 400


def uniform(*shape):
    return jnp.asarray(np.random.default_rng(0).random(shape, dtype=np.float32) - 0.5)


def atlas(logits, series):
    weight = {"all": jax.nn.softmax(logits, axis=0)}
    return compartmentalised_linear(series, weight, {"all": (0, VERTICES)}, normalisation="mean")


def forward(function, operands):
    compiled, x = jax.jit(function), operands()
    return lambda: compiled(*x).block_until_ready()


def gradient(function, operands):
    squares = lambda *x: (function(*x) ** 2).sum()
    compiled, x = jax.jit(jax.value_and_grad(squares)), operands()
    return lambda: jax.block_until_ready(compiled(*x))


def regions():
    return (uniform(SUBJECTS, REGIONS, FRAMES),)


def vertices():
    return uniform(PARCELS, VERTICES), uniform(VERTICES, FRAMES)


if __name__ == "__main__":
    serve(
        {
            "correlation forward": lambda: forward(corr, regions),
            "correlation gradient": lambda: gradient(corr, regions),
            "atlas forward": lambda: forward(atlas, vertices),
            "atlas gradient": lambda: gradient(atlas, vertices),
        }
    )
