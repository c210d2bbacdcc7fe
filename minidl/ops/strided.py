"""Views of a tensor's memory by strides, counted in elements from the memory's beginning."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Tensor, dtype_of, primitive, public
from ..core.checks import as_sizes, require_tensor
from .gather import index_select
from .history import owner_of
from .scatter import index_add
from .shape import as_shape

Geometry = tuple[tuple[int, ...], tuple[int, ...], int]  # sizes, strides, offset


def places(geometry: Geometry) -> np.ndarray:
    """The place in memory of each element."""
    size, stride, offset = geometry
    index = np.full(size, offset)
    for d, (n, s) in enumerate(zip(size, stride)):
        index += (np.arange(n) * s).reshape(-1, *[1] * (len(size) - d - 1))
    return index


def moved(g: Any, source: Geometry, target: Geometry, n: int) -> Any:
    """What lies at `target` after g was added at `source` into a memory of n zeros; swapping the two transposes it."""
    memory = index_add(np.zeros(n, dtype_of(g)), 0, places(source).ravel(), as_shape(g, (-1,)))
    return as_shape(index_select(memory, 0, places(target).ravel()), target[0])


def once(g: Any, own: Geometry) -> Any:
    """The gradient of each element of an input whose elements may share memory: an equal part."""
    index = places(own)
    counts = np.bincount(index.ravel())[index]
    return g if (counts == 1).all() else g / counts.astype(dtype_of(g))


@primitive(x=lambda g, part, own, total: once(moved(g, part, own, total), own), view=True, grad_name="AsStridedBackward0")
def _as_strided(x: Any, part: Geometry, own: Geometry, total: int) -> Any:
    size, stride, offset = part
    return np.ndarray(size, x.dtype, memory(x), offset * x.itemsize, [s * x.itemsize for s in stride])


def memory(x: np.ndarray) -> np.ndarray:
    """The memory that x is a part of, in one row."""
    owner = owner_of(x)
    count = 1 + sum((n - 1) * s for n, s in zip(owner.shape, owner.strides)) // owner.itemsize if owner.size else 0
    return np.lib.stride_tricks.as_strided(owner, (count,), (owner.itemsize,)).view(x.dtype)


@public(method=True)
def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """The elements offset + i1 stride1 + i2 stride2 + ... of the tensor's memory, as a view; the offset is the tensor's unless given.

    Elements may overlap: windows of 3 at every place are

    >>> import minidl
    >>> minidl.as_strided(minidl.arange(5), (3, 3), (1, 1))
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]])
    """
    require_tensor("as_strided", "input", input)
    x = input._data
    size, stride = as_sizes((size,), "as_strided"), tuple(map(int, stride))
    if len(size) != len(stride):
        raise RuntimeError(f"mismatch in length of strides and shape (as_strided), got {len(stride)} and {len(size)}")
    if any(s < 0 for s in stride):
        raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(stride)}")
    owner = memory(x)
    n, first = owner.size, (x.__array_interface__["data"][0] - owner.__array_interface__["data"][0]) // x.itemsize
    offset = first if storage_offset is None else storage_offset
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    last = offset + sum((length - 1) * step for length, step in zip(size, stride))
    if 0 not in size and last >= n:
        raise RuntimeError(f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize {x.itemsize} requiring "
                           f"a storage size of {(last + 1) * x.itemsize} are out of bounds for storage of size {n * x.itemsize}")
    own = x.shape, tuple(s // x.itemsize for s in x.strides), first
    return _as_strided(input, (size, stride, offset), own, n)
