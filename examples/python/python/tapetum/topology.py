"""Graphs by the births of their components and the deaths of their cycles (Songdechakraiwut and Chung 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _tapetum


class BirthsDeaths(NamedTuple):
    """The births and the deaths of a graph, or a row for each of several; both ascend."""

    births: NDArray[np.float32]
    deaths: NDArray[np.float32]


class Clusters(NamedTuple):
    """The cluster of each graph, the sum of squared distances to the centres, and whether the last round changed nothing."""

    labels: NDArray[np.int32]
    inertia: float
    converged: bool


def births_deaths(weights: ArrayLike, device: Any = None) -> BirthsDeaths:
    """The births and deaths of graphs, symmetric weights ``[nodes, nodes]`` or ``[graphs, nodes, nodes]``."""
    return BirthsDeaths(*_tapetum.births_deaths(weights, device))


def distance(
    a: ArrayLike,
    b: ArrayLike | None = None,
    *,
    dimension: Literal["components", "cycles", "both"] = "both",
    order: float = 2,
    root: bool = False,
    device: Any = None,
) -> NDArray[np.float64] | float:
    """The distance between graphs: the sum of ``|x - y| ** order`` over sorted births, deaths or both, or its root.

    ``a`` and ``b`` are weights of one graph or several; the result has an axis for each that has several. Without ``b`` the graphs of
    ``a`` are compared with one another. Graphs of different size are compared by their lists filled up.
    """
    found = _tapetum.distance(a, b, dimension, order, root, device)
    return float(found) if found.ndim == 0 else found


def cluster(
    weights: ArrayLike,
    clusters: int,
    *,
    topology: float = 1,
    seed: int = 0,
    rounds: int = 300,
    initial: Sequence[int] = (),
    device: Any = None,
) -> Clusters:
    """Clusters graphs ``[graphs, nodes, nodes]`` by topology (weight ``topology``, 1 for nothing else) and by weights of edges.

    ``initial`` are the graphs that are the first centres; without them they are drawn with the seed.
    """
    return Clusters(*_tapetum.cluster(weights, clusters, topology, seed, rounds, list(initial), device))
