"""`make_tensor`, which draws the same values as PyTorch's for the same seed."""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["make_tensor"]


def make_tensor(*shape: Any, dtype: Any, device: Any = "cpu", low: float | None = None, high: float | None = None, requires_grad: bool = False,
                noncontiguous: bool = False, exclude_zero: bool = False, memory_format: Any = None) -> Any:
    """A tensor of uniform values in [low, high): by default [-9, 9) for floats and the parts of complex numbers, {-9, ..., 9} for integers,
    {0, ..., 9} for uint8, and both bools.

    Bounds beyond the dtype are clamped to it. `exclude_zero` puts 1, or the smallest normal number, for 0. `noncontiguous` takes every second
    element of a tensor twice as wide. Follows ``torch.testing.make_tensor``; ValueError for bounds that hold nothing, for NaN, for
    ``requires_grad`` of integers, and for `noncontiguous` with a `memory_format`.

    >>> import minidl
    >>> make_tensor(2, 3, dtype=minidl.float32, low=0, high=1).shape
    torch.Size([2, 3])
    """
    minidl = importlib.import_module("minidl")
    sizes: tuple[int, ...] = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
    if noncontiguous and memory_format is not None:
        raise ValueError(f"The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got {noncontiguous=} and {memory_format=}")
    floating = dtype.is_floating_point or dtype.is_complex
    if requires_grad and not floating:
        raise ValueError(f"`requires_grad=True` is not supported for boolean and integral dtypes, but got {dtype=}")
    spread = noncontiguous and math.prod(sizes) > 1
    if spread:
        sizes = (*sizes[:-1], 2 * sizes[-1])
    start, stop = _bounds(minidl, dtype, floating, low, high)
    if floating:
        wide = stop - start > minidl.finfo(dtype).max  # a width that the dtype does not hold: half of it, twice
        t = minidl.empty(sizes, dtype=dtype)
        parts = minidl.view_as_real(t) if dtype.is_complex else t
        parts.uniform_(*((start / 2, stop / 2) if wide else (start, stop)))
        if wide:
            parts.mul_(2)
    else:
        t = minidl.randint(math.ceil(start), math.ceil(stop), sizes, dtype=dtype)
    if spread:
        t = t[..., 1::2]
    elif memory_format is not None:
        t = t.clone(memory_format=memory_format)
    if exclude_zero:
        t[t == 0] = minidl.finfo(dtype).tiny if floating else 1
    return t.requires_grad_(requires_grad)


def _bounds(minidl: Any, dtype: Any, floating: bool, low: Any, high: Any) -> tuple[Any, Any]:
    """The interval asked for, checked, within what the dtype holds."""
    if dtype == minidl.bool:
        least, most, default = 0, 2, (0, 2)
    elif floating:
        info = minidl.finfo(dtype)
        least, most, default = info.min, info.max, (-9, 9)
    else:
        limits = minidl.iinfo(dtype)
        # One beyond the largest integer, which of 64 bits no integer is.
        least, most, default = limits.min, limits.max + (limits.bits < 64), (-9, 10)
    low, high = (d if v is None else v for v, d in zip((low, high), default))
    if np.isnan(low) or np.isnan(high):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low == high and floating:
        warnings.warn("`low==high` in make_tensor gives a constant tensor; use full for it", FutureWarning, stacklevel=3)
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < least or low >= most:
        raise ValueError(f"The value interval specified by `low` and `high` is [{low}, {high}), but {dtype} only supports [{least}, {most})")
    return min(max(low, least), most), min(max(high, least), most)
