"""How many threads the library uses, and work that is shared among them.

NumPy's matrix products have threads of their own, inside the BLAS library. NumPy releases the interpreter's lock in copies, elementwise
operations and products, so the library's own threads can share these as well: each takes a part of the images and meanwhile
multiplies with one BLAS thread, since two sets of threads on the same cores only wait for each other.
"""

from __future__ import annotations

import contextvars
import ctypes
import functools
import os
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class _Worker(threading.local):
    """Whether this thread is one of the pool, which does not divide its part again."""

    busy = False


def _available() -> int:
    """OMP_NUM_THREADS, or else the number of cores."""
    named = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(named) if named.isdigit() and int(named) > 0 else os.cpu_count() or 1


_count = _available()
_worker = _Worker()
_pool: Any = None


def get_num_threads() -> int:
    """The number of threads that a single operation may use: at first OMP_NUM_THREADS, or else the number of cores."""
    return _count


def set_num_threads(num: int) -> None:
    """Sets `get_num_threads`, also for the matrix products. RuntimeError unless a positive int."""
    global _count, _pool
    if not isinstance(num, int) or isinstance(num, bool):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    if num < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    _count, _pool = num, None
    _set_blas_threads(num)


@functools.cache
def _blas() -> Callable[[int], Any] | None:
    """The function of the BLAS library beneath NumPy that sets its number of threads, if it has one that is known."""
    library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    for name in ("scipy_openblas_set_num_threads64_", "scipy_openblas_set_num_threads", "openblas_set_num_threads64_",
                 "openblas_set_num_threads"):
        if hasattr(library, name):
            return getattr(library, name)
    return None


def _set_blas_threads(num: int) -> None:
    function = _blas()
    if function is not None:
        function(num)


def _threads() -> Any:
    global _pool
    if _pool is None:
        from concurrent.futures import ThreadPoolExecutor  # here: most programs never need it
        _pool = ThreadPoolExecutor(_count - 1, "minidl")
    return _pool


def _forget() -> None:
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)  # a child process has none of its parent's threads


def _part(work: Callable[[Sequence[Piece]], Result], pieces: Sequence[Piece]) -> Result:
    _worker.busy = True
    return work(pieces)


def share(work: Callable[[Sequence[Piece]], Result], pieces: Sequence[Piece]) -> list[Result]:
    """``work`` applied to consecutive parts of the pieces, one part for each thread; the results in their order."""
    n = min(_count, len(pieces))
    if n < 2 or _worker.busy:
        return [work(pieces)]
    ends = [len(pieces) * i // n for i in range(n + 1)]
    parts = [pieces[a:b] for a, b in pairwise(ends)]
    _set_blas_threads(1)
    try:
        others = [_threads().submit(contextvars.copy_context().run, _part, work, part) for part in parts[1:]]
        return [work(parts[0]), *[other.result() for other in others]]
    finally:
        _set_blas_threads(_count)
