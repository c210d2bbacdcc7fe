"""Searching sorted sequences, and the distinct elements of a tensor. None of these has a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Tensor, data_of, public, wrap
from ..core.checks import refuse_complex, require_tensor, wrap_dim

# ---- sorted sequences

@public
def searchsorted(sorted_sequence: Any, input: Any, *, out_int32: bool = False, right: bool = False, side: Any = None,
                 sorter: Any = None) -> Any:
    """Where to insert each value of `input` into `sorted_sequence` so that it stays sorted: before equal elements, or with
    `right` (``side="right"``) after them. Both are 1-D, or are searched line by line along the last dimension.

    >>> import minidl
    >>> minidl.searchsorted(minidl.tensor([1, 3, 5]), minidl.tensor([3, 6])).tolist()
    [1, 3]
    """
    require_tensor("searchsorted", "sorted_sequence", sorted_sequence)
    edges, values = sorted_sequence._data, np.asarray(data_of(input))
    if side not in (None, "left", "right"):
        raise RuntimeError(f"searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError("searchsorted(): side and right can't be set to opposites, got side of left while right was True")
    if not edges.ndim:
        raise RuntimeError("searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension")
    if edges.ndim > 1 and (not isinstance(input, Tensor) or edges.shape[:-1] != values.shape[:-1]):
        raise RuntimeError("searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
                           f"tensor and input value tensor must match, but we got boundaries tensor {list(edges.shape)} and "
                           f"input value tensor {list(values.shape)}")
    if sorter is not None:
        order = sorter._data
        if order.dtype != np.int64 or order.shape != edges.shape:
            raise RuntimeError("searchsorted(): sorter must be a tensor of long dtype and of the boundary tensor's shape, got "
                               f"{order.dtype.name} and {list(order.shape)}")
        if order.size and (order.min() < 0 or order.max() >= edges.shape[-1]):
            raise RuntimeError("searchsorted(): sorter index out of range")
        edges = np.take_along_axis(edges, order, -1)
    return insertion_points(edges, values, "right" if right or side == "right" else "left", out_int32)


def insertion_points(edges: Any, values: Any, side: Any, out_int32: bool) -> Tensor:
    for x in (edges, values):
        refuse_complex("searchsorted", x)
    if edges.shape[-1] > np.iinfo(np.int32).max and out_int32:
        raise RuntimeError("searchsorted(): the size of boundaries' last dimension should be less than 2^31 - 1")
    if edges.ndim == 1:
        found = np.searchsorted(edges, values, side)
    else:
        found = np.empty(values.shape, np.int64)
        for line in np.ndindex(edges.shape[:-1]):
            found[line] = np.searchsorted(edges[line], values[line], side)
    return wrap(np.asarray(found, np.int32 if out_int32 else np.int64))


@public
def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Any:
    """The number of the interval between the sorted 1-D `boundaries` in which each value lies: b[i-1] < x <= b[i], or with
    `right` b[i-1] <= x < b[i]."""
    require_tensor("bucketize", "boundaries", boundaries)
    if boundaries.ndim != 1:
        raise RuntimeError(f"bucketize(): boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return insertion_points(boundaries._data, np.asarray(data_of(input)), "right" if right else "left", out_int32)


@public
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Any:
    """Whether each of `elements` is among `test_elements` (with `invert`, whether it is not). One of them may be a number."""
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        raise TypeError(f"isin(): one argument must be Tensor, got {type(elements).__name__} and {type(test_elements).__name__}")
    return wrap(np.asarray(np.isin(data_of(elements), data_of(test_elements), assume_unique, invert)))


# ---- distinct elements

def answer(wanted: tuple[bool, bool], values: Any, inverse: Any, counts: Any) -> Any:
    """The distinct elements, and as a tuple with them what else was asked for."""
    parts = [wrap(np.ascontiguousarray(values))]
    parts += [wrap(part.astype(np.int64, copy=False)) for part, want in zip((inverse, counts), wanted) if want]
    return parts[0] if len(parts) == 1 else tuple(parts)


def line_dim(op: str, x: Any, dim: Any) -> int:
    """The dimension whose slices are compared, checked."""
    if not x.ndim:
        raise IndexError(f"{op}: Dimension specified as {dim} but tensor has no dimensions")
    d = wrap_dim(dim, x.ndim, op)
    if x.shape[d] and 0 in x.shape:
        raise RuntimeError(f"{op}: there are 0 sized dimensions, and they aren't selected by `dim`, so unique cannot be applied")
    return d


@public(method=True)
def unique(input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: Any = None) -> Any:
    """The distinct elements, or slices along `dim`, in ascending order; then, if asked for, where among them each element of
    the input is, and how often each occurs. NaN equals nothing.

    >>> import minidl
    >>> minidl.unique(minidl.tensor([3, 1, 3]), return_counts=True)[1].tolist()
    [1, 2]
    """
    require_tensor("unique", "input", input)
    refuse_complex("unique", input)
    x = input._data
    if dim is None:
        found = np.unique(x, return_inverse=True, return_counts=True, equal_nan=False)
    else:
        dim = line_dim("unique", x, dim)
        found = np.unique(x, return_inverse=True, return_counts=True, axis=dim, equal_nan=False)
    values, inverse, counts = found
    return answer((return_inverse, return_counts), values, inverse.reshape(x.shape if dim is None else -1), counts)


@public(method=True)
def unique_consecutive(input: Any, return_inverse: bool = False, return_counts: bool = False, dim: Any = None) -> Any:
    """The elements (slices along `dim`) that differ from the one before; then, if asked for, where among them each element of
    the input is, and how long each run is."""
    require_tensor("unique_consecutive", "input", input)
    refuse_complex("unique_consecutive", input)
    x, flat = input._data, dim is None
    if flat:
        dim, lines = 0, x.reshape(-1)
    else:
        dim = line_dim("unique_consecutive", x, dim)
        lines = np.moveaxis(x, dim, 0)
    starts = np.ones(len(lines), bool)
    starts[1:] = (lines[1:] != lines[:-1]).any(axis=tuple(range(1, lines.ndim)))
    first = np.flatnonzero(starts)
    inverse, counts = np.cumsum(starts) - 1, np.diff(first, append=len(lines))
    return answer((return_inverse, return_counts), np.moveaxis(lines[first], 0, dim), inverse.reshape(x.shape) if flat else inverse, counts)
