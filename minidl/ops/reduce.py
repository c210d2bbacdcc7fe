"""Sums and extrema over all elements or over some dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core import Tensor, data_of, dtype_of, primitive, public
from ..core.broadcast import convert, expand_to, sum_to
from ..core.checks import as_sizes, require_tensor, wrap_dim, wrap_dims
from ..core.dtypes import I8, as_numpy_dtype, word
from ..core.results import return_type
from .selection import axes_grid, place_at

MaxResult, MinResult = return_type("max", "values indices"), return_type("min", "values indices")
AminmaxResult = return_type("aminmax", "min max")


def kept_shape(shape: Any, dims: tuple[int, ...]) -> tuple[int, ...]:
    """`shape` with size 1 in the reduced dimensions."""
    return tuple([1 if d in dims else n for d, n in enumerate(shape)])


def count(shape: Any, dims: tuple[int, ...]) -> int:
    """The number of elements that one result is made of."""
    return math.prod([shape[d] for d in dims])


@primitive(x=lambda g, x_shape, dims: _sum(g, dims, len(x_shape) == g.ndim), view=True, grad_name="ExpandBackward0")
def expand_reduced(x: Any, shape: Any, dims: tuple[int, ...]) -> Any:
    """What was reduced over `dims`, with or without keepdim, repeated to `shape` without copying; the transpose of `sum`."""
    return np.broadcast_to(x.reshape(kept_shape(shape, dims)), shape)


def cast_to(x: Any, dtype: Any) -> Any:
    """x in `dtype`, recorded; x itself where there is nothing to do."""
    if dtype is None:
        return x
    d = as_numpy_dtype(dtype)
    return x if dtype_of(x) == d else convert(x, d)


def total(x: Any, dims: tuple[int, ...] | None = None, keepdim: bool = False) -> Any:
    """The sum; integers and bools are summed in int64, float16 in float32."""
    if x.dtype.kind != "f":
        return x.sum(axis=dims, keepdims=keepdim, dtype=I8)
    if x.dtype.itemsize == 2:
        return x.sum(axis=dims, keepdims=keepdim, dtype=np.float32).astype(x.dtype)
    return x.sum(axis=dims, keepdims=keepdim)


# ---- sums and means

@primitive(x=lambda g, x_shape: expand_to(g, x_shape), grad_name="SumBackward0")
def _sum_all(x: Any) -> Any:
    return total(x)


@primitive(x=lambda g, x_shape, dims: expand_reduced(g, x_shape, dims), grad_name="SumBackward1")
def _sum(x: Any, dims: tuple[int, ...], keepdim: bool = False) -> Any:
    return total(x, dims, keepdim)


@public(method=True)
def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum of all elements, or over the dimensions `dim`; dy/dx = 1. Integers are summed as int64.

    >>> import minidl as torch
    >>> torch.sum(torch.tensor([[1, 2], [3, 4]]), 0)
    tensor([4, 6])
    """
    require_tensor("sum", "input", input)
    x = cast_to(input, dtype)
    if dim is None and not keepdim:
        return _sum_all(x)
    return _sum(x, wrap_dims(dim, x.ndim, "sum"), keepdim)


@primitive(x=lambda g, x_shape: expand_to(g / math.prod(x_shape), x_shape), grad_name="MeanBackward0")
def _mean_all(x: Any) -> Any:
    return mean_of(x, None, False)


@primitive(x=lambda g, x_shape, dims: expand_reduced(g / count(x_shape, dims), x_shape, dims), grad_name="MeanBackward1")
def _mean(x: Any, dims: tuple[int, ...], keepdim: bool = False) -> Any:
    return mean_of(x, dims, keepdim)


def mean_of(x: Any, dims: Any, keepdim: bool) -> Any:
    n = x.size if dims is None else count(x.shape, dims)
    if x.dtype.itemsize == 2:
        return np.true_divide(x.sum(axis=dims, keepdims=keepdim, dtype=np.float32), n).astype(x.dtype)
    return np.true_divide(x.sum(axis=dims, keepdims=keepdim), n)


