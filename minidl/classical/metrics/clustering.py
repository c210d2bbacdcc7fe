"""Scores of clusterings."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_array, check_random_state, check_same_length
from ..parts import chunks

Array = NDArray[Any]


def _labels(values: ArrayLike, name: str) -> Array:
    labels = np.asarray(values)
    if labels.ndim != 1:
        raise ValueError(f"{name} must be 1D: shape is {labels.shape}")
    return labels


def adjusted_rand_score(labels_true: ArrayLike, labels_pred: ArrayLike) -> float:
    """How far two clusterings agree on which pairs of samples belong together, whatever the clusters are called.

    With n_ij samples in cluster i of the one and j of the other, and C(n) = n (n - 1) / 2 pairs among n: (sum C(n_ij) - e) / ((a + b) / 2 - e) with
    a = sum C(n_i.), b = sum C(n_.j) and e = a b / C(n), what chance gives. 1 for equal clusterings, about 0 for random ones.
    L. Hubert, P. Arabie, "Comparing partitions", 1985.

    >>> adjusted_rand_score([0, 0, 1, 1], [5, 5, 2, 2]), round(adjusted_rand_score([0, 0, 1, 2], [0, 0, 1, 1]), 4)
    (1.0, 0.5714)
    """
    true, predicted = _labels(labels_true, "labels_true"), _labels(labels_pred, "labels_pred")
    check_same_length(labels_true=true, labels_pred=predicted)
    (_, rows), (_, columns) = np.unique(true, return_inverse=True), np.unique(predicted, return_inverse=True)
    width = columns.max(initial=0) + 1

    def pairs(counts: Array) -> int:
        return sum(n * (n - 1) // 2 for n in counts.tolist())  # Python's integers, which do not overflow

    both = pairs(np.unique(rows * width + columns, return_counts=True)[1])
    a, b, total = pairs(np.bincount(rows)), pairs(np.bincount(columns)), pairs(np.array([len(true)]))
    if both == a == b or not total:
        return 1.0
    expected = a * b / total
    return float((both - expected) / ((a + b) / 2 - expected))


def silhouette_samples(X: ArrayLike, labels: ArrayLike) -> Array:
    """s = (b - a) / max(a, b) of each sample: a its mean distance to its own cluster's other samples, b the least one to another cluster's.

    Near 1 well inside its cluster, 0 between two, negative nearer to another; 0 for a cluster of one. Euclidean distances, computed by
    chunks of rows: time O(n^2 d), memory a chunk. ValueError unless there are 2 to n - 1 clusters. P. Rousseeuw, "Silhouettes", 1987.

    >>> silhouette_samples([[0.], [1.], [9.], [10.]], [0, 0, 1, 1]).round(3)
    array([0.895, 0.882, 0.882, 0.895])
    """
    x, names = check_array(X, owner="silhouette_samples"), _labels(labels, "labels")
    check_same_length(X=x, labels=names)
    found, own = np.unique(names, return_inverse=True)
    k, n = len(found), len(x)
    if not 1 < k < n:
        raise ValueError(f"Number of labels is {k}. Valid values are 2 to n_samples - 1 (inclusive)")
    z = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    norms, sizes, result = np.einsum("ij,ij->i", z, z), np.bincount(own), np.empty(n)
    order = np.argsort(own, kind="stable")
    z, norms, starts = z[order], norms[order], np.cumsum(sizes) - sizes
    for rows in chunks(n, n):
        squared = norms[rows, None] + norms - 2 * (z[rows] @ z.T)
        squared[np.arange(rows.stop - rows.start), np.arange(rows.start, rows.stop)] = 0
        sums = np.add.reduceat(np.sqrt(np.maximum(squared, 0, out=squared), out=squared), starts, axis=1)
        mine, here = own[order[rows]], np.arange(rows.stop - rows.start)
        a = sums[here, mine] / np.maximum(sizes[mine] - 1, 1)
        mean = sums / sizes
        mean[here, mine] = np.inf
        b = mean.min(axis=1)
        widest = np.maximum(a, b)
        result[order[rows]] = np.where((sizes[mine] > 1) & (widest > 0), (b - a) / np.where(widest > 0, widest, 1), 0)
    return result.astype(x.dtype, copy=False)


def silhouette_score(X: ArrayLike, labels: ArrayLike, *, sample_size: int | None = None, random_state: Any = None) -> float:
    """The mean of `silhouette_samples`, of `sample_size` random samples if given: the number of clusters for which it is greatest fits best.

    >>> round(silhouette_score([[0.], [1.], [9.], [10.]], [0, 0, 1, 1]), 3)
    0.889
    """
    if sample_size is None:
        return float(silhouette_samples(X, labels).mean())
    x, names = check_array(X, owner="silhouette_score"), _labels(labels, "labels")
    check_same_length(X=x, labels=names)
    chosen = check_random_state(random_state).permutation(len(x))[:sample_size]
    return float(silhouette_samples(x[chosen], names[chosen]).mean())
