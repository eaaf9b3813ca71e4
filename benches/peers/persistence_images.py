"""Persistence images, the baseline of the paper: H1 of Vietoris-Rips filtrations of sqrt(1 - W), their images on a grid of 20 x 20, and
k-means from 20 random starts: `python benches/peers/persistence_images.py DIR`, DIR what `neural_network_connectomes` wrote. Its purity
stands beside Top's and Adj's in that study's report. NumPy, ripser, persim, scikit-learn.
"""

import sys
from pathlib import Path

import numpy as np
from persim import PersistenceImager
from ripser import ripser
from sklearn.cluster import KMeans


def purity(labels, clusters):
    table = np.zeros((labels.max() + 1, clusters.max() + 1), int)
    np.add.at(table, (labels, clusters), 1)
    return table.max(axis=0).sum() / len(labels)


def main():
    folder = Path(sys.argv[1])
    w, labels = np.load(folder / "connectomes.npy"), np.load(folder / "labels.npy")
    distances = np.sqrt(np.clip(1 - w, 0, None))
    distances[:, range(w.shape[1]), range(w.shape[1])] = 0
    diagrams = [ripser(d, distance_matrix=True, maxdim=1)["dgms"][1] for d in distances]
    imager = PersistenceImager(birth_range=(0, 1), pers_range=(0, 1), pixel_size=0.05)
    images = np.array([imager.transform(d).ravel() for d in diagrams])
    k = labels.max() + 1
    runs = [KMeans(k, init="random", n_init=1, random_state=seed).fit_predict(images) for seed in range(20)]
    scores = np.array([purity(labels, run) for run in runs])
    print(f"persistence images: purity {scores.mean():.3f} +- {scores.std():.3f}")


if __name__ == "__main__":
    main()