@public(method=True)
def mean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean of all n elements, or over the dimensions `dim`; dy/dx = 1/n. RuntimeError for integers without `dtype`."""
    require_tensor("mean", "input", input)
    x = cast_to(input, dtype)
    if dtype_of(x).kind != "f":
        raise RuntimeError(f"mean(): could not infer output dtype. {'Input' if dtype is None else 'Optional'} dtype must "
                           f"be either a floating point or complex dtype. Got: {word(dtype_of(x))}")
    if dim is None and not keepdim:
        return _mean_all(x)
    return _mean(x, wrap_dims(dim, x.ndim, "mean"), keepdim)


@public(method=True)
def sum_to_size(input: Any, *size: Any) -> Any:
    """The sum over the dimensions along which `size` would be broadcast to the input's shape."""
    shape = as_sizes(size, "sum_to_size")
    lead = input.ndim - len(shape)
    if lead < 0 or [n for n, m in zip(shape, input.shape[lead:]) if n not in (1, m)]:
        raise RuntimeError(f"size {{{list(shape)}}} is not expandable to size {{{list(input.shape)}}}.")
    return sum_to(input, shape)


# ---- extrema

def ties(x: Any, y: Any, dims: tuple[int, ...], nan_equal: bool = False) -> Any:
    """The share of the gradient that each element gets: the extremal ones of a result share it evenly."""
    x, y = data_of(x), data_of(y)
    y = y.reshape(kept_shape(x.shape, dims))
    mask = x == y
    if nan_equal:
        mask |= (x != x) & (y != y)
    return np.divide(mask, mask.sum(axis=dims, keepdims=True), dtype=x.dtype)


