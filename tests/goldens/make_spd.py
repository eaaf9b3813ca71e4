"""Writes the expected values that tests/spd.rs reads, by SciPy, pyRiemann, scikit-learn and nilearn in double precision.

    python -m venv VENV && VENV/bin/pip install numpy scipy scikit-learn nilearn pyriemann && VENV/bin/python tests/goldens/make_spd.py

Nothing of the crate runs here. Inputs are numbers that f32 holds exactly, so that every device starts from the same ones.
"""

import json
from pathlib import Path

import numpy as np
from nilearn.connectome import ConnectivityMeasure
from pyriemann.geometry import base, mean
from scipy import linalg
from sklearn.covariance import OAS, LedoitWolf, ledoit_wolf, oas

HERE = Path(__file__).parent
RNG = np.random.default_rng(20261122)


def single(x):
    """To numbers that f32 holds."""
    return np.asarray(x, dtype=np.float32).astype(np.float64)


def array(x, given=False):
    """As JSON holds it: what is given is written as short as f32 allows."""
    x = np.asarray(x, dtype=np.float64)
    assert np.isfinite(x).all()
    data = [float(str(v)) for v in x.ravel().astype(np.float32)] if given else [float(f"{v:.14g}") for v in x.ravel()]
    return {"shape": list(x.shape), "data": data}


def case(op, inputs, expected, attributes=()):
    return {"op": op, "attributes": list(attributes), "inputs": [array(x, given=True) for x in inputs], "expected": array(expected)}


def write(name, cases):
    (HERE / f"{name}.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")


# --- matrices --------------------------------------------------------------------------------------------------------------------


def spread(n, condition):
    """A matrix whose eigenvalues are spread evenly by their logarithms."""
    q, _ = np.linalg.qr(RNG.standard_normal((n, n)))
    a = single((q * np.geomspace(1, 1 / condition, n)) @ q.T)
    return np.maximum(a, a.T)


def functions():
    cases = []
    for n in [1, 5, 17, 65]:
        a = spread(n, 1e3)
        b = single(RNG.standard_normal((n, 3)))
        cases.append(case("log", [a], linalg.logm(a)))
        if n > 17:
            continue
        cases += [
            case("eigenvalues", [a], linalg.eigvalsh(a)),
            case("exp", [a], linalg.expm(a)),
            case("sqrt", [a], linalg.sqrtm(a)),
            case("inverse_sqrt", [a], base.invsqrtm(a)),
            case("power", [a], base.powm(a, 0.3), [0.3]),
            case("cholesky", [a], linalg.cholesky(a, lower=True)),
            case("inverse", [a], linalg.inv(a)),
            case("solve", [a, b], linalg.solve(a, b, assume_a="pos")),
            case("log_determinant", [a], np.linalg.slogdet(a)[1]),
        ]
    return cases


def means():
    cases = []
    for count, n in [(1, 3), (4, 7), (6, 12)]:
        x = np.stack([spread(n, 30) for _ in range(count)])
        reference = spread(n, 30)
        whitening = base.invsqrtm(reference)
        root = linalg.sqrtm(reference)
        tangent = single(np.stack([linalg.logm(whitening @ a @ whitening) for a in x]))
        tangent = np.triu(tangent) + np.swapaxes(np.triu(tangent, 1), -1, -2)
        cases += [
            case("mean_euclidean", [x], mean.mean_euclid(x)),
            case("mean_harmonic", [x], mean.mean_harmonic(x)),
            case("mean_log_euclidean", [x], mean.mean_logeuclid(x)),
            case("mean_geometric", [x], mean.mean_riemann(x, tol=1e-12, maxiter=200)),
            case("tangent", [x, reference], np.stack([linalg.logm(whitening @ a @ whitening) for a in x])),
            case("cone", [tangent, reference], np.stack([root @ linalg.expm(t) @ root for t in tangent])),
        ]
    return cases


# --- covariances -----------------------------------------------------------------------------------------------------------------


def normalised(a):
    scale = 1 / np.sqrt(np.diag(a))
    return a * scale[:, None] * scale[None, :]


def partial(covariance):
    r = -normalised(np.linalg.inv(covariance))
    np.fill_diagonal(r, 1)
    return r


def series(n, time, condition=None):
    """Series about 100; their covariance of such a condition where one is given."""
    x = RNG.standard_normal((n, time))
    if condition is not None:
        # Of unit covariance in the sample, so that the condition is what was asked for.
        x = linalg.qr((x - x.mean(1, keepdims=True)).T, mode="economic")[0].T * np.sqrt(time)
        x = linalg.sqrtm(spread(n, condition)) @ x
    return single(100 + 3 * x)


