"""The two steps of k-means: every sample to its nearest centre, every centre to the mean of its samples.

Samples are rows of `xa`: those of X, less a common shift, with a one appended. Of ||x - c||^2 = ||x||^2 - 2 x.c + ||c||^2 the first term does
not depend on the centre, so that the rest, for all centres, is a single matrix product, [x 1] [-2 C^T; ||c||^2], and the same column of
ones turns the sums over a cluster into sums and total weight at once. The shift matters since the terms cancel where the samples lie
far from the origin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .parts import BLOCK, chunks, in_threads, products, slices

Array = NDArray[Any]
Assign = Callable[[Array, Array], None]  # (centers, labels): writes the nearest centres into the labels


def augment(x: Array, shift: Array) -> Array:
    """[x - shift, 1], of shape (n, d + 1)."""
    xa = np.empty((len(x), x.shape[1] + 1), x.dtype)
    np.subtract(x, shift, out=xa[:, :-1])
    xa[:, -1] = 1
    return xa


def score_matrix(centers: Array) -> Array:
    """[-2 C^T; ||c||^2], of shape (d + 1, k): xa @ it is ||x - c||^2 - ||x||^2."""
    return np.concatenate([-2 * centers.T, np.einsum("ij,ij->i", centers, centers)[None]])


def assign(xa: Array) -> Assign:
    """The E step over the rows of `xa`; of equally near centres the first."""

    def step(centers: Array, labels: Array) -> None:
        matrix = score_matrix(centers)

        def part(rows: slice) -> None:
            mine = labels[rows]
            for chunk, scores in products(xa[rows], matrix):
                mine[chunk] = scores.argmin(axis=1)

        in_threads(part, len(xa), matrix.size)

    return step


def squared_distances(xa: Array, centers: Array, labels: Array) -> Iterator[tuple[slice, Array]]:
    """||x - c||^2 of each sample to the centre of its label, by differences, which do not cancel."""
    for rows in chunks(len(xa), xa.shape[1]):
        difference = xa[rows, :-1] - centers[labels[rows]]
        yield rows, np.einsum("ij,ij->i", difference, difference)


def inertia(xa: Array, weights: Array, centers: Array, labels: Array) -> float:
    """E = sum_i w_i ||x_i - c_label(i)||^2."""
    return sum((float(np.dot(d.astype(np.float64), weights[rows])) for rows, d in squared_distances(xa, centers, labels)), 0.0)


def cluster_sums(xa: Array, weights: Array, labels: Array, k: int) -> Array:
    """Float64 (k, d + 1): the weighted sums of each cluster's samples and, last, of their weights.

    A matrix with one entry a column, the weight of a sample in the row of its label, times the samples.
    """
    from scipy.sparse import csc_matrix

    sums = np.zeros((k, xa.shape[1]))
    for rows in slices(len(xa), BLOCK):
        one_hot = csc_matrix((weights[rows], labels[rows], np.arange(rows.stop - rows.start + 1)), shape=(k, rows.stop - rows.start))
        sums += one_hot @ xa[rows]
    return sums


def new_centers(xa: Array, weights: Array, centers: Array, labels: Array) -> Array:
    """The M step. A cluster without samples takes the sample that is farthest from its centre, the next one the next farthest."""
    sums = cluster_sums(xa, weights, labels, len(centers))
    empty = np.flatnonzero(sums[:, -1] == 0)
    if len(empty):
        distances = np.concatenate([d for _, d in squared_distances(xa, centers, labels)])
        if distances.any():  # else all samples are at centres, and there is nowhere to go
            farthest = np.argpartition(distances, -len(empty))[:-len(empty) - 1:-1]
            for cluster, sample in zip(empty, farthest):
                moved = np.float64(weights[sample]) * xa[sample]
                sums[labels[sample]] -= moved
                sums[cluster] = moved
    alone = sums[:, -1] <= 0
    sums[alone] = sums[sums[:, -1].argmax()]  # what is still empty waits at the largest cluster
    return (sums[:, :-1] / sums[:, -1:]).astype(xa.dtype)


def iterate(xa: Array, weights: Array, centers: Array, step: Assign, max_iter: int, tol: float, verbose: bool) -> tuple[Array, float, Array, int]:
    """Labels, inertia, centres and number of iterations; ends when no label changes, the centres' squared shift is at most `tol`, or at `max_iter`."""
    labels = np.full(len(xa), -1, np.int32)
    before = labels.copy()
    for i in range(1, max_iter + 1):
        step(centers, labels)
        moved = new_centers(xa, weights, centers, labels)
        if verbose:
            print(f"Iteration {i - 1}, inertia {inertia(xa, weights, centers, labels)}.")
        shift = float(((moved - centers) ** 2).sum())
        centers = moved
        if np.array_equal(labels, before):
            if verbose:
                print(f"Converged at iteration {i - 1}: strict convergence.")
            break
        if shift <= tol or i == max_iter:
            if verbose and shift <= tol:
                print(f"Converged at iteration {i - 1}: center shift {shift} within tolerance {tol}.")
            step(centers, labels)  # so that the labels are those of the last centres
            break
        before[:] = labels
    return labels, inertia(xa, weights, centers, labels), centers, i
