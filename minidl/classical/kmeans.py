"""K-means clustering."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import Estimator
from .checks import check_choice, check_integer, check_random_state, check_real, check_weights
from .elkan import Elkan, pairwise
from .errors import ConvergenceWarning, akin
from .lloyd import assign, augment, inertia, iterate
from .parts import BLOCK, slices
from .seeding import check_centers, initial_centers, merge_repeats

Array = NDArray[Any]


class Clusterer(Estimator):
    """What KMeans and MiniBatchKMeans share: all that is done with centres once they are found."""

    _kind = "clusterer"
    _transforms = True
    _runs: int  # with n_init="auto", for starts that chance decides and k-means++ does not improve

    n_clusters: int
    init: Any
    n_init: Any
    max_iter: int
    tol: float
    verbose: int
    cluster_centers_: Array
    fit: Callable[..., Any]

    def fit_predict(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Array:
        """`fit`, then the labels of the same samples."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def fit_transform(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Array:
        """`fit`, then `transform` of the same samples."""
        return self.fit(X, sample_weight=sample_weight).transform(X)

    def predict(self, X: ArrayLike) -> Array:
        """The index of the nearest centre for each sample, int32 (n_samples,)."""
        return self._labels(self._check_features(X))

    def transform(self, X: ArrayLike) -> Array:
        """The distances of each sample to all centres, (n_samples, n_clusters) of the type of `X`."""
        x = self._check_features(X)
        shift, out = self.cluster_centers_.mean(axis=0, dtype=np.float64), np.empty((len(x), len(self.cluster_centers_)), x.dtype)
        for rows in slices(len(x), BLOCK // 16):  # in float64, since the terms cancel
            out[rows] = pairwise(augment(x[rows].astype(np.float64), shift), self.cluster_centers_ - shift)
        return out

    def score(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Minus the inertia of `X`: the greater the better."""
        x = self._check_features(X)
        return -self._inertia(x, check_weights(sample_weight, x), self._labels(x))

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Names of what `transform` returns: the class's in lower case, numbered."""
        self._check_fitted()
        return np.array([f"{type(self).__name__.lower()}{i}" for i in range(len(self.cluster_centers_))], dtype=object)

    def _labels(self, x: Array) -> Array:
        centers = self.cluster_centers_.astype(x.dtype, copy=False)
        shift, labels = centers.mean(axis=0), np.empty(len(x), np.int32)
        for rows in slices(len(x), BLOCK):
            assign(augment(x[rows], shift))(centers - shift, labels[rows])
        return labels

    def _inertia(self, x: Array, weights: Array, labels: Array) -> float:
        centers = self.cluster_centers_.astype(x.dtype, copy=False)
        zero = x.dtype.type(0)
        return sum((inertia(augment(x[rows], zero), weights[rows], centers, labels[rows]) for rows in slices(len(x), BLOCK)), 0.0)

    def _check_arguments(self) -> None:
        owner = type(self).__name__
        check_integer(owner, "n_clusters", self.n_clusters, 1)
        check_integer(owner, "max_iter", self.max_iter, 1)
        check_real(owner, "tol", self.tol)
        if self.n_init != "auto":
            check_integer(owner, "n_init", self.n_init, 1)
        if isinstance(self.init, str):
            check_choice(owner, "init", self.init, ("k-means++", "random"))

    def _prepare(self, x: Array) -> tuple[Any, int]:
        """The checked `init` and the number of starts; ValueError where there are more clusters than samples."""
        if len(x) < self.n_clusters:
            raise ValueError(f"n_samples={len(x)} should be >= n_clusters={self.n_clusters}.")
        given = not isinstance(self.init, str) and not callable(self.init)
        init = check_centers(self.init, x, self.n_clusters) if given else self.init
        if self.n_init == "auto":
            return init, 1 if given or init == "k-means++" else self._runs
        if given and self.n_init != 1:
            warnings.warn(f"Explicit initial center position passed: performing only one init in {type(self).__name__} "
                          f"instead of n_init={self.n_init}.", RuntimeWarning, stacklevel=3)
        return init, 1 if given else self.n_init

    def _tolerance(self, x: Array) -> float:
        """`tol` in units of the features' mean variance."""
        return self.tol * float(x.var(axis=0, dtype=np.float64).mean()) if self.tol else 0.0


class KMeans(Clusterer):
    """Centres that minimise the squared error E = sum_i w_i ||x_i - c_label(i)||^2, where label(i) is the nearest.

    Two steps in turn, neither of which can raise E: label each sample by its nearest centre; move each centre to the weighted mean of its samples
    (S. Lloyd, "Least squares quantization in PCM", 1982). What they reach is a local minimum, which depends on the start.

    n_clusters: k. init: 'k-means++', 'random' (samples), an array (k, features), or a function of (X, k, random_state) that returns one.
    n_init: the number of starts, of which the best counts; 'auto' is 10 for 'random' and functions, else 1.
    max_iter: the most iterations of a start. tol: it ends when the squared shift of the centres is at most tol times the features' mean variance.
    verbose: prints the inertia of each iteration. random_state: a seed, a RandomState, or None for NumPy's global generator.
    copy_x: accepted; `X` is never written to. algorithm: 'lloyd', or 'elkan', of the same result, which saves distances where the clusters
    are well apart and needs n_samples * n_clusters numbers of memory; 'lloyd' needs one copy of the data and a chunk.

    Learns `cluster_centers_` (k, features), `labels_` int32, `inertia_` (E), `n_iter_`, `n_features_in_`, `feature_names_in_` of data frames.
    float32 and float64 are kept. A cluster that loses all samples moves to the one farthest from its centre. Repeated samples
    are merged, with the sum of their weights. Follows sklearn.cluster.KMeans (for dense data), also in its draws: the same seed gives
    the same centres, unless samples repeat or have weights, where here a weight of two equals a sample given twice.

    Raises ValueError for fewer samples than clusters, NaN, infinity, data that are not 2D and bad arguments.

    >>> km = KMeans(n_clusters=2, random_state=0).fit([[1., 2.], [1., 4.], [1., 0.], [10., 2.], [10., 4.], [10., 0.]])
    >>> km.cluster_centers_.tolist(), km.inertia_
    ([[10.0, 2.0], [1.0, 2.0]], 16.0)
    >>> km.predict([[0., 0.], [12., 3.]])
    array([1, 0], dtype=int32)
    """

    _runs = 10

    def __init__(self, n_clusters: int = 8, *, init: Any = "k-means++", n_init: Any = "auto", max_iter: int = 300, tol: float = 1e-4,
                 verbose: int = 0, random_state: Any = None, copy_x: bool = True, algorithm: str = "lloyd") -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.copy_x = copy_x
        self.algorithm = algorithm

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> KMeans:
        """Finds the centres. `y` is ignored."""
        self._check_arguments()
        check_choice("KMeans", "algorithm", self.algorithm, ("lloyd", "elkan"))
        x = self._learn_features(X)
        init, runs = self._prepare(x)
        random, tol, mean = check_random_state(self.random_state), self._tolerance(x), x.mean(axis=0, dtype=np.float64).astype(x.dtype)
        weights = check_weights(sample_weight, x)
        merged = merge_repeats(x, weights)
        points, weights = merged or (x, weights)
        xa = augment(points, mean)
        best = None
        for _ in range(runs):
            centers = initial_centers(init, x, xa, weights, self.n_clusters, random)
            if not isinstance(init, str):
                centers -= mean
            step = assign(xa) if self.algorithm == "lloyd" or self.n_clusters == 1 else Elkan(xa)
            found = iterate(xa, weights, centers, step, self.max_iter, tol, bool(self.verbose))
            if best is None or (found[1] < best[1] and not _same_clusters(found[0], best[0])):
                best = found
        assert best is not None
        self.labels_, self.inertia_, centers, self.n_iter_ = best
        self.cluster_centers_ = centers + mean
        if merged is not None:
            self.labels_ = self._labels(x)
        distinct = len(np.unique(self.labels_))
        if distinct < self.n_clusters:
            warnings.warn(f"Number of distinct clusters ({distinct}) found smaller than n_clusters ({self.n_clusters}). "
                          "Possibly due to duplicate points in X.", akin(ConvergenceWarning), stacklevel=2)
        return self


def _same_clusters(a: Array, b: Array) -> bool:
    """Whether two labellings differ in the clusters' numbers alone, so that a difference in inertia is rounding."""
    pairs = np.unique(np.stack([a, b]), axis=1).shape[1]
    return pairs == len(np.unique(a)) == len(np.unique(b))
