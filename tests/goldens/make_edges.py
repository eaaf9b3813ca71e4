"""Writes edges.json, the expected values that tests/nn/edges.rs reads, by PyTorch in double precision: messages of edge networks of two layers
with all their gradients, and the gradients of recurrent weights.

    python -m venv VENV && VENV/bin/pip install numpy torch && VENV/bin/python tests/goldens/make_edges.py
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
RNG = np.random.default_rng(20261123)
CASES = []


def normal(*shape):
    """Numbers that f32 holds."""
    return torch.tensor(RNG.standard_normal(shape).astype(np.float32).astype(np.float64)).requires_grad_()


def array(x, given=False):
    x = np.asarray(x.detach(), dtype=np.float64)
    assert np.isfinite(x).all()
    data = [float(str(v)) for v in x.ravel().astype(np.float32)] if given else x.ravel().tolist()
    return {"shape": list(x.shape), "data": data}


def case(op, inputs, attributes, expected):
    CASES.append({"op": op, "inputs": [array(x, True) for x in inputs], "attributes": attributes, "expected": array(expected)})


def with_gradients(op, inputs, of, attributes, made):
    """The value, and the gradients of the sum of value times cosines of places with respect to some inputs."""
    case(op, inputs, attributes, made)
    weights = torch.cos(torch.arange(made.numel(), dtype=torch.float64)).reshape(made.shape)
    for at, gradient in zip(of, torch.autograd.grad((made * weights).sum(), [inputs[i] for i in of]), strict=True):
        case(f"{op} gradient", inputs, [*attributes, at], gradient)


ACTIVATIONS = [F.relu, lambda x: F.leaky_relu(x, float(np.float32(0.2))), F.elu, torch.tanh]


def messages():
    for first, second, (batch, n, m, features, outputs) in [
        (0, 0, (2, 3, 5, 4, 8)),
        (1, 2, (1, 4, 3, 5, 3)),
        (2, 3, (2, 2, 7, 3, 6)),
        (3, 1, (1, 5, 1, 7, 1)),
    ]:
        z, u, v = normal(batch, n, m), normal(batch, n, features), normal(batch, m, features)
        with torch.no_grad():
            z[0, 0, 0] = 0
        w, b = normal(outputs, features), normal(outputs)
        made = ACTIVATIONS[second](ACTIVATIONS[first](u[:, :, None] + v[:, None]) @ w.T + b)
        with_gradients("pairwise_mlp", [z, u, v, w, b], range(5), [first, second], torch.einsum("bij,bijh->bih", z, made))


def sequences():
    for kind, gates in [("rnn", 1), ("gru", 3), ("lstm", 4)]:
        batch, time, inputs, hidden = 2, 5, 3, 4
        x = normal(batch, time, inputs)
        shapes = [(gates * hidden, inputs), (gates * hidden, hidden), (gates * hidden,), (gates * hidden,)]
        layer = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[kind](inputs, hidden, batch_first=True)
        names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
        for name, shape in zip(names, shapes, strict=True):
            setattr(layer, name, nn.Parameter(normal(*shape).detach()))
        with_gradients(kind, [x, *(getattr(layer, name) for name in names)], range(1, 5), [], layer(x)[0])


def main():
    messages()
    sequences()
    Path(__file__).with_name("edges.json").write_text(json.dumps({"cases": CASES}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
