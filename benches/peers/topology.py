"""Births and deaths the authors' way (topo-clustering: SciPy's minimum spanning tree of the negated weights, a dense difference, sorts) and
Top in full: `python benches/peers/topology.py`, beside `cargo bench --bench topology`. NumPy, SciPy.
"""

import time

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import minimum_spanning_tree


def graphs(count, n, rng):
    """|correlations| of a factor model."""
    loadings = rng.normal(size=(count, n, 5))
    r = loadings @ loadings.transpose(0, 2, 1)
    scale = np.sqrt(np.einsum("gii->gi", r) + 5)
    return np.abs(r / scale[:, :, None] / scale[:, None, :])


def decompose(w):
    upper = np.triu(w, 1)
    tree = -minimum_spanning_tree(csr_matrix(-upper)).toarray()
    rest = upper - tree
    return np.sort(tree[np.nonzero(tree)]), np.sort(rest[np.nonzero(rest)])


def milliseconds(f, runs=5):
    def once():
        start = time.perf_counter()
        f()
        return (time.perf_counter() - start) * 1e3

    return min(once() for _ in range(runs))


def main():
    rng = np.random.default_rng(0)
    for n in (192, 384, 1000, 2000):
        w = graphs(1, n, rng)[0]
        runs = 5 if n < 1000 else 2
        print(f"births and deaths, n = {n}: {milliseconds(lambda: decompose(w), runs):.2f} ms")


if __name__ == "__main__":
    main()
