"""Sums on bare arrays by the fastest way that NumPy has: as products with ones, which BLAS computes."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from string import ascii_letters
from typing import Any

import numpy as np

from ..core.threads import alone

LARGE = 1 << 17  # elements up to which BLAS multiplies a matrix by a vector in one thread


@lru_cache(16)
def ones(n: int, dtype: np.dtype) -> np.ndarray:
    """A column of n ones."""
    return np.ones((n, 1), dtype)


@lru_cache
def constant(value: float, dtype: np.dtype) -> np.ndarray:
    """A number as an array, with which NumPy computes in half the time."""
    return np.array(value, dtype)


def sums(y: Any, dims: tuple[int, ...]) -> Any:
    """The sums over `dims`, which keep size 1; over the last alone a product with ones, in half the time."""
    if dims == (y.ndim - 1,):
        column = ones(y.shape[-1], y.dtype)
        return y.dot(column) if y.size < LARGE else alone(y.dot, column)
    return np.add.reduce(y, axis=dims, keepdims=True)


class Sum:
    """Sums of an array, or of the product of two, from the shape `full` to `shape`, which is 1 where it is summed.

    BLAS is the fastest where the array can be seen as a matrix summed along one dimension. Else einsum, whatever the memory order.
    """

    def __init__(self, full: tuple[int, ...], shape: tuple[int, ...]) -> None:
        self.shape, dims = shape, ascii_letters[:len(shape)]
        self.subscripts = dims + "->" + "".join([d for d, n in zip(dims, shape) if n != 1])
        summed = [d for d, n in enumerate(full) if n != shape[d]]
        kept = [d for d, n in enumerate(full) if n == shape[d] != 1]
        matrix = bool(summed and kept and prod(full))
        self.columns = matrix and min(summed) > max(kept)  # which of the matrix is summed
        self.rows = matrix and max(summed) < min(kept)
        self.matrix = (prod([full[d] for d in (kept if self.columns else summed)]), -1)

    def of(self, x: np.ndarray) -> Any:
        if not ((self.columns or self.rows) and x.flags.c_contiguous and x.dtype.itemsize > 2):
            return np.einsum(self.subscripts, x).reshape(self.shape)
        if x.ndim > 2:
            x = x.reshape(self.matrix)
        a, b = (x, ones(x.shape[1], x.dtype)) if self.columns else (ones(len(x), x.dtype).T, x)
        y = a.dot(b) if x.size < LARGE else alone(a.dot, b)
        return y if len(self.shape) == 2 else y.reshape(self.shape)

    def of_product(self, x: np.ndarray, y: np.ndarray) -> Any:
        if (self.columns or self.rows) and x.flags.c_contiguous and y.flags.c_contiguous and x.dtype.itemsize > 2:
            return self.of(x * y)
        return np.einsum(f"{self.subscripts[:x.ndim]},{self.subscripts}", x, y).reshape(self.shape)
