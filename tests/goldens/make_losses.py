"""Writes losses.json, the expected values that tests/connectome reads, by NumPy, SciPy, scikit-learn and NetworkX in double precision.

    python -m venv VENV && VENV/bin/pip install numpy scipy scikit-learn networkx && VENV/bin/python tests/goldens/make_losses.py

Where neither has a function, the formula of hypercoil's documentation is written out as it stands there (sums over parcels, vertices and
frames, without factoring); where hypercoil departs from its documentation, the documentation is followed, and the place says so.
"""

import json
from pathlib import Path

import networkx as nx
import numpy as np
from scipy import special, stats
from scipy.sparse import csgraph
from scipy.spatial import distance
from sklearn.metrics import pairwise

RNG = np.random.default_rng(20260607)
CASES = []


def single(x):
    """To numbers that f32 holds."""
    return np.asarray(x, dtype=np.float32).astype(np.float64)


def normal(*shape):
    return single(RNG.standard_normal(shape))


def uniform(low, high, *shape):
    return single(RNG.uniform(low, high, shape))


def array(x, given=False):
    x = np.asarray(x, dtype=np.float64)
    assert np.isfinite(x).all()
    data = [float(str(v)) for v in x.ravel().astype(np.float32)] if given else x.ravel().tolist()
    return {"shape": list(x.shape), "data": data}


def case(op, inputs, expected, *attributes):
    CASES.append({"op": op, "attributes": attributes, "inputs": [array(x, given=True) for x in inputs], "expected": array(expected)})


def softmax(x, axis):
    return special.softmax(x, axis=axis)


def scalarisations():
    x = uniform(0.1, 3, 5, 9)
    w = uniform(0.1, 1, 9)
    case("mean_square", [x], np.mean(x**2))
    for p in [1, 2, 3.5]:
        case("norm_then_mean", [x], np.mean(np.linalg.norm(x, ord=p, axis=-1)), p)
    case("norm_of_all", [x], np.linalg.norm(x.ravel(), ord=3), 3)
    case("norm_max_then_sum", [x], np.sum(np.linalg.norm(x, ord=np.inf, axis=0)))
    case("max", [x], np.max(x))
    case("weighted_mean", [x, w], np.mean(np.average(x, axis=1, weights=w)))
    case("self_weighted_mean", [x], np.average(x, weights=x))
    case("soft_maximum", [x], np.average(x, weights=softmax(x / 0.5, None)), 0.5)
    # hypercoil's softmax_invert averages -x; the score itself is meant.
    case("soft_minimum", [x], np.average(x, weights=softmax(-x / 0.5, None)), 0.5)


def deviations():
    a, b = normal(4, 11), normal(4, 11)
    case("constraint_violation", [a, b], np.maximum(0, np.maximum(a, b)))
    case("hinge", [a, np.sign(b)], np.maximum(0, 1 - a * np.sign(b)))
    for order in [1, 2, 3]:
        case("difference", [a], np.diff(a, n=order, axis=-1), order, -1)
        case("difference", [a], np.diff(a, n=order, axis=0), order, 0)
    case("bimodal", [a], np.abs(np.abs(a - 0.5) - 0.5), 0, 1)
    case("bimodal", [a], np.minimum(np.abs(a + 1), np.abs(a - 2)), 2, -1)


def probabilities():
    a, b = normal(6, 11), normal(6, 11)
    p, q = single(softmax(a, 0)), single(softmax(b, 0))
    hard = np.eye(6)[:, [0, 3, 5]]
    case("entropy", [p], -special.xlogy(p, p).sum(0), 0)
    case("entropy", [hard], np.zeros(3), 0)
    case("entropy_of_logits", [a], stats.entropy(softmax(a / 0.3, 0), axis=0), 0, 0.3)
    case("kl_divergence", [p, q], special.rel_entr(p, q).sum(0), 0)
    case("kl_divergence", [hard, q[:, :3]], special.rel_entr(hard, q[:, :3]).sum(0), 0)
    case("kl_divergence_of_logits", [a, b], stats.entropy(softmax(a, 1), softmax(b, 1), axis=1), 1)
    # Within 1 % of each other: what cancels must not cost the digits of the rest.
    for s, t in [(p, q), (p, single(p + 0.01 * (q - p))), (hard, q[:, :3])]:
        case("js_divergence", [s, t], (special.rel_entr(s, (s + t) / 2) + special.rel_entr(t, (s + t) / 2)).sum(0) / 2, 0)
    case("bregman_square", [a, b], ((b - a) ** 2).sum(1))
    case("bregman_entropy", [p.T, q.T], (special.rel_entr(q, p) - q + p).sum(0))


