"""K-means on small samples of the data."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import check_integer, check_random_state, check_real, check_weights
from .kmeans import Clusterer
from .lloyd import assign, augment, cluster_sums, inertia
from .seeding import initial_centers, merge_repeats

Array = NDArray[Any]


class MiniBatchKMeans(Clusterer):
    """K-means whose centres are the running means of the samples that small random batches assigned to them.

    For a batch: label its samples by the nearest centres; with v the weight that a centre has seen and s, u the sum and the weight of its new
    samples, c becomes (v c + s) / (v + u). D. Sculley, "Web-scale k-means clustering", WWW 2010.

    Arguments as for KMeans, with n_init='auto' 3 for 'random' and functions: starts are compared on a random part of the data and only the
    best is run. batch_size: samples in a batch. max_iter: the most passes over the data. init_size: samples that a start is chosen from, None for
    3 * batch_size (3 * n_clusters if there are more clusters than that). It ends early after max_no_improvement batches (None for never)
    without a new minimum of the smoothed inertia, or when the centres' squared shift is at most tol times the mean variance (0 for never).
    Centres with less than reassignment_ratio of the largest weight are moved to random samples from time to time. compute_labels:
    whether to find `labels_` and the exact `inertia_` in the end.

    Learns `cluster_centers_`, `labels_`, `inertia_`, `n_iter_` (passes), `n_steps_` (batches), `n_features_in_`, `feature_names_in_`.
    Follows sklearn.cluster.MiniBatchKMeans (for dense data), with repeated samples merged as in KMeans.

    >>> X = np.repeat([[0., 0.], [0., 1.], [9., 9.], [9., 8.]], 10, axis=0)
    >>> MiniBatchKMeans(n_clusters=2, random_state=0).fit(X).inertia_ < 11
    True
    """

    _runs = 3

    def __init__(self, n_clusters: int = 8, *, init: Any = "k-means++", max_iter: int = 100, batch_size: int = 1024, verbose: int = 0,
                 compute_labels: bool = True, random_state: Any = None, tol: float = 0.0, max_no_improvement: int | None = 10,
                 init_size: int | None = None, n_init: Any = "auto", reassignment_ratio: float = 0.01) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.verbose = verbose
        self.compute_labels = compute_labels
        self.random_state = random_state
        self.tol = tol
        self.max_no_improvement = max_no_improvement
        self.init_size = init_size
        self.n_init = n_init
        self.reassignment_ratio = reassignment_ratio

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> MiniBatchKMeans:
        """Finds the centres, from the start. `y` is ignored."""
        self._check_arguments()
        x = self._learn_features(X)
        init, runs = self._prepare(x)
        random, tol, given = check_random_state(self.random_state), self._tolerance(x), check_weights(sample_weight, x)
        points, weights = merge_repeats(x, given) or (x, given)
        n, batch = len(points), min(self.batch_size, len(points))
        size = self._start_size(n, batch)
        valid = random.randint(0, n, size)
        starts = [self._start(points, weights, init, random, size) for _ in range(runs)]
        self.cluster_centers_ = min(starts, key=lambda centers: _nearest(points[valid], weights[valid], centers)[2])
        total, share, ones = weights.sum(), weights / weights.sum(), np.ones(batch, x.dtype)
        steps = max(1, self.max_iter * n // batch)
        smooth, least, waited, smoothing = None, np.inf, 0, min(1.0, 2 * batch / (n + 1))
        for step in range(1, steps + 1):
            before = self.cluster_centers_.copy()
            loss = self._step(points[random.choice(n, batch, p=share)], ones, random, self._may_reassign(batch)) / batch
            if step > 1:  # the first is the loss of the start
                smooth = loss if smooth is None else smooth * (1 - smoothing) + loss * smoothing
                waited = 0 if smooth < least else waited + 1
                least = min(least, smooth)
            if self.verbose:
                print(f"Minibatch step {step}/{steps}: mean batch inertia: {loss}, smoothed: {smooth}")
            still = 0 < tol and ((self.cluster_centers_ - before) ** 2).sum() <= tol
            if step > 1 and (still or (self.max_no_improvement is not None and waited >= self.max_no_improvement)):
                break
        self.n_steps_ = step
        self.n_iter_ = int(np.ceil(step * batch / n))
        if self.compute_labels:
            self._label(x, given)
        else:
            self.inertia_ = float((loss if smooth is None else smooth) * total)
        return self

    def partial_fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> MiniBatchKMeans:
        """One step with `X` as the batch; the first call also chooses the centres, from it. `y` is ignored."""
        self._check_arguments()
        first = not hasattr(self, "cluster_centers_")
        x = self._learn_features(X) if first else self._check_features(X).astype(self.cluster_centers_.dtype, copy=False)
        weights = check_weights(sample_weight, x)
        if first:
            self._random, self.n_steps_ = check_random_state(self.random_state), 0
            init, _ = self._prepare(x)
            size = self._start_size(len(x), min(self.batch_size, len(x)))
            self.cluster_centers_ = self._start(x, weights, init, self._random, size)
        elif not hasattr(self, "_random"):
            self._random = check_random_state(self.random_state)
        self._step(x, weights, self._random, self._may_reassign(min(self.batch_size, len(x))))
        self.n_steps_ += 1
        if self.compute_labels:
            self._label(x, weights)
        return self

    def _check_arguments(self) -> None:
        super()._check_arguments()
        check_integer("MiniBatchKMeans", "batch_size", self.batch_size, 1)
        check_real("MiniBatchKMeans", "reassignment_ratio", self.reassignment_ratio)
        if self.max_no_improvement is not None:
            check_integer("MiniBatchKMeans", "max_no_improvement", self.max_no_improvement, 0)
        if self.init_size is not None:
            check_integer("MiniBatchKMeans", "init_size", self.init_size, 1)

    def _start_size(self, n: int, batch: int) -> int:
        """How many samples a start is chosen from."""
        size = self.init_size
        if size is None:
            size = 3 * batch if 3 * batch >= self.n_clusters else 3 * self.n_clusters
        elif size < self.n_clusters:
            warnings.warn(f"init_size={size} should be larger than n_clusters={self.n_clusters}. Setting it to min(3*n_clusters, n_samples)",
                          RuntimeWarning, stacklevel=3)
            size = 3 * self.n_clusters
        return min(size, n)

    def _start(self, x: Array, weights: Array, init: Any, random: np.random.RandomState, size: int) -> Array:
        """First centres from a random part of the data."""
        if size < len(x):
            chosen = random.randint(0, len(x), size)
            x, weights = x[chosen], weights[chosen]
        self._seen, self._since_reassigned = np.zeros(self.n_clusters), 0
        return initial_centers(init, x, augment(x, x.dtype.type(0)), weights, self.n_clusters, random)

    def _may_reassign(self, batch: int) -> bool:
        """True once every 10 * n_clusters samples, and as long as a centre has seen none."""
        self._since_reassigned += batch
        due = bool((self._seen == 0).any()) or self._since_reassigned >= 10 * self.n_clusters
        if due:
            self._since_reassigned = 0
        return due

    def _step(self, x: Array, weights: Array, random: np.random.RandomState, reassign: bool) -> float:
        """Moves the centres by one batch; its inertia before."""
        centers, seen = self.cluster_centers_, self._seen
        xa, labels, loss = _nearest(x, weights, centers)
        sums = cluster_sums(xa, weights, labels, len(centers))
        hit = sums[:, -1] > 0
        moved = centers.copy()
        moved[hit] = (centers[hit] * seen[hit, None] + sums[hit, :-1]) / (seen[hit] + sums[hit, -1])[:, None]
        seen[hit] += sums[hit, -1]
        if reassign and self.reassignment_ratio > 0:
            poor = seen < self.reassignment_ratio * seen.max()
            if poor.sum() > len(x) / 2:
                poor[np.argsort(seen)[len(x) // 2:]] = False
            if poor.any():
                if self.verbose:
                    print(f"[MiniBatchKMeans] Reassigning {poor.sum()} cluster centers.")
                moved[poor] = x[random.choice(len(x), replace=False, size=poor.sum())]
                seen[poor] = seen[~poor].min()  # so that they are not moved again at once
        self.cluster_centers_ = moved
        return loss

    def _label(self, x: Array, weights: Array) -> None:
        self.labels_ = self._labels(x)
        self.inertia_ = self._inertia(x, weights, self.labels_)


def _nearest(x: Array, weights: Array, centers: Array) -> tuple[Array, Array, float]:
    """The rows as in `lloyd`, their labels and their inertia."""
    xa, labels = augment(x, x.dtype.type(0)), np.empty(len(x), np.int32)
    assign(xa)(centers, labels)
    return xa, labels, inertia(xa, weights, centers, labels)
