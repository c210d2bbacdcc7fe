"""Sums, products, means and counts over all elements or over some dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core import data_of, dtype_of, primitive, public
from ..core.broadcast import convert, expand_to, repeated, sum_to
from ..core.checks import as_sizes, require_tensor, wrap_dim, wrap_dims
from ..core.dtypes import I8, as_numpy_dtype, word
from ..core.promotion import accumulation_type
from .memory import row_major
from .scan import other_factors


def kept_shape(shape: Any, dims: tuple[int, ...]) -> tuple[int, ...]:
    """`shape` with size 1 in the reduced dimensions."""
    return tuple([1 if d in dims else n for d, n in enumerate(shape)])


def count(shape: Any, dims: tuple[int, ...]) -> int:
    """The number of elements that one result is made of."""
    return math.prod([shape[d] for d in dims])


@primitive(x=lambda g, x_shape, dims: _sum(g, dims, len(x_shape) == g.ndim), view=True, grad_name="ExpandBackward0")
def expand_reduced(x: Any, shape: Any, dims: tuple[int, ...]) -> Any:
    """What was reduced over `dims`, with or without keepdim, repeated to `shape` without copying; the transpose of `sum`."""
    return repeated(x.reshape(kept_shape(shape, dims)), shape)


def cast_to(x: Any, dtype: Any) -> Any:
    """x in `dtype`; x itself where there is nothing to do."""
    if dtype is None:
        return x
    d = as_numpy_dtype(dtype)
    return x if dtype_of(x) == d else convert(x, d)


def checked_dims(op: str, x: Any, dim: Any, keepdim: Any) -> tuple[int, ...]:
    """The dimensions to reduce over. That `keepdim` must be a bool finds ``sum(0, 1)``, meant as ``sum((0, 1))``."""
    require_tensor(op, "input", x)
    if not isinstance(keepdim, (bool, np.bool_)):
        raise TypeError(f"{op}(): argument 'keepdim' must be bool, not {type(keepdim).__name__}; several dims go in a tuple")
    return wrap_dims(dim, x.ndim, op)


# ---- sums and products

ROWS = 512  # at most twice as many are added one after another


def in_blocks(x: np.ndarray) -> np.ndarray:
    """(A, n, B) as the sums of `ROWS` neighbours each along n."""
    if x.shape[2] < 32:
        return np.add.reduceat(x, np.arange(0, x.shape[1], ROWS), axis=1)
    whole = x.shape[1] // ROWS * ROWS
    sums = x[:, :whole].reshape(len(x), -1, ROWS, x.shape[2]).sum(2)
    return sums if whole == x.shape[1] else np.concatenate([sums, x[:, whole:].sum(1, keepdims=True)], 1)


def added(x: np.ndarray, dims: tuple[int, ...] | None, keepdim: bool = False) -> Any:
    """``x.sum(dims)``. NumPy adds rows one after another, with an error that grows with their number; many are summed in blocks first."""
    if dims and x.ndim > 1:
        if x.flags.f_contiguous and not x.flags.c_contiguous:
            return added(x.T, tuple([x.ndim - 1 - d for d in dims]), keepdim).T
        first, end = min(dims), max(dims) + 1
        n = count(x.shape, dims)
        if n > 2 * ROWS and end < x.ndim and end - first == len(dims) and x.size and x.flags.c_contiguous and x.dtype.kind in "fc":
            y = x.reshape(math.prod(x.shape[:first]), n, -1)
            while y.shape[1] > 2 * ROWS:
                y = in_blocks(y)
            return y.sum(1).reshape(kept_shape(x.shape, dims) if keepdim else x.shape[:first] + x.shape[end:])
    return x.sum(axis=dims, keepdims=keepdim)


def total(x: Any, dims: tuple[int, ...] | None = None, keepdim: bool = False) -> Any:
    """The sum; integers and bools are summed in int64, float16 in float32."""
    if x.dtype.kind not in "fc":
        return row_major(x.sum(axis=dims, keepdims=keepdim, dtype=I8))
    if x.dtype.itemsize == 2:
        return row_major(x.sum(axis=dims, keepdims=keepdim, dtype=np.float32).astype(x.dtype))
    return row_major(added(x, dims, keepdim))


@primitive(x=lambda g, x_shape: expand_to(g, x_shape), grad_name="SumBackward0")
def _sum_all(x: Any) -> Any:
    return total(x)


@primitive(x=lambda g, x_shape, dims: expand_reduced(g, x_shape, dims), grad_name="SumBackward1")
def _sum(x: Any, dims: tuple[int, ...], keepdim: bool = False) -> Any:
    return total(x, dims, keepdim)


@public(method=True)
def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum of all elements, or over the dimensions `dim`; dy/dx = 1. Integers are summed as int64.

    >>> import minidl
    >>> minidl.sum(minidl.tensor([[1, 2], [3, 4]]), 0).tolist()
    [4, 6]
    """
    dims = checked_dims("sum", input, dim, keepdim)
    x = cast_to(input, dtype)
    return cast_to(_sum_all(x) if dim is None and not keepdim else _sum(x, dims, keepdim), dtype)


