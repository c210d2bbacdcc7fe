"""Memory for intermediate results, kept for the next operation.

Fresh memory costs a page fault for every 4 KB, often more than the work done on it. Each thread keeps one buffer for each
purpose, as large as was last needed, all together at most `LIMIT`; what is larger is made anew each time.
"""

from __future__ import annotations

import threading
import weakref
from math import prod

import numpy as np

LIMIT = 64 << 20  # bytes that one thread keeps


class _Buffers(dict[str, np.ndarray]):
    """The buffers of one thread, by purpose."""


class _Local(threading.local):
    def __init__(self) -> None:
        self.buffers = _Buffers()
        _all.add(self.buffers)


class _Set:
    """All threads' buffers, by identity (a dict cannot be hashed), as long as their threads live."""

    def __init__(self) -> None:
        self.items: list[weakref.ref[_Buffers]] = []

    def add(self, buffers: _Buffers) -> None:
        self.items = [ref for ref in self.items if ref() is not None] + [weakref.ref(buffers)]


_all = _Set()
_local = _Local()


def buffer(purpose: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array of any contents, valid until this thread asks for the same purpose again."""
    size = prod(shape) * dtype.itemsize
    buffers = _local.buffers
    held = buffers.get(purpose)
    if held is None or held.size < size:
        buffers.pop(purpose, None)
        held = np.empty(size, np.uint8)
        if sum([b.size for b in buffers.values()]) + size > LIMIT:
            buffers.clear()
        if size <= LIMIT:
            buffers[purpose] = held
    return held[:size].view(dtype).reshape(shape)


def held_bytes() -> int:
    """The bytes that the buffers of all threads hold."""
    return sum([b.size for ref in _all.items for b in list((ref() or {}).values())])


def empty_workspace() -> None:
    """Gives the buffers of all threads back; one that is in use at this moment goes when its user is done."""
    for ref in _all.items:
        buffers = ref()
        if buffers is not None:
            buffers.clear()
