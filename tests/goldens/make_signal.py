"""Writes signal.json, denoise.json and long.json, what tests/signal.rs and tests/command/denoise.rs expect.

    pip install numpy scipy pandas nilearn
    python tests/goldens/make_signal.py

numpy 2.4, scipy 1.17, nilearn 0.14 made the files in the repository.
"""

import io
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from nilearn.glm.first_level.design_matrix import create_cosine_drift
from nilearn.interfaces.fmriprep.load_confounds_scrub import optimize_scrub
from nilearn.signal import clean
from scipy import signal

HERE = Path(__file__).parent
rng = np.random.default_rng(4)


def f32(x):
    """What is given is f32: both sides begin from the same numbers."""
    return np.asarray(x, np.float32).astype(np.float64)


def tensor(x, given=False):
    """As JSON holds it: what is given as short as f32 allows, what is expected to twelve digits."""
    x = np.asarray(x)
    data = [float(str(v)) for v in x.ravel().astype(np.float32)] if given else [float(f"{v:.12g}") for v in x.ravel()]
    return {"shape": list(x.shape), "data": data}


def pairs(z):
    return np.stack([z.real, z.imag], -1)


def series(*shape):
    """Slow waves and noise about an offset."""
    t = np.arange(shape[-1])
    rows = (*shape[:-1], 1)
    waves = sum(rng.normal(size=rows) * np.sin(2 * np.pi * f * t + 6 * rng.random(rows)) for f in (0.02, 0.05, 0.13))
    return f32(3 + 2 * waves + 0.5 * rng.normal(size=shape))


def case(op, inputs, expected, **attributes):
    return {"op": op, "attributes": attributes, "inputs": [tensor(x, given=True) for x in inputs], "expected": tensor(expected)}


