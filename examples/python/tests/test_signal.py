"""clean, held to nilearn's."""

import warnings

import numpy as np
import pandas as pd
import pytest
from nilearn.signal import clean as nilearns
from tapetum import clean


def series(frames=150, regions=7, seed=0):
    """Series about different means, with trends."""
    draw = np.random.default_rng(seed)
    t = np.linspace(0, 1, frames)[:, None]
    return draw.normal(size=(frames, regions)) + 100 * draw.normal(size=regions) + 5 * t * draw.normal(size=regions)


def confounds(frames=150, seed=1):
    draw = np.random.default_rng(seed)
    return draw.normal(size=(frames, 4)).cumsum(axis=0) * [0.01, 1, 10, 0.1] + [0, 5, -100, 0]


def assert_nilearns(signals, tolerance=1e-5, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = nilearns(np.array(signals, dtype=np.float64), **settings)
    found = clean(signals, **settings)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * max(np.abs(expected).max(), 1))


@pytest.mark.parametrize("standardize", ["zscore_sample", "psc", False, None])
@pytest.mark.parametrize("detrend", [True, False])
@pytest.mark.parametrize("with_confounds", [True, False])
@pytest.mark.parametrize("band", [{}, {"low_pass": 0.1}, {"high_pass": 0.01}, {"low_pass": 0.1, "high_pass": 0.01}], ids=str)
def test_every_combination_is_nilearns(standardize, detrend, with_confounds, band):
    table = confounds() if with_confounds else None
    assert_nilearns(series(), standardize=standardize, detrend=detrend, confounds=table, t_r=2.0, **band)


@pytest.mark.parametrize("detrend", [True, False])
def test_cosines_are_nilearns(detrend):
    settings = {"filter": "cosine", "high_pass": 0.01, "t_r": 2.0, "detrend": detrend}
    assert_nilearns(series(), standardize=None, **settings)
    with pytest.warns(UserWarning, match="cosine"):
        assert_nilearns(series(), confounds=confounds(), **settings)
    noise = np.random.default_rng(2).normal(size=(150, 3))
    assert_nilearns(series(), confounds=noise, standardize=None, **settings)
    assert_nilearns(series(), confounds=noise, sample_mask=np.r_[3:40, 45:150], **settings)


@pytest.mark.parametrize("mask", [np.r_[5:60, 70:150], np.arange(150) % 10 != 3], ids=["indices", "flags"])
def test_frames_that_are_left_out(mask):
    assert_nilearns(series(), sample_mask=mask, confounds=confounds(), filter=False)
    assert_nilearns(series(), sample_mask=mask, detrend=False, standardize=None, filter=False)


def test_confounds_in_every_form():
    table = confounds()
    expected = clean(series(), confounds=table)
    for form in (pd.DataFrame(table), [table[:, :2], table[:, 2:]], [table[:, 0], table[:, 1:]], np.hstack([table, table])):
        np.testing.assert_allclose(clean(series(), confounds=form), expected, atol=1e-5)
    assert_nilearns(series(), confounds=table, standardize_confounds=False)
    assert_nilearns(series(), confounds=table[:, 0])


def test_runs_are_cleaned_one_by_one():
    runs = np.repeat([0, 1], 75)
    assert_nilearns(series(), runs=runs, confounds=confounds(), low_pass=0.1, t_r=2.0)


def test_other_orders_of_the_filter():
    assert_nilearns(series(), low_pass=0.1, high_pass=0.01, t_r=2.0, butterworth__order=3)


def test_a_series_that_confounds_explain_is_nothing():
    found = clean(confounds(), confounds=confounds(), standardize=None)
    assert np.abs(found).max() < 1e-4


def test_single_precision_and_integers():
    whole = np.round(series() * 10).astype(np.int16)
    assert_nilearns(whole.astype(np.float32), confounds=confounds())
    assert_nilearns(whole, confounds=confounds())
    holed = series()
    holed[3, 2] = np.nan
    assert_nilearns(holed, ensure_finite=True)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"standardize": "zscore"}, ValueError, "standardize 'zscore'"),
        ({"filter": "spline"}, ValueError, "filter 'spline'"),
        ({"filter": "cosine"}, ValueError, "high_pass"),
        ({"filter": "cosine", "low_pass": 0.1, "high_pass": 0.01}, ValueError, "low_pass"),
        ({"filter": False, "low_pass": 0.1}, ValueError, "filter is False"),
        ({"low_pass": 0.5, "t_r": 2.0}, ValueError, "Nyquist"),
        ({"low_pass": 0.01, "high_pass": 0.1}, ValueError, "in order"),
        ({"low_pass": 0.1, "t_r": 0.0}, ValueError, "TR"),
        ({"low_pass": 0.1, "sample_mask": np.arange(5, 150)}, ValueError, "splines"),
        ({"extrapolate": True}, ValueError, "extrapolate"),
        ({"detrend": "yes"}, TypeError, "detrend"),
        ({"detrend": False, "confounds": confounds(), "standardize_confounds": False}, ValueError, "standardize_confounds"),
        ({"confounds": confounds(140)}, ValueError, "150 rows"),
        ({"confounds": "confounds.tsv"}, TypeError, "pandas"),
        ({"confounds": np.full((150, 1), np.nan)}, ValueError, "confounds: finite"),
        ({"sample_mask": [150]}, ValueError, "0 to 149"),
        ({"sample_mask": np.zeros(150, bool)}, ValueError, "no frame"),
        ({"runs": [0, 1]}, ValueError, "runs"),
        ({"confounds": np.random.default_rng(0).normal(size=(150, 150))}, ValueError, "more frames"),
        ({"butterworth__order": 0, "low_pass": 0.1}, ValueError, "order 0"),
    ],
)
def test_what_cannot_be_is_refused(settings, error, message):
    with pytest.raises(error, match=message):
        clean(series(), **settings)
    with pytest.raises(TypeError, match="unexpected keyword"):
        clean(series(), butterworth__padtype="even")