def require_elements(op: str, shape: Any, dims: tuple[int, ...] | None, error: type = IndexError) -> None:
    """RuntimeError if there is nothing to reduce: an extremum of no elements does not exist."""
    if dims is None or len(dims) == len(shape) > 1:
        if 0 in shape:
            raise (RuntimeError if dims is not None or error is RuntimeError else error)(
                f"{op}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                "with the 'dim' argument.")
        return
    for d in dims:
        if shape and shape[d] == 0:
            raise IndexError(f"{op}(): Expected reduction dim {d} to have non-zero size.")


@primitive(x=lambda g, x, y, dims: expand_reduced(g, x.shape, dims) * ties(x, y, dims))
def _amax(x: Any, dims: tuple[int, ...], keepdim: bool = False) -> Any:
    return x.max(axis=dims, keepdims=keepdim)


@primitive(x=lambda g, x, y, dims: expand_reduced(g, x.shape, dims) * ties(x, y, dims))
def _amin(x: Any, dims: tuple[int, ...], keepdim: bool = False) -> Any:
    return x.min(axis=dims, keepdims=keepdim)


@public(method=True)
def amax(input: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """The maximum over the dimensions `dim` (all by default); equal maxima share the gradient evenly."""
    dims = wrap_dims(dim, input.ndim, "amax")
    require_elements("amax", input.shape, dims)
    return _amax(input, dims, keepdim)


@public(method=True)
def amin(input: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """The minimum over the dimensions `dim` (all by default); equal minima share the gradient evenly."""
    dims = wrap_dims(dim, input.ndim, "amin")
    require_elements("amin", input.shape, dims)
    return _amin(input, dims, keepdim)


@primitive(x=lambda g, x, y: g * ties(x, y, tuple(range(x.ndim)), True), grad_name="MaxBackward1")
def _max_all(x: Any) -> Any:
    return x.max()


@primitive(x=lambda g, x, y: g * ties(x, y, tuple(range(x.ndim)), True), grad_name="MinBackward1")
def _min_all(x: Any) -> Any:
    return x.min()


def place_reduced(g: Any, x_shape: Any, indices: Any, dim: int) -> Any:
    """The gradient of one selected element per line, put where it came from."""
    if not x_shape:
        return g
    kept = kept_shape(x_shape, (dim,))
    return place_at(expand_reduced(g, kept, (dim,)), data_of(indices).reshape(kept), dim, x_shape[dim])


def selected(x: Any, dim: int, keepdim: bool, index: Any) -> tuple[Any, Any]:
    """The elements at `index` (size 1 along `dim`), and the index."""
    y = x[axes_grid(index, dim)] if x.ndim else x.copy()
    return (y, index) if keepdim or not x.ndim else (y.squeeze(dim), index.squeeze(dim))


@primitive(x=lambda g, x_shape, indices, dim: place_reduced(g[0], x_shape, indices, dim), outputs="values indices",
           grad_name="MaxBackward0")
def _max_dim(x: Any, dim: int, keepdim: bool) -> Any:
    return selected(x, dim, keepdim, x.argmax(axis=dim, keepdims=True) if x.ndim else np.array(0))


@primitive(x=lambda g, x_shape, indices, dim: place_reduced(g[0], x_shape, indices, dim), outputs="values indices",
           grad_name="MinBackward0")
def _min_dim(x: Any, dim: int, keepdim: bool) -> Any:
    return selected(x, dim, keepdim, x.argmin(axis=dim, keepdims=True) if x.ndim else np.array(0))


def one_dim(op: str, x: Any, dim: Any) -> int:
    """One dimension, counted from the front, that has elements to reduce."""
    d = wrap_dim(dim, x.ndim, op)
    require_elements(op, x.shape, (d,))
    return d


@public(method=True)
def max(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The maximum of all elements (equal ones share the gradient evenly); with `dim`, (values, indices) of the first maxima
    along it; with a tensor in the place of `dim`, `maximum`. NaN counts as the largest.

    >>> import minidl as torch
    >>> torch.max(torch.tensor([[1., 5.], [7., 3.]]), 1).indices
    tensor([1, 0])
    """
    require_tensor("max", "input", input)
    if isinstance(dim, Tensor):
        return maximum(input, dim)
    if dim is None:
        require_elements("max", input.shape, None, RuntimeError)
        return _max_all(input)
    return MaxResult(*_max_dim(input, one_dim("max", input, dim), keepdim))


@public(method=True)
def min(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The minimum of all elements (equal ones share the gradient evenly); with `dim`, (values, indices) of the first minima
    along it; with a tensor in the place of `dim`, `minimum`. NaN counts as the smallest."""
    require_tensor("min", "input", input)
    if isinstance(dim, Tensor):
        return minimum(input, dim)
    if dim is None:
        require_elements("min", input.shape, None, RuntimeError)
        return _min_all(input)
    return MinResult(*_min_dim(input, one_dim("min", input, dim), keepdim))


@primitive(arrays="x")
def _argmax(x: Any, dim: int | None, keepdim: bool) -> Any:
    return x.argmax(axis=dim, keepdims=keepdim)


@primitive(arrays="x")
def _argmin(x: Any, dim: int | None, keepdim: bool) -> Any:
    return x.argmin(axis=dim, keepdims=keepdim)


def arg_of(op: str, primitive_op: Any, x: Any, dim: Any, keepdim: bool) -> Any:
    require_tensor(op, "input", x)
    if dtype_of(x) == bool:
        raise RuntimeError(f"{op}(): does not support bool input")
    if dim is not None:
        return primitive_op(x, one_dim(op, x, dim) if x.ndim else wrap_dim(dim, 0, op) or None, keepdim)
    require_elements(op, x.shape, None)
    return primitive_op(x, None, keepdim)


@public(method=True)
def argmax(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The index of the first maximum: along `dim`, or in the flattened tensor. NaN counts as the largest."""
    return arg_of("argmax", _argmax, input, dim, keepdim)


@public(method=True)
def argmin(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The index of the first minimum: along `dim`, or in the flattened tensor. NaN counts as the smallest."""
    return arg_of("argmin", _argmin, input, dim, keepdim)