@public(where="", method=True)
def sum_to_size(input: Any, *size: Any) -> Any:
    """The sum over the dimensions along which `size` would be broadcast to the input's shape."""
    shape = as_sizes(size, "sum_to_size")
    lead = input.ndim - len(shape)
    if lead < 0 or [n for n, m in zip(shape, input.shape[lead:]) if n not in (1, m)]:
        raise RuntimeError(f"size {{{list(shape)}}} is not expandable to size {{{list(input.shape)}}}.")
    return input if tuple(input.shape) == shape != () else sum_to(cast_to(input, accumulation_type(dtype_of(input))), shape)


def nansum_gradient(g: Any, x: Any, dims: tuple[int, ...]) -> Any:
    return expand_reduced(g, x.shape, dims) * ~np.isnan(data_of(x))


@primitive(x=nansum_gradient)
def _nansum(x: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
    return total(np.where(np.isnan(x), x.dtype.type(0), x), dims, keepdim)


@public(method=True)
def nansum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum of all elements that are not NaN, or of those over the dimensions `dim`."""
    dims = checked_dims("nansum", input, dim, keepdim)
    return cast_to(_nansum(cast_to(input, dtype), dims, keepdim), dtype)


def other_factors_over(x: Any, dims: tuple[int, ...]) -> Any:
    """The product of all other elements that the same result is made of: along one dimension, times that of the other lines."""
    *rest, dim = dims
    others = other_factors(x, dim)
    return others * other_factors_over(_prod(x, (dim,), True), tuple(rest)) if rest else others


def prod_gradient(g: Any, x: Any, dims: tuple[int, ...]) -> Any:
    return expand_reduced(g, x.shape, dims) * other_factors_over(x, dims) if dims else g


def halved(x: Any) -> Any:
    """Fewer factors with the same product along the last dimension: NumPy multiplies those of a line one by one, but two arrays fast."""
    while x.shape[-1] >= 64 and x.flags.c_contiguous:
        half = x.shape[-1] // 2
        y = x[..., :half] * x[..., half:2 * half]
        if x.shape[-1] % 2:
            y[..., 0] *= x[..., -1]
        x = y
    return x


@primitive(x=lambda g, x: prod_gradient(g, x, tuple(range(x.ndim))), grad_name="ProdBackward0")
def _prod_all(x: Any) -> Any:
    return halved(x.reshape(-1)).prod(dtype=x.dtype)


@primitive(x=prod_gradient, grad_name="ProdBackward1")
def _prod(x: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
    if dims == (x.ndim - 1,):
        x = halved(x)
    return row_major(x.prod(axis=dims, keepdims=keepdim, dtype=x.dtype))


@public(method=True)
def prod(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The product of all elements, or along `dim`; dy/dx_i is the product of the others. Integers are multiplied as int64."""
    require_tensor("prod", "input", input)
    x = cast_to(input, accumulation_type(dtype_of(input)) if dtype is None else dtype)
    if dim is None:
        return _prod_all(x)
    return _prod(x, (wrap_dim(dim, x.ndim, "prod"),) if x.ndim else (), keepdim)


@primitive(x=lambda g, x_shape, x: g * np.eye(*x_shape, dtype=dtype_of(x)))
def _trace(x: Any) -> Any:
    return total(x.diagonal())


@public(method=True)
def trace(input: Any) -> Any:
    """The sum of the diagonal of a matrix; dy/dx = I."""
    require_tensor("trace", "input", input)
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return _trace(input)


# ---- means

def average(x: Any, dims: tuple[int, ...] | None, keepdim: bool = False) -> Any:
    n = x.size if dims is None else count(x.shape, dims)
    if x.dtype.itemsize == 2:
        return row_major(np.true_divide(x.sum(axis=dims, keepdims=keepdim, dtype=np.float32), n).astype(x.dtype))
    return row_major(np.true_divide(added(x, dims, keepdim), n))


@primitive(x=lambda g, x_shape: expand_to(g / (math.prod(x_shape) or 1), x_shape), grad_name="MeanBackward0")
def _mean_all(x: Any) -> Any:
    return average(x, None)


@primitive(x=lambda g, x_shape, dims: expand_reduced(g / (count(x_shape, dims) or 1), x_shape, dims), grad_name="MeanBackward1")
def _mean(x: Any, dims: tuple[int, ...], keepdim: bool = False) -> Any:
    return average(x, dims, keepdim)


@public(method=True)
def mean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean of all n elements, or over the dimensions `dim`; dy/dx = 1/n. RuntimeError for integers without `dtype`."""
    dims = checked_dims("mean", input, dim, keepdim)
    x = cast_to(input, dtype)
    if dtype_of(x).kind not in "fc":
        raise RuntimeError(f"mean(): could not infer output dtype. {'Input' if dtype is None else 'Optional'} dtype must "
                           f"be either a floating point or complex dtype. Got: {word(dtype_of(x))}")
    return _mean_all(x) if dim is None and not keepdim else _mean(x, dims, keepdim)


@public(method=True)
def nanmean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean of all elements that are not NaN, or of those over the dimensions `dim`."""
    dims = checked_dims("nanmean", input, dim, keepdim)
    if dtype_of(input).kind not in "fc":
        raise RuntimeError("nanmean(): expected input to have floating point or complex dtype but got "
                           f"{word(dtype_of(input))}")
    x = cast_to(input, dtype)
    present = ~np.isnan(data_of(x))
    return _nansum(x, dims, keepdim) / cast_to(total(present, dims, keepdim), dtype_of(x))


# ---- counts and truth

@primitive(arrays="x")
def _count_nonzero(x: Any, dims: tuple[int, ...]) -> Any:
    return total(x != 0, dims)


@public(method=True)
def count_nonzero(input: Any, dim: Any = None) -> Any:
    """The number of elements that are not zero, in all or over the dimensions `dim`."""
    require_tensor("count_nonzero", "input", input)
    return _count_nonzero(input, wrap_dims(dim, input.ndim, "count_nonzero"))


@primitive(arrays="x")
def _all(x: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
    return truth(row_major(x.all(axis=dims, keepdims=keepdim)), x)


@primitive(arrays="x")
def _any(x: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
    return truth(row_major(x.any(axis=dims, keepdims=keepdim)), x)


def truth_dims(op: str, x: Any, dim: Any, keepdim: Any) -> tuple[int, ...]:
    """An empty `dim` means none here: each element for itself."""
    return checked_dims(op, x, dim, keepdim) if dim is None or not isinstance(dim, (tuple, list)) or dim else ()


def truth(y: Any, x: Any) -> Any:
    """PyTorch answers uint8 for uint8, from the time before it had bool."""
    return y.astype(np.uint8) if x.dtype == np.uint8 else y


@public(method=True)
def all(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Whether all elements, or all over the dimensions `dim`, are true (not zero)."""
    return _all(input, truth_dims("all", input, dim, keepdim), keepdim)


@public(method=True)
def any(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Whether any element, or any over the dimensions `dim`, is true (not zero)."""
    return _any(input, truth_dims("any", input, dim, keepdim), keepdim)
