"""Births, deaths, distances and clusters, held to SciPy's trees, sorted lists and scikit-learn's k-means."""

import numpy as np
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree
from sklearn.cluster import KMeans
from tapetum import topology


def graphs(count=6, nodes=9, seed=0):
    draw = np.random.default_rng(seed)
    upper = np.triu(draw.uniform(0.1, 1, size=(count, nodes, nodes)), 1).astype(np.float32)
    return upper + upper.transpose(0, 2, 1)


def expected_lists(graph):
    """The weights on the maximum spanning tree, and the others."""
    tree = -minimum_spanning_tree(-graph.astype(np.float64)).data
    births = np.sort(tree)
    rest = np.sort(graph[np.triu_indices(len(graph), 1)]).tolist()
    for birth in births:
        rest.remove(min(rest, key=lambda w: abs(w - birth)))
    return births, np.array(rest)


def test_births_are_the_maximum_spanning_tree():
    found = topology.births_deaths(graphs())
    for births, deaths, graph in zip(*found, graphs()):
        expected = expected_lists(graph)
        np.testing.assert_allclose(births, expected[0], rtol=1e-6)
        np.testing.assert_allclose(deaths, expected[1], rtol=1e-6)
    one = topology.births_deaths(graphs()[0])
    np.testing.assert_array_equal(one.births, found.births[0])


def test_correlations_of_numpy_are_symmetric_but_for_rounding():
    draw = np.random.default_rng(0)
    for weights in (np.corrcoef(draw.normal(size=(40, 60))), np.corrcoef(draw.normal(size=(40, 60)), dtype=np.float32)):
        births, _ = topology.births_deaths(weights)
        np.testing.assert_allclose(births, expected_lists((weights + weights.T) / 2)[0], rtol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_distances_are_of_sorted_lists(order):
    births, deaths = topology.births_deaths(graphs())
    a, b = graphs()[:2]
    by_births, by_deaths = (float((np.abs(x[0] - x[1]).astype(float) ** order).sum()) for x in (births, deaths))
    assert topology.distance(a, b, dimension="components", order=order) == pytest.approx(by_births, rel=1e-5)
    assert topology.distance(a, b, dimension="cycles", order=order) == pytest.approx(by_deaths, rel=1e-5)
    both = topology.distance(a, b, order=order)
    assert both == pytest.approx(by_births + by_deaths, rel=1e-5)
    assert topology.distance(a, b, order=order, root=True) == pytest.approx(both ** (1 / order))
    matrix = topology.distance(graphs(), order=order)
    assert matrix.shape == (6, 6)
    assert np.diag(matrix).max() == 0
    assert matrix[0, 1] == pytest.approx(both)
    assert topology.distance(graphs(), a, order=order).shape == (6,)
    assert topology.distance(graphs(), graphs(2, 5), order=order).shape == (6, 2)


def test_clusters_by_topology_are_k_means_of_lists():
    weights = np.concatenate([graphs(5), 0.3 * graphs(5, seed=1)])
    found = topology.cluster(weights, 2, initial=[0, 5])
    lists = np.hstack(topology.births_deaths(weights))
    expected = KMeans(2, init=lists[[0, 5]], n_init=1).fit(lists)
    np.testing.assert_array_equal(found.labels, expected.labels_)
    assert found.converged
    assert found.inertia == pytest.approx(expected.inertia_, rel=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: topology.births_deaths(np.zeros((3, 4))), r"\[n, n\]"),
        (lambda: topology.births_deaths(np.arange(9.0).reshape(3, 3)), "symmetric"),
        (lambda: topology.births_deaths(np.full((3, 3), np.nan)), "finite"),
        (lambda: topology.distance(graphs(), dimension="loops"), "dimension"),
        (lambda: topology.distance(graphs(), order=0.5), "order"),
        (lambda: topology.cluster(graphs(), 7), "7 clusters"),
        (lambda: topology.cluster(graphs(), 2, topology=2), "topological weight"),
        (lambda: topology.cluster(graphs(), 2, initial=[0, 9]), "first centres"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
