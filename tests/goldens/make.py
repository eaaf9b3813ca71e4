"""Writes the expected values that tests/goldens.rs reads, by NumPy and SciPy in double precision.

    python -m venv VENV && VENV/bin/pip install numpy scipy && VENV/bin/python tests/goldens/make.py

Nothing of the crate runs here. Inputs are numbers that f32 holds exactly, so that every device starts from the same ones.
Where PyTorch's meaning is stated (ties, gradients where there is no derivative), its documentation is cited.
"""

import json
from pathlib import Path

import numpy as np
from scipy import special

HERE = Path(__file__).parent
RNG = np.random.default_rng(20240607)


def single(x):
    """To numbers that f32 holds."""
    return np.asarray(x, dtype=np.float32).astype(np.float64)


def normal(*shape):
    return single(RNG.standard_normal(shape))


def array(x, given=False):
    """As JSON holds it: what is given is written as short as f32 allows."""
    x = np.asarray(x)
    data = [float(str(v)) for v in x.ravel().astype(np.float32)] if given else x.ravel().tolist()
    # JSON has no infinities.
    assert np.isfinite(x.astype(np.float64)).all()
    return {"shape": list(x.shape), "data": data}


def case(op, inputs, expected, attributes=(), cotangent=None, gradients=()):
    """What `op` makes of `inputs`, and the gradients of sum(cotangent * result) with respect to each of them."""
    out = {"op": op, "attributes": list(attributes), "inputs": [array(x, given=True) for x in inputs], "expected": array(expected)}
    if cotangent is not None:
        out["cotangent"] = array(cotangent, given=True)
        out["gradients"] = [array(g) for g in gradients]
    return out


def write(name, cases):
    (HERE / f"{name}.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")


# --- covariance and correlation --------------------------------------------------------------------------------------------------


def correlation_of(covariance):
    scale = 1 / np.sqrt(np.diag(covariance))
    return covariance * scale[:, None] * scale[None, :]


def fisher(r):
    # |r| is held to 1 - 1e-6 and the diagonal is 0: DESIGN.md, "Kernels".
    z = np.arctanh(np.clip(r, -0.999999, 0.999999))
    np.fill_diagonal(z, 0)
    return z


def covariances():
    x = single(normal(5, 33) + normal(1, 33) + 7)
    w = single(RNG.uniform(0.25, 1, 33))
    w[[3, 20]] = 0
    nearly = np.stack([x[0], single(x[0] + 1e-6 * x[1]), -x[0], x[1]])
    batch = single(normal(2, 3, 4, 17))
    cov = np.cov(x, aweights=w)
    write(
        "covariance",
        [
            case("covariance", [x], np.cov(x, ddof=0), [0]),
            case("covariance", [x], np.cov(x, ddof=1), [1]),
            case("covariance", [x, w], np.cov(x, aweights=w, ddof=0), [0]),
            case("covariance", [x, w], cov, [1]),
            case("correlation", [x], np.corrcoef(x)),
            case("correlation", [x, w], correlation_of(cov)),
            case("correlation", [batch], np.array([[np.corrcoef(x) for x in b] for b in batch])),
            case("correlation", [nearly], np.corrcoef(nearly)),
            case("fisher_z", [x], fisher(np.corrcoef(x))),
        ],
    )
    write("fisher_held", [case("fisher_z", [nearly], fisher(np.corrcoef(nearly)))])


def mixed(k):
    """A hash of 32-bit integers (Murmur3's finaliser), as in tests/goldens.rs."""
    k = np.asarray(k, dtype=np.uint64)
    mask = np.uint64(0xFFFFFFFF)
    k = (k ^ (k >> np.uint64(16))) * np.uint64(0x85EBCA6B) & mask
    k = (k ^ (k >> np.uint64(13))) * np.uint64(0xC2B2AE35) & mask
    return k ^ (k >> np.uint64(16))


def long_series(regions=64, frames=1200):
    """Whole numbers about 100,000: each region has noise of its own, and a part in one of four signals shared by many."""
    i = np.arange(regions, dtype=np.uint64)[:, None]
    t = np.arange(frames, dtype=np.uint64)[None, :]
    own = mixed(i * np.uint64(frames) + t) >> np.uint64(20)
    shared = mixed((np.uint64(regions) + i % np.uint64(4)) * np.uint64(frames) + t) >> np.uint64(20)
    return (np.uint64(100_000) + own + i % np.uint64(5) * shared).astype(np.float64)


def long_correlation():
    r = np.corrcoef(long_series())
    np.save(HERE / "correlation_64_1200.npy", r[np.triu_indices(64, 1)])


