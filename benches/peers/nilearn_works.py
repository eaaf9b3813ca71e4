"""The pillars of `benches/work` in nilearn and SciPy, as their users write them: `python nilearn_works.py`, with requirements-nilearn.txt.

Series lie as nilearn has them, frames by regions.
"""

import nilearn
import numpy as np
import scipy
from nilearn.connectome import ConnectivityMeasure
from nilearn.signal import clean

from answer import operands, parse, serve
from topology import decompose



def births_deaths(weights):
    """The authors' way, by SciPy: the births of all graphs, then their deaths."""
    return [np.concatenate(lists) for lists in zip(*map(decompose, weights))]


def tangent(series):
    return [ConnectivityMeasure(kind="tangent").fit_transform(series)]


def denoise(series, confounds):
    cleaned = clean(series, confounds=confounds, detrend=True, standardize=None, low_pass=0.1, high_pass=0.01, t_r=2.0)
    return [cleaned.T]


def turned(x):
    """Time first, in memory of its own."""
    return np.ascontiguousarray(np.swapaxes(x, -1, -2))


def make(work):
    kind, extents = parse(work)
    x = operands(kind, extents)
    if kind == "births_deaths":
        return lambda: births_deaths(x[0])
    x = [turned(a) for a in x]
    if kind == "tangent":
        return lambda: tangent(list(x[0]))
    return lambda: denoise(*x)


if __name__ == "__main__":
    serve(f"nilearn {nilearn.__version__}, SciPy {scipy.__version__}", "cpu", make)
