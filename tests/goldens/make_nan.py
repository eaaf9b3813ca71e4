"""Writes nan.json, what becomes of NaN and of infinities, which tests/ops/nan.rs holds every device to: by NumPy in double precision.

    python -m venv VENV && VENV/bin/pip install numpy && VENV/bin/python tests/goldens/make_nan.py

Nothing of the crate runs here. Each function is NumPy's, or written below by the rule that NumPy and PyTorch share: arithmetic, extremes,
`clip` and `where` as they are; comparisons of NaN are false; sorted last; argmax finds the first. The sign of NaN is NumPy's and the array standard's, NaN: PyTorch gives 0, which its
issues 41245 and 187295 call an error. Gradients are PyTorch's, by its
`derivatives.yaml`: of `maximum` both operands where either is NaN, of `relu` the cotangent, of `clamp` 0, of `amax` NaN.
"""

import json
import math
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
NAN, INF = np.nan, np.inf
np.seterr(all="ignore")
CASES = []


def array(x):
    """As JSON holds it: what is no number as a word."""
    x = np.asarray(x, dtype=np.float64)
    word = lambda v: float(f"{v:.10g}") if math.isfinite(v) else ("-" if math.copysign(1, v) < 0 else "") + ("nan" if math.isnan(v) else "inf")
    return {"shape": list(x.shape), "data": [word(v) for v in x.ravel().tolist()]}


def case(op, inputs, expected, attributes=(), gradients=None):
    """What `op` makes of `inputs`, each of what it makes; and the gradients of the sum of its first result."""
    out = {"op": op, "attributes": list(attributes), "inputs": [array(x) for x in inputs], "expected": [array(y) for y in expected]}
    if gradients is not None:
        out["gradients"] = [array(g) for g in gradients]
    CASES.append(out)


erf = np.vectorize(math.erf)


def x_log_x(a):
    return np.where(a <= 0, 0.0, a * np.log(a))


def angle_of_chord(a):
    return 2 * np.arcsin(np.minimum(0.5 * np.sqrt(np.maximum(a, 0)), 1))


def pointwise():
    """Every row of the table; 16 elements are taken four at a time, 13 one by one."""
    sixteen = np.array([NAN, -INF, -2.5, -1, -0.75, 0, 0.25, NAN, 0.75, 1, 2.5, 3.5, INF, 2, NAN, NAN])
    unary = {
        "neg": np.negative, "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "x_log_x": x_log_x, "sqrt": np.sqrt,
        "square": np.square, "reciprocal": np.reciprocal, "abs": np.abs, "sign": np.sign, "floor": np.floor, "sin": np.sin,
        "cos": np.cos, "angle_of_chord": angle_of_chord, "tanh": np.tanh, "atanh": np.arctanh, "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "softplus": lambda a: np.logaddexp(0, a), "erf": erf, "gelu": lambda a: 0.5 * a * (1 + erf(a / math.sqrt(2))),
        "relu": lambda a: np.maximum(a, 0), "cast": lambda a: a,
    }
    for n in [16, 13]:
        x = sixteen[:n]
        for op, f in unary.items():
            case(op, [x], [f(x)])
        for op, p, f in [
            ("powf", [2.5], lambda a: np.power(a, 2.5)), ("powf", [3], lambda a: np.power(a, 3.0)), ("powf", [-2], lambda a: np.power(a, -2.0)),
            ("powf", [0], lambda a: np.power(a, 0.0)), ("scale", [-1.5], lambda a: -1.5 * a), ("offset", [0.5], lambda a: a + 0.5),
            ("leaky_relu", [0.25], lambda a: np.where(a > 0, a, 0.25 * a)), ("elu", [1.5], lambda a: np.where(a > 0, a, 1.5 * np.expm1(a))),
            ("clamp", [-1, 0.5], lambda a: np.clip(a, -1, 0.5)),
        ]:
            case(op, [x], [f(x)], p)
    binary = {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "maximum": np.maximum, "minimum": np.minimum,
        "atan2": np.arctan2, "power": np.power, "greater": np.greater, "greater_equal": np.greater_equal, "less": np.less,
        "less_equal": np.less_equal, "equal": np.equal, "not_equal": np.not_equal,
    }
    twelve = np.array([NAN, -INF, -2.5, -1, 0, NAN, 0.75, 1, 2, 3, INF, NAN])
    for n in [12, 11]:
        for op, f in binary.items():
            case(op, [twelve[:n, None], twelve[:n]], [f(twelve[:n, None], twelve[:n])])
    for n in [4, 5]:
        a, b, c = np.meshgrid(*[np.array([NAN, 0, -1, INF, NAN])[:n]] * 3, indexing="ij")
        case("select", [a, b, c], [np.where(a != 0, b, c)])


