"""Elements picked along a dimension, and the transpose: what carries the gradients of max, sort and their like."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import data_of, primitive


def along(dim: int, item: Any) -> tuple[Any, ...]:
    """The index that applies `item` to dimension `dim` and leaves the others whole."""
    return (slice(None),) * dim + (item,)


def grid(index: Any, dim: int) -> tuple[Any, ...]:
    """The index that applies `index` along `dim` and is the position itself in the other dimensions."""
    axes = [np.arange(n).reshape([-1 if d == axis else 1 for d in range(index.ndim)]) for axis, n in enumerate(index.shape)]
    axes[dim] = index
    return tuple(axes)


@primitive(x=lambda g, x_shape, index, dim: place_at(g, index, dim, x_shape[dim]), arrays="index", grad_name="GatherBackward0")
def take_at(x: Any, index: Any, dim: int) -> Any:
    """y[..., i, ...] = x[..., index[..., i, ...], ...] along `dim`; the transpose of `place_at`."""
    return x[grid(index, dim)]


@primitive(x=lambda g, index, dim: take_at(g, index, dim), arrays="index", grad_name="ScatterAddBackward0")
def place_at(x: Any, index: Any, dim: int, size: int) -> Any:
    """Zeros with `size` places along `dim`, to which x is added at `index`; the transpose of `take_at`."""
    y = np.zeros(x.shape[:dim] + (size,) + x.shape[dim + 1:], x.dtype)
    if x.shape[dim] == 1:  # nothing can coincide
        y[grid(index, dim)] = x
    else:
        np.add.at(y, grid(index, dim), x)
    return y


def picked(x: Any, index: Any, dim: int, keepdim: bool) -> tuple[Any, Any]:
    """The elements of an array at `index`, which has size 1 along `dim`, and the index itself."""
    if not x.ndim:
        return x.copy(), np.zeros((), np.int64)
    y = x[grid(index, dim)]
    return (y, index) if keepdim else (y.squeeze(dim), index.squeeze(dim))


def place_picked(g: Any, x_shape: Any, indices: Any, dim: int) -> Any:
    """The gradient of `picked`: each line's goes to the element that was picked."""
    if not x_shape:
        return g
    kept = (*x_shape[:dim], 1, *x_shape[dim + 1:])
    return place_at(as_kept(g, kept), data_of(indices).reshape(kept), dim, x_shape[dim])


@primitive(x=lambda g, x_shape: as_kept(g, x_shape), view=True, grad_name="UnsqueezeBackward0")
def as_kept(x: Any, shape: tuple[int, ...]) -> Any:
    """y = x with `shape`, which differs by dimensions of size 1."""
    return x.reshape(shape)
