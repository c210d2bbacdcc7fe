"""Largest and smallest elements, and where they are. NaN, where there is one, is the extremum."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Tensor, data_of, dtype_of, primitive, public
from ..core.checks import require_tensor, wrap_dim
from ..core.results import return_type
from .memory import row_major
from .reduce import checked_dims, expand_reduced, kept_shape
from .select import maximum, minimum
from .selection import picked, place_picked

MaxResult, MinResult = return_type("max", "values indices"), return_type("min", "values indices")
AminmaxResult = return_type("aminmax", "min max")


def require_elements(op: str, x: Any, dims: tuple[int, ...] | None = None, error: type[Exception] = RuntimeError) -> None:
    """An extremum of no elements does not exist: `error`, or IndexError where dimensions are named."""
    if dims is None and 0 in x.shape:
        raise error(f"{op}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                    "with the 'dim' argument.")
    for d in dims or ():
        if x.ndim and x.shape[d] == 0:
            raise IndexError(f"{op}(): Expected reduction dim {d} to have non-zero size.")


def one_dim(op: str, x: Any, dim: Any) -> int:
    """One dimension, counted from the front, that has elements to choose from."""
    require_tensor(op, "input", x)
    d = wrap_dim(dim, x.ndim, op)
    require_elements(op, x, (d,))
    return d


# ---- values

def ties(x: Any, y: Any, dims: tuple[int, ...], nan_equal: bool = False) -> Any:
    """The share of the gradient that each element gets: those equal to the extremum share it evenly."""
    x, y = data_of(x), data_of(y)
    y = y.reshape(kept_shape(x.shape, dims))
    mask = x == y
    if nan_equal:
        mask = mask | (np.isnan(x) & np.isnan(y))
    return np.divide(mask, mask.sum(axis=dims, keepdims=True), dtype=x.dtype)


def extremum_gradient(g: Any, x: Any, y: Any, dims: tuple[int, ...]) -> Any:
    return expand_reduced(g, x.shape, dims) * ties(x, y, dims)


def shared_evenly(g: Any, x: Any, y: Any) -> Any:
    return g * ties(x, y, tuple(range(x.ndim)), True)


@primitive(x=extremum_gradient, real_only="x")
def _amax(x: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
    return row_major(x.max(axis=dims, keepdims=keepdim))


@primitive(x=extremum_gradient, real_only="x")
def _amin(x: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
    return row_major(x.min(axis=dims, keepdims=keepdim))


def extremum(op: str, primitive_op: Any, x: Any, dim: Any, keepdim: bool) -> Any:
    dims = checked_dims(op, x, dim, keepdim)
    require_elements(op, x, None if isinstance(dim, (tuple, list)) and not dim else dims)
    return primitive_op(x, dims, keepdim)


@public(method=True)
def amax(input: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """The maximum over the dimensions `dim` (all by default); equal maxima share the gradient evenly."""
    return extremum("amax", _amax, input, dim, keepdim)


@public(method=True)
def amin(input: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """The minimum over the dimensions `dim` (all by default); equal minima share the gradient evenly."""
    return extremum("amin", _amin, input, dim, keepdim)


@primitive(x=lambda g, x, min, max, dims: extremum_gradient(g[0], x, min, dims) + extremum_gradient(g[1], x, max, dims),
           outputs="min max", real_only="x")
def _aminmax(x: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
    return row_major(x.min(axis=dims, keepdims=keepdim)), row_major(x.max(axis=dims, keepdims=keepdim))


@public(method=True)
def aminmax(input: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    """(min, max) of all elements, or along `dim`; equal ones share the gradient evenly."""
    if dim is not None:
        return AminmaxResult(*_aminmax(input, (one_dim("aminmax", input, dim),) if input.ndim else (), keepdim))
    require_tensor("aminmax", "input", input)
    if 0 in input.shape:
        raise RuntimeError("aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.")
    return AminmaxResult(*_aminmax(input, tuple(range(input.ndim)), keepdim))


# ---- values with indices

@primitive(x=shared_evenly, grad_name="MaxBackward1", real_only="x")
def _max_all(x: Any) -> Any:
    return x.max()


@primitive(x=shared_evenly, grad_name="MinBackward1", real_only="x")
def _min_all(x: Any) -> Any:
    return x.min()


@primitive(x=lambda g, x_shape, indices, dim: place_picked(g[0], x_shape, indices, dim), outputs="values indices",
           grad_name="MaxBackward0", real_only="x")
def _max(x: Any, dim: int, keepdim: bool) -> Any:
    return picked(x, x.argmax(axis=dim, keepdims=True) if x.ndim else 0, dim, keepdim)


@primitive(x=lambda g, x_shape, indices, dim: place_picked(g[0], x_shape, indices, dim), outputs="values indices",
           grad_name="MinBackward0", real_only="x")
def _min(x: Any, dim: int, keepdim: bool) -> Any:
    return picked(x, x.argmin(axis=dim, keepdims=True) if x.ndim else 0, dim, keepdim)


@public(method=True)
def max(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The maximum of all elements (equal ones share the gradient evenly); with `dim`, (values, indices) of the first maxima
    along it; with a tensor, `maximum`.

    >>> import minidl
    >>> minidl.max(minidl.tensor([[1., 5.], [7., 3.]]), 1).indices.tolist()
    [1, 0]
    """
    require_tensor("max", "input", input)
    if other is not None or isinstance(dim, Tensor):
        return maximum(input, dim if other is None else other)
    if dim is not None:
        return MaxResult(*_max(input, one_dim("max", input, dim), keepdim))
    require_elements("max", input)
    return _max_all(input)


@public(method=True)
def min(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The minimum of all elements (equal ones share the gradient evenly); with `dim`, (values, indices) of the first minima
    along it; with a tensor, `minimum`."""
    require_tensor("min", "input", input)
    if other is not None or isinstance(dim, Tensor):
        return minimum(input, dim if other is None else other)
    if dim is not None:
        return MinResult(*_min(input, one_dim("min", input, dim), keepdim))
    require_elements("min", input)
    return _min_all(input)


# ---- indices

@primitive(arrays="x", real_only="x")
def _argmax(x: Any, dim: int | None, keepdim: bool) -> Any:
    return x.argmax(axis=dim, keepdims=keepdim)


@primitive(arrays="x", real_only="x")
def _argmin(x: Any, dim: int | None, keepdim: bool) -> Any:
    return x.argmin(axis=dim, keepdims=keepdim)


def index_of(op: str, primitive_op: Any, x: Any, dim: Any, keepdim: bool) -> Any:
    require_tensor(op, "input", x)
    if dtype_of(x) == bool:
        raise RuntimeError(f"{op}(): does not support bool input")
    if dim is None:
        require_elements(op, x, error=IndexError)
    else:
        dim = one_dim(op, x, dim)
    return primitive_op(x, dim if x.ndim else None, keepdim)


@public(method=True)
def argmax(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The index of the first maximum: along `dim`, or in the flattened tensor."""
    return index_of("argmax", _argmax, input, dim, keepdim)


@public(method=True)
def argmin(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The index of the first minimum: along `dim`, or in the flattened tensor."""
    return index_of("argmin", _argmin, input, dim, keepdim)
