"""The demo's data, read from `examples/data`: what `tapetum::connectome` computes of it, in NumPy."""

from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parents[2] / "examples" / "data"
PARCELS = 200


def unit_rows(x):
    x = x - x.mean(1, keepdims=True)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


class Cortex:
    def __init__(self):
        load = lambda name: np.load(DATA / f"fsa4_lh_{name}.npy")
        series = load("bold_f16").astype(np.float64)
        usable = np.where((load("valid_mask") != 0) & (series.std(1) > 0))[0]
        self.vertices = len(usable)
        self.directions = unit(load("sphere_xyz").astype(np.float64)[usable])
        half = series.shape[1] // 2
        self.seen, self.unseen = unit_rows(series[usable, :half]), unit_rows(series[usable, half:])
        place = -np.ones(len(series), int)
        place[usable] = np.arange(self.vertices)
        corners = place[load("faces").astype(int)]
        edges = np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
        self.edges = np.unique(np.sort(edges[(edges >= 0).all(1)], 1), axis=0)

    def neighbours(self):
        """`[vertices, degree]`, rows filled up with the vertex itself."""
        found = [[] for _ in range(self.vertices)]
        for a, b in self.edges:
            found[a].append(b)
            found[b].append(a)
        degree = max(map(len, found))
        return np.array([(near + [v] * degree)[:degree] for v, near in enumerate(found)])

    def centres(self, rounds=10):
        """k-means on the sphere from farthest points."""
        nearest, pick, chosen = np.full(self.vertices, np.inf), 0, []
        for _ in range(PARCELS):
            chosen.append(self.directions[pick])
            nearest = np.minimum(nearest, ((self.directions - chosen[-1]) ** 2).sum(1))
            pick = nearest.argmax()
        centres = np.array(chosen)
        for _ in range(rounds):
            labels = (self.directions @ centres.T).argmax(1)
            centres = unit(np.stack([self.directions[labels == p].sum(0) for p in range(PARCELS)]))
        return centres

    def features(self, compactness=2.0):
        return np.hstack([self.seen, np.sqrt(compactness) * self.directions])


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def homogeneity(labels, z):
    """Mean Pearson correlation over distinct pairs within parcels, parcels weighted by size."""
    total = 0.0
    for p in np.unique(labels):
        members = z[labels == p]
        n = len(members)
        if n > 1:
            total += ((members.sum(0) ** 2).sum() - n) / (n - 1)
    return total / len(labels)
