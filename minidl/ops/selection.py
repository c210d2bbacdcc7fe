"""Elements of each line along a dimension, by index: what max, sort and their like share."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import data_of
from .index import _pick, open_grid, put_zeros
from .shape import as_shape


def grid(index: Any, dim: int) -> tuple[Any, ...]:
    """The key that applies `index` along `dim` and is the position itself in the other dimensions."""
    axes: list[Any] = list(open_grid(index.shape))
    axes[dim] = index
    return tuple(axes)


def take_at(x: Any, index: Any, dim: int) -> Any:
    """y[..., i, ...] = x[..., index[..., i, ...], ...] along `dim`; the transpose of `place_at`."""
    return _pick(x, grid(data_of(index), dim))


def place_at(x: Any, index: Any, dim: int, size: int) -> Any:
    """Zeros with `size` places along `dim`, to which x is added at `index`; the transpose of `take_at`."""
    return put_zeros(x, (*x.shape[:dim], size, *x.shape[dim + 1:]), grid(data_of(index), dim))


def place_like(g: Any, x_shape: Any, indices: Any, dim: int) -> Any:
    """The gradient, for x of `x_shape`, of values taken at `indices` along `dim`."""
    return place_at(g, indices, dim, x_shape[dim]) if x_shape else g


def picked(x: Any, index: Any, dim: int, keepdim: bool) -> tuple[Any, Any]:
    """The elements of an array at `index`, which has size 1 along `dim`, and the index itself."""
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    y = x[grid(index, dim)]
    return (y, index) if keepdim else (y.squeeze(dim), index.squeeze(dim))


def place_picked(g: Any, x_shape: Any, indices: Any, dim: int) -> Any:
    """The gradient of `picked`: each line's goes to the element that was picked."""
    kept = (*x_shape[:dim], 1, *x_shape[dim + 1:]) if x_shape else ()
    return place_like(as_shape(g, kept), x_shape, data_of(indices).reshape(kept), dim)
