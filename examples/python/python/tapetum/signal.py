"""nilearn's ``signal.clean``, computed by tapetum."""

from __future__ import annotations

import os
import warnings
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _tapetum

#: The order of nilearn's Butterworth filter.
_ORDER = 5


def clean(
    signals: ArrayLike,
    runs: ArrayLike | None = None,
    detrend: bool = True,
    standardize: Literal["zscore_sample", "psc"] | bool | None = "zscore_sample",
    sample_mask: ArrayLike | None = None,
    confounds: Any = None,
    standardize_confounds: bool = True,
    filter: Literal["butterworth", "cosine", False] = "butterworth",
    low_pass: float | None = None,
    high_pass: float | None = None,
    t_r: float = 2.5,
    ensure_finite: bool = False,
    extrapolate: bool = False,
    *,
    butterworth__order: int = _ORDER,
    device: Any = None,
) -> NDArray[np.float32]:
    """Cleans ``signals`` ``[time, regions]`` as ``nilearn.signal.clean`` does, and returns f32 ``[frames kept, regions]``.

    The steps are a linear trend (``detrend``), a filter of ``low_pass`` and ``high_pass`` hertz at ``t_r`` seconds a frame, ``confounds``
    ``[time, columns]`` (an array, a list of arrays or a table), and ``standardize``. ``sample_mask`` has the frames that are kept, as
    indices or as flags; ``runs`` has the run of each frame, and each is cleaned by itself. What nilearn has and this has not is refused:
    ``sample_mask`` with the Butterworth filter (nilearn interpolates by cubic splines), ``extrapolate``, and
    ``standardize_confounds=False`` without ``detrend``.
    """
    series = _numbers("signals", signals, ensure_finite)
    if series.ndim != 2:
        raise ValueError(f"signals: an array [time, regions] is expected, found shape {series.shape}")
    table = _confounds(confounds, len(series), ensure_finite)
    settings = {"detrend": detrend, "standardize_confounds": standardize_confounds, "extrapolate": extrapolate}
    for name, value in settings.items():
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{name}: True or False is expected, found {value!r}")
    if extrapolate:
        raise ValueError("extrapolate=True: frames that are left out are not interpolated here")
    if table is not None and not standardize_confounds and not detrend:
        raise ValueError("standardize_confounds=False without detrend: confounds are always centred here")
    if standardize is True:
        standardize = "zscore_sample"
    if standardize not in ("zscore_sample", "psc", False, None):
        raise ValueError(f"standardize {standardize!r}: 'zscore_sample', 'psc', False or None is expected")
    how = _filter(filter, low_pass, high_pass, t_r)
    if how == "butterworth" and sample_mask is not None:
        raise ValueError("sample_mask with filter='butterworth': frames are not interpolated by splines here; filter='cosine' or False")

    def one_run(series: NDArray[Any], table: NDArray[Any] | None, mask: Any) -> NDArray[np.float32]:
        if how == "cosine":
            assert high_pass is not None
            drifts = np.transpose(_tapetum.cosine_drifts(len(series), t_r, high_pass)).reshape(len(series), -1)
            table = drifts if table is None else _with_drifts(table, drifts)
        if mask is not None:
            kept = _kept(mask, len(series))
            series, table = series[kept], None if table is None else table[kept]
        low_passed = how == "butterworth" and high_pass is None
        made = _tapetum.denoised(
            series,
            {
                "confounds": table if table is not None and table.shape[1] else None,
                "detrend": bool(detrend),
                "order": butterworth__order,
                "low_pass": low_pass if how == "butterworth" else None,
                "high_pass": high_pass if how == "butterworth" else None,
                "t_r": t_r,
                "keep_mean": not detrend and (how != "butterworth" or low_passed),
            },
            device,
        )
        return _standardised(made, standardize, series.mean(axis=0, dtype=np.float64))

    if runs is None:
        return one_run(series, table, sample_mask)
    labels = np.asarray(runs)
    if labels.shape != (len(series),):
        raise ValueError(f"runs: the run of each of {len(series)} frames is expected, found shape {labels.shape}")
    each = [labels == run for run in dict.fromkeys(labels.tolist())]
    if sample_mask is None:
        masks: list[Any] = [None] * len(each)
    elif isinstance(sample_mask, (list, tuple)) and len(sample_mask) == len(each):
        masks = list(sample_mask)
    else:
        raise ValueError(f"sample_mask: a list with the frames of each of {len(each)} runs is expected")
    parts = [(series[of], None if table is None else table[of], mask) for of, mask in zip(each, masks)]
    return np.concatenate([one_run(*part) for part in parts])


