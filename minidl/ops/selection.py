"""One element of each line along a dimension, and its transpose: what carries the gradients of max, sort and the like."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import primitive


def axes_grid(index: Any, dim: int) -> tuple[Any, ...]:
    """The advanced index that applies `index` along `dim` and the position itself elsewhere."""
    grid = list(np.ogrid[tuple(map(slice, index.shape))])
    grid[dim] = index
    return tuple(grid)


@primitive(x=lambda g, x_shape, index, dim: place_at(g, index, dim, x_shape[dim]), arrays="index", grad_name="GatherBackward0")
def take_at(x: Any, index: Any, dim: int) -> Any:
    """y[..., i, ...] = x[..., index[..., i, ...], ...] along `dim`; the transpose of `place_at`."""
    return x[axes_grid(index, dim)] if x.ndim else x.copy()


@primitive(x=lambda g, index, dim: take_at(g, index, dim), arrays="index", grad_name="ScatterAddBackward0")
def place_at(x: Any, index: Any, dim: int, size: int) -> Any:
    """Zeros with `size` places along `dim`, to which x is added at `index`; the transpose of `take_at`."""
    if not np.ndim(x):
        return np.array(x)
    y = np.zeros(x.shape[:dim] + (size,) + x.shape[dim + 1:], x.dtype)
    if x.shape[dim] == 1:  # nothing can coincide
        y[axes_grid(index, dim)] = x
    else:
        np.add.at(y, axes_grid(index, dim), x)
    return y
