"""How many threads the library uses, and work that is shared among them.

NumPy's matrix products have threads of their own, inside the BLAS library. NumPy releases the interpreter's lock in copies, elementwise
operations and products, so the library's own threads can share these as well: each takes a part of the images and meanwhile
multiplies with one BLAS thread, since two sets of threads on the same cores only wait for each other. Even one that is done stays in
the way: it looks for more work for some 20 ms, in which anything shared takes twice as long. So large products, too, are shared
here (`share`) or made `alone`, and BLAS never starts its own threads.
"""

from __future__ import annotations

import contextvars
import ctypes
import functools
import os
import threading
from _queue import SimpleQueue  # queue's own, without the rest of it
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np

Piece = TypeVar("Piece")
Result = TypeVar("Result")
WORTH = 1 << 20  # numbers to read from which a thread is worth its start


class _Local(threading.local):
    alone = False  # whether this thread multiplies with one BLAS thread
    part = False  # whether it works on a part, which is not divided again


def _available() -> int:
    """OMP_NUM_THREADS, or else the number of cores."""
    named = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(named) if named.isdigit() and int(named) > 0 else os.cpu_count() or 1


_count = _available()
_local = _Local()
_tasks: SimpleQueue[Any] = SimpleQueue()
_started = 0


def get_num_threads() -> int:
    """The number of threads that a single operation may use: at first OMP_NUM_THREADS, or else the number of cores."""
    return _count


def set_num_threads(num: int) -> None:
    """Sets `get_num_threads`, also for the matrix products. RuntimeError unless a positive int."""
    global _count
    if not isinstance(num, int) or isinstance(num, bool):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    if num < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    _count = num
    _set_blas_threads(num)


@functools.cache
def _blas() -> Callable[[int], Any] | None:
    """The function of the BLAS library beneath NumPy that sets its number of threads, if it has one that is known."""
    library = ctypes.PyDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]  # keeps the lock: the call is short
    for name in ("scipy_openblas_set_num_threads64_", "scipy_openblas_set_num_threads", "openblas_set_num_threads64_",
                 "openblas_set_num_threads"):
        if hasattr(library, name):
            return getattr(library, name)
    return None


def _set_blas_threads(num: int) -> None:
    function = _blas()
    if function is not None:
        function(num)


def _serve(tasks: SimpleQueue[Any]) -> None:
    """What a thread of the pool does: parts of work, as they come."""
    _local.alone = _local.part = True
    while True:
        number, work, part, context, done = tasks.get()
        try:
            done.put((number, context.run(work, part), None))
        except BaseException as error:  # noqa: BLE001  raised again by the caller
            done.put((number, None, error))
        del work, part, context, done  # so that no array waits for the next task


def _start(threads: int) -> None:
    global _started
    while _started < threads:
        _started += 1
        threading.Thread(target=_serve, args=(_tasks,), name=f"minidl-{_started}", daemon=True).start()


def _forget() -> None:
    global _tasks, _started
    _tasks, _started = SimpleQueue(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)  # a child process has none of its parent's threads


def alone(work: Callable[..., Result], *args: Any) -> Result:
    """work(*args) with one BLAS thread."""
    if _count == 1 or _local.alone:
        return work(*args)
    _set_blas_threads(1)
    _local.alone = True
    try:
        return work(*args)
    finally:
        _local.alone = False
        _set_blas_threads(_count)


def share(work: Callable[[Sequence[Piece]], Result], pieces: Sequence[Piece]) -> list[Result]:
    """``work`` applied to consecutive parts of the pieces, one part for each thread; the results in their order."""
    return split(lambda part: work(pieces[part]), len(pieces))


def pays(cost: int) -> bool:
    """Whether threads should share work that reads so many numbers."""
    return _count > 1 and cost >= WORTH and not _local.part


def split(work: Callable[[slice], Result], n: int, cost: int = WORTH) -> list[Result]:
    """``work`` on all of n items, one slice for each thread if the cost pays; the results in order."""
    if not pays(cost):
        return [alone(work, slice(0, n))]
    parts = max(1, min(_count, n))
    _start(parts - 1)
    return alone(_divide, work, [slice(n * i // parts, n * (i + 1) // parts) for i in range(parts)])


def elementwise(function: Callable[..., Any], *arrays: np.ndarray, passes: int = 2) -> Any:
    """function(*arrays), of arrays of one shape shared, with parts of the result as ``out``, if that pays."""
    first = arrays[0]
    if not pays(passes * first.size) or any(z.shape != first.shape for z in arrays):
        return function(*arrays)
    y = np.empty_like(first)
    if all(z.flags.c_contiguous for z in arrays):
        *arrays, flat = [z.reshape(-1) for z in (*arrays, y)]  # type: ignore[assignment]
    else:
        flat = y
    split(lambda part: function(*[z[part] for z in arrays], out=flat[part]), len(flat))
    return y


def by_rows(function: Callable[..., Any], *arrays: np.ndarray) -> Any:
    """function(*arrays) of parts of the arrays along their first dimension, joined."""
    return np.concatenate(split(lambda part: function(*[z[part] for z in arrays]), len(arrays[0])))


def _divide(work: Callable[[slice], Result], parts: list[slice]) -> list[Result]:
    """The first part here, the others in the pool. Returns, or raises, when all are done."""
    done: SimpleQueue[Any] = SimpleQueue()
    for number, part in enumerate(parts[1:]):
        _tasks.put((number, work, part, contextvars.copy_context(), done))
    _local.part = True
    try:
        result = work(parts[0])
    finally:
        _local.part = False
        others = sorted([done.get() for _ in parts[1:]], key=itemgetter(0))
    for _, _, error in others:
        if error is not None:
            raise error
    return [result, *[found for _, found, _ in others]]
