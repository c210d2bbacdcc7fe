"""The memory order of images: contiguous (N, C, H, W), or channels-last, where the channels of a place lie together."""

from __future__ import annotations

from math import prod

import numpy as np

Sizes = tuple[int, ...]


def is_channels_last(x: np.ndarray) -> bool:
    """Whether the channels of 2-D or 3-D images lie innermost in memory (and not just because a size is 1)."""
    return (x.ndim in (4, 5) and x.strides[1] == x.itemsize and x.shape[1] > 1 and prod(x.shape[2:]) > 1
            and not x.flags.c_contiguous)


def empty(shape: Sizes, dtype: np.dtype, last: bool) -> np.ndarray:
    """A new array (N, C, ...) in contiguous or channels-last memory."""
    if not last:
        return np.empty(shape, dtype)
    return np.moveaxis(np.empty((shape[0], *shape[2:], shape[1]), dtype), -1, 1)


def full_like(x: np.ndarray, shape: Sizes, value: float, dtype: np.dtype | None = None) -> np.ndarray:
    """A new array of `shape` filled with `value`, channels-last where x is."""
    y = empty(shape, x.dtype if dtype is None else dtype, is_channels_last(x))
    y[...] = value
    return y
