"""Top clustering as its authors run it, into top.json: `python make_top.py FILE`, FILE their `top_clustering.py` (github.com/topolearn/
topo-clustering, MIT), which is no part of this repository. NumPy, SciPy, scikit-learn, Matplotlib.

Graphs are a formula that both sides share (`modular` here and in tests/topology): exact in f32. First centres are those that the
authors' code draws from the seed.
"""

import contextlib
import importlib.util
import io
import json
import random
import sys
from pathlib import Path

import numpy as np
from make_topology import weights

HERE = Path(__file__).parent
NODES, EACH, MODULES = 20, 6, (2, 4, 8)


def modular(modules, seed):
    """Noise, and as much again within modules; of so few bits that sums are exact."""
    i = np.arange(NODES) * modules // NODES
    w = 0.5 * weights(NODES, seed, 1 << 16) + 0.5 * (i[:, None] == i[None, :])
    np.fill_diagonal(w, 0)
    return w.astype(np.float64)


def clustered(TopClustering, graphs, weight, rate, seed):
    random.seed(seed)
    initial = random.sample(range(len(graphs)), len(MODULES))
    random.seed(seed)
    model = TopClustering(len(MODULES), weight, 300, 300, rate)
    with contextlib.redirect_stdout(io.StringIO()):
        clusters = model.fit_predict([g.copy() for g in graphs])
    vectors = np.array([model._vectorize_geo_top_info(g.copy()) for g in graphs])
    objective = model._compute_top_dist(vectors, model.centroids[clusters]).sum()
    found = {"weight": weight, "rate": rate, "initial": initial, "clusters": clusters.tolist(), "objective": float(objective)}
    return found


def main():
    spec = importlib.util.spec_from_file_location("top_clustering", sys.argv[1])
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    graphs = [modular(modules, seed) for modules in MODULES for seed in range(EACH * modules, EACH * modules + EACH)]
    settings = [(weight, rate, seed) for weight, rate in ((0.999, 0.05), (0.999, 0.01), (0.5, 0.05)) for seed in (0, 1)]
    runs = [clustered(theirs.TopClustering, graphs, *setting) for setting in settings]
    made = {"nodes": NODES, "each": EACH, "modules": MODULES, "steps": 300, "runs": runs}
    (HERE / "top.json").write_text(json.dumps(made))


if __name__ == "__main__":
    main()
