"""ConnectivityMeasure, held to nilearn's."""

import pickle

import numpy as np
import pytest
from nilearn.connectome import ConnectivityMeasure as Nilearn
from sklearn.base import clone
from sklearn.covariance import OAS, EmpiricalCovariance, LedoitWolf, ShrunkCovariance
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from tapetum import ConnectivityMeasure

KINDS = ["covariance", "correlation", "partial correlation", "precision", "tangent"]


def subjects(frames=(120, 120, 120), regions=12, seed=0):
    """Series with common sources, so that regions are correlated."""
    draw = np.random.default_rng(seed)
    mixing = draw.normal(size=(regions, regions))
    return [draw.normal(size=(t, regions)) @ mixing + 3 * draw.normal(size=regions) for t in frames]


def assert_close(found, expected, tolerance=1e-5):
    expected = np.asarray(expected)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("estimator", [None, LedoitWolf(), OAS(), EmpiricalCovariance()], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frames", [(120, 120, 120), (90, 120, 90, 150)], ids=["equal", "ragged"])
def test_every_kind_is_nilearns(kind, estimator, frames):
    series = subjects(frames)
    ours, theirs = ConnectivityMeasure(estimator, kind=kind), Nilearn(estimator, kind=kind)
    assert_close(ours.fit_transform(series), theirs.fit_transform(series))
    assert_close(ours.mean_, theirs.mean_)
    np.testing.assert_array_equal(ours.fit_transform(series), ours.fit_transform(series).transpose(0, 2, 1))
    if kind == "tangent":
        assert_close(ours.whitening_, theirs.whitening_)
    else:
        assert ours.whitening_ is None
    others = subjects((80, 100), seed=1)
    assert_close(ours.transform(others), theirs.transform(others))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("discard", [False, True])
def test_vectors_and_their_inverse_are_nilearns(kind, discard):
    series = subjects((90, 120, 150))
    ours = ConnectivityMeasure(kind=kind, vectorize=True, discard_diagonal=discard)
    theirs = Nilearn(kind=kind, vectorize=True, discard_diagonal=discard)
    vectors, expected = ours.fit_transform(series), theirs.fit_transform(series)
    assert_close(vectors, expected)
    if discard and kind not in ("correlation", "partial correlation"):
        with pytest.raises(ValueError, match="diagonal"):
            ours.inverse_transform(vectors)
        diagonal = np.linspace(0.5, 1.5, 36).reshape(3, 12)
        assert_close(ours.inverse_transform(vectors, diagonal), theirs.inverse_transform(expected, diagonal))
    else:
        assert_close(ours.inverse_transform(vectors), theirs.inverse_transform(expected))


def test_matrices_go_back_to_covariances():
    series = subjects((90, 120))
    ours = ConnectivityMeasure(kind="tangent")
    covariances = ConnectivityMeasure(kind="covariance").fit_transform(series)
    assert_close(ours.inverse_transform(ours.fit_transform(series)), covariances, 2e-5)


def test_correlation_of_series_as_they_are():
    series = [x * np.logspace(0, 1, 12) for x in subjects()]
    assert_close(
        ConnectivityMeasure(kind="correlation", standardize=False).fit_transform(series),
        Nilearn(kind="correlation", standardize=False).fit_transform(series),
    )


def test_confounds_are_regressed_from_vectors():
    series, confounds = subjects((90, 120, 90, 150, 100)), np.arange(5.0)[:, None] ** 2
    ours, theirs = (of(kind="correlation", vectorize=True) for of in (ConnectivityMeasure, Nilearn))
    assert_close(ours.fit_transform(series, confounds=confounds), theirs.fit_transform(series, confounds=confounds), 1e-4)


def test_one_subject_and_single_precision_and_strides():
    [one] = subjects((100,))
    expected = Nilearn(kind="correlation").fit_transform([one])
    ours = ConnectivityMeasure(kind="correlation")
    assert_close(ours.fit_transform(one), expected)
    assert_close(ours.fit_transform([one.astype(np.float32)]), expected)
    assert_close(ours.fit_transform([np.asfortranarray(one)]), expected)
    assert_close(ours.fit_transform([np.repeat(one, 2, axis=1)[:, ::2]]), expected)


def test_a_reference_of_one_subject():
    series, others = subjects((100,)), subjects((80, 100), seed=1)
    ours, theirs = (of(kind="tangent").fit(series) for of in (ConnectivityMeasure, Nilearn))
    assert_close(ours.mean_, theirs.mean_)
    assert_close(ours.transform(others), theirs.transform(others))


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_region_is_told(kind):
    series = subjects()
    series[1][:, 3] = 7
    with pytest.warns(UserWarning, match="constant series get zeros.*region 3 of subject 1"):
        found = ConnectivityMeasure(kind=kind).fit_transform(series)
    assert np.isfinite(found).all()
    assert (found[1, 3] == 0).all()


def test_a_pipeline_of_scikit_learn():
    series, labels = subjects((60,) * 8), [0, 1] * 4
    predicted = [
        make_pipeline(of(kind="tangent", vectorize=True), LogisticRegression()).fit(series, labels).predict_proba(series)
        for of in (ConnectivityMeasure, Nilearn)
    ]
    assert_close(*predicted, 1e-4)


def test_it_is_an_estimator():
    ours = ConnectivityMeasure(LedoitWolf(), kind="tangent", vectorize=True)
    assert set(Nilearn().get_params()) <= set(ours.get_params())
    assert clone(ours).get_params()["kind"] == "tangent"
    assert ours.set_params(kind="precision").kind == "precision"
    ours.set_params(kind="tangent").fit(subjects())
    again = pickle.loads(pickle.dumps(ours))
    np.testing.assert_array_equal(again.transform(subjects(seed=2)), ours.transform(subjects(seed=2)))


@pytest.mark.parametrize(
    ("settings", "series", "message"),
    [
        ({"kind": "coherence"}, subjects(), "kind 'coherence'"),
        ({"cov_estimator": ShrunkCovariance()}, subjects(), "ShrunkCovariance"),
        ({"cov_estimator": LedoitWolf(assume_centered=True)}, subjects(), "assume_centered"),
        ({"standardize": "psc"}, subjects(), "standardize 'psc'"),
        ({}, [], "at least one subject"),
        ({}, [np.zeros(3)], "subject 0: an array"),
        ({}, [np.full((5, 3), np.nan)], "finite numbers"),
        ({}, [np.ones((5, 3)), np.ones((5, 4))], "4 regions"),
        ({}, [np.ones((1, 3))], "at least 2 frames"),
        ({}, [np.array([["a", "b"]])], "numbers"),
        ({"kind": "tangent"}, subjects((100,)), "2 subjects"),
        ({"device": "no such adapter"}, subjects(), "no such adapter"),
    ],
)
def test_what_cannot_be_is_refused(settings, series, message):
    with pytest.raises((ValueError, RuntimeError), match=message):
        ConnectivityMeasure(**settings).fit_transform(series)
