"""Writes networks.json, the expected values that tests/nn reads of layers over series, sets and graphs: by PyTorch, by PyTorch Geometric
where it has the layer, else by the papers' formulas, in double precision.

    python -m venv VENV && VENV/bin/pip install numpy torch torch_geometric && VENV/bin/python tests/goldens/make_networks.py
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch_geometric.nn import GATConv, GCNConv, PNAConv, TopKPooling
from torch_geometric.nn.aggr import AttentionalAggregation
from torch_geometric.transforms import LocalDegreeProfile
from torch_geometric.data import Data
from torch_geometric.utils import dense_to_sparse

torch.set_default_dtype(torch.float64)
RNG = np.random.default_rng(20261123)
SLOPE = float(np.float32(0.2))
CASES = []


def single(x):
    """Numbers that f32 holds."""
    return torch.tensor(np.asarray(x).astype(np.float32).astype(np.float64))


def normal(*shape):
    return single(RNG.standard_normal(shape))


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


def graph(batch, n, symmetric=False):
    """Weights of either sign, none from a node to itself; nobody sends to node 2, or from it where symmetric."""
    a = RNG.uniform(0.1, 1, (batch, n, n)) * RNG.choice([-1, 1], (batch, n, n)) * (RNG.random((batch, n, n)) < 0.6)
    if symmetric:
        a = np.triu(a, 1)
        a = a + a.transpose(0, 2, 1)
        a[:, :, 2] = 0
    a[:, 2] = 0
    a[:, range(n), range(n)] = 0
    return single(a)


def edges(a):
    """Of a[receiver, sender]: what PyTorch Geometric calls source to target."""
    index, weight = dense_to_sparse(a.T)
    return index, weight


def series():
    for (batch, channels, filters, time, size), (stride, padding, dilation) in [
        ((1, 1, 1, 1, 1), (1, 0, 1)), ((2, 3, 4, 7, 3), (1, 1, 1)), ((2, 2, 3, 65, 5), (3, 4, 2)), ((1, 3, 2, 9, 4), (2, 0, 1)),
    ]:
        x, w, b = normal(batch, channels, time).requires_grad_(), normal(filters, channels, size), normal(filters)
        made = F.conv1d(x, w, b, stride=stride, padding=padding, dilation=dilation)
        with_gradient("convolution_1d", [x, w, b], [stride, padding, dilation], made)
    for time, size in [(1, 1), (7, 2), (65, 4)]:
        x = normal(2, 3, time).requires_grad_()
        with_gradient("max_pool_1d", [x], [size], F.max_pool1d(x, size))
        with_gradient("mean_pool_1d", [x], [size], F.avg_pool1d(x, size))


def conditioned():
    table, index = normal(5, 3).requires_grad_(), [4, 0, 0, 2, 4, 4, 1]
    with_gradient("embedding", [table], index, F.embedding(torch.tensor(index), table))
    x, c = normal(2, 7, 3).requires_grad_(), normal(2, 4)
    w, b, v, d = normal(3, 4), normal(3), normal(3, 4), normal(3)
    with_gradient("film", [x, c, w, b, v, d], [], x * F.linear(c, w, b)[:, None] + F.linear(c, v, d)[:, None])


def attention():
    for batch, targets, sources, features, heads, masked in [(1, 1, 1, 1, 1, 0), (2, 5, 7, 6, 3, 0), (2, 3, 7, 4, 2, 1)]:
        query, other = normal(batch, targets, features).requires_grad_(), normal(batch, sources, features)
        layer = nn.MultiheadAttention(features, heads, batch_first=True)
        weights = [normal(3 * features, features), normal(3 * features), normal(features, features), normal(features)]
        for target, value in zip([layer.in_proj_weight, layer.in_proj_bias, layer.out_proj.weight, layer.out_proj.bias], weights):
            target.data = value
        mask = normal(targets, sources)
        made, shares = layer(query, other, other, attn_mask=mask if masked else None, average_attn_weights=False)
        inputs = [query, other, *weights] + ([mask] if masked else [])
        with_gradient("multi_head_attention", inputs, [heads], made)
        case("multi_head_attention weights", inputs, [heads], shares)
    x, e, wq, wk = normal(2, 5, 4).requires_grad_(), normal(5, 3), normal(7, 7), normal(7, 7)
    tokens = torch.cat([x, e.expand(2, 5, 3)], -1)
    a = (tokens @ wq.T) @ (tokens @ wk.T).transpose(1, 2) / math.sqrt(4 + 3)
    with_gradient("netformer", [x, e, wq, wk], [], x + a @ x)
    case("netformer weights", [x, e, wq, wk], [], a)


def graphs():
    batch, n, inputs, features, heads = 2, 7, 3, 4, 2
    a, x = graph(batch, n), normal(batch, n, inputs).requires_grad_()
    layer = GATConv(inputs, features, heads=heads, add_self_loops=False, bias=False, negative_slope=SLOPE)
    w, sender, receiver = normal(heads * features, inputs), normal(1, heads, features), normal(1, heads, features)
    layer.lin.weight.data, layer.att_src.data, layer.att_dst.data = w, sender, receiver
    made = torch.stack([layer(x[b], edges(a[b])[0]) for b in range(batch)])
    with_gradient("static_graph_attention", [x, a, w, receiver[0], sender[0]], [], made)

    degrees = (a != 0).sum(-1)
    delta = float(np.float32(torch.log(degrees + 1.0).mean()))
    scalers = ["identity", "amplification", "attenuation"]
    layer = PNAConv(inputs, features, ["mean", "max", "min", "std"], scalers, torch.bincount(degrees.ravel()))
    layer.aggr_module.avg_deg_log.data = torch.tensor(delta)
    w, b, u, c = normal(inputs, 2 * inputs), normal(inputs), normal(features, 13 * inputs), normal(features)
    layer.pre_nns[0][0].weight.data, layer.pre_nns[0][0].bias.data = w, b
    layer.post_nns[0][0].weight.data, layer.post_nns[0][0].bias.data = u, c
    layer.lin.weight.data, layer.lin.bias.data = torch.eye(features), torch.zeros(features)
    made = torch.stack([layer(x[k], edges(a[k])[0]) for k in range(batch)])
    for together in [2, 64]:
        with_gradient("principal_aggregation", [x, a, w, b, u, c], [delta, together], made)

    a0, u, b, v = normal(n, n), normal(5, inputs), normal(5), normal(5, inputs)
    w, c = normal(1, 5), normal(1)
    gate = torch.sigmoid(F.relu((x @ u.T + b)[:, :, None] + (x @ v.T)[:, None]) @ w[0] + c)
    heard = (a0 * gate) @ x
    for k, made in enumerate([heard, x * heard]):
        with_gradient("adaptive_graph", [x, a0, u, b, v, w, c], [k], made)


def pools():
    batch, n, features = 2, 7, 3
    x = normal(batch, n, features).requires_grad_()
    w, b = normal(1, features), normal(1)
    gate = nn.Linear(features, 1)
    gate.weight.data, gate.bias.data = w, b
    pool = AttentionalAggregation(gate)
    index = torch.arange(batch).repeat_interleave(n)
    with_gradient("attention_pooling", [x, w, b], [], pool(x.reshape(-1, features), index))
    v, c, u, d, w, b = normal(5, features), normal(5), normal(5, features), normal(5), normal(1, 5), normal(1)
    scores = (torch.tanh(x @ v.T + c) * torch.sigmoid(x @ u.T + d)) @ w.T + b
    with_gradient("attention_pooling", [x, w, b, v, c, u, d], [], (torch.softmax(scores, 1) * x).sum(1))
    a, p = graph(batch, n), normal(features, 1)
    for ratio in [0.125, 0.5, 0.875]:
        pool = TopKPooling(features, ratio=ratio, nonlinearity=torch.sigmoid)
        pool.select.weight.data = p.T
        made = [pool(x[b], *edges(a[b])) for b in range(batch)]
        kept = len(made[0][4])
        assert kept == math.ceil(ratio * n)
        with_gradient("top_k_pooling", [x, a, p], [ratio], torch.stack([m[0] for m in made]))
        left = torch.zeros(batch, kept, kept)
        for b, m in enumerate(made):
            left[b, m[1][1], m[1][0]] = m[2]
        case("top_k_pooling graph", [x, a, p], [ratio], left)
        case("top_k_pooling index", [x, a, p], [ratio], torch.stack([m[4] for m in made]))


def brain():
    """BrainGB's messages, edge by edge as its layers are written, over PyTorch Geometric's own norm and attention."""
    batch, n, inputs, features, more, bins = 2, 7, 3, 4, 2, 9
    a, x = graph(batch, n, symmetric=True), normal(batch, n, inputs).requires_grad_()
    w, c = normal(features, inputs), normal(features)
    table = normal(bins, more)
    widths = {0: features, 1: features + more, 2: features + more, 3: 2 * features + 1, 4: 2 * features}
    for kind, width in widths.items():
        layer, bias = normal(features, width), normal(features)

        class Convolution(GCNConv):
            def message(self, x_i, x_j, edge_weight):
                e = edge_weight.view(-1, 1)
                if kind == 0:
                    return e * x_j
                codes = table[torch.clamp(torch.floor((edge_weight + 1) * (bins / 2)).long(), max=bins - 1)]
                parts = {1: [x_j, codes], 2: [x_j, e.repeat(1, more)], 3: [x_i, x_j, e], 4: [x_i, x_j]}[kind]
                return F.linear(torch.cat(parts, 1), layer, bias)

        convolution = Convolution(inputs, features)
        convolution.lin.weight.data, convolution.bias.data = w, c
        made = torch.stack([convolution(x[b], edges(a[b])[0], edges(a[b])[1].abs()) for b in range(batch)])
        given = {0: [], 1: [layer, bias, table]}.get(kind, [layer, bias])
        with_gradient("brain_convolution", [x, a, w, c, *given], [kind], made)

    heads = 2
    w, c = normal(heads * features, inputs), normal(heads * features)
    sender, receiver = normal(1, heads, features), normal(1, heads, features)
    for kind in range(5):
        layer, bias = normal(features, {3: 2 * features + 1}.get(kind, 2 * features)), normal(features)
        made = []
        for b in range(batch):
            size = a[b].abs()
            count = (size != 0).sum(1).clamp(min=1)
            size = size + torch.diag(size.sum(1) / count)
            there = (size != 0) | torch.eye(n, dtype=torch.bool)
            outputs = []
            for h in range(heads):
                z = x[b] @ w[h * features : (h + 1) * features].T
                scores = F.leaky_relu((z @ receiver[0, h])[:, None] + (z @ sender[0, h])[None], SLOPE)
                alpha = torch.softmax(scores.masked_fill(~there, float("-inf")), -1)
                if kind < 3:
                    share = [alpha, alpha * size, alpha + size][kind]
                    outputs.append(share @ z)
                    continue
                ends = [z[:, None].expand(n, n, -1), alpha[..., None] * z[None], size[..., None]][: 2 if kind == 4 else 3]
                sent = F.linear(torch.cat(ends, -1), layer, bias)
                outputs.append((sent * there[..., None]).sum(1))
            made.append(torch.cat(outputs, -1) + c)
        given = [layer, bias] if kind > 2 else []
        with_gradient("brain_attention", [x, a, w, c, receiver[0], sender[0], *given], [kind], torch.stack(made))

    profile = [LocalDegreeProfile()(Data(edge_index=dense_to_sparse(a[b])[0], num_nodes=n)).x for b in range(batch)]
    case("node_features profile", [a], [], torch.stack(profile))
    _, vectors = np.linalg.eigh(a.numpy())
    case("node_features eigenvectors", [a], [3], signed(vectors[:, :, ::-1][:, :, :3]))


def signed(vectors):
    """The first of a vector's entries that are at least half the largest is positive."""
    made = vectors.copy()
    for b in range(made.shape[0]):
        for k in range(made.shape[2]):
            v = made[b, :, k]
            made[b, :, k] = v * np.sign(v[np.argmax(np.abs(v) >= np.abs(v).max() / 2)])
    return made


