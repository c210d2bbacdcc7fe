"""Passes over many rows: by chunks that stay in the processor's cache, and in several threads.

NumPy releases the interpreter while it computes, so that Python's threads do run at once. A matrix product, though, may start threads of its
own, which for chunks this small costs more than it gains, most of all on a machine where other processes run. So products are stacked from
ones of so few rows that the usual library (OpenBLAS) computes each in the thread that asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

CACHED = 2**17  # numbers in a chunk
BLOCK = 2**16  # rows of which a pass over all features takes a copy
ALONE = 2**18  # multiplications in a product that the calling thread computes alone
WORTH = 2**22  # multiplications for which a thread is worth its start


def slices(n: int, rows: int) -> Iterator[slice]:
    return (slice(start, min(start + rows, n)) for start in range(0, n, rows))


def chunks(n: int, width: int) -> Iterator[slice]:
    """Slices of rows of this width."""
    return slices(n, max(256, CACHED // width))


def threads() -> int:
    """As many as OMP_NUM_THREADS says, or as the process has processors."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(work: Callable[[slice], None], n: int, cost: int) -> None:
    """`work` on all of n rows, of `cost` multiplications each, a contiguous part in each thread."""
    parts = max(1, min(threads(), n * cost // WORTH))
    if parts == 1:
        work(slice(0, n))
        return
    with ThreadPoolExecutor(parts) as pool:
        list(pool.map(work, slices(n, -(-n // parts))))


def products(xa: Array, matrix: Array) -> Iterator[tuple[slice, Array]]:
    """xa @ matrix by chunks of rows; each chunk is overwritten by the next."""
    width, k = matrix.shape
    rows = max(256, CACHED // k)
    few = ALONE // matrix.size
    few = rows if few < 32 else min(few, rows)  # large products use the library's own threads well
    rows -= rows % few
    space = np.empty((min(rows, len(xa)), k), xa.dtype)
    for chunk in slices(len(xa), rows):
        block, out = xa[chunk], space[:chunk.stop - chunk.start]
        whole = len(block) - len(block) % few
        np.matmul(block[:whole].reshape(-1, few, width), matrix, out=out[:whole].reshape(-1, few, k))
        np.matmul(block[whole:], matrix, out=out[whole:])
        yield chunk, out
