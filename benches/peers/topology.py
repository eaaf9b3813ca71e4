"""Births and deaths the authors' way (topo-clustering: SciPy's minimum spanning tree of the negated weights, a dense difference, sorts), and
the distance between two graphs: `python benches/peers/topology.py [FILE]`, beside `cargo bench --bench topology`. FILE is their
`top_clustering.py` (github.com/topolearn/topo-clustering, MIT), whose own path is timed then (scikit-learn, Matplotlib). NumPy, SciPy.
"""

import importlib.util
import sys
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


def features(w):
    return np.concatenate(decompose(w))


def authors(path):
    """Births and deaths of a graph by the authors' class."""
    spec = importlib.util.spec_from_file_location("top_clustering", path)
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    model = theirs.TopClustering(2, 1, 300, 300, 0.05)
    return lambda w: np.concatenate(model._compute_birth_death_sets(w.copy()))


def milliseconds(f, runs=5):
    def once():
        start = time.perf_counter()
        f()
        return (time.perf_counter() - start) * 1e3

    return min(once() for _ in range(runs))


def main():
    rng = np.random.default_rng(0)
    lists = authors(sys.argv[1]) if len(sys.argv) > 1 else features
    for n in (192, 384, 1000, 2000):
        a, b = graphs(2, n, rng)
        runs = 5 if n < 1000 else 2
        print(f"births and deaths, n = {n}: {milliseconds(lambda: lists(a), runs):.2f} ms")
        print(f"distance, n = {n}: {milliseconds(lambda: ((lists(a) - lists(b)) ** 2).sum(), runs):.2f} ms")


if __name__ == "__main__":
    main()
