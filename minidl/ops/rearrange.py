"""Diagonals, triangles and windows of a tensor, and its elements reversed, rolled or repeated."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..core import Tensor, data_of, primitive, public, wrap
from ..core.broadcast import expand_to, sum_to
from ..core.checks import as_sizes, wrap_dim, wrap_dims
from .index import picker
from .memory import is_channels_last, row_major
from .shape import as_shape, unsqueeze

# ---- diagonals


def _diagonal_of(x: Any, offset: int, dim1: int, dim2: int) -> np.ndarray:
    y = x.diagonal(offset, dim1, dim2)
    y.flags.writeable = x.flags.writeable
    return y


@primitive(x=lambda g, x_shape, offset, dim1, dim2: _diag_embed(g, x_shape, offset, dim1, dim2), view=True)
def _diagonal(x: Any, offset: int, dim1: int, dim2: int) -> Any:
    return _diagonal_of(x, offset, dim1, dim2)


@primitive(x=lambda g, x_shape, offset: _diag_embed(g, x_shape, offset, 0, 1), grad_name="DiagonalBackward0_copy")
def _diag_copy(x: Any, offset: int) -> Any:
    return x.diagonal(offset).copy()


@primitive(x=lambda g, offset, dim1, dim2: _diagonal(g, offset, dim1, dim2))
def _diag_embed(x: Any, shape: Any, offset: int, dim1: int, dim2: int) -> Any:
    y = np.zeros(shape, x.dtype)
    _diagonal_of(y, offset, dim1, dim2)[...] = x
    return y


def two_dims(op: str, ndim: int, dim1: int, dim2: int) -> tuple[int, int]:
    first, second = wrap_dim(dim1, ndim, op), wrap_dim(dim2, ndim, op)
    if first == second:
        raise RuntimeError(f"{op} dimensions cannot be identical {dim1}, {dim2}")
    return first, second


@public(method=True)
def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The elements with index dim2 - index dim1 = `offset`, as the last dimension of a view."""
    return _diagonal(input, offset, *two_dims("diagonal", data_of(input).ndim, dim1, dim2))


