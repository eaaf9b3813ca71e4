"""Writes blocks.json, the expected values that tests/connectome reads for atlases, smoothing, activations, domains and networks, by NumPy
and SciPy in double precision.

    python -m venv VENV && VENV/bin/pip install numpy scipy && VENV/bin/python tests/goldens/make_blocks.py

What has no function there is written out entry by entry, as its definition reads.
"""

import json
from pathlib import Path

import numpy as np
from scipy import special, stats

RNG = np.random.default_rng(20260608)
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
    CASES.append({"op": op, "attributes": attributes, "inputs": [array(x, given=True) for x in inputs], "expected": array(expected)})


def atlases():
    a, x = normal(3, 11), single(normal(2, 11, 13) + 2)
    sums = np.einsum("pv,svt->spt", a, x)
    mean = sums.mean(-1, keepdims=True)
    made = [sums / a.sum(1)[:, None], sums / np.abs(a).sum(1)[:, None], stats.zscore(sums, axis=-1), 100 * (sums - mean) / mean, sums]
    for i, expected in enumerate(made):
        case("linear_parcellation", [a, x], expected, i)
    w, b, y = normal(2, 5), normal(4, 6), normal(11, 13)
    case("compartments", [w, b, y], np.concatenate([w @ y[:5], b @ y[5:]]))
    case("parcellation_by_projection", [a, y], np.linalg.lstsq(a.T, y)[0], 0)
    ridge = np.vstack([a.T, np.sqrt(0.5) * np.eye(3)])
    case("parcellation_by_projection", [a, y], np.linalg.lstsq(ridge, np.vstack([y, np.zeros((3, 13))]))[0], 0.5)
    labels = np.array([2, 0, -1, 2, 0, 0, 4, 9, 2, 4, -1])
    hard = np.stack([y[labels == p].mean(0) if (labels == p).any() else np.zeros(13) for p in range(5)])
    case("hard_parcellation", [y], hard, *labels.tolist())
    logits = normal(3, 11)
    soft = special.softmax(logits, 0)
    case("soft_parcellation", [logits, x], np.einsum("pv,svt->spt", soft, x) / soft.sum(1)[:, None])


def smoothing():
    """Directions are given as places; the weights are of great-circle distances on the sphere of 100 mm, within 60 mm, sigma 25 mm."""
    places = RNG.standard_normal((37, 3))
    places = single(100 * places / np.linalg.norm(places, axis=1, keepdims=True))
    unit = places / np.linalg.norm(places, axis=1, keepdims=True)
    distance = 100 * np.arctan2(np.linalg.norm(np.cross(unit[:, None], unit[None]), axis=-1), unit @ unit.T)
    weights = np.where(distance <= 60, np.exp(-(distance**2) / (2 * 25**2)), 0)
    weights /= weights.sum(1, keepdims=True)
    x = normal(4, 37)
    case("smoothing", [x, places.T], x @ weights.T, 25, 60)


def activations():
    x = normal(5, 9)
    case("laplace", [x], np.exp(-np.abs(x - 0.3) / 0.7), 0.3, 0.7)
    case("exponential_barrier", [x], 1.5 * np.sqrt(1 - np.exp(-np.abs(x) / 1.5**2)), 1.5)
    case("threshold", [x], np.where(x > 0.5, x, 0.1 + 0.2 * x), 0.5, 0.1, 0.2)
    s = np.cov(normal(5, 30))
    s = single((s + s.T) / 2)
    case("isochoric", [s], s * (2 / np.linalg.det(s)) ** (1 / 5), 2)
    low, high = np.linalg.eigvalsh(s)[[0, -1]]
    psi = (high - 1.5 * low) / (high - 1.5 * low + 0.5)
    held = (1 - psi) * s + psi * np.eye(5)
    assert psi > 0 and np.isclose(np.linalg.cond(held), 1.5)
    case("isochoric", [s], held * (2 / np.linalg.det(held)) ** (1 / 5), 2, 1.5)
    case("isochoric", [s], s * (2 / np.linalg.det(s)) ** (1 / 5), 2, 1000)
    z = single(0.3 * normal(4, 7, 2))
    c = z[..., 0] + 1j * z[..., 1]
    for name, f in [("tanh", np.tanh), ("atanh", np.arctanh), ("laplace", lambda r: np.exp(-r)), ("barrier", lambda r: np.sqrt(1 - np.exp(-r)))]:
        w = f(np.abs(c)) * np.exp(1j * np.angle(c))
        case(f"amplitude_{name}", [z], np.stack([w.real, w.imag], -1))


def domains():
    x = normal(4, 7)
    case("affine", [x], -2 * x + 0.5)
    case("tanh", [x], 1.5 * np.tanh(x))
    case("between", [x], -1 + 4 * special.expit(x))
    case("positive", [x], np.logaddexp(0, x))
    case("sphere", [x], x / np.linalg.norm(x, axis=1, ord=3, keepdims=True))
    case("simplex", [x], special.softmax(x / 0.5, axis=0))


def crosshairs(x, w, score):
    """Entry by entry: the row and the column through it, the entry once."""
    out = np.zeros((x.shape[0], w.shape[0], *x.shape[2:]))
    height, width = x.shape[2:]
    for i in range(height):
        for j in range(width):
            cross = np.zeros((height, width), dtype=bool)
            cross[i, :] = cross[:, j] = True
            for n in range(x.shape[0]):
                for o in range(w.shape[0]):
                    out[n, o, i, j] = sum(score(x[n, c][cross], w[o, c][cross]) for c in range(x.shape[1]))
    return out


def networks():
    x, w = normal(2, 3, 5, 6), normal(4, 3, 5, 6)
    scores = [
        np.dot,
        lambda a, b: np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)),
        lambda a, b: np.abs(a - b).sum(),
        lambda a, b: np.linalg.norm(a - b),
    ]
    for i, score in enumerate(scores):
        case("crosshair_similarity", [x, w], crosshairs(x, w, score), i)
    square, left, right = normal(2, 3, 5, 5), normal(4, 3, 5, 2), normal(4, 3, 5, 2)
    template = left @ right.swapaxes(-1, -2)
    turned = right @ left.swapaxes(-1, -2)
    case("sylo", [square, left, right], crosshairs(square, template, np.dot), 0, 0)
    case("sylo", [square, left, right], crosshairs(square, (template + turned) / 2, np.dot), 1, 0)
    off = 1 - np.eye(5)
    case("sylo", [square, left, right], crosshairs(square, off * (template - turned) / 2, np.dot) * off, 2, 1)
    mixture = normal(4, 3)
    case("recombine", [x, mixture], np.einsum("oc,nchw->nohw", mixture, x))
    rows, columns = normal(2, 5), normal(3, 6)
    made = rows @ x @ columns.T
    case("vertical_compression", [x, rows, columns], made, 0)
    case("vertical_compression", [x, rows, columns], made * x.std((-1, -2), keepdims=True) / made.std((-1, -2), keepdims=True), 1)


for family in [atlases, smoothing, activations, domains, networks]:
    family()
(Path(__file__).parent / "blocks.json").write_text(json.dumps(CASES, separators=(",", ":")) + "\n")
