"""Order statistics: median, k-th value and mode. NaN counts as the largest."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import dtype_of, primitive, public
from ..core.checks import require_tensor
from ..core.dtypes import word
from ..core.results import return_type
from .extrema import one_dim, shared_evenly
from .selection import picked, place_picked
from .sort import ordering

MedianResult, NanmedianResult = return_type("median", "values indices"), return_type("nanmedian", "values indices")
ModeResult, KthvalueResult = return_type("mode", "values indices"), return_type("kthvalue", "values indices")


def ranked(x: Any, k: Any, dim: int) -> Any:
    """The index, of size 1 along `dim`, of each line's element of rank `k` (a number, or one for each line)."""
    if not x.ndim:
        return 0
    k = np.broadcast_to(k, (*x.shape[:dim], 1, *x.shape[dim + 1:]))
    return np.ascontiguousarray(np.take_along_axis(ordering(x, dim), k, dim))


# ---- medians

def middle(x: Any, dim: int, skip_nan: bool) -> Any:
    """The rank of the lower median: of what is not NaN, or else of the first NaN if there is one."""
    n = x.shape[dim] if x.ndim else 1
    nans = np.isnan(x).sum(axis=dim, keepdims=True) if x.ndim else 0
    return np.maximum(n - nans - 1, 0) // 2 if skip_nan else np.where(nans > 0, n - nans, (n - 1) // 2)


def median_of(x: Any, skip_nan: bool) -> Any:
    flat = x.reshape(-1)
    return flat[ranked(flat, middle(flat, 0, skip_nan), 0)[0]] if x.size else np.array(np.nan).astype(x.dtype)


@primitive(x=shared_evenly, grad_name="MedianBackward0", real_only="x")
def _median_all(x: Any) -> Any:
    return median_of(x, False)


@primitive(x=shared_evenly, grad_name="NanmedianBackward0", real_only="x")
def _nanmedian_all(x: Any) -> Any:
    return median_of(x, True)


@primitive(x=lambda g, x_shape, indices, dim: place_picked(g[0], x_shape, indices, dim), outputs="values indices",
           grad_name="MedianBackward1", real_only="x")
def _median(x: Any, dim: int, keepdim: bool) -> Any:
    return picked(x, ranked(x, middle(x, dim, False), dim), dim, keepdim)


@primitive(x=lambda g, x_shape, indices, dim: place_picked(g[0], x_shape, indices, dim), outputs="values indices",
           grad_name="NanmedianBackward1", real_only="x")
def _nanmedian(x: Any, dim: int, keepdim: bool) -> Any:
    return picked(x, ranked(x, middle(x, dim, True), dim), dim, keepdim)


def require_numbers(op: str, x: Any) -> None:
    require_tensor(op, "input", x)
    if dtype_of(x) == bool:
        raise NotImplementedError(f'"{op}_cpu" not implemented for \'{word(dtype_of(x))}\'')


@public(method=True)
def median(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The median (the lower one of an even number) of all elements; with `dim`, (values, indices) along it. NaN if there is one."""
    require_numbers("median", input)
    if dim is None:
        return _median_all(input)
    return MedianResult(*_median(input, one_dim("median", input, dim), keepdim))


@public(method=True)
def nanmedian(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """As `median`, of the elements that are not NaN."""
    require_numbers("nanmedian", input)
    if dim is None:
        return _nanmedian_all(input)
    return NanmedianResult(*_nanmedian(input, one_dim("nanmedian", input, dim), keepdim))


# ---- k-th value and mode

@primitive(x=lambda g, x_shape, indices, dim: place_picked(g[0], x_shape, indices, dim), outputs="values indices", real_only="x")
def _kthvalue(x: Any, k: int, dim: int, keepdim: bool) -> Any:
    return picked(x, ranked(x, k - 1, dim), dim, keepdim)


@public(method=True)
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices) of the `k`-th smallest elements along `dim`, counted from 1."""
    require_numbers("kthvalue", input)
    dim = one_dim("kthvalue", input, dim)
    if not 1 <= k <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}, got {k}")
    return KthvalueResult(*_kthvalue(input, k, dim, keepdim))


@primitive(x=lambda g, x_shape, indices, dim: place_picked(g[0], x_shape, indices, dim), outputs="values indices", real_only="x")
def _mode(x: Any, dim: int, keepdim: bool) -> Any:
    if not x.ndim:
        return picked(x, 0, dim, keepdim)
    lines = np.moveaxis(x, dim, -1)
    order = ordering(lines, lines.ndim - 1)
    ordered = np.take_along_axis(lines, order, -1)
    place = np.arange(lines.shape[-1])
    starts = np.ones(lines.shape, bool)
    starts[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    run = place - np.maximum.accumulate(np.where(starts, place, 0), axis=-1)  # how many equal ones come before
    index = np.take_along_axis(order, run.argmax(axis=-1, keepdims=True), -1)
    return picked(x, np.moveaxis(index, -1, dim), dim, keepdim)


@public(method=True)
def mode(input: Any, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices) of the most frequent elements along `dim`: of equally frequent ones the smallest, at its last place."""
    return ModeResult(*_mode(input, one_dim("mode", input, dim), keepdim))