def gradients():
    x = np.array([NAN, -INF, -2, -1, 0, 0.5, 3, INF])
    one = np.ones_like(x)
    case("relu", [x], [np.maximum(x, 0)], gradients=[np.where(x <= 0, 0, one)])
    case("clamp", [x], [np.clip(x, -1, 0.5)], [-1, 0.5], gradients=[np.where((x >= -1) & (x <= 0.5), one, 0)])
    a, b = [v.ravel() for v in np.meshgrid([NAN, -1, 2, INF], [NAN, -1, 2, INF], indexing="ij")]
    half = np.where(a == b, 0.5, 1)
    for op, f, loses in [("maximum", np.maximum, np.less), ("minimum", np.minimum, np.greater)]:
        case(op, [a, b], [f(a, b)], gradients=[np.where(loses(a, b), 0, half), np.where(loses(b, a), 0, half)])
    rows = places(7)
    for op, f in [("max", np.max), ("min", np.min)]:
        hit = (rows == f(rows, 1)[:, None]).astype(float)
        case(op, [rows], [f(rows, 1)], [1], gradients=[hit / hit.sum(1)[:, None]])


def places(n):
    """Rows of n with NaN first, in the middle, last, in several places and everywhere; with infinities; and with neither."""
    rng = np.random.default_rng(13)
    x = np.round(rng.standard_normal((10, n)) * 64) / 64
    x[0, 0] = x[1, n // 2] = x[2, -1] = NAN
    x[3, [0, n // 2, -1]] = NAN
    x[4] = NAN
    x[5, n // 2], x[6, -1] = INF, -INF
    x[7, 0], x[7, -1] = INF, -INF
    x[8, 0], x[8, n // 2] = INF, NAN
    return x


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def log_softmax(x, axis):
    y = x - x.max(axis, keepdims=True)
    return y - np.log(np.exp(y).sum(axis, keepdims=True))


def norm(x, axis):
    return np.sqrt((x * x).sum(axis))


def rows():
    """Along the last axis and the first, short and long, and so long that a reduction takes two stages."""
    reductions = {
        "sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "variance": np.var, "standard_deviation": np.std, "l2_norm": norm,
        "argmax": np.argmax, "cumulative_sum": np.cumsum, "softmax": softmax, "log_softmax": log_softmax,
    }
    for n in [5, 65]:
        for op, f in reductions.items():
            x = places(n)
            case(op, [x], [f(x, axis=1)], [1])
            case(op, [x.T], [f(x.T, axis=0)], [0])
    for op in ["sum", "max", "min", "argmax"]:
        x = np.round(places(2050)[[0, 2, 9]])
        case(op, [x], [reductions[op](x, axis=1)], [1])
    for x in [places(5), places(65), places(600)[[1, 3, 7]]]:
        case("sort", [x], [np.sort(x, 1), np.argsort(x, 1, kind="stable")])
    # NaN of either sign.
    x = np.array([[1, NAN, -3, -NAN, 2, -INF, INF]])
    case("sort", [x], [np.sort(x, 1), np.argsort(x, 1, kind="stable")])


def series(n, time, constant):
    """Rows with a common part; one constant, one with a NaN, one with an infinity."""
    rng = np.random.default_rng(7)
    x = np.round((rng.standard_normal((n, time)) + rng.standard_normal(time)) * 64) / 64
    if constant:
        x[2] = 1000
    x[1, time // 2] = NAN
    x[4, 0] = INF
    return x


def second_moments():
    for n, time in [(7, 9), (7, 65), (36, 40)]:
        x = series(n, time, constant=True)
        bad, constant = np.isnan(x.sum(1)) | np.isinf(x.sum(1)), np.arange(n) == 2
        u = x - x.mean(1, keepdims=True)
        u = np.where(bad[:, None], NAN, np.where(constant[:, None], 0, u / np.sqrt((u * u).sum(1, keepdims=True))))
        r = u @ u.T
        np.fill_diagonal(r, np.where(bad, NAN, np.where(constant, 0, 1)))
        z = np.arctanh(np.clip(r, -0.999999, 0.999999))
        np.fill_diagonal(z, np.where(bad, NAN, 0))
        nothing = np.full_like(x, NAN)
        case("correlation", [x], [r], gradients=[nothing])
        case("fisher_z", [x], [z], gradients=[nothing])
        case("correlation_rows", [x], [r])
        case("degree", [x], [np.full(n, NAN)], [0.25])
        y = series(n, time, constant=False)
        case("covariance", [y], [np.cov(y)], [1], gradients=[nothing])
        w = np.ones(time)
        w[3] = NAN
        fine = np.where(np.isfinite(y), y, 0)
        case("weighted_correlation", [fine, w], [np.full((n, n), NAN)])
        case("weighted_covariance", [fine, w], [np.full((n, n), NAN)])
        # NaN before the others, as `torch.topk` has it; of equals the first.
        order = [sorted((j for j in range(n) if j != i), key=lambda j: (not np.isnan(r[i, j]), -r[i, j] if not np.isnan(r[i, j]) else 0, j)) for i in range(n)]
        take = np.array(order)[:, :3]
        case("top_k_neighbours", [x], [np.take_along_axis(r, take, 1), take], [3])


def factor(a):
    """Cholesky's factor by its recurrence; NumPy's stops where a pivot is NaN."""
    n = len(a)
    l = np.zeros_like(a)
    for j in range(n):
        l[j, j] = np.sqrt(a[j, j] - l[j, :j] @ l[j, :j])
        for i in range(j + 1, n):
            l[i, j] = (a[i, j] - l[i, :j] @ l[j, :j]) / l[j, j]
    return l


def matrices():
    rng = np.random.default_rng(5)
    for n in [1, 2, 3, 6, 17]:
        x = np.round(rng.standard_normal((n, 2 * n)) * 8) / 8
        good = x @ x.T + np.eye(n)
        for at, value in [((n - 1, 0), NAN)] if n == 17 else [((0, 0), NAN), ((n - 1, n - 1), NAN), ((n - 1, 0), NAN), ((n // 2, n // 2), INF)]:
            a = good.copy()
            a[at] = a[at[::-1]] = value
            if np.isnan(value):
                case("cholesky", [a], [factor(a)])
                case("inverse_spd", [a], [np.full((n, n), NAN)])
            case("eigh", [a], [np.full(n, NAN), np.full((n, n), NAN)])
            case("matrix_log", [a], [np.full((n, n), NAN)])


def blocks():
    """A NaN among logits, confounds, neighbours and messages."""
    rng = np.random.default_rng(3)
    logits, values = np.round(rng.standard_normal((3, 8)) * 8) / 8, np.round(rng.standard_normal((8, 9)) * 8) / 8
    logits[1, 4] = NAN
    case("soft_parcellation", [logits, values], [np.full((3, 9), NAN), np.full(3, NAN)], gradients=[np.full((3, 8), NAN), np.full((8, 9), NAN)])
    y, confounds = np.round(rng.standard_normal((2, 9)) * 8) / 8, np.round(rng.standard_normal((3, 9)) * 8) / 8
    confounds[1, 4] = NAN
    case("confound_regression", [y, confounds], [np.full((2, 9), NAN)])
    # q of a NaN row and of those after it is NaN.
    first = confounds[0] / np.sqrt((confounds[0] ** 2).sum())
    case("orthonormalise", [confounds], [np.stack([first, np.full(9, NAN), np.full(9, NAN)])])
    # Rows of entries (0: 1, 2), (1: none), (2: 0, 2, 3), (3: 1).
    x = np.array([[1, -INF], [NAN, 2], [0.5, -INF], [3, -INF]])
    case("sparse_max", [x], [[[NAN, 2], [0, 0], [3, -INF], [NAN, 2]]])
    u, v = np.array([[[0.5, -1, 0, 2]], ]).transpose(0, 2, 1), np.array([[[-1.0, NAN, 0.25]]]).transpose(0, 2, 1)
    hidden = u[0][:, None, :] + v[0][None, :, :]
    phi = [np.maximum(hidden, 0), np.where(hidden > 0, hidden, 0.25 * hidden), np.where(hidden > 0, hidden, np.expm1(hidden)), np.tanh(hidden)]
    for activation, made in enumerate(phi):
        case("pair_sum", [u, v], [made.sum(1)[None]], [activation])
    g = np.array([NAN, 1, INF, -2])
    case("adam", [g], [[NAN, -0.125, NAN, 0.125]])
    case("sgd", [g], [-0.125 * g])
    case("clip_by_global_norm", [g], [np.full(4, NAN)])


if __name__ == "__main__":
    pointwise()
    gradients()
    rows()
    second_moments()
    matrices()
    blocks()
    (HERE / "nan.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in CASES) + "\n]\n")