# --- the other ops ---------------------------------------------------------------------------------------------------------------


def softmaxes():
    x = normal(4, 7)
    x[0, :3] = [1000, 1000, -1000]
    x[1] = 0
    x[2, 0] = 80
    cases = []
    for axis in (0, 1):
        y = special.softmax(x, axis)
        g = normal(4, 7)
        # d softmax: y (g - sum g y); d log-softmax: g - y sum g.
        cases.append(case("softmax", [x], y, [axis], g, [y * (g - (g * y).sum(axis, keepdims=True))]))
        cases.append(case("log_softmax", [x], special.log_softmax(x, axis), [axis], g, [g - y * g.sum(axis, keepdims=True)]))
    x = normal(2, 3, 33)
    cases.append(case("softmax", [x], special.softmax(x, 1), [1]))
    cases.append(case("log_softmax", [x], special.log_softmax(x, -1), [-1]))
    write("softmax", cases)


def products():
    cases = []
    for ta in (0, 1):
        for tb in (0, 1):
            a, b, g = normal(9, 7), normal(7, 5), normal(9, 5)
            da, db = g @ b.T, a.T @ g
            inputs = [a.T if ta else a, b.T if tb else b]
            cases.append(case("matmul", inputs, a @ b, [ta, tb], g, [da.T if ta else da, db.T if tb else db]))
    a, b = normal(2, 1, 3, 6), normal(4, 5, 6)
    cases.append(case("matmul", [a, b], np.einsum("bxmk,xnk->bxmn", np.broadcast_to(a, (2, 4, 3, 6)), b), [0, 1]))
    write("matmul", cases)


def reductions():
    ties = np.array([[1, 3, 3, -2, 3], [0.0, -0.0, -1, 0.0, -0.0], [-5, -5, -7, -6, -5], [2, 1, 0, -1, -2]])
    x = normal(4, 7, 3)
    far = single(4096 + normal(3, 40))
    long = normal(1, 257)
    zeros = normal(3, 5)
    zeros[1] = 0
    norm = np.linalg.norm(zeros, axis=1)
    g = normal(3)
    # PyTorch, "Gradients for non-differentiable functions", rule 2: a convex function takes the subgradient of least norm, 0 here.
    unit = np.divide(zeros, norm[:, None], out=np.zeros_like(zeros), where=norm[:, None] > 0)
    flat = normal(3, 4)
    flat[2] = 1.5
    std = flat.std(1, ddof=1)
    slope = np.divide(flat - flat.mean(1, keepdims=True), 3 * std[:, None], out=np.zeros_like(flat), where=std[:, None] > 0)
    cases = [
        # numpy.argmax and torch.argmax: "the indices of the first maximal value".
        case("argmax", [ties], ties.argmax(0), [0]),
        case("argmax", [ties], ties.argmax(1), [1]),
        case("argmax", [x], x.argmax(1), [1]),
        case("cumulative_sum", [long], long.cumsum(1), [1]),
        case("cumulative_sum", [x], x.cumsum(1), [1], x, [x[:, ::-1].cumsum(1)[:, ::-1]]),
        case("cumulative_sum", [x], x.cumsum(0), [0]),
        case("l2_norm", [x], np.sqrt((x * x).sum((0, 2))), [0, 2]),
        case("l2_norm", [zeros], norm, [1], g, [g[:, None] * unit]),
        case("standard_deviation", [flat], std, [1, 1], g, [g[:, None] * slope]),
    ]
    for ddof in (0, 1, 2):
        cases.append(case("variance", [x], x.var((1, 2), ddof=ddof), [ddof, 1, 2]))
        cases.append(case("variance", [far], far.var(1, ddof=ddof), [ddof, 1]))
    # torch.amax: "evenly distributes gradient between equal values".
    for op, best in (("max", ties.max(1)), ("min", ties.min(1))):
        share = (ties == best[:, None]) / (ties == best[:, None]).sum(1, keepdims=True)
        g = normal(4)
        cases.append(case(op, [ties], best, [1], g, [g[:, None] * share]))
    write("reductions", cases)