def recurrent():
    """NRI's recurrent decoder over two types of edges that send."""
    batch, n, inputs, hidden, types = 2, 5, 3, 4, 3
    x, h = normal(batch, n, inputs).requires_grad_(), normal(batch, n, hidden)
    z = single(RNG.uniform(0, 1, (batch, n, n, types)))
    parts, total = [], 0
    for k in range(1, types):
        u, b, v, w, c = normal(hidden, hidden), normal(hidden), normal(hidden, hidden), normal(hidden, hidden), normal(hidden)
        parts += [u, b, v, w, c]
        first = torch.tanh((h @ u.T + b)[:, :, None] + (h @ v.T)[:, None])
        total = total + torch.tanh(first @ w.T + c) * z[..., k : k + 1] * (1 - torch.eye(n))[:, :, None]
    m = total.sum(2) / (n * (types - 1))
    wx, bx, wh = normal(3 * hidden, inputs), normal(3 * hidden), normal(3 * hidden, hidden)
    (rx, ix, nx), (rm, im, nm) = F.linear(x, wx, bx).chunk(3, -1), F.linear(m, wh).chunk(3, -1)
    r, i = torch.sigmoid(rx + rm), torch.sigmoid(ix + im)
    after = (1 - i) * torch.tanh(nx + r * nm) + i * h
    out = [normal(hidden, hidden), normal(hidden), normal(hidden, hidden), normal(hidden), normal(inputs, hidden), normal(inputs)]
    y = F.linear(F.relu(F.linear(F.relu(F.linear(after, *out[:2])), *out[2:4])), *out[4:])
    given = [x, h, z, *parts, wx, bx, wh, *out]
    with_gradient("relational_recurrent_decoder", given, [], x + y)
    case("relational_recurrent_decoder hidden", given, [], after)


