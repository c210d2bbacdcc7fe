"""Memory layouts: the same values, lying in memory in other ways."""

from __future__ import annotations

import numpy as np

__all__ = ["LAYOUTS", "lay_out", "layout_of", "recast"]

LAYOUTS = ("contiguous", "channels_last", "transposed", "sliced", "broadcast", "read_only")


def lay_out(a: np.ndarray, layout: str) -> np.ndarray:
    """The values of `a` in a layout of `LAYOUTS`; "broadcast" repeats the first entry along dimension 0, with stride 0.

    What lies between the elements of a "sliced" array is NaN (or the largest integer), so that reading it shows.

    >>> lay_out(np.zeros((2, 3, 4)), "channels_last").strides
    (96, 8, 24)
    """
    a = np.asarray(a)
    if a.ndim == 0 or layout == "contiguous":
        return np.array(a, order="C")
    if layout == "read_only":
        y = np.array(a, order="C")
        y.flags.writeable = False
        return y
    if layout == "broadcast":
        first = np.array(a[:1], order="C")
        return np.lib.stride_tricks.as_strided(first, a.shape, (0, *first.strides[1:])) if a.size else np.array(a)
    if layout == "sliced":
        gap = np.nan if a.dtype.kind == "f" else True if a.dtype.kind == "b" else np.iinfo(a.dtype).max
        y = np.full((*a.shape[:-1], 2 * a.shape[-1] + 1), gap, a.dtype)[..., 1::2]
    elif layout == "transposed":
        y = np.empty(a.shape[::-1], a.dtype).T
    elif layout == "channels_last":
        y = np.moveaxis(np.empty((a.shape[0], *a.shape[2:], *a.shape[1:2]), a.dtype), -1, 1) if a.ndim > 1 else np.empty_like(a)
    else:
        raise ValueError(f"lay_out: expected a layout of {LAYOUTS}, got {layout!r}")
    y[...] = a
    return y


def layout_of(a: np.ndarray) -> str:
    """The layout that `lay_out` needs to make strides and flags like those of `a`."""
    if not a.flags.writeable:
        return "read_only"
    for layout in LAYOUTS[:5]:  # by strides, since a size of 1 may have any
        if lay_out(a, layout).strides == a.strides:
            return layout
    return "contiguous"


def recast(a: np.ndarray, dtype: str) -> np.ndarray:
    """A float array in another dtype and the same layout; any other array as it is."""
    return lay_out(a.astype(dtype), layout_of(a)) if a.dtype.kind == "f" and a.dtype != dtype else a
