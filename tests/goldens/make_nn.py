"""Writes nn.json, the expected values that tests/nn reads, by PyTorch and scikit-learn in double precision.

    python -m venv VENV && VENV/bin/pip install numpy torch scikit-learn scipy && VENV/bin/python tests/goldens/make_nn.py
"""

import json
from pathlib import Path

import numpy as np
import torch
from scipy import stats
from sklearn import metrics
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
RNG = np.random.default_rng(20261122)
CASES = []


def normal(*shape):
    """Numbers that f32 holds."""
    return torch.tensor(RNG.standard_normal(shape).astype(np.float32).astype(np.float64))


def array(x, given=False):
    x = np.asarray(x.detach() if torch.is_tensor(x) else x, dtype=np.float64)
    assert np.isfinite(x).all()
    data = [float(str(v)) for v in x.ravel().astype(np.float32)] if given else x.ravel().tolist()
    return {"shape": list(x.shape), "data": data}


def case(op, inputs, attributes, expected):
    CASES.append({"op": op, "inputs": [array(x, True) for x in inputs], "attributes": list(attributes), "expected": array(expected)})


def with_gradient(op, inputs, attributes, made):
    """The value, and the gradient of the sum of value times cosines of places with respect to the first input."""
    case(op, inputs, attributes, made)
    weights = torch.cos(torch.arange(made.numel(), dtype=torch.float64)).reshape(made.shape)
    (gradient,) = torch.autograd.grad((made * weights).sum(), inputs[0], retain_graph=True)
    case(op + " gradient", inputs, attributes, gradient)


def layers():
    for batch, rows, inputs, outputs in [(1, 3, 5, 1), (2, 5, 7, 3)]:
        x, w, b = normal(batch, rows, inputs).requires_grad_(), normal(outputs, inputs), normal(outputs)
        with_gradient("linear", [x, w, b], [], F.linear(x, w, b))
        gain, shift = normal(inputs), normal(inputs)
        flat = x.reshape(batch * rows, inputs)
        with_gradient("batch_norm", [x, gain, shift], [], F.batch_norm(flat, None, None, gain, shift, training=True).reshape(x.shape))
        with_gradient("layer_norm", [x, gain, shift], [], F.layer_norm(x, [inputs], gain, shift))
        with_gradient("rms_norm", [x, gain], [], F.rms_norm(x, [inputs], gain, eps=1e-5))
    x = normal(3, 7).requires_grad_()
    for i, f in enumerate([F.relu, lambda x: F.leaky_relu(x, 0.2), F.elu, torch.tanh, torch.sigmoid, F.gelu, F.silu, F.softplus]):
        with_gradient("activation", [x], [i], f(x))


def pairs():
    activations = [F.relu, lambda x: F.leaky_relu(x, float(np.float32(0.2))), F.elu, torch.tanh]
    for i, f in enumerate(activations):
        batch, n, m, features = 2, 3, 5, 4 + i
        z, u, v = normal(batch, n, m).requires_grad_(), normal(batch, n, features).requires_grad_(), normal(batch, m, features)
        a = normal(3, features)
        hidden = f(u[:, :, None] + v[:, None])
        with_gradient("pairwise_dot", [u, v, a], [i], torch.einsum("bijf,kf->bkij", hidden, a))
        with_gradient("pairwise_sum", [z, u, v], [i], torch.einsum("bijf,bij->bif", hidden, z))


def sequences():
    for kind, gates in [("rnn", 1), ("gru", 3), ("lstm", 4)]:
        batch, time, inputs, hidden = 2, 5, 3, 4
        x = normal(batch, time, inputs).requires_grad_()
        weights = [normal(gates * hidden, inputs), normal(gates * hidden, hidden), normal(gates * hidden), normal(gates * hidden)]
        layer = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[kind](inputs, hidden, batch_first=True)
        for name, value in zip(["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"], weights):
            setattr(layer, name, nn.Parameter(value))
        with_gradient(kind, [x, *weights], [], layer(x)[0])