def cnn_encoder():
    """NRI's CNN encoder in evaluation, pair by pair as its code has it; running statistics are 0 and 1."""
    batch, n, features, time, hidden, types = 2, 5, 2, 17, 4, 3
    given = {}

    def drawn(name, *shape):
        given["encoder." + name] = normal(*shape)
        return given["encoder." + name]

    def linear(name, inputs, outputs, bias=True):
        return drawn(name + ".weight", outputs, inputs), drawn(name + ".bias", outputs) if bias else None

    def norm(name):
        gain, shift = drawn(name + ".norm.gain", hidden), drawn(name + ".norm.shift", hidden)
        return lambda x: x / math.sqrt(1 + 1e-5) * gain + shift

    def stack(name):
        first, second, last = linear(name + ".0", hidden, hidden), linear(name + ".1", hidden, hidden), norm(name)
        return lambda x: last(F.elu(F.linear(F.elu(F.linear(x, *first)), *second)))

    x = normal(batch, n, features, time)
    kernels = torch.cat([drawn("receiver.kernels", hidden, features, 5), drawn("sender.kernels", hidden, features, 5)], 1)
    pairs = torch.cat([x[:, :, None].expand(-1, n, n, -1, -1), x[:, None].expand(-1, n, n, -1, -1)], 3).reshape(-1, 2 * features, time)
    seen = F.relu(F.conv1d(pairs, kernels, drawn("receiver.bias", hidden)))
    seen = F.max_pool1d(norm("pairs")(seen.transpose(1, 2)).transpose(1, 2), 2)
    seen = F.relu(F.conv1d(seen, drawn("convolution.kernels", hidden, hidden, 5), drawn("convolution.bias", hidden)))
    seen = norm("convolution")(seen.transpose(1, 2))
    shares = torch.softmax(F.linear(seen, *linear("attention", hidden, 1)), 1)
    edges = (F.linear(seen, *linear("content", hidden, hidden)) * shares).mean(1).reshape(batch, n, n, hidden)
    edges = stack("embed")(edges)
    others = (1 - torch.eye(n))[:, :, None]
    nodes = stack("node")((edges * others).sum(2) / n)
    ends = torch.cat([nodes[:, :, None].expand(-1, n, n, -1), nodes[:, None].expand(-1, n, n, -1), edges], -1)
    w, b = linear("edge.receiver", hidden, hidden)
    v, s = (linear(name, hidden, hidden, bias=False)[0] for name in ["edge.sender", "edge.pair"])
    edges = F.elu(F.linear(F.elu(F.linear(ends, torch.cat([w, v, s], 1), b)), *linear("edge.second", hidden, hidden)))
    logits = F.linear(norm("edge")(edges), *linear("out", hidden, types)) * others
    parameters = {name: array(value, True) for name, value in given.items()}
    return {"x": array(x, True), "parameters": parameters, "expected": array(logits)}


series()
conditioned()
attention()
graphs()
pools()
brain()
recurrent()
text = json.dumps({"cases": CASES, "cnn_encoder": cnn_encoder()}, separators=(",", ":"))
Path(__file__).with_name("networks.json").write_text(text.replace('},{"op"', '},\n{"op"') + "\n")