def _filter(filter: Any, low_pass: float | None, high_pass: float | None, t_r: float) -> str | None:
    if filter not in ("butterworth", "cosine", False):
        raise ValueError(f"filter {filter!r}: 'butterworth', 'cosine' or False is expected")
    if filter is False:
        if low_pass is not None or high_pass is not None:
            raise ValueError("low_pass and high_pass are of a filter, and filter is False")
        return None
    if filter == "cosine":
        if low_pass is not None:
            raise ValueError("low_pass with filter='cosine': cosines only take slow drifts off")
        if high_pass is None:
            raise ValueError("filter='cosine': `high_pass` is expected")
        return "cosine"
    return "butterworth" if low_pass is not None or high_pass is not None else None


def _with_drifts(table: NDArray[Any], drifts: NDArray[Any]) -> NDArray[Any]:
    """Confounds and drifts; as nilearn has it, confounds that hold a drift already, with a correlation above 0.9, stay alone."""
    count = drifts.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.corrcoef(drifts.T, table.T)[:count, count:]
    if (apart > 0.9).any():
        warnings.warn("confounds hold cosine drifts already: no others are taken", stacklevel=4)
        return table
    return np.hstack([table, drifts])


def _numbers(name: str, given: Any, ensure_finite: bool) -> NDArray[Any]:
    made = np.asarray(given)
    if made.dtype.kind not in "fiub":
        raise TypeError(f"{name}: numbers are expected, found {made.dtype}")
    finite = np.isfinite(made)
    if finite.all():
        return made
    if not ensure_finite:
        raise ValueError(f"{name}: finite numbers are expected; ensure_finite=True puts 0 in place of others")
    return np.where(finite, made, 0)


def _confounds(given: Any, frames: int, ensure_finite: bool) -> NDArray[Any] | None:
    if given is None:
        return None
    if isinstance(given, (str, os.PathLike)):
        raise TypeError("confounds: an array or a table is expected, not the name of a file: read it by pandas first")
    several = given if isinstance(given, (list, tuple)) else [given]
    columns = []
    for one in several:
        if isinstance(one, (str, os.PathLike)):
            raise TypeError("confounds: arrays or tables are expected, not the names of files: read them by pandas first")
        made = _numbers("confounds", one, ensure_finite)
        if made.ndim not in (1, 2) or len(made) != frames:
            raise ValueError(f"confounds: {frames} rows are expected, one a frame, found an array of shape {made.shape}")
        columns.append(made.reshape(frames, -1))
    return np.hstack(columns) if columns else None


def _kept(mask: Any, frames: int) -> NDArray[np.intp]:
    made = np.asarray(mask)
    if made.dtype == np.bool_:
        if made.shape != (frames,):
            raise ValueError(f"sample_mask: {frames} flags are expected, found shape {made.shape}")
        made = np.flatnonzero(made)
    if made.ndim != 1 or made.dtype.kind not in "iu" or (made.size and (made.min() < 0 or made.max() >= frames)):
        raise ValueError(f"sample_mask: indices of frames from 0 to {frames - 1} are expected")
    if made.size == 0:
        raise ValueError("sample_mask: no frame is kept")
    return made.astype(np.intp)


def _standardised(made: NDArray[np.float32], how: Any, original: NDArray[np.float64]) -> NDArray[np.float32]:
    """The z-scores, or the changes in per cent of the mean: of the series' own, or of what it was before where little of it is left."""
    if how not in ("zscore_sample", "psc") or len(made) == 1:
        return made
    values = made.astype(np.float64)
    mean = values.mean(axis=0)
    if how == "zscore_sample":
        values -= mean
        deviation = values.std(axis=0, ddof=1)
        deviation[deviation < np.finfo(np.float64).eps] = 1
        return np.ascontiguousarray(values / deviation, dtype=np.float32)
    if np.abs(mean).mean() < 0.1 * np.abs(original).mean():
        values += original
        mean = values.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        changes = 100 * (values - mean) / np.abs(mean)
    return np.where(np.abs(mean) < np.finfo(np.float64).eps, 0, changes).astype(np.float32)
