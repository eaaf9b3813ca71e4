"""nilearn's ``ConnectivityMeasure``, computed by tapetum."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from . import _tapetum
from .signal import clean

KINDS = ("correlation", "partial correlation", "tangent", "covariance", "precision")

_ESTIMATORS = {"LedoitWolf": "ledoit-wolf", "OAS": "oas", "EmpiricalCovariance": "empirical"}


class ConnectivityMeasure(TransformerMixin, BaseEstimator):
    """Connectivity of regions, with the parameters, attributes and results of ``nilearn.connectome.ConnectivityMeasure``.

    Parameters
    ----------
    cov_estimator : scikit-learn's LedoitWolf, OAS or EmpiricalCovariance; None for LedoitWolf.
    kind : "covariance", "correlation", "partial correlation", "precision" or "tangent".
    vectorize : whether the result is the lower triangle of each matrix, row by row, its diagonal divided by the root of 2.
    discard_diagonal : whether vectors leave the diagonal out.
    standardize : whether series are standardised for a correlation.
    verbose : taken for nilearn's sake; nothing is printed.
    device : where it is computed; see the module.

    Attributes
    ----------
    mean_ : the mean matrix of the group; for "tangent" its geometric mean.
    whitening_ : for "tangent" the inverse root of ``mean_``, else None.
    n_features_in_ : the number of regions.
    """

    def __init__(
        self,
        cov_estimator: Any = None,
        kind: str = "covariance",
        vectorize: bool = False,
        discard_diagonal: bool = False,
        standardize: bool = True,
        verbose: int = 0,
        device: Any = None,
    ) -> None:
        self.cov_estimator = cov_estimator
        self.kind = kind
        self.vectorize = vectorize
        self.discard_diagonal = discard_diagonal
        self.standardize = standardize
        self.verbose = verbose
        self.device = device

    def fit(self, X: Iterable[NDArray[Any]], y: Any = None) -> ConnectivityMeasure:
        """Fits the mean connectivity of subjects, arrays ``[time, regions]`` that may differ in time."""
        self._fit(_subjects(X))
        return self

    def fit_transform(self, X: Iterable[NDArray[Any]], y: Any = None, confounds: Any = None) -> NDArray[Any]:
        """Fits, and returns the connectivity of each subject: f32 ``[subjects, regions, regions]``, or vectors."""
        series = _subjects(X)
        self._check_confounds(confounds)
        self._check_group(series)
        return self._finished(self._fit(series), confounds)

    def transform(self, X: Iterable[NDArray[Any]], confounds: Any = None) -> NDArray[Any]:
        """The connectivity of each subject, which for "tangent" is relative to the mean of the fit."""
        check_is_fitted(self)
        series = _subjects(X)
        self._check_confounds(confounds)
        self._check_group(series)
        if series[0].shape[1] != self.n_features_in_:
            raise ValueError(f"series of {self.n_features_in_} regions are expected, found {series[0].shape[1]}")
        if self.kind == "tangent":
            made, said = _tapetum.tangents(series, self._estimator(), self.mean_, self._kept, self.device)
            _warn(said)
        else:
            made = self._matrices(series)
        return self._finished(made, confounds)

    def inverse_transform(self, connectivities: ArrayLike, diagonal: NDArray[Any] | None = None) -> NDArray[Any]:
        """Matrices from vectors or matrices; for "tangent" the covariances. ``diagonal`` is what was discarded, over the root of 2."""
        check_is_fitted(self)
        made = np.asarray(connectivities)
        if self.vectorize:
            if self.discard_diagonal and diagonal is None:
                if self.kind not in ("correlation", "partial correlation"):
                    raise ValueError(f"the diagonal of a {self.kind} was discarded: `diagonal` is expected")
                diagonal = np.full((made.shape[0], self.n_features_in_), 1 / math.sqrt(2))
            made = _matrices_of(made, self.n_features_in_, diagonal)
        return _tapetum.covariances_of(made, self.mean_) if self.kind == "tangent" else made

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "mean_")

    def _fit(self, series: list[NDArray[Any]]) -> NDArray[Any]:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r}: one of {', '.join(map(repr, KINDS))} is expected")
        if not isinstance(self.standardize, bool):
            raise ValueError(f"standardize {self.standardize!r}: True or False is expected")
        self.n_features_in_: int = series[0].shape[1]
        if self.kind == "tangent":
            # The value at which nilearn's iteration for the geometric mean stops.
            tolerance = 1e-7 * self.n_features_in_**2
            mean, whitening, self._kept, made, said = _tapetum.fit_tangent(series, self._estimator(), tolerance, self.device)
            self.mean_: NDArray[Any] = mean
            self.whitening_: NDArray[Any] | None = whitening
            _warn(said)
            return made
        made = self._matrices(series)
        self.mean_ = made.mean(axis=0, dtype=np.float64)
        self.whitening_ = None
        return made

    def _matrices(self, series: list[NDArray[Any]]) -> NDArray[Any]:
        as_they_are = self.kind == "correlation" and not self.standardize
        kind = "covariance" if as_they_are else self.kind
        made, said = _tapetum.connectivity(series, kind, self._estimator(), self.device)
        _warn(said)
        if as_they_are:
            made = _tapetum.normalised(made).astype(np.float32)
        if self.kind in ("correlation", "partial correlation"):
            every = np.arange(self.n_features_in_)
            diagonal = made[:, every, every]
            # A region that is constant has 0.
            made[:, every, every] = np.where(diagonal > 0.5, 1, diagonal)
        return made

    def _estimator(self) -> str:
        given = self.cov_estimator
        if given is None:
            return "ledoit-wolf"
        name = type(given).__name__
        if name not in _ESTIMATORS:
            raise ValueError(f"cov_estimator {name}: LedoitWolf, OAS or EmpiricalCovariance of scikit-learn is expected")
        if getattr(given, "assume_centered", False):
            raise ValueError("cov_estimator with assume_centered=True: the means of series are always taken off")
        return _ESTIMATORS[name]

    def _finished(self, made: NDArray[Any], confounds: Any) -> NDArray[Any]:
        if not self.vectorize:
            return made
        vectors = _vectors_of(made, self.discard_diagonal)
        return vectors if confounds is None else clean(vectors, confounds=confounds, device=self.device)

    def _check_confounds(self, confounds: Any) -> None:
        if confounds is not None and not self.vectorize:
            raise ValueError("confounds are regressed from vectors: vectorize=True is expected with them")

    def _check_group(self, series: Sequence[NDArray[Any]]) -> None:
        if self.kind == "tangent" and len(series) < 2:
            raise ValueError("a tangent is of a group of subjects, as it is relative to their mean: 2 subjects at least are expected")


def _subjects(X: Iterable[NDArray[Any]]) -> list[NDArray[Any]]:
    if not hasattr(X, "__iter__"):
        raise TypeError(f"an iterable of arrays [time, regions] is expected, found {type(X).__name__}")
    subjects = [X] if isinstance(X, np.ndarray) and X.ndim == 2 else list(X)
    if not subjects:
        raise ValueError("series of at least one subject are expected")
    for at, one in enumerate(subjects):
        if not isinstance(one, np.ndarray) or one.ndim != 2:
            found = f"an array of shape {one.shape}" if isinstance(one, np.ndarray) else type(one).__name__
            raise ValueError(f"subject {at}: an array [time, regions] is expected, found {found}")
        if one.dtype.kind not in "fiub":
            raise ValueError(f"subject {at}: numbers are expected, found {one.dtype}")
        if not np.isfinite(one).all():
            raise ValueError(f"subject {at}: finite numbers are expected, found NaN or infinity")
        if one.shape[1] != subjects[0].shape[1]:
            raise ValueError(f"subject {at}: {one.shape[1]} regions, and subject 0 has {subjects[0].shape[1]}")
    return subjects


def _warn(lines: Iterable[str]) -> None:
    for line in lines:
        warnings.warn(line, stacklevel=4)


def _vectors_of(matrices: NDArray[Any], discard_diagonal: bool) -> NDArray[Any]:
    """The lower triangles, row by row; a diagonal is divided by the root of 2, so that norms are kept up to that factor."""
    rows, columns = np.tril_indices(matrices.shape[-1], k=-1 if discard_diagonal else 0)
    vectors = matrices[..., rows, columns]
    vectors[..., rows == columns] /= math.sqrt(2)
    return vectors


def _matrices_of(vectors: NDArray[Any], regions: int, diagonal: NDArray[Any] | None) -> NDArray[Any]:
    rows, columns = np.tril_indices(regions, k=0 if diagonal is None else -1)
    if vectors.shape[-1] != rows.size:
        raise ValueError(f"vectors of {rows.size} entries are expected for {regions} regions, found {vectors.shape[-1]}")
    matrices = np.zeros((*vectors.shape[:-1], regions, regions), dtype=np.result_type(vectors, np.float32))
    matrices[..., rows, columns] = vectors
    matrices[..., columns, rows] = vectors
    every = np.arange(regions)
    matrices[..., every, every] = math.sqrt(2) * (matrices[..., every, every] if diagonal is None else np.asarray(diagonal))
    return matrices
