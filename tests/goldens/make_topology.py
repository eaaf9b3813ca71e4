"""Births and deaths from SciPy's minimum spanning tree, and what is made of them, into topology.json: NumPy, SciPy; layers over images by
PyTorch.

Weights are a formula that both sides share (`weight` here and in tests/topology): exact in f32. Long lists are told by two sums of their
bits modulo 2^64, the second of which hangs on the order.
"""

import json
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.stats import ks_2samp

HERE = Path(__file__).parent


def weights(n, seed, levels):
    """Noise in [0, 1) of a hash of the edge's index, in so many levels: few of them tie."""
    i, j = np.triu_indices(n, 1)
    mask = np.uint64(0xFFFFFFFF)
    h = (i * n + j).astype(np.uint64) * np.uint64(0x9E3779B9) + np.uint64(seed * 0x85EBCA6B & 0xFFFFFFFF) & mask
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = (h ^ (h >> np.uint64(shift))) * np.uint64(factor) & mask
    h ^= h >> np.uint64(16)
    values = ((h >> np.uint64(8)) * np.uint64(levels) >> np.uint64(24)).astype(np.float32) / np.float32(levels)
    w = np.zeros((n, n), np.float32)
    w[i, j] = values
    return w + w.T


def decompose(w):
    """SciPy takes 0 for no edge, so it is given 2 - w: exact in double precision, and nowhere 0."""
    n = len(w)
    i, j = np.triu_indices(n, 1)
    cost = np.zeros((n, n))
    cost[i, j] = 2.0 - w[i, j].astype(np.float64)
    tree = minimum_spanning_tree(csr_matrix(cost)).tocoo()
    births = (2.0 - tree.data).astype(np.float32)
    left = np.ones((n, n), bool)
    left[tree.row, tree.col] = left[tree.col, tree.row] = False
    return np.sort(births), np.sort(w[i, j][left[i, j]])


def told(values):
    bits = np.asarray(values, np.float32).view(np.uint32).astype(np.uint64)
    order = 2 * np.arange(len(bits), dtype=np.uint64) + np.uint64(1)
    return {"n": len(bits), "sum": str(bits.sum(dtype=np.uint64)), "ordered": str((bits * order).sum(dtype=np.uint64))}


def trees():
    made = []
    for n in (2, 3, 31, 192, 384, 1000):
        for levels in (1 << 24, 64, 1):
            births, deaths = decompose(weights(n, n, levels))
            made.append({"n": n, "levels": levels, "births": told(births), "deaths": told(deaths)})
    return made


def distances():
    """Sums of |difference|^r, and their roots; of graphs of different size after padding as total_top_loss.m does."""
    made = []
    for n, m in ((7, 7), (31, 31), (9, 12)):
        (b0, d0), (b1, d1) = (tuple(x.astype(np.float64) for x in decompose(weights(k, s, 1 << 24))) for k, s in ((n, 1), (m, 2)))
        if n < m:
            b0 = np.concatenate([b0, np.full(len(b1) - len(b0), b0[-1])])
            d0 = np.concatenate([np.full(len(d1) - len(d0), d0[0]), d0])
        for r in (1.0, 2.0, 3.0):
            w0, w1 = (np.abs(b0 - b1) ** r).sum(), (np.abs(d0 - d1) ** r).sum()
            made.append({"n": n, "m": m, "order": r, "sums": [w0, w1, w0 + w1], "roots": [x ** (1 / r) for x in (w0, w1, w0 + w1)]})
    return made


def quantile_distances():
    """Of the distributions of births and deaths, the integral of |difference of quantile functions|^r over all fractions."""
    made = []
    for n, m in ((7, 7), (9, 12), (31, 5)):
        lists = [tuple(x.astype(np.float64) for x in decompose(weights(k, s, 1 << 24))) for k, s in ((n, 1), (m, 2))]
        row = {"n": n, "m": m}
        for r in (1.0, 2.0):
            row[f"order {r:.0f}"] = []
            for a, b in zip(*lists):
                cuts = np.unique(np.concatenate([np.arange(len(a) + 1) * len(b), np.arange(len(b) + 1) * len(a)]))
                i, j = cuts[:-1] // len(b), cuts[:-1] // len(a)
                row[f"order {r:.0f}"].append(float((np.diff(cuts) * np.abs(a[i] - b[j]) ** r).sum() / (len(a) * len(b))))
        made.append(row)
    return made


