"""Picking elements by index tensors and masks.

Every op here is ``y = x[key]`` with a key of arrays that it builds; the primitive comes from `minidl.ops.index`, and so does the
derivative: the gradient of what was picked is added where it came from.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..core import Tensor, data_of, dtype_of, from_array, public
from ..core.broadcast import expand_to
from ..core.checks import all_below, as_sizes, broadcast_shape, require_tensor, wrap_dim
from ..core.dtypes import as_numpy_dtype, word
from .index import EVERYTHING, picker
from .shape import as_shape

Key = tuple[Any, ...]

_gather, _index_select = picker("GatherBackward0"), picker("IndexSelectBackward0")
_take, _masked_select = picker("TakeBackward0"), picker("MaskedSelectBackward0")


# ---- keys


def integers(op: str, index: Any, n: int, dim: int, error: type[Exception] = IndexError, *, wrap: bool = False) -> np.ndarray:
    """A copy of an index tensor as int64, checked to lie in [0, n), or with `wrap` in [-n, n)."""
    require_tensor(op, "index", index)
    array = data_of(index)
    if array.dtype.char not in "li" and array.size:
        raise RuntimeError(f"{op}(): Expected dtype int32 or int64 for index")
    array = np.array(array, np.int64, order="C")
    if array.size and (wrap or not all_below(array, n)):
        for worst in (int(array.max()), int(array.min())):
            if not (-n if wrap else 0) <= worst < n:
                raise error(f"{op}(): index {worst} is out of bounds for dimension {dim} with size {n}")
    return array


def vector_key(op: str, x: Any, dim: int, index: Any, error: type[Exception] = IndexError, *, wrap: bool = False) -> Key:
    """The key of whole slices along `dim`: ``x[:, :, index]``."""
    if data_of(index).ndim > 1:
        raise IndexError(f"{op}(): Index is supposed to be a vector")
    return (EVERYTHING,) * dim + (integers(op, index, data_of(x).shape[dim], dim, error, wrap=wrap).reshape(-1),)


def grid_key(op: str, x: Any, dim: int, index: Any, *, wrap: bool = False) -> np.ndarray:
    """The positions of single elements: ``x[i, index[i, j, k], k]``, for every i, j, k of `index`."""
    shape, array = data_of(x).shape, data_of(index)
    if not array.size:
        return np.zeros(array.shape, np.int64)
    if array.ndim != len(shape):
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    for d, n in enumerate(array.shape):
        if d != dim and n > shape[d]:
            raise RuntimeError(f"{op}(): Expected index {list(array.shape)} to be no larger than self {list(shape)} apart from "
                               f"dimension {dim}")
    found = integers(op, index, shape[dim], dim, RuntimeError, wrap=wrap)
    if wrap:
        found[found < 0] += shape[dim]
    steps = row_major(shape)
    if steps[dim] != 1:
        found *= steps[dim]
    for d, n in enumerate(array.shape):
        if d != dim:
            found += offsets(n, steps[d], array.ndim - 1 - d)
    return found


@lru_cache(64)
def offsets(n: int, step: int, after: int) -> np.ndarray:
    """0, step, 2 step, ... along a dimension with `after` others behind it."""
    return np.arange(0, n * step, step).reshape((n,) + (1,) * after)


@lru_cache
def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """How many elements lie between neighbours along each dimension."""
    return tuple([math.prod(shape[d + 1:]) for d in range(len(shape))])


def flat_key(op: str, x: Any, index: Any) -> np.ndarray:
    """The positions of elements counted in row-major order, backwards from the end where negative."""
    n = data_of(x).size
    try:
        found = integers(op, index, n, 0, wrap=True)
    except IndexError as error:
        raise IndexError(f"{op}(): out of range: tried to access an index of a tensor of {n} elements. {error}") from None
    return np.where(found < 0, found + n, found)


def mask_of(op: str, mask: Any) -> np.ndarray:
    """A copy of a mask; RuntimeError unless it is bool."""
    require_tensor(op, "mask", mask)
    if dtype_of(mask) != bool:
        raise RuntimeError(f"{op} only supports boolean masks, but got mask with dtype {dtype_of(mask).name}")
    return np.array(data_of(mask), order="C")


def at_least_1d(x: Any) -> Any:
    """PyTorch treats a 0-d tensor as one of size 1 here."""
    return x if data_of(x).ndim else as_shape(x, (1,))


# ---- picking


@public(method=True)
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    """y[i, j, k] = input[i, index[i, j, k], k] for dim = 1, and so on: a tensor of the shape of `index`.

    >>> import minidl
    >>> minidl.gather(minidl.tensor([[1, 2], [3, 4]]), 1, minidl.tensor([[0, 0], [1, 0]])).tolist()
    [[1, 1], [4, 3]]
    """
    dim = wrap_dim(dim, data_of(input).ndim, "gather")
    y = _gather(at_least_1d(input), grid_key("gather", at_least_1d(input), dim, at_least_1d(index)))
    return as_shape(y, data_of(index).shape) if not data_of(index).ndim else y


@public(method=True)
def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """`gather` with the other dimensions broadcast, and negative indices; over all elements in one row if `dim` is None."""
    if dtype_of(indices) != np.int64:
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {word(dtype_of(indices))}")
    wrap = dim is not None
    if dim is None:
        input, indices, dim = as_shape(input, (-1,)), as_shape(indices, (-1,)), 0
    shape, wanted = data_of(input).shape, data_of(indices).shape
    if len(shape) != len(wanted):
        raise RuntimeError("torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
                           f"{len(shape)} dimensions for input, and {len(wanted)} dimensions for indices")
    dim = wrap_dim(dim, len(shape), "take_along_dim")
    common = broadcast_shape("take_along_dim", (*shape[:dim], 1, *shape[dim + 1:]), (*wanted[:dim], 1, *wanted[dim + 1:]))
    x = expand_to(input, (*common[:dim], shape[dim], *common[dim + 1:]))
    index = np.broadcast_to(data_of(indices), (*common[:dim], wanted[dim], *common[dim + 1:]))
    return _gather(x, grid_key("take_along_dim", x, dim, index, wrap=wrap))


@public(method=True)
def index_select(input: Any, dim: int, index: Any) -> Any:
    """The slices of `input` along `dim` at the places in the vector `index`."""
    x = at_least_1d(input)
    dim = wrap_dim(dim, data_of(x).ndim, "index_select")
    y = _index_select(x, vector_key("index_select", x, dim, index))
    return y if data_of(input).ndim else as_shape(y, ())


@public(method=True)
def take(input: Any, index: Any) -> Any:
    """The elements of `input`, counted in row-major order, at `index`."""
    x = at_least_1d(input)
    return _take(x, flat_key("take", x, index))


@public(method=True)
def masked_select(input: Any, mask: Any) -> Any:
    """The elements where `mask`, broadcast, is True, in one row."""
    mask = mask_of("masked_select", mask)
    shape = broadcast_shape("masked_select", data_of(input).shape, mask.shape)
    x = input if data_of(input).shape == shape else expand_to(input, shape)
    return _masked_select(at_least_1d(x), (np.broadcast_to(mask, shape or (1,)),))


@public(method=True)
def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not zero, a row each; with `as_tuple` one vector for every dimension."""
    x = data_of(input)
    if as_tuple:
        return tuple([from_array(i) for i in np.atleast_1d(x).nonzero()])
    return from_array(np.argwhere(x))


