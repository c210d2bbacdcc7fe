"""The memory order of images: contiguous (N, C, H, W), or channels-last, where the channels of a place lie together."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

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


def at(z: np.ndarray, places: Iterable[Any]) -> np.ndarray:
    """z at the given indices or slices of its last dimensions; a view where all are slices."""
    return z[(..., *places)]


def as_matrices(z: np.ndarray, groups: int, last: bool) -> np.ndarray:
    """Images (B, O, ...) as (B, groups, O / groups, places), without copying where z lies in memory as `last` says."""
    b, o, places = *z.shape[:2], prod(z.shape[2:])
    if last:
        return np.moveaxis(z, 1, -1).reshape(b, places, groups, o // groups).transpose(0, 2, 3, 1)
    return z.reshape(b, groups, o // groups, places)


def sample(target: np.ndarray, x: np.ndarray, places: list[tuple[slice, slice]]) -> None:
    """Fills the last dimensions of target: the second slices of `places` with the first ones of x, the rest with 0."""
    lead = (slice(None),) * (x.ndim - len(places))
    inside: tuple[Any, ...] = lead
    for _, there in places:
        n = target.shape[len(inside)]
        if there.start > 0:
            target[(*inside, slice(0, there.start))] = 0
        if there.stop < n:
            target[(*inside, slice(there.stop, n))] = 0
        inside += (there,)
    target[inside] = x[(*lead, *[here for here, _ in places])]