def parcels():
    logits, offset = normal(5, 23), single(10 * RNG.standard_normal((1, 17)))
    a = softmax(logits, 0)
    case("equilibrium", [logits], np.abs(a.mean(1) - a.mean()))
    for x in [normal(23, 17), single(normal(23, 17) + offset)]:
        mu = (a @ x) / a.sum(1, keepdims=True)
        moment = np.einsum("pv,pvt->pt", a, (x[None] - mu[:, None]) ** 2)
        mass = a.sum(1, keepdims=True)
        centres = normal(5, 17)
        about = np.einsum("pv,pvt->pt", a, (x[None] - centres[:, None]) ** 2)
        case("second_moment_about", [logits, x, centres], about / mass)
        case("second_moment", [logits, x], moment / mass, 0)
        case("second_moment", [logits, x], moment, 1)
        case("mean_second_moment", [logits, x], (moment / mass).mean(1), 0)
        case("mean_second_moment", [logits, x], moment.mean(1), 1)


def on_sphere(n, radius=100):
    x = RNG.standard_normal((n, 3))
    return single(radius * x / np.linalg.norm(x, axis=1, keepdims=True))


def arcs(x, y, radius=100.0):
    """Great circles as the angle between directions, by its tangent."""
    x, y = x[:, None], y[None]
    return radius * np.arctan2(np.linalg.norm(np.cross(x, y), axis=-1), (x * y).sum(-1))


def centres(w, c, radius=100.0):
    m = (w @ c) / w.sum(1, keepdims=True)
    return radius * m / np.linalg.norm(m, axis=1, keepdims=True) if radius else m


def places():
    w, c = uniform(0, 1, 5, 31) ** 8, on_sphere(31)
    w = single(w)
    case("centres_of_mass", [w, c], centres(w, c, None))
    case("centres_on_sphere", [w, c], centres(w, c))
    case("great_circle_distances", [c[:7], c], arcs(c[:7], c) * (1 - np.eye(7, 31)))
    # Haversines are another road to the same: latitude and longitude, by scikit-learn.
    angles = np.stack([np.arcsin(c[:, 2] / np.linalg.norm(c, axis=1)), np.arctan2(c[:, 1], c[:, 0])], 1)
    case("great_circle_distances", [c[:7], c[7:]], 100 * pairwise.haversine_distances(angles[:7], angles[7:]))
    near = on_sphere(6)
    shifted = single(near + 0.01 * RNG.standard_normal((6, 3)))
    shifted = single(100 * shifted / np.linalg.norm(shifted, axis=1, keepdims=True))
    case("great_circle_of_pairs", [near, shifted], np.diag(arcs(near, shifted)))
    case("compactness_sphere", [w, c], (w * np.maximum(arcs(centres(w, c), c), 0)).mean(1), 0)
    case("compactness_sphere", [w, c], (w * np.maximum(arcs(centres(w, c), c) - 20, 0)).mean(1), 20)
    case("compactness", [w, c], (w * distance.cdist(centres(w, c, None), c)).mean(1))
    ref = on_sphere(5)
    case("reference_tether", [w, c, ref], np.diag(arcs(centres(w, c), ref)))
    right, d = single(uniform(0, 1, 5, 29) ** 8), on_sphere(29)
    mirrored = centres(w, c) * [-1, 1, 1]
    case("interhemispheric_tether", [w, c, right, d], np.diag(arcs(centres(right, d), mirrored)))
    x = normal(7, 4)
    case("dispersion", [x], -distance.pdist(x, "sqeuclidean"))


def similarities():
    x, y = normal(7, 5), normal(9, 5)
    case("linear_kernel", [x, y], pairwise.linear_kernel(x, y))
    case("polynomial_kernel", [x, y], pairwise.polynomial_kernel(x, y, degree=3, coef0=1), 3, 1)
    case("sigmoid_kernel", [x, y], pairwise.sigmoid_kernel(x, y, coef0=0.5), 0.5)
    case("rbf_kernel", [x, y], pairwise.rbf_kernel(x, y))
    case("cosine_kernel", [x, y], pairwise.cosine_similarity(x, y))
    case("squared_distances", [x, y], distance.cdist(x, y, "sqeuclidean"))
    far = single(y + 1000)
    case("squared_distances", [single(x + 1000), far], distance.cdist(single(x + 1000), far, "sqeuclidean"))


