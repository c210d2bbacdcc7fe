"""Memory formats: in which order a tensor's elements lie in memory."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from ..core.inplace import is_dense


class memory_format:
    """One order of elements: contiguous_format, channels_last (NHWC), channels_last_3d (NDHWC), preserve_format."""

    def __init__(self, name: str, order: tuple[int, ...] | None = None) -> None:
        self.name, self.order = name, order

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name

    def holds(self, x: np.ndarray) -> bool:
        """Whether an array lies in this order; sizes of one do not matter."""
        if self is preserve_format:
            return True
        if self.order is None:
            return x.flags.c_contiguous
        return x.ndim == len(self.order) and x.transpose(self.order).flags.c_contiguous


contiguous_format, preserve_format = memory_format("contiguous_format"), memory_format("preserve_format")
channels_last = memory_format("channels_last", (0, 2, 3, 1))
channels_last_3d = memory_format("channels_last_3d", (0, 2, 3, 4, 1))
FORMATS = (contiguous_format, preserve_format, channels_last, channels_last_3d)


def is_channels_last(x: np.ndarray) -> bool:
    """Whether the channels of 2-D or 3-D images lie innermost in memory (and not just because a size is 1), then columns, rows and images."""
    if not (x.ndim in (4, 5) and x.strides[1] == x.itemsize and x.shape[1] > 1 and prod(x.shape[2:]) > 1 and not x.flags.c_contiguous):
        return False
    steps = [(x.strides[d], n) for d in (1, *range(x.ndim - 1, 1, -1), 0) if (n := x.shape[d]) > 1]
    return all(below * n <= step for (below, n), (step, _) in pairwise(steps))


def empty(shape: Sequence[int], dtype: Any, format: memory_format) -> np.ndarray:
    """A new array in the order of `format`."""
    if format.order is None:
        return np.empty(shape, dtype)
    return np.empty([shape[i] for i in format.order], dtype).transpose(np.argsort(format.order))


def row_major(y: Any) -> Any:
    """The result of a NumPy function in row-major order, as PyTorch leaves it; NumPy keeps the order of its input."""
    return y if y.flags.c_contiguous else y.copy()


def ordered(x: np.ndarray, format: memory_format, copy: bool = False) -> np.ndarray:
    """`x` in the order of `format`; RuntimeError where its rank does not fit."""
    if format is preserve_format:
        return np.array(x, order="K" if is_dense(x) else "C") if copy else x
    if not copy and format.holds(x):
        return x
    if format.order is None:
        return np.array(x, order="C")
    if x.ndim != len(format.order):
        raise RuntimeError(f"required rank {len(format.order)} tensor to use {format.name} format, got rank {x.ndim}")
    y = empty(x.shape, x.dtype, format)
    y[...] = x
    return y


class layout:
    """How elements are kept: torch.strided of every tensor here; the others are names to compare with."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str:
        return self.name


strided, jagged = layout("strided"), layout("jagged")
sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc = (layout(f"sparse_{name}") for name in ("coo", "csr", "csc", "bsr", "bsc"))
