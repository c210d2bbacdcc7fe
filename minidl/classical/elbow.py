"""How many clusters?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .kmeans import KMeans


class Elbow(NamedTuple):
    """The numbers of clusters tried, ascending, the inertia of each, and the number at the bend of the curve."""

    n_clusters: NDArray[np.int64]
    inertia: NDArray[np.float64]
    best: int


def elbow(X: ArrayLike, n_clusters: Iterable[int] = range(1, 11), **options: Any) -> Elbow:
    """The inertia of KMeans for each number of clusters, and where more clusters cease to pay.

    The inertia falls with k, steeply as long as clusters are divided that are several, slowly after. The rule for the bend: scale both
    axes so that the curve runs from (0, 1) to (1, 0), and take the k that lies farthest below the straight line between these ends,
    the largest 1 - x - y (V. Satopaa et al., "Finding a kneedle in a haystack", 2011); the least k of equal ones. A curve that does not
    fall has its bend at its beginning. `options` go to KMeans. ValueError for fewer than three numbers of clusters, which have no bend.

    >>> X = np.repeat([[0., 0.], [5., 0.], [0., 5.]], 4, axis=0) + np.tile([[.1, 0.], [0., .1], [-.1, 0.], [0., -.1]], (3, 1))
    >>> found = elbow(X, range(1, 6), random_state=0)
    >>> found.best, found.inertia.round(2).tolist()[:3]
    (3, [133.45, 65.45, 0.12])
    """
    tried = np.array(sorted(set(n_clusters)), dtype=np.int64)
    if len(tried) < 3:
        raise ValueError(f"elbow: expected at least 3 different numbers of clusters, got {tried.tolist()}")
    inertia = np.array([KMeans(int(k), **options).fit(X).inertia_ for k in tried])
    fall = inertia[0] - inertia[-1]
    if fall <= 0:
        return Elbow(tried, inertia, int(tried[0]))
    below = 1 - (tried - tried[0]) / (tried[-1] - tried[0]) - (inertia - inertia[-1]) / fall
    return Elbow(tried, inertia, int(tried[below.argmax()]))
