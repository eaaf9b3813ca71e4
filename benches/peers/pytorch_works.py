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


def factored(x, u, v):
    """The first layer of an edge network, split into what is of the receiver and what is of the sender."""
    return (x @ u.T)[:, :, None] + (x @ v.T)[:, None]


def gathered(x, u, v):
    """The same from rows picked and put side by side, as message passing libraries do."""
    n = x.shape[1]
    receivers, senders = torch.arange(n).repeat_interleave(n), torch.arange(n).repeat(n)
    pairs = torch.cat([x[:, receivers.to(x.device)], x[:, senders.to(x.device)]], -1)
    return (pairs @ torch.cat([u, v], 1).T).unflatten(1, (n, n))


def one_hot(x, u, v):
    """The same by products with one-hot matrices, as ethanfetaya/NRI does."""
    n = x.shape[1]
    eye = torch.eye(n, device=x.device)
    pairs = torch.cat([eye.repeat_interleave(n, 0) @ x, eye.repeat(n, 1) @ x], -1)
    return (pairs @ torch.cat([u, v], 1).T).unflatten(1, (n, n))


def edges(first):
    return lambda x, u, v, w: torch.relu(torch.relu(first(x, u, v)) @ w.T).sum(2)


def messages(first):
    return lambda x, u, v, w: (torch.relu(first(x, u, v)) @ w.T).sum(2)


FUNCTIONS = {"product": torch.matmul, "correlation": correlation, "parcellation": parcellation}
STYLES = {"nri": one_hot, "gather": gathered, "factored": factored}
FUNCTIONS |= {f"edges-{style}": edges(first) for style, first in STYLES.items()}
FUNCTIONS |= {f"messages-{style}": messages(first) for style, first in STYLES.items()}
# As who sees that the last layer is linear would write it.
FUNCTIONS["messages-summed"] = lambda x, u, v, w: torch.relu(factored(x, u, v)).sum(2) @ w.T


def forward(function, x):
    with torch.no_grad():
        return [function(*x)]


def timed(function, x, gradient):
    return with_gradient(function, x) if gradient else forward(function, x)


def with_gradient(function, x):
    sum_of_squares = function(*x).square().sum()
    return [sum_of_squares, *torch.autograd.grad(sum_of_squares, x[0])]


def edge_step(x, *weights):
    """A step of Adam on all weights of an edge network; its loss."""
    for w in weights:
        w.requires_grad_()
    adam = torch.optim.Adam(weights, lr=1e-3)

    def step():
        loss = edges(factored)(x, *weights).square().mean()
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        return [loss]

    return step


def demo_step():
    from cortex import Cortex
    from pytorch_step import Learner

    return Learner(Cortex()).step


def made(device):
    def make(work):
        if work == "demo step":
            return demo_step()
        kind, extents = parse(work)
        x = [torch.from_numpy(a).to(device) for a in operands(kind, extents)]
        gradient = kind.endswith("gradient")
        x[0].requires_grad_(gradient)
        step = edge_step(*x) if kind == "edge_step" else None

        def run():
            results = step() if step else timed(FUNCTIONS[kind.removesuffix(" gradient")], x, gradient)
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