def transforms():
    for n in (1, 2, 7, 65, 66, 74):
        x = f32(rng.normal(size=(2, n)))
        yield case("rfft", [x], pairs(np.fft.rfft(x)))
        z = rng.normal(size=(2, n // 2 + 1, 2)).astype(np.float32).astype(np.float64)
        yield case("irfft", [z], np.fft.irfft(z[..., 0] + 1j * z[..., 1], n), n=n)
    for n in (65, 66):
        x, gains = series(2, 3, n), f32(rng.random((2, n // 2 + 1)))
        spectrum = np.fft.rfft(x)[:, None] * gains[:, None]
        yield case("product_filter", [x, gains], np.fft.irfft(spectrum, n))
        yield case("zero_phase_filter", [x, gains[0]], np.fft.irfft(np.fft.rfft(x) * gains[0] ** 2, n))
        yield case("hilbert", [f32(x - 3)], signal.hilbert(f32(x - 3)).imag)
        yield case("envelope", [f32(x - 3)], np.abs(signal.hilbert(f32(x - 3))))
        # A wave on one side of 0, so that a phase does not hang on the last digits of a small envelope.
        t = np.arange(n)
        wave = f32(np.sin(2 * np.pi * 0.11 * t + 0.3) * (1 + 0.2 * np.sin(2 * np.pi * 0.01 * t)) + 0.05 * rng.normal(size=(2, n)))
        phase = np.unwrap(np.angle(signal.hilbert(wave)))
        yield case("instantaneous_phase", [wave], phase)
        yield case("instantaneous_frequency", [wave], np.diff(phase) / (2 * np.pi * 0.72), tr=0.72)


BANDS = [
    ("pass", [0.01, 0.1], 0.72, 5),
    ("pass", [0.01, 0.08], 2.0, 2),
    ("low", [0.1], 2.0, 5),
    ("high", [0.01], 2.0, 3),
    ("pass", [0.05, 0.2], 2.0, 1),
]


def filters():
    for kind, edges, tr, order in BANDS:
        edge = edges if len(edges) == 2 else edges[0]
        sos = signal.butter(order, edge, btype={"pass": "bandpass", "low": "lowpass", "high": "highpass"}[kind], fs=1 / tr, output="sos")
        attributes = {"kind": kind, "edges": edges, "tr": tr, "order": order}
        x = series(3, 75)
        yield case("forward_backward_filter", [x], signal.sosfiltfilt(sos, x), **attributes)
        for n in (40, 41):
            gains = np.abs(signal.sosfreqz(sos, worN=2 * np.pi * np.arange(n // 2 + 1) / n)[1])
            yield case("butterworth_gains", [], gains, n=n, **attributes)


def least_squares(y, x, w, ridge, intercept):
    if intercept:
        y, x = y - (y @ w / w.sum())[:, None], x - (x @ w / w.sum())[:, None]
    b = np.linalg.solve((x * w) @ x.T + ridge * np.eye(len(x)), (x * w) @ y.T).T
    return y - b @ x


def regressions():
    for time, k in ((33, 1), (65, 6), (130, 12)):
        y, x = series(4, time), series(k, time)
        w = f32((rng.random(time) > 0.2) * (0.5 + rng.random(time)))
        for ridge, intercept in ((0.0, True), (0.0, False), (2.5, True)):
            expected = least_squares(y, x, w, ridge, intercept)
            yield case("confound_regression", [y, x, w], expected, ridge=ridge, intercept=intercept)


def convolutions():
    x = f32(rng.normal(size=(2, 3, 2, 17)))
    for length in (1, 2, 5):
        w = f32(rng.normal(size=(4, 3, length)))
        for padding, before in (("same", length // 2), ("causal", length - 1), ("anti-causal", 0)):
            padded = np.pad(x, [(0, 0)] * 3 + [(before, length - 1 - before)])
            expected = sum(np.einsum("oi,bict->boct", w[..., r], padded[..., r : r + 17]) for r in range(length))
            yield case("temporal_convolution", [x, w], expected, padding=padding)
    w = f32(rng.normal(size=(2, 3, 3, 4)))
    padded = np.pad(np.concatenate([x, x**2, x**3], 1), [(0, 0)] * 3 + [(3, 0)])
    expected = sum(np.einsum("oi,bict->boct", w.reshape(2, 9, 4)[..., r], padded[..., r : r + 17]) for r in range(4))
    yield case("polynomial_convolution", [x, w], expected, padding="causal")


def spectral(x, kept, oversampling, threshold):
    """Frequency by frequency, as the definition says."""
    t = np.arange(x.shape[-1])
    mean = x[:, kept].mean(1, keepdims=True)
    y = x - mean
    total = np.zeros_like(x)
    for wave in (np.sin, np.cos):
        waves = np.stack([wave(2 * np.pi * k * t / (oversampling * len(t))) for k in range(1, oversampling * len(t) // 2 + 1)])
        power = (waves[:, kept] ** 2).sum(1)
        amplitude = np.divide(y[:, kept] @ waves[:, kept].T, power, out=np.zeros((len(x), len(waves))), where=power > 1e-9)
        amplitude *= np.abs(amplitude) > threshold * np.abs(amplitude).max(1, keepdims=True)
        total += amplitude @ waves
    total *= (y[:, kept] ** 2).sum(1, keepdims=True) / (total[:, kept] * y[:, kept]).sum(1, keepdims=True)
    return np.where(kept, x, total + mean)


def trends():
    x = f32(1000 + series(3, 67) + np.linspace(0, 30, 67))
    for degree in (0, 1, 3):
        fit = np.polynomial.Polynomial.fit
        expected = np.stack([row - fit(np.arange(67), row, degree)(np.arange(67)) for row in x])
        yield case("detrend_polynomial", [x], expected, degree=degree)
    drifts = create_cosine_drift(0.01, 2.0 * np.arange(67))
    yield case("detrend_cosine", [x], x - x @ drifts @ np.linalg.pinv(drifts), tr=2.0, high_pass=0.01)


def interpolations():
    x = series(3, 60)
    kept = np.ones(60, bool)
    kept[[0, 7, 20, 21, 22, 23, 24, 25, 40, 41, 59]] = False
    t = np.arange(60)
    line = np.stack([np.interp(t, t[kept], row[kept]) for row in x])
    marks = [int(k) for k in kept]
    yield case("interpolate_linear", [x], line, kept=marks)
    for threshold in (0.0, 0.3):
        waves = spectral(x, kept, 8, threshold)
        yield case("interpolate_spectral", [x], waves, kept=marks, threshold=threshold)
    hybrid = np.where((t >= 20) & (t < 26), waves, line)
    yield case("interpolate_hybrid", [x], hybrid, kept=marks, threshold=0.3, longest=3)


def table(time):
    """Confounds as fMRIPrep writes them, with large offsets and a first row that is missing in derivatives."""
    columns = {}
    for name in ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"):
        columns[name] = np.cumsum(rng.normal(size=time)) * (0.05 if name[0] == "t" else 0.001)
    for name, mean in (("csf", 5000), ("white_matter", 3000), ("global_signal", 3500)):
        columns[name] = mean + 20 * rng.normal(size=time)
    for name in list(columns):
        derivative = np.diff(columns[name], prepend=np.nan)
        columns |= {f"{name}_derivative1": derivative, f"{name}_power2": columns[name] ** 2, f"{name}_derivative1_power2": derivative**2}
    for i in range(2):
        columns[f"cosine0{i}"] = np.cos(np.pi * (i + 1) * (np.arange(time) + 0.5) / time)
    columns["framewise_displacement"] = np.append(np.nan, rng.gamma(1.0, 0.25, time - 1))
    columns["std_dvars"] = np.append(np.nan, 1 + 0.2 * rng.normal(size=time - 1))
    frame = pd.DataFrame(columns)
    text = frame.to_csv(sep="\t", index=False, na_rep="n/a", float_format="%.9g")
    return text, pd.read_csv(io.StringIO(text), sep="\t")


def cleaned(y, x, kept=None, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mask = None if kept is None else np.flatnonzero(kept)
        made = clean(y.T, confounds=x, standardize=False, standardize_confounds=True, sample_mask=mask, extrapolate=False, **how).T
    return made - made.mean(1, keepdims=True)


def denoising():
    motion = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]
    time = 130
    text, frame = table(time)
    moved = frame[motion].to_numpy().T / frame[motion].std().to_numpy()[:, None]
    y = f32(1000 + 30 * series(5, time) + 10 * rng.normal(size=(5, 6)) @ moved)
    filled = frame.bfill(limit=1)
    tissue = ["csf", "white_matter", "global_signal"]
    full = lambda names: [n + s for n in names for s in ("", "_derivative1", "_power2", "_derivative1_power2")]
    case = lambda arguments, made, kept=None: {
        "arguments": arguments, "expected": tensor(made), "kept": None if kept is None else [int(i) for i in np.flatnonzero(kept)]}
    x = lambda names: filled[names].to_numpy()
    band = ["--tr", "2", "--band", "0.01", "0.1"]
    filtered = {"low_pass": 0.1, "high_pass": 0.01, "t_r": 2.0, "detrend": True}
    yield case(["--strategy", "motion6"], cleaned(y, x(motion), detrend=False))
    yield case(["--strategy", "9p", "--detrend"], cleaned(y, x(motion + tissue), detrend=True))
    yield case(["--strategy", "36p", "--detrend"], cleaned(y, x(full(motion + tissue)), detrend=True))
    yield case(["--columns", "csf,trans_x_derivative1"], cleaned(y, x(["csf", "trans_x_derivative1"]), detrend=False))
    yield case(["--formula", "(dd1(rps))^^2"], cleaned(y, x(full(motion)), detrend=False))
    yield case(["--strategy", "24p", "--detrend", *band], cleaned(y, x(full(motion)), **filtered))
    kept = ~(frame["framewise_displacement"].to_numpy() > 0.6)
    yield case(["--strategy", "motion24", "--censor-fd", "0.6"], cleaned(y, x(full(motion)), kept, detrend=False), kept)
    # nilearn interpolates by cubic splines, and leaves ends out; ours by lines: so the steps are put together here.
    frames = np.arange(time)
    line = lambda rows: np.stack([np.interp(frames, frames[kept], row[kept]) for row in rows])
    sos = signal.butter(5, [0.01, 0.1], btype="bandpass", fs=0.5, output="sos")
    steps = lambda rows: signal.sosfiltfilt(sos, signal.detrend(line(rows)))[:, kept]
    made = least_squares(steps(y), steps(x(motion + tissue).T), np.ones(kept.sum()), 0.0, True)
    yield case(["--strategy", "9p", "--detrend", "--censor-fd", "0.6", *band], made, kept)
    outliers = np.flatnonzero((frame["framewise_displacement"] > 0.5) | (frame["std_dvars"] > 1.5))
    kept = np.ones(time, bool)
    kept[optimize_scrub(outliers, time, 5)] = False
    names = full(motion) + full(tissue[:2]) + ["cosine00", "cosine01"]
    print("scrubbing keeps", kept.sum(), "of", time)
    if kept.sum() > 45:
        yield case(["--strategy", "scrubbing"], cleaned(y, x(names), kept, detrend=False), kept)
    global text_of_table, given
    text_of_table, given = text, y


LONG = [
    ("pass", [0.01, 0.1], 0.7, 5),
    ("pass", [0.008, 0.09], 0.8, 2),
    ("low", [0.005], 0.1, 4),
    ("high", [0.001], 0.7, 3),
]


def noise(n, seed):
    """Numbers between -0.5 and 0.5 of a congruential generator, of 24 bits, that a test makes alike."""
    x, made = seed, []
    for _ in range(n):
        x = (1664525 * x + 1013904223) % 2**32
        made.append((x >> 8) / 2**24 - 0.5)
    return np.array(made)


def long():
    """Long recordings, of which a few frames are written."""
    frames, at = 20_000, [*range(0, 40, 7), *range(40, 20_000, 997), 19_998, 19_999]
    x = np.stack([noise(frames, seed) + 0.001 * seed * np.arange(frames) / frames for seed in (1, 2)])
    filters = []
    for kind, edges, tr, order in LONG:
        edge = edges if len(edges) == 2 else edges[0]
        sos = signal.butter(order, edge, btype={"pass": "bandpass", "low": "lowpass", "high": "highpass"}[kind], fs=1 / tr, output="sos")
        y = signal.sosfiltfilt(sos, x)
        scale = float(np.abs(y).max())
        filters.append({"kind": kind, "edges": edges, "tr": tr, "order": order, "scale": scale, "expected": y[:, at].tolist()})
    # What `denoise --columns a --band 0.01 0.1 --tr 1` does with 100,000 frames.
    frames, kept = 100_000, [*range(0, 40, 7), *range(40, 100_000, 4999), 99_998, 99_999]
    y = np.stack([noise(frames, seed) for seed in (1, 2, 3, 4)])
    a = np.array([float(f"{v:.6f}") for v in noise(frames, 5)])
    sos = signal.butter(5, [0.01, 0.1], btype="bandpass", fs=1, output="sos")
    y, a = (signal.sosfiltfilt(sos, v - v.mean(-1, keepdims=True)) for v in (y, a))
    x = np.stack([np.ones(frames), a])
    clean = y - np.linalg.lstsq(x.T, y.T, rcond=None)[0].T @ x
    denoised = {"frames": frames, "at": kept, "scale": float(np.abs(clean).max()), "expected": clean[:, kept].tolist()}
    return {"frames": 20_000, "at": at, "filters": filters, "denoised": denoised}


def write(name, value):
    (HERE / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write("long.json", long())
    write("signal.json", [*transforms(), *filters(), *regressions(), *convolutions(), *interpolations(), *trends()])
    cases = list(denoising())
    write("denoise.json", {"confounds": text_of_table, "series": tensor(given, given=True), "cases": cases})
