"""Elkan's E step: distances that the triangle inequality shows to be superfluous are not computed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lloyd import score_matrix
from .parts import chunks

Array = NDArray[Any]


def pairwise(xa: Array, centers: Array) -> Array:
    """Distances (n, k) of the rows of `xa` (see `lloyd`) to the centres."""
    squared = xa @ score_matrix(centers)
    squared += np.einsum("ij,ij->i", xa[:, :-1], xa[:, :-1])[:, None]
    return np.sqrt(np.maximum(squared, 0, out=squared), out=squared)


class Elkan:
    """Assigns like `lloyd.assign`, remembering for each sample an upper bound u of the distance to its centre and lower bounds l of that to all.

    A centre c that moves by s changes a distance by at most s, so u grows and l falls by the centres' shifts. With a the sample's present centre,
    c cannot be nearer if u <= l(c), nor, by the triangle inequality, if u <= d(a, c) / 2. Only rows where some centre passes both
    tests, also with u made exact, are computed anew. Exact as Lloyd's step; memory O(n k). C. Elkan, "Using the
    triangle inequality to accelerate k-means", ICML 2003.
    """

    def __init__(self, xa: Array) -> None:
        self.xa = xa
        self.centers: Array | None = None

    def __call__(self, centers: Array, labels: Array) -> None:
        n, k = len(self.xa), len(centers)
        if self.centers is None:
            self.upper, self.lower = np.empty(n, self.xa.dtype), np.empty((n, k), self.xa.dtype)
            for rows in chunks(n, k):
                self.lower[rows] = pairwise(self.xa[rows], centers)
                labels[rows] = self.lower[rows].argmin(axis=1)
                self.upper[rows] = self.lower[rows].min(axis=1)
        else:
            shift = np.sqrt(((centers - self.centers) ** 2).sum(axis=1))
            apart = np.sqrt(((centers[:, None] - centers) ** 2).sum(axis=2)) / 2
            for rows in chunks(n, k):
                self._update(rows, centers, labels[rows], shift, apart)
        self.centers = centers

    def _update(self, rows: slice, centers: Array, labels: Array, shift: Array, apart: Array) -> None:
        xa, upper, lower = self.xa[rows], self.upper[rows], self.lower[rows]
        upper += shift[labels]
        lower -= shift
        nearest_other = np.where(np.eye(len(centers), dtype=bool), np.inf, apart).min(axis=1)
        open_rows = np.flatnonzero(upper > nearest_other[labels])
        own = labels[open_rows]
        difference = xa[open_rows, :-1] - centers[own]
        exact = np.sqrt(np.einsum("ij,ij->i", difference, difference))
        upper[open_rows] = lower[open_rows, own] = exact
        nearer = (exact[:, None] > lower[open_rows]) & (exact[:, None] > apart[own])
        open_rows = open_rows[nearer.any(axis=1)]
        lower[open_rows] = distances = pairwise(xa[open_rows], centers)
        labels[open_rows] = distances.argmin(axis=1)
        upper[open_rows] = distances.min(axis=1)