def graphs():
    """As the papers write them."""
    batch, n, inputs, outputs = 2, 5, 3, 4
    graph = torch.tensor(RNG.uniform(0, 1, (batch, n, n)).astype(np.float32).astype(np.float64)) * torch.tensor(RNG.random((batch, n, n)) < 0.6)
    graph[0, 2] = 0
    graph.requires_grad_()
    x, w, w2, b = normal(batch, n, inputs), normal(outputs, inputs), normal(outputs, inputs), normal(outputs)
    closed = graph + torch.eye(n)
    root = closed.sum(-1) ** -0.5
    with_gradient("graph_convolution", [graph, x, w, b], [], root[..., None] * closed @ (root[..., None] * (x @ w.T)) + b)
    mean = graph @ x / graph.sum(-1, keepdim=True).clamp(min=1e-12)
    with_gradient("graph_sage", [graph, x, w, w2, b], [], x @ w.T + mean @ w2.T + b)
    x.requires_grad_()
    edges = graph.detach()
    a = normal(1, outputs)
    ends = (x @ w.T + b)[:, :, None] + (x @ w2.T)[:, None]
    scores = F.leaky_relu(ends, float(np.float32(0.2))) @ a[0]
    attention = torch.softmax(scores.masked_fill(edges == 0, float("-inf")), -1).nan_to_num()
    with_gradient("graph_attention", [x, edges, w, b, w2, a], [], attention @ (x @ w2.T))


def relaxed():
    logits = normal(3, 4, 2).requires_grad_()
    prior = torch.tensor([0.75, 0.25])
    log = F.log_softmax(logits, -1)
    with_gradient("kl_to_prior", [logits], prior.tolist(), (log.exp() * (log - prior.log())).sum(-1))


def losses():
    p, t = (2 * normal(5, 7)).requires_grad_(), normal(5, 7)
    with_gradient("mean_squared_error", [p, t], [], F.mse_loss(p, t))
    with_gradient("huber", [p, t], [0.75], F.huber_loss(p, t, reduction="none", delta=0.75))
    v = torch.exp(normal(5, 7)).float().double()
    with_gradient("gaussian_nll", [p, t, v], [], F.gaussian_nll_loss(p, t, v, reduction="none"))
    y = torch.sigmoid(normal(5, 7)).float().double()
    with_gradient("binary_cross_entropy", [p, y], [], F.binary_cross_entropy_with_logits(p, y, reduction="none"))
    for rows, classes in [(1, 2), (11, 5)]:
        x = normal(rows, classes).requires_grad_()
        labels = torch.tensor(RNG.integers(0, classes, rows))
        if rows > 1:
            labels[3] = -1
        weights = torch.tensor(RNG.uniform(0.5, 2.0, classes).astype(np.float32).astype(np.float64))
        for smoothing in [0.0, 0.125]:
            for given in [None, weights]:
                loss = F.cross_entropy(x, labels, weight=given, ignore_index=-1, label_smoothing=smoothing)
                inputs = [x] if given is None else [x, weights]
                with_gradient("cross_entropy", inputs, [smoothing, *labels.tolist()], loss)


def judged():
    truth, taken = RNG.integers(0, 4, 101), RNG.integers(0, 5, 101)
    scores = np.round(RNG.standard_normal(101), 1)
    positive = RNG.random(101) < 0.3
    a, b = RNG.integers(0, 9, 57).astype(float), RNG.standard_normal(57)
    return {
        "truth": truth.tolist(), "predicted": taken.tolist(),
        "confusion": metrics.confusion_matrix(truth, taken).tolist(),
        "accuracy": metrics.accuracy_score(truth, taken),
        "balanced_accuracy": np.mean([np.mean(taken[truth == c] == c) for c in range(4)]),
        "macro_f1": metrics.f1_score(truth, taken, average="macro"),
        "scores": scores.tolist(), "positive": positive.tolist(),
        "auroc": metrics.roc_auc_score(positive, scores), "average_precision": metrics.average_precision_score(positive, scores),
        "a": a.tolist(), "b": b.tolist(), "spearman": stats.spearmanr(a, b)[0], "r_squared": metrics.r2_score(a, b),
    }


layers()
pairs()
sequences()
graphs()
relaxed()
losses()
text = json.dumps({"cases": CASES, "metrics": judged()}, separators=(",", ":"))
Path(__file__).with_name("nn.json").write_text(text.replace('},{"op"', '},\n{"op"') + "\n")
