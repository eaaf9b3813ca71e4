"""The works of `benches/work` in PyTorch, in strict fp32: `python pytorch_works.py [--device cpu|cuda]`."""

import argparse

import torch

from answer import operands, parse, serve

torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.set_float32_matmul_precision("highest")
# As fast as PyTorch goes; before its threads are there, for they take it from the one that makes them.
torch.set_flush_denormal(True)


def correlation(x):
    centred = x - x.mean(-1, keepdim=True)
    unit = centred / torch.linalg.vector_norm(centred, dim=-1, keepdim=True)
    return unit @ unit.mT


def parcellation(logits, series):
    memberships = torch.softmax(logits, 0)
    return memberships @ series / memberships.sum(1, keepdim=True)


FUNCTIONS = {"product": torch.matmul, "correlation": correlation, "parcellation": parcellation}


def forward(function, x):
    with torch.no_grad():
        return [function(*x)]


def with_gradient(function, x):
    sum_of_squares = function(*x).square().sum()
    return [sum_of_squares, *torch.autograd.grad(sum_of_squares, x[0])]


def demo_step():
    from cortex import Cortex
    from pytorch_step import Learner

    return Learner(Cortex()).step


def made(device):
    def make(work):
        if work == "demo step":
            return demo_step()
        kind, extents = parse(work)
        function, gradient = FUNCTIONS[kind.removesuffix(" gradient")], kind.endswith("gradient")
        x = [torch.from_numpy(a).to(device) for a in operands(kind, extents)]
        x[0].requires_grad_(gradient)

        def run():
            results = with_gradient(function, x) if gradient else forward(function, x)
            if device == "cuda":
                torch.cuda.synchronize()
            return results

        return run

    return make


if __name__ == "__main__":
    given = argparse.ArgumentParser()
    given.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    device = given.parse_args().device
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    serve(f"PyTorch {torch.__version__}", name, made(device), lambda y: y.detach().cpu().numpy())