@public(method=True)
def argwhere(input: Any) -> Any:
    """The indices of the elements that are not zero, a row each."""
    return nonzero(input)


# ---- index tensors


def require_sizes(row: int, col: int) -> None:
    for name, size in (("row", row), ("col", col)):
        if size < 0:
            raise RuntimeError(f"{name} must be non-negative, got {size}")


@public
def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, device: Any = None, layout: Any = None) -> Tensor:
    """The row and column indices of the lower triangle of a `row` by `col` matrix, a 2-by-n tensor."""
    require_sizes(row, col)
    return from_array(np.stack(np.tril_indices(row, offset, col)).astype(as_numpy_dtype(dtype)))


@public
def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, device: Any = None, layout: Any = None) -> Tensor:
    """The row and column indices of the upper triangle of a `row` by `col` matrix, a 2-by-n tensor."""
    require_sizes(row, col)
    return from_array(np.stack(np.triu_indices(row, offset, col)).astype(as_numpy_dtype(dtype)))


@public
def unravel_index(indices: Any, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates, one tensor a dimension, of elements of `shape` counted in row-major order."""
    require_tensor("unravel_index", "indices", indices)
    array, shape = data_of(indices), as_sizes((shape,), "unravel_index") if not isinstance(shape, int) else (shape,)
    if array.dtype.kind not in "iu":
        raise ValueError(f"unravel_index() expects integer indices, got {array.dtype.name}")
    if min(shape, default=0) < 0:
        raise ValueError(f"'shape' cannot have negative values, but got {shape}")
    array = array.astype(np.int64)
    return tuple([from_array(array // math.prod(shape[d + 1:]) % n) for d, n in enumerate(shape)])