@public(method=True)
def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Matrices of zeros with the last dimension of `input` on a diagonal; the transpose of `diagonal`."""
    shape = list(data_of(input).shape)
    first, second = two_dims("diagonal", len(shape) + 1, dim1, dim2)
    n = shape.pop() + abs(offset)
    for d in sorted((first, second)):
        shape.insert(d, n)
    return _diag_embed(input, tuple(shape), offset, first, second)


@public(method=True)
def diag(input: Any, diagonal: int = 0) -> Any:
    """The matrix with a vector on its diagonal, or the diagonal of a matrix."""
    ndim = data_of(input).ndim
    if ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {ndim}D")
    return diag_embed(input, diagonal) if ndim == 1 else _diag_copy(input, diagonal)


@public(method=True)
def diagflat(input: Any, offset: int = 0) -> Any:
    """The matrix with all elements of `input` on its diagonal."""
    return diag_embed(as_shape(input, (data_of(input).size,)), offset)


@public(method=True, inplace=True)
def tril(input: Any, diagonal: int = 0) -> Any:
    """The lower triangles of the last two dimensions, up to `diagonal`; zeros above."""
    if data_of(input).ndim < 2:
        raise RuntimeError("tril: input tensor must have at least 2 dimensions")
    return _tril(input, diagonal)


@public(method=True, inplace=True)
def triu(input: Any, diagonal: int = 0) -> Any:
    """The upper triangles of the last two dimensions, from `diagonal` on; zeros below."""
    if data_of(input).ndim < 2:
        raise RuntimeError("triu: input tensor must have at least 2 dimensions")
    return _triu(input, diagonal)


@primitive(x=lambda g, diagonal: _tril(g, diagonal))
def _tril(x: Any, diagonal: int) -> Any:
    return row_major(np.tril(x, diagonal))


@primitive(x=lambda g, diagonal: _triu(g, diagonal))
def _triu(x: Any, diagonal: int) -> Any:
    return row_major(np.triu(x, diagonal))


# ---- windows


@primitive(x=lambda g, x_shape, dim, size, step: _fold(g, x_shape, dim, size, step), view=True)
def _unfold(x: Any, dim: int, size: int, step: int) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(x, size, dim, writeable=x.flags.writeable)
    return windows[(slice(None),) * dim + (slice(None, None, step), ...)]


@primitive(x=lambda g, dim, size, step: _unfold(g, dim, size, step))
def _fold(x: Any, shape: Any, dim: int, size: int, step: int) -> Any:
    """y = zeros of `shape` with every window added where it came from; the transpose of `_unfold`."""
    y = np.zeros(shape, x.dtype)
    n = x.shape[dim]
    for i in range(size if n else 0):
        y[(slice(None),) * dim + (slice(i, i + (n - 1) * step + 1, step),)] += x[..., i]
    return y


@public(where="", method=True)
def unfold(input: Any, dimension: int, size: int, step: int) -> Any:
    """The windows of `size` elements, `step` apart, along a dimension: a view with the window as last dimension."""
    x = input if data_of(input).ndim else as_shape(input, (1,))
    n = data_of(x).shape[wrap_dim(dimension, data_of(input).ndim, "unfold")]
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > n:
        raise RuntimeError(f"maximum size for tensor at dimension {dimension} is {n} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    y = _unfold(x, wrap_dim(dimension, data_of(x).ndim, "unfold"), size, step)
    return y if data_of(input).ndim else as_shape(y, (size,))


# ---- another order


@public(method=True)
def flip(input: Any, *order: Any, dims: Any = None) -> Any:
    """The elements in reverse order along the dimensions given, as ``flip(0, 1)`` or ``flip(dims=(0, 1))``."""
    dims = as_sizes(order if dims is None else (dims,), "flip")
    return _flip(input, wrap_dims(dims, data_of(input).ndim, "flip") if dims else ())


@primitive(x=lambda g, dims: _flip(g, dims))
def _flip(x: Any, dims: Any) -> Any:
    return np.flip(x, dims).copy()


@public(method=True)
def fliplr(input: Any) -> Any:
    """The elements in reverse order along dimension 1."""
    if data_of(input).ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return _flip(input, (1,))


@public(method=True)
def flipud(input: Any) -> Any:
    """The elements in reverse order along dimension 0."""
    if data_of(input).ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return _flip(input, (0,))


@public(method=True)
def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """The elements moved on by `shifts` along `dims`, those that leave at the end entering at the beginning."""
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    dims = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    if not shifts:
        raise RuntimeError("`shifts` required")
    if len(shifts) != len(dims) and (dims or len(shifts) > 1):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    if dims and not data_of(input).ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return _roll(input, shifts, tuple([wrap_dim(d, data_of(input).ndim, "roll") for d in dims]))


@primitive(x=lambda g, shifts, dims: _roll(g, tuple([-s for s in shifts]), dims))
def _roll(x: Any, shifts: Any, dims: Any) -> Any:
    y = np.roll(x, shifts, dims) if dims else np.roll(x, shifts[0])
    return y if is_channels_last(y) else row_major(y)


@public(method=True)
def rot90(input: Any, k: int = 1, dims: Any = (0, 1)) -> Any:
    """Rotated `k` times by 90 degrees in the plane of two dimensions, from the first towards the second."""
    ndim = data_of(input).ndim
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    first, second = (wrap_dim(d, ndim, "rot90") for d in dims)
    if first == second:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    return _rot90(input, k, (first, second))


@primitive(x=lambda g, k, dims: _rot90(g, -k, dims))
def _rot90(x: Any, k: int, dims: Any) -> Any:
    return np.rot90(x, k, dims).copy(order="K")


# ---- repetition


@primitive(x=lambda g, x_shape, repeats: sum_repeats(g, x_shape, repeats))
def _repeat(x: Any, repeats: Any) -> Any:
    return row_major(np.tile(x, repeats))


def sum_repeats(g: Any, shape: tuple[int, ...], repeats: tuple[int, ...]) -> Any:
    """The transpose of `repeat`: the sum of the copies."""
    shape = (1,) * (len(repeats) - len(shape)) + shape
    tiles = tuple([n for pair in zip(repeats, shape) for n in pair])
    return as_shape(sum_to(as_shape(g, tiles), tuple([n for size in shape for n in (1, size)])), shape)


@public(where="", method=True)
def repeat(input: Any, *sizes: Any, repeats: Any = None) -> Any:
    """The tensor repeated so many times along every dimension; more repeats than dimensions add dimensions in front."""
    repeats = as_sizes(sizes if repeats is None else (repeats,), "repeat")
    if len(repeats) < data_of(input).ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if min(repeats, default=0) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(repeats)}: {list(repeats)}")
    return _repeat(input, repeats)


@public(method=True)
def tile(input: Any, *sizes: Any, dims: Any = None) -> Any:
    """As `repeat`, with ones put in front where there are fewer repeats than dimensions."""
    dims = as_sizes(sizes if dims is None else (dims,), "tile")
    return repeat(input, (1,) * (data_of(input).ndim - len(dims)) + dims)


@public(method=True)
def repeat_interleave(input: Any, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None) -> Any:
    """Every slice along `dim` (of all elements in one row if None) repeated, by one number or by one each.

    ``repeat_interleave(repeats)`` alone gives the index i ``repeats[i]`` times.
    """
    if repeats is None:
        counts = data_of(input)
        check_counts(counts)
        return wrap(np.repeat(np.arange(len(counts)), counts))
    if dim is None:
        input, dim = as_shape(input, (data_of(input).size,)), 0
    dim = wrap_dim(dim, data_of(input).ndim, "repeat_interleave")
    x = input if data_of(input).ndim else as_shape(input, (1,))
    shape = data_of(x).shape
    counts = np.asarray(data_of(repeats))
    if isinstance(repeats, (list, tuple)):
        raise TypeError("repeat_interleave(): argument 'repeats' must be Tensor or int, not list")
    if counts.size != 1:
        check_counts(counts)
        if counts.size != shape[dim]:
            raise RuntimeError(f"repeats must have the same size as input along dim, but got repeats.size(0) = {counts.size} and "
                               f"input.size({dim}) = {shape[dim]}")
        places = np.repeat(np.arange(shape[dim]), counts)
        return _index_select(x, (slice(None),) * dim + (places,))
    n = operator.index(counts.item())
    if n < 0:
        raise RuntimeError("Repeats must be non-negative")
    spread = expand_to(unsqueeze(x, dim + 1), (*shape[:dim + 1], n, *shape[dim + 1:]))
    return as_shape(spread, (*shape[:dim], shape[dim] * n, *shape[dim + 1:]))


_index_select = picker("IndexSelectBackward0")


def check_counts(counts: np.ndarray) -> None:
    if counts.ndim > 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    if counts.dtype not in (np.int64, np.int32):
        raise RuntimeError("repeats has to be Long or Int tensor")
    if counts.size and counts.min() < 0:
        raise RuntimeError("repeats can not be negative")


# ---- at least so many dimensions


def _at_least(n: int, lift: Any) -> Any:
    def function(*tensors: Any) -> Any:
        if len(tensors) == 1:
            if isinstance(tensors[0], (Tensor, np.ndarray)):
                return lift(tensors[0])
            tensors = tuple(tensors[0])
        return tuple([lift(t) for t in tensors])

    function.__name__ = function.__qualname__ = f"atleast_{n}d"
    function.__doc__ = f"The tensor, or each of several, with at least {n} dimension{'s' if n > 1 else ''}."
    return public(function)


def _lift_2d(x: Any) -> Any:
    ndim = data_of(x).ndim
    return as_shape(x, (1, 1)) if ndim == 0 else unsqueeze(x, 0) if ndim == 1 else x


def _lift_3d(x: Any) -> Any:
    ndim = data_of(x).ndim
    return (as_shape(x, (1, 1, 1)) if ndim == 0 else unsqueeze(unsqueeze(x, 0), -1) if ndim == 1 else
            unsqueeze(x, -1) if ndim == 2 else x)


atleast_1d = _at_least(1, lambda x: x if data_of(x).ndim else as_shape(x, (1,)))
atleast_2d = _at_least(2, _lift_2d)
atleast_3d = _at_least(3, _lift_3d)