def barycentres():
    n, shares = 12, np.array([1.0, 2.0, 0.5])
    lists = [decompose(weights(n, s, 1 << 24)) for s in (1, 2, 3)]
    births, deaths = (np.average([pair[k].astype(np.float64) for pair in lists], axis=0, weights=shares) for k in (0, 1))
    return {"n": n, "shares": shares.tolist(), "births": births.tolist(), "deaths": deaths.tolist()}


def betti():
    births, deaths = decompose(weights(9, 4, 1 << 24))
    at = np.linspace(-0.1, 1.1, 25).astype(np.float32)
    return {
        "n": 9,
        "at": at.tolist(),
        "components": [int(1 + (births <= e).sum()) for e in at],
        "cycles": [int((deaths > e).sum()) for e in at],
    }


def scores():
    rng = np.random.default_rng(0)
    truth, found = rng.integers(0, 4, 60), rng.integers(0, 5, 60)
    found[:40] = truth[:40]
    table = np.zeros((4, 5), int)
    np.add.at(table, (truth, found), 1)
    rows, cols = linear_sum_assignment(table, maximize=True)
    return {
        "truth": truth.tolist(),
        "found": found.tolist(),
        "confusion": table.tolist(),
        "purity": table.max(axis=0).sum() / 60,
        "accuracy": table[rows, cols].sum() / 60,
    }


def inference():
    """Exact two-sided p-values of two samples of q values each whose counts lie at most d apart."""
    made = []
    for q, d in ((5, 3), (31, 7), (31, 12), (191, 20), (191, 191)):
        a = np.arange(q, dtype=float)
        # The greatest difference is d: the first d of a lie below all of b, and from then on they alternate.
        b = np.concatenate([a[d:] - 0.5, q + np.arange(d)])
        made.append({"q": q, "d": d, "p": ks_2samp(a, b, method="exact").pvalue})
    return made


def ratio():
    """Mean distance between groups over that within, both of squared distances of births and deaths."""
    n, groups = 8, [[1, 2, 3], [4, 5, 6, 7]]
    lists = [[np.concatenate(decompose(weights(n, s, 1 << 24))).astype(np.float64) for s in group] for group in groups]
    square = lambda a, b: float(((a - b) ** 2).sum())
    between = [square(a, b) for a in lists[0] for b in lists[1]]
    within = [square(g[i], g[j]) for g in lists for i in range(len(g)) for j in range(i)]
    return {"n": n, "groups": groups, "ratio": float(np.mean(between) / np.mean(within))}


def layers():
    """Convolution and pooling of ramps that wrap around: `ramp` here and in tests/topology."""

    def ramp(*shape):
        n = int(np.prod(shape))
        return torch.tensor((np.arange(n) * 7 % 31 / 31 - 0.4).astype(np.float32).reshape(shape)).double()

    made = []
    for x, kernels, stride, padding in (((2, 3, 7, 5), (4, 3, 3, 3), 1, 1), ((1, 2, 8, 9), (3, 2, 3, 2), 2, 0)):
        y = torch.nn.functional.conv2d(ramp(*x), ramp(*kernels), ramp(kernels[0]), stride, padding)
        pooled = torch.nn.functional.max_pool2d(y, 2)
        row = {"x": x, "kernels": kernels, "stride": stride, "padding": padding, "shape": list(pooled.shape)}
        made.append(row | {"sum": float(y.sum()), "squares": float((y**2).sum()), "pooled": pooled.ravel().tolist()})
    return made


def main():
    made = {
        "trees": trees(),
        "distances": distances(),
        "quantile_distances": quantile_distances(),
        "barycentres": barycentres(),
        "betti": betti(),
        "scores": scores(),
        "inference": inference(),
        "ratio": ratio(),
        "layers": layers(),
    }
    (HERE / "topology.json").write_text(json.dumps(made))


if __name__ == "__main__":
    main()
