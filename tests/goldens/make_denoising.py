"""Writes denoising.json, the expected values that tests/denoising reads for confound models, maps of connectomes, null series, figures of
quality, communities and the choice of CompCor components, by NumPy, SciPy, PyTorch and NetworkX in double precision.

    python -m venv VENV && VENV/bin/pip install numpy scipy torch networkx && VENV/bin/python tests/goldens/make_denoising.py
"""

import json
from pathlib import Path

import networkx as nx
import numpy as np
import torch
from scipy import linalg, stats
from scipy.sparse import csgraph

RNG = np.random.default_rng(20261122)
CASES = []


def single(x):
    """To numbers that f32 holds."""
    return np.asarray(x, dtype=np.float32).astype(np.float64)


def normal(*shape):
    return single(RNG.standard_normal(shape))


def array(x, given=False):
    x = np.asarray(x, dtype=np.float64)
    assert np.isfinite(x).all()
    data = [float(str(v)) for v in x.ravel().astype(np.float32)] if given else x.ravel().tolist()
    return {"shape": list(x.shape), "data": data}


def case(op, inputs, expected, *attributes):
    CASES.append({"op": op, "attributes": [float(a) for a in attributes], "inputs": [array(x, given=True) for x in inputs], "expected": array(expected)})


def models():
    c, w = normal(2, 5, 33), normal(3, 5)
    case("confound_combinations", [c, w], w @ c)
    for responses, duration in [(2, 5), (3, 4)]:
        k, theta = normal(responses, duration), normal(responses)
        x = torch.tensor(c).reshape(-1, 1, 33)
        x = torch.nn.functional.pad(x, (duration // 2, duration - 1 - duration // 2))
        y = torch.nn.functional.conv1d(x, torch.tensor(k)[:, None]).reshape(2, 5, responses, 33).transpose(1, 2)
        t = torch.tensor(theta)[:, None, None]
        y = torch.nn.functional.leaky_relu(y - t, 0.1) + t
        case("confound_responses", [c, k, theta], np.concatenate([c, y.reshape(2, responses * 5, 33).numpy()], 1), 0.1)
    v = normal(2, 3, 5)
    case("confound_elimination", [c, v], np.maximum(v, 0).sum(0).prod(0)[:, None] * c)


def signed(v):
    return v * np.sign(v[np.abs(v).argmax(0), range(v.shape[1])])


def maps():
    """As BrainSpace's embedding.py, but for the solver: the diffusion operator is not symmetric."""
    x = normal(13, 4)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    angle = 1 - np.arccos(np.clip(unit @ unit.T, -1, 1)) / np.pi
    np.fill_diagonal(angle, 1)
    y = normal(7, 4)
    other = y / np.linalg.norm(y, axis=1, keepdims=True)
    case("normalised_angle", [x, y], 1 - np.arccos(np.clip(unit @ other.T, -1, 1)) / np.pi)
    a = single(angle)
    for normed in [False, True]:
        lap, dd = csgraph.laplacian(a, normed=normed, return_diag=True)
        w, v = linalg.eigh(lap)
        v = v / dd[:, None] if normed else v
        case("laplacian_eigenmaps", [a], signed(v[:, 1:4]), 3, normed)
        case("laplacian_values", [a], w[1:4], 3, normed)
    for alpha, time in [(0.5, 0), (0, 1), (1, 3)]:
        d = a.sum(1) ** -alpha
        p = a * np.outer(d, d)
        p = p / p.sum(1, keepdims=True)
        w, v = linalg.eig(p)
        assert np.abs(w.imag).max() < 1e-12
        order = np.argsort(-w.real)
        w, v = w.real[order], v.real[:, order]
        v = v / v[:, [0]]
        w = w / w[0]
        w, v = w[1:4], v[:, 1:4]
        w = w / (1 - w) if time == 0 else w**time
        case("diffusion_maps", [a], signed(v * w), 3, alpha, time)
        case("diffusion_values", [a], w, 3, alpha, time)


def series():
    for frames in [32, 33]:
        x, r = normal(3, frames), normal(3, frames)
        for mean in [False, True]:
            gains = np.abs(np.fft.rfft(r))
            gains = np.broadcast_to(gains.mean(0), gains.shape) if mean else gains
            made = np.fft.rfft(x) * gains
            made = made * gains.mean(1, keepdims=True) / np.abs(made).mean(1, keepdims=True)
            case("match_spectra", [x, r], np.fft.irfft(made, frames), mean)
    x, r = normal(4, 20), normal(4, 9)
    s = single(np.cov(r))
    s = (s + s.T) / 2
    w, q = linalg.eigh(s)
    # Each eigenvector's sign is free, and with it that of a row of x: what does not depend on it is the result's covariance.
    made = q @ (np.sqrt(np.maximum(w, 0))[:, None] * x)
    case("covariance_of_matched", [x, s], q @ np.diag(np.sqrt(w)) @ np.eye(4) @ np.diag(np.sqrt(w)) @ q.T)
    assert made.shape == x.shape


def networks():
    x, rows = normal(2, 7, 7), normal(3, 7)
    off = lambda m: m * (1 - np.eye(m.shape[-1]))
    made = off(rows @ off(x) @ rows.T)
    case("network_compression", [x, rows], made, 0)
    deviation = lambda m: np.stack([e[~np.eye(len(e), dtype=bool)].std() for e in m])[:, None, None]
    case("network_compression", [x, rows], made * deviation(x) / deviation(made), 1)
    x, mixture, query, left, right = normal(2, 3, 5, 7), normal(4, 3), normal(2, 3, 3), normal(2, 3, 2), normal(2, 3, 2)
    soft = lambda m: np.exp(m - m.max(-1, keepdims=True)) / np.exp(m - m.max(-1, keepdims=True)).sum(-1, keepdims=True)
    case("recombine_by_query", [x, mixture, query], np.einsum("noc,nchw->nohw", soft(mixture @ query), x))
    low = soft(mixture @ left @ right.swapaxes(1, 2))
    case("recombine_by_low_rank_query", [x, mixture, left, right], np.einsum("noc,nchw->nohw", low, x))
    q = linalg.qr(normal(5, 3), mode="economic")
    free = single(q[0] @ q[1]).T
    rows = linalg.qr(free.T, mode="economic")
    case("orthonormal", [free], (rows[0] * np.sign(np.diag(rows[1]))).T)
    s = normal(4, 4)
    e = linalg.expm((s + s.T) / 2)
    case("isochoric", [s], e * (2 / np.linalg.det(e)) ** (1 / 4))


def quality():
    """Subjects whose edges follow motion, some of them; a network with a few communities."""
    subjects, n = 17, 12
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    motion, lengths = RNG.gamma(2.0, 0.1, subjects), RNG.uniform(10, 150, len(pairs)).round()
    block = np.array([0.6 if i // 4 == j // 4 else 0.1 for i, j in pairs])
    truth = block + 0.1 * RNG.standard_normal((subjects, len(pairs)))
    found = truth + motion[:, None] * RNG.standard_normal(len(pairs)) + 0.05 * RNG.standard_normal(truth.shape)
    tests = [stats.pearsonr(found[:, e], motion) for e in range(len(pairs))]
    r, p = np.array([t[0] for t in tests]), np.array([t[1] for t in tests])
    mean = np.maximum(found.mean(0), 0)
    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_weighted_edges_from((i, j, w) for (i, j), w in zip(pairs, mean) if w > 0)
    best = max(nx.community.modularity(graph, nx.community.louvain_communities(graph, seed=s)) for s in range(20))
    thirds = [set(range(k, k + 4)) for k in range(0, n, 4)]
    ties = np.array([1.0, 2, 2, 3, 3, 3, 0])
    return {
        "regions": n,
        "found": found.tolist(),
        "truth": truth.tolist(),
        "motion": motion.tolist(),
        "lengths": lengths.tolist(),
        "qc_fc": float(np.median(np.abs(r))),
        "significant": float((p < 0.05).mean()),
        "distance_dependence": float(stats.spearmanr(r, lengths)[0]),
        "recovery": float(np.mean([stats.pearsonr(a, b)[0] for a, b in zip(found, truth)])),
        "modularity": best,
        "network": nx.to_numpy_array(graph).ravel().tolist(),
        "of_thirds": nx.community.modularity(graph, thirds),
        "of_thirds_at_half": nx.community.modularity(graph, thirds, resolution=0.5),
        "ties": [ties.tolist(), motion[:7].tolist(), float(stats.spearmanr(ties, motion[:7])[0])],
    }


def compcor():
    """Cumulative variances of components of three masks, and how many a share takes: the first that passes it is the last."""
    chosen = []
    for mask, n in [("CSF", 6), ("WM", 9), ("combined", 12)]:
        each = np.sort(RNG.uniform(0.02, 0.12, n))[::-1]
        total = np.cumsum(each)
        shares = [5, 20, 33.3, 50, 99]
        taken = [int(min(np.searchsorted(total, s / 100, side="right") + 1, n)) for s in shares]
        chosen.append({"mask": mask, "cumulative": total.tolist(), "percent": shares, "taken": taken})
    return chosen


for family in [models, maps, series, networks]:
    family()
made = {"blocks": CASES, "quality": quality(), "compcor": compcor()}
(Path(__file__).parent / "denoising.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")
