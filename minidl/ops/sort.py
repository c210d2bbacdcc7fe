"""Sorting along a dimension. NaN counts as the largest, and equal elements keep their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import dtype_of, primitive, public
from ..core.checks import require_tensor, wrap_dim
from ..core.results import return_type
from .scan import along
from .selection import grid, place_like

SortResult, TopkResult = return_type("sort", "values indices"), return_type("topk", "values indices")


def ordering(x: Any, dim: int, descending: bool = False) -> Any:
    """The indices that sort an array stably. Descending: the mirror image of an ascending sort of the mirror image."""
    if not x.ndim:
        return np.zeros((), np.int64)
    if not descending:
        return np.argsort(x, axis=dim, kind="stable")
    mirror = along(dim, None, None, -1)
    return np.subtract(x.shape[dim] - 1, np.argsort(x[mirror], axis=dim, kind="stable")[mirror], order="C")


def permuted(x: Any, order: Any, dim: int) -> tuple[Any, Any]:
    return (x[grid(order, dim)] if x.ndim else x.copy()), order


@primitive(x=lambda g, x_shape, indices, dim: place_like(g[0], x_shape, indices, dim), outputs="values indices", real_only="x")
def _sort(x: Any, dim: int, descending: bool) -> Any:
    return permuted(x, ordering(x, dim, descending), dim)


@primitive(x=lambda g, x_shape, indices, dim: place_like(g[0], x_shape, indices, dim), outputs="values indices",
           grad_name="SortBackward1", real_only="x")
def _sort_stable(x: Any, dim: int, descending: bool) -> Any:
    return permuted(x, ordering(x, dim, descending), dim)


@public(method=True)
def sort(input: Any, dim: int = -1, descending: bool = False, *, stable: Any = None) -> Any:
    """(values, indices), sorted along `dim`; the sort is stable whether that is asked for or not.

    >>> import minidl
    >>> minidl.sort(minidl.tensor([3, 1, 2])).indices.tolist()
    [1, 2, 0]
    """
    require_tensor("sort", "input", input)
    return SortResult(*(_sort if stable is None else _sort_stable)(input, wrap_dim(dim, input.ndim, "sort"), descending))


@primitive(arrays="x", real_only="x")
def _argsort(x: Any, dim: int, descending: bool) -> Any:
    return ordering(x, dim, descending)


@public(method=True)
def argsort(input: Any, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Any:
    """The indices that sort along `dim`; the sort is stable whether that is asked for or not."""
    require_tensor("argsort", "input", input)
    return _argsort(input, wrap_dim(dim, input.ndim, "argsort"), descending)


@public(method=True)
def msort(input: Any) -> Any:
    """The values sorted along the first dimension."""
    return sort(input, 0)[0]


@primitive(x=lambda g, x_shape, indices, dim: place_like(g[0], x_shape, indices, dim), outputs="values indices", real_only="x")
def _topk(x: Any, k: int, dim: int, largest: bool) -> Any:
    if not x.ndim:
        return permuted(x, ordering(x, dim), dim)
    n = x.shape[dim]
    chosen = np.argpartition(x, (n - k if largest else k - 1) % n, axis=dim) if n else np.zeros(x.shape, np.int64)
    chosen = chosen[along(dim, n - k, n) if largest else along(dim, 0, k)]
    return permuted(x, chosen[grid(ordering(x[grid(chosen, dim)], dim, largest), dim)], dim)


@public(method=True)
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """(values, indices) of the `k` largest elements along `dim`, or of the smallest; in order whether that is asked for or not."""
    require_tensor("topk", "input", input)
    if dtype_of(input) == bool:
        raise RuntimeError("topk does not support bool dtypes on CPU")
    dim = wrap_dim(dim, input.ndim, "topk")
    if not 0 <= k <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError(f"topk: selected index k out of range, got {k} for dimension {dim} of shape {tuple(input.shape)}")
    return TopkResult(*_topk(input, k, dim, largest))
