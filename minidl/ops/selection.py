"""One element of each line along a dimension, by index: what max, sort and their like share."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import data_of
from .index import put_zeros
from .shape import as_shape


def grid(index: Any, dim: int) -> tuple[Any, ...]:
    """The key that applies `index` along `dim` and is the position itself in the other dimensions."""
    axes = [np.arange(n).reshape([-1 if d == axis else 1 for d in range(index.ndim)]) for axis, n in enumerate(index.shape)]
    axes[dim] = index
    return tuple(axes)


def place_at(g: Any, x_shape: Any, indices: Any, dim: int) -> Any:
    """Zeros of `x_shape` to which g is added at `indices` along `dim`: the gradient of values taken there."""
    return put_zeros(g, x_shape, grid(data_of(indices), dim)) if x_shape else g


def picked(x: Any, index: Any, dim: int, keepdim: bool) -> tuple[Any, Any]:
    """The elements of an array at `index`, which has size 1 along `dim`, and the index itself."""
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    y = x[grid(index, dim)]
    return (y, index) if keepdim else (y.squeeze(dim), index.squeeze(dim))


def place_picked(g: Any, x_shape: Any, indices: Any, dim: int) -> Any:
    """The gradient of `picked`: each line's goes to the element that was picked."""
    kept = (*x_shape[:dim], 1, *x_shape[dim + 1:]) if x_shape else ()
    return place_at(as_shape(g, kept), x_shape, data_of(indices).reshape(kept), dim)