def residuals(x, y, w):
    """What a weighted regression on y and an intercept leaves of x."""
    design = np.vstack([y, np.ones(y.shape[1])]).T
    root = np.sqrt(w)[:, None]
    beta, *_ = np.linalg.lstsq(design * root, x.T * root, rcond=None)
    return (x.T - design @ beta).T


def covariances():
    cases = []
    for n, time in [(1, 9), (5, 33), (12, 120), (20, 15)]:
        x = series(n, time)
        cases += [
            case("shrunk", [x], LedoitWolf().fit(x.T).covariance_, [2]),
            case("shrunk", [x], OAS().fit(x.T).covariance_, [3]),
            case("intensity", [x], ledoit_wolf(x.T)[1], [2]),
            # Of one variable scikit-learn says 0, and the result is the same whatever it is.
            *([case("intensity", [x], oas(x.T)[1], [3])] if n > 1 else []),
            case("shrunk", [x], np.atleast_2d(np.cov(x)) + 0.5 * np.eye(n), [1, 0.5]),
        ]
    # Two constant series: what the others get is as if they were not there.
    x = series(5, 33)
    flat = np.insert(x, [1, 4], 7.0, axis=0)
    kept = np.ix_([0, 2, 3, 4, 6], [0, 2, 3, 4, 6])
    for attribute, estimator in [(2, LedoitWolf()), (3, OAS())]:
        expected = np.zeros((7, 7))
        expected[kept] = estimator.fit(x.T).covariance_
        cases.append(case("shrunk", [flat], expected, [attribute]))
    expected = np.zeros((7, 7))
    expected[kept] = partial(np.cov(x))
    cases.append(case("partial_correlation", [flat], expected))

    x, y = series(4, 41), series(3, 41)
    w = single(RNG.uniform(0.25, 1, 41))
    both = np.vstack([x, y])
    for weights, given in [(None, []), (w, [w])]:
        cov = np.cov(both, aweights=weights)
        ones = np.ones(41) if weights is None else weights
        left = np.cov(residuals(x, y, ones), aweights=weights)
        cases += [
            case("paired_covariance", [x, y, *given], cov[:4, 4:]),
            case("paired_correlation", [x, y, *given], normalised(cov)[:4, 4:]),
            case("conditional_covariance", [x, y, *given], left),
            case("conditional_correlation", [x, y, *given], normalised(left)),
        ]
    x = series(3, 50)
    taper = single(np.hamming(13))
    starts = range(0, 50 - 13 + 1, 5)
    cases.append(case("windowed_correlation", [x, taper], [normalised(np.cov(x[:, s : s + 13], aweights=taper)) for s in starts], [13, 5]))
    centred = x - x.mean(1, keepdims=True)
    lagged = [centred[:, : 50 - k] @ centred[:, k:].T / (50 - k - 1) for k in range(4)]
    weights = single(RNG.standard_normal(4))
    cases.append(case("lagged_covariance", [x], lagged[3], [3]))
    cases.append(case("toeplitz_covariance", [x, weights], np.tensordot(weights, lagged, 1)))
    return cases


def partials(condition):
    cases = []
    for n in [7, 33, 65]:
        x = series(n, 3 * n, condition)
        cases.append(case("partial_correlation", [x], partial(np.cov(x))))
    x = series(9, 40, condition)
    cases.append(case("precision", [x], np.linalg.inv(np.cov(x))))
    return cases


def nilearn_defaults():
    """Subjects [subjects, regions, time]; nilearn takes [time, regions] of each."""
    cases = []
    for subjects, n, time in [(2, 3, 20), (5, 7, 60), (4, 12, 40)]:
        common = RNG.standard_normal((n, n)) / np.sqrt(n) + np.eye(n)
        x = single(50 + np.stack([(common + 0.3 * RNG.standard_normal((n, n))) @ RNG.standard_normal((n, time)) for _ in range(subjects)]))
        rows = [s.T for s in x]
        cases.append(case("tangent_connectivity", [x], ConnectivityMeasure(kind="tangent").fit_transform(rows)))
    return cases


if __name__ == "__main__":
    write("matrix_functions", functions())
    write("matrix_means", means())
    write("covariances", covariances())
    write("partials_1e3", partials(1e3))
    write("partials_1e4", partials(1e4))
    write("tangent", nilearn_defaults())