def pointwise():
    wide = single([-1e30, -100, -40, -20, -10, -6, -4, -2, -1, -0.5, -1e-3, -1e-20, -0.0, 0, 1e-20, 1e-3, 0.5, 1, 2, 4, 6, 10, 20, 40, 100, 1e30])
    small = wide[np.abs(wide) < 1e3]
    g = np.ones_like(small)
    density = np.exp(-small * small / 2) / np.sqrt(2 * np.pi)
    write(
        "pointwise",
        [
            case("erf", [wide], special.erf(wide)),
            case("erf", [small], special.erf(small), (), g, [2 / np.sqrt(np.pi) * np.exp(-small * small)]),
            case("gelu", [wide], wide * special.ndtr(wide)),
            case("gelu", [small], small * special.ndtr(small), (), g, [special.ndtr(small) + small * density]),
            case("tanh", [wide], np.tanh(wide)),
            # 1 - tanh^2 = 1/cosh^2.
            case("tanh", [small], np.tanh(small), (), g, [1 / np.cosh(small) ** 2]),
            case("softplus", [wide], np.logaddexp(0, wide)),
            case("softplus", [small], np.logaddexp(0, small), (), g, [special.expit(small)]),
            case("sigmoid", [wide], special.expit(wide)),
            case("sigmoid", [small], special.expit(small), (), g, [special.expit(small) * special.expit(-small)]),
        ],
    )


def ties():
    a = np.array([1, 2, 3, 0.0, -0.0, -4, 5])
    b = np.array([1, 3, 2, -0.0, 0.0, -4, 5])
    c = np.array([1.0, 0, -2, 0.0, -0.0, 0.5, 0])
    g = np.array([1.0, -2, 3, 4, -5, 6, -7])
    # PyTorch, "Gradients for non-differentiable functions": maximum is convex, minimum concave; at a tie the sub- (super-)gradient of
    # least norm is half to each. abs and relu are convex: 0 at 0. where(c, a, b) passes the gradient to what it took.
    more, less = (a > b) + (a == b) / 2, (a < b) + (a == b) / 2
    on = c != 0
    write(
        "ties",
        [
            case("maximum", [a, b], np.maximum(a, b), (), g, [g * more, g * (1 - more)]),
            case("minimum", [a, b], np.minimum(a, b), (), g, [g * less, g * (1 - less)]),
            case("where", [c, a, b], np.where(on, a, b), (), g, [np.zeros(7), np.where(on, g, 0), np.where(on, 0, g)]),
            case("abs", [a], np.abs(a), (), g, [g * np.sign(a)]),
            case("relu", [a], np.maximum(a, 0), (), g, [g * (a > 0)]),
        ],
    )


# --- optimisers ------------------------------------------------------------------------------------------------------------------


def adam(p, gradient, lr, decay, decoupled, b1=0.9, b2=0.999, epsilon=1e-8):
    """Kingma & Ba 2015, algorithm 1; Loshchilov & Hutter 2019, algorithm 2 where decoupled (torch.optim.Adam, AdamW)."""
    m, v = np.zeros_like(p), np.zeros_like(p)
    b1, b2, epsilon, lr, decay = (float(np.float32(x)) for x in (b1, b2, epsilon, lr, decay))
    for t in range(1, 6):
        g = gradient(p)
        if decoupled:
            p = p - lr * decay * p
        else:
            g = g + decay * p
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        p = p - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + epsilon)
        yield p


def sgd(p, gradient, lr, momentum, decay, nesterov):
    """torch.optim.SGD's algorithm, dampening 0."""
    lr, momentum, decay = (float(np.float32(x)) for x in (lr, momentum, decay))
    b = None
    for _ in range(5):
        g = gradient(p) + decay * p
        b = g if b is None else momentum * b + g
        p = p - lr * (g + momentum * b if nesterov else b)
        yield p


def optimisers():
    start, target, curve = normal(7), normal(7), single(RNG.uniform(0.5, 2, 7))

    # The loss is sum(curve (p - target)^2).
    def gradient(p):
        return 2 * curve * (p - target)

    cases = []
    for lr, decay, decoupled in [(0.125, 0.0, 0), (0.125, 0.25, 0), (0.125, 0.25, 1)]:
        path = np.array(list(adam(start, gradient, lr, decay, decoupled)))
        cases.append(case("adam", [start, target, curve], path, [lr, decay, decoupled]))
    for momentum, decay, nesterov in [(0.0, 0.0, 0), (0.9, 0.0, 0), (0.9, 0.25, 0), (0.9, 0.25, 1)]:
        path = np.array(list(sgd(start, gradient, 0.0625, momentum, decay, nesterov)))
        cases.append(case("sgd", [start, target, curve], path, [0.0625, momentum, decay, nesterov]))
    write("optimisers", cases)


if __name__ == "__main__":
    covariances()
    long_correlation()
    softmaxes()
    products()
    reductions()
    pointwise()
    ties()
    optimisers()
