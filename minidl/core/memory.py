"""Memory that arrays leave is kept for the next ones.

A training step makes and drops the same large arrays again and again. By default the C library gives memory of that size
back to the system at once, and each next array pays for new pages, zeroed by the kernel: up to half of the time of an elementwise
operation. Here the library (glibc; others have no such setting) is told to keep up to `limit` bytes of free memory.
"""

from __future__ import annotations

import ctypes

__all__ = ["keep_freed_memory"]

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # parameters of mallopt, from malloc.h


def keep_freed_memory(limit: int) -> bool:
    """Keeps up to `limit` bytes that arrays have left; returns whether the C library can do so. See ``man mallopt``."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # TypeError: Windows, where there is no library without a name
        return False
    return bool(mallopt(MMAP_THRESHOLD, 1 << 30) and mallopt(TRIM_THRESHOLD, limit))
