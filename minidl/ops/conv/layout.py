"""The memory order of images: contiguous (N, C, H, W), or channels-last, where the channels of a place lie together."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ..memory import is_channels_last as is_channels_last

Sizes = tuple[int, ...]


@lru_cache
def order(ndim: int, source: Sizes, destination: Sizes) -> Sizes:
    """The axes in the order to which `moveaxis` brings them."""
    taken = dict(zip([d % ndim for d in destination], [s % ndim for s in source], strict=True))
    others = iter([d for d in range(ndim) if d not in taken.values()])
    return tuple([taken[d] if d in taken else next(others) for d in range(ndim)])


def moveaxis(z: np.ndarray, source: int | Sizes, destination: int | Sizes) -> np.ndarray:
    """`numpy.moveaxis`, which takes longer than many a product of the matrices that it arranges."""
    if isinstance(source, int):
        source = (source,)
    if isinstance(destination, int):
        destination = (destination,)
    return z.transpose(order(z.ndim, source, destination))


def empty(shape: Sizes, dtype: np.dtype, last: bool) -> np.ndarray:
    """A new array (N, C, ...) in contiguous or channels-last memory."""
    if not last:
        return np.empty(shape, dtype)
    return moveaxis(np.empty((shape[0], *shape[2:], shape[1]), dtype), -1, 1)


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
        return moveaxis(z, 1, -1).reshape(b, places, groups, o // groups).transpose(0, 2, 3, 1)
    return z.reshape(b, groups, o // groups, places)


def sample(target: np.ndarray, x: np.ndarray, places: list[tuple[slice, slice]]) -> None:
    """Fills the last dimensions of target: the second slices of `places` with the first ones of x, the rest with 0."""
    if not shift(target, x, places):
        at(target, [there for _, there in places])[...] = at(x, [here for here, _ in places])
    inside: tuple[Any, ...] = (slice(None),) * (x.ndim - len(places))
    for _, there in places:
        if there.start > 0:
            target[(*inside, slice(0, there.start))] = 0
        if there.stop < target.shape[len(inside)]:
            target[(*inside, slice(there.stop, None))] = 0
        inside += (there,)


def shift(target: np.ndarray, x: np.ndarray, places: list[tuple[slice, slice]]) -> bool:
    """As `sample`, but without zeros, where rows of equal length lie one after the other in both arrays: then rows are moved
    all at once, beyond their ends, which leaves wrong values where zeros belong. False where that cannot be."""
    n, size = x.shape[-1], x.itemsize
    if (x.ndim < 2 or len(places) < 2 or target.shape[-1] != n or x.strides[-2:] != (n * size, size)
            or target.strides[-2:] != (n * size, size)):
        return False
    (rows, there), (here, to) = places[-2:]
    if rows.step != 1 or here.step != 1 or rows.start >= rows.stop or here.start >= here.stop:
        return False
    length = (rows.stop - rows.start - 1) * n + here.stop - here.start
    flat = [z.reshape(*z.shape[:-2], -1) for z in (target, x)]
    a, b = there.start * n + to.start, rows.start * n + here.start
    lead = places[:-2]
    at(flat[0], [*[p for _, p in lead], slice(a, a + length)])[...] = at(flat[1], [*[p for p, _ in lead], slice(b, b + length)])
    return True