def graphs():
    a = uniform(0, 1, 9, 9)
    a = single((a + a.T) * (uniform(0, 1, 9, 9) < 0.7))
    a = np.maximum(a, a.T)
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 0, 1])
    hard = np.eye(3)[labels]
    sets = [set(np.flatnonzero(labels == c)) for c in range(3)]
    # NetworkX counts a loop twice in its node's degree, a matrix once: graphs without loops mean the same to both.
    loopless = a * (1 - np.eye(9))
    for gamma in [1, 2.5]:
        case("modularity", [loopless, hard], nx.community.modularity(nx.from_numpy_array(loopless), sets, resolution=gamma), gamma)
    directed = single(uniform(0, 1, 9, 9) * (1 - np.eye(9)))
    graph = nx.from_numpy_array(directed, create_using=nx.DiGraph)
    case("modularity", [directed, hard], nx.community.modularity(graph, sets), 1)
    soft = single(softmax(normal(9, 3), 1))
    b = a - 1.5 * np.outer(a.sum(1), a.sum(0)) / a.sum()
    case("modularity", [a, soft], np.sum(b * (soft @ soft.T)) / a.sum(), 1.5)
    case("modularity_matrix", [loopless], nx.modularity_matrix(nx.from_numpy_array(loopless), weight="weight"), 1, 0)
    case("modularity_matrix", [a], b / a.sum(), 1.5, 1)
    lonely = loopless.copy()
    lonely[4] = lonely[:, 4] = 0
    for graph in [loopless, lonely]:
        case("laplacian", [graph], csgraph.laplacian(graph), 0)
        case("laplacian", [graph], csgraph.laplacian(graph, normed=True), 1)
    case("laplacian", [a], csgraph.laplacian(loopless), 0)
    q = normal(9, 3)
    case("connectopy", [a, q], np.einsum("ij,ijd->d", a, (q[:, None] - q[None]) ** 2))
    x = normal(9, 30)
    r = np.corrcoef(x) - 2 * np.eye(9)
    order = np.argsort(-r, axis=1)[:, :3]
    top = np.take_along_axis(r, order, 1)
    case("sparse_correlation", [x], top, 3)
    sparse = np.zeros((9, 9))
    np.put_along_axis(sparse, order, top, 1)
    case("sparse_product", [x, q], sparse @ q, 3)


def subjects():
    fc, qc = normal(12, 15), uniform(0.05, 0.5, 12)
    r = np.array([stats.pearsonr(edge, qc)[0] for edge in fc.T])
    lengths = uniform(10, 150, 15)
    case("batch_correlation", [fc, qc], r)
    t = stats.t.ppf(1 - 0.05, 10)
    tolerance = np.sqrt(t**2 / (10 + t**2))
    case("qc_fc", [fc, qc], np.maximum(np.abs(r) - tolerance, 0), 0.1)
    case("distance_dependence", [single(r), lengths], stats.pearsonr(single(r), lengths)[0])
    x = normal(4, 20)
    for psi in [0, 0.1]:
        gram = np.corrcoef(x) + psi * np.eye(4)
        case("gram_log_determinant", [x], -np.linalg.slogdet(gram)[1], psi)
        case("gram_determinant", [x], -np.linalg.det(gram), psi)
    x = single(normal(4, 50) + 5)
    precision = np.linalg.inv(np.cov(x, ddof=0))
    centred = x - x.mean(1, keepdims=True)
    mahalanobis = np.einsum("it,ij,jt->t", centred, single(precision), centred)
    case("multivariate_kurtosis", [x, precision], -np.mean(mahalanobis**2) / 24)
    exact = np.einsum("it,ij,jt->t", centred, precision, centred)
    case("kurtosis_of_series", [x], -np.mean(exact**2))


def criticals():
    out = []
    for n in [3, 4, 10, 100, 393]:
        for significance in [0.1, 0.05, 0.001]:
            t2 = stats.t.ppf(1 - significance / 2, n - 2) ** 2
            out.append([n, significance, np.sqrt(t2 / (n - 2 + t2))])
    return out


for family in [scalarisations, deviations, probabilities, parcels, places, similarities, graphs, subjects]:
    family()
out = {"cases": CASES, "critical_correlation": criticals()}
(Path(__file__).parent / "losses.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
