"""Putting elements where index tensors and masks say.

Every op here is ``y = x; y[key] = value`` (or ``+=``, or another way to combine) with a key of arrays from `minidl.ops.gather`; the
primitives come from `minidl.ops.index`, and so do the derivatives: the gradient of what was put is picked from where it went.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Tensor, data_of, dtype_of, primitive, public
from ..core.broadcast import expand_to
from ..core.checks import broadcast_shape, require_tensor, wrap_dim
from ..core.dtypes import word
from ..core.inplace import along as follow
from ..core.inplace import view_scatter, zeros
from ..core.promotion import fitting, number_type
from .elementwise import masked
from .gather import at_least_1d, flat_key, grid_key, mask_of, vector_key
from .index import (
    EVERYTHING,
    _pick,
    _put,
    _select,
    _slice,
    accumulated,
    adder,
    assigned,
    elements,
    putter,
)
from .rearrange import _diagonal
from .shape import as_shape

_scatter, _scatter_value = putter("ScatterBackward0"), putter("ScatterBackward1")
_index_copy, _index_fill = putter("IndexCopyBackward0"), putter("IndexFillBackward0")
_put_at, _masked_scatter = putter("PutBackward0"), putter("MaskedScatterBackward0")
_scatter_add, _index_add, _put_at_add = adder("ScatterAddBackward0"), adder("IndexAddBackward0"), adder("PutBackward0")


# ---- putting


def scattering(op: str, put: Any, input: Any, dim: int, index: Any, src: Any, *options: Any) -> Any:
    """``put(x, src, key, ...)`` for the key of `index` along `dim`, with the part of `src` that belongs to `index`."""
    dim = wrap_dim(dim, data_of(input).ndim, op)
    x, index = at_least_1d(input), at_least_1d(index)
    key = grid_key(op, x, dim, index)
    if isinstance(src, (Tensor, np.ndarray)):
        src = at_least_1d(src)
        if dtype_of(src) != dtype_of(x):
            raise RuntimeError(f"{op}(): Expected self.dtype to be equal to src.dtype")
        wanted, given = data_of(index).shape, data_of(src).shape
        if len(wanted) != len(given):
            raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
        if data_of(index).size and any(n > m for n, m in zip(wanted, given)):
            raise RuntimeError(f"Expected index {list(wanted)} to be no larger than self {list(data_of(x).shape)} apart from "
                               f"dimension {dim} and to be no larger size than src {list(given)}")
        if wanted != given:
            src = _slice(src, (*map(slice, wanted), ...))
    y = put(x, src, key, *options)
    return y if data_of(input).ndim else as_shape(y, ())


@public(method=True, inplace=True)
def scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None) -> Any:
    """y = input with y[i, index[i, j, k], k] = src[i, j, k] for dim = 1, and so on; `src` may be a number.

    With ``reduce="add"`` or ``"multiply"`` it is added or multiplied instead.

    >>> import minidl
    >>> minidl.zeros(3).scatter(0, minidl.tensor([2, 0]), minidl.tensor([5.0, 7.0])).tolist()
    [7.0, 0.0, 5.0]
    """
    src = value if src is None else src
    if not isinstance(src, (Tensor, np.ndarray)):
        src = as_0d("scatter", input, src)[()]
    if reduce is not None:
        if reduce not in ("add", "multiply"):
            raise RuntimeError("reduce argument must be either add or multiply.")
        return scattering("scatter", _scatter_reduce, input, dim, index, src, "sum" if reduce == "add" else "prod", True)
    return scattering("scatter", _scatter if isinstance(src, Tensor) else _scatter_value, input, dim, index, src)


@public(method=True, inplace=True)
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """y = input with y[i, index[i, j, k], k] += src[i, j, k] for dim = 1, and so on; the transpose of `gather`."""
    require_tensor("scatter_add", "src", src)
    return scattering("scatter_add", _scatter_add, input, dim, index, src)


def along(op: str, put: Any, input: Any, dim: int, index: Any, source: Any, *options: Any, error: type[Exception] = IndexError) -> Any:
    """``put(x, source, key, ...)`` for whole slices of `input` along `dim`."""
    dim = wrap_dim(dim, data_of(input).ndim, op)
    x = at_least_1d(input)
    key = vector_key(op, x, dim, index, error)
    if dtype_of(x) != dtype_of(source):
        raise RuntimeError(f"{op}_(): self ({word(dtype_of(x))}) and source ({word(dtype_of(source))}) must have the same scalar type")
    given, shape = data_of(source).shape, data_of(x).shape
    wanted = (*shape[:dim], key[-1].size, *shape[dim + 1:])
    if (given or (1,)) != wanted:
        raise RuntimeError(f"{op}_(): Number of indices ({key[-1].size}) should be equal to source.size(dim), and the other sizes "
                           f"to those of self {list(shape)}; got a source of {list(given)} for dim: {dim}")
    y = put(x, source if given else as_shape(source, wanted), key, *options)
    return y if data_of(input).ndim else as_shape(y, ())


@public(method=True, inplace=True)
def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    """y = input with the slices of ``alpha * source`` added to those at `index` along `dim`."""
    return along("index_add", _index_add, input, dim, index, source if alpha == 1 else source * alpha, error=RuntimeError)


@public(method=True, inplace=True)
def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """y = input with the slices at `index` along `dim` replaced by those of `source`."""
    return along("index_copy", _index_copy, input, dim, index, source)


@public(method=True, inplace=True)
def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """y = input with `value`, a number or a 0-d tensor, in the slices at `index` along `dim`."""
    value = as_0d("index_fill_", input, value)
    dim = wrap_dim(dim, data_of(input).ndim, "index_fill")
    x = at_least_1d(input)
    index = vector_key("index_fill", x, dim, index, wrap=True)[-1]
    once = np.unique(np.where(index < 0, index + data_of(x).shape[dim], index))  # so that the gradient of `value` is summed once
    y = _index_fill(x, value, (EVERYTHING,) * dim + (once,))
    return y if data_of(input).ndim else as_shape(y, ())


def as_0d(op: str, input: Any, value: Any) -> Any:
    """`value`, a number in the input's type or a 0-d tensor. RuntimeError for a tensor with dimensions, TypeError for anything else."""
    if not isinstance(value, Tensor):
        number_type(value)
        return fitting(value, dtype_of(input), op)
    if value.ndim:
        raise RuntimeError(f"{op} only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s).")
    return value


@public(method=True, inplace=True)
def put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """y = input with the elements, counted in row-major order, at `index` replaced by `source`, or added to if `accumulate`."""
    if data_of(index).size != data_of(source).size:
        raise IndexError("put_(): Expected source and index to have the same number of elements, but got source.numel() = "
                         f"{data_of(source).size}, index.numel() = {data_of(index).size}")
    if dtype_of(input) != dtype_of(source):
        raise RuntimeError("put_(): self and source expected to have the same dtype, but got self.dtype = "
                           f"{word(dtype_of(input))} and source.dtype = {word(dtype_of(source))}")
    x = at_least_1d(input)
    key = flat_key("put", x, index)
    y = (_put_at_add if accumulate else _put_at)(x, as_shape(source, key.shape), key)
    return y if data_of(input).ndim else as_shape(y, ())


# ---- masks


@primitive(x=lambda g, mask: masked(g, ~mask), value=lambda g, mask: masked(g, mask))
def _masked_fill(x: Any, value: Any, mask: Any) -> Any:
    return np.where(mask, np.asarray(value, x.dtype), x)


@public(method=True, inplace=True)
def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """y = `value`, a number or a 0-d tensor, where `mask` is True, else input."""
    value = as_0d("masked_fill_", input, value)
    mask = mask_of("masked_fill_", mask)
    broadcast_shape("masked_fill", data_of(input).shape, mask.shape)
    return _masked_fill(input, value, mask)


@public(method=True, inplace=True)
def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """y = input with the elements where `mask` is True replaced by the first ones of `source`, in row-major order."""
    mask = mask_of("masked_scatter_", mask)
    if dtype_of(input) != dtype_of(source):
        raise RuntimeError("masked_scatter: expected self and source to have same dtypes but got "
                           f"{word(dtype_of(input))} and {word(dtype_of(source))}")
    shape = broadcast_shape("masked_scatter", data_of(input).shape, mask.shape)
    mask = np.broadcast_to(mask, shape)
    count = int(mask.sum())
    if count > data_of(source).size:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    x = input if data_of(input).shape == shape else expand_to(input, shape)
    y = _masked_scatter(at_least_1d(x), _slice(as_shape(source, (data_of(source).size,)), (slice(count), ...)),
                        (mask if shape else mask.reshape(1),))
    return y if shape else as_shape(y, ())


# ---- reductions of what lands in one place

COMBINE = {"sum": np.add, "mean": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}


def neutral(reduce: str, d: np.dtype) -> Any:
    """The value that leaves a reduction unchanged."""
    if reduce in ("sum", "mean", "prod"):
        return int(reduce == "prod")
    if d.kind == "f":
        return -np.inf if reduce == "amax" else np.inf
    low, high = (False, True) if d == bool else (np.iinfo(d).min, np.iinfo(d).max)
    return low if reduce == "amax" else high


def how_many(like: np.ndarray, key: Any, include_self: bool) -> np.ndarray:
    """How many values are averaged in every place, at least 1."""
    counts = accumulated(np.add, np.full(like.shape, int(include_self), like.dtype), key, 1)
    return np.maximum(counts, 1)


def reducer(grad_name: str) -> Any:
    """The primitive that combines with each element of `x` the values that land there."""
    def combine(x: Any, value: Any, key: Any, reduce: str, include_self: bool) -> Any:
        y = np.array(x, order="C")
        if not include_self:
            assigned(y, key, neutral(reduce, y.dtype))
        accumulated(COMBINE[reduce], y, key, value)
        if reduce == "mean":
            counts = how_many(y, key, include_self)
            y = y / counts if y.dtype.kind == "f" else y // counts
        return y

    return primitive(joint=("x value", combine_rule), grad_name=grad_name)(combine)


def combine_rule(g: Any, x: Any, value: Any, y: Any, key: Any, reduce: str, include_self: bool, needs: list[bool]) -> Any:
    """The gradients of `x` and of `value`: among equal extremes it is shared, beside zeros a product is the others'."""
    xs, values, d = data_of(x), data_of(value), dtype_of(g)
    spread = g
    if reduce in ("amax", "amin"):
        kept, hit = xs == data_of(y), values == elements(data_of(y), key)
        if not include_self:
            assigned(kept, key, False)
        spread = g / np.maximum(accumulated(np.add, kept.astype(d), key, hit), 1)
        gx, gvalue = masked(spread, kept), masked(_pick(spread, key), hit)
    elif reduce == "prod":
        gx = gvalue = None
        if needs[0] and include_self:
            rest = one_for_zero(x, xs == 0)
            gx = g * _scatter_reduce(rest, value, key, "prod", True) / rest
        if needs[1]:
            zero = values == 0
            alone = zero & (elements(accumulated(np.add, np.zeros(xs.shape, np.int64), key, zero), key) == 1)
            without = _scatter_reduce(x, one_for_zero(value, alone), key, "prod", include_self)
            gvalue = masked(_pick(g * without, key), alone) + masked(_pick(g * y, key) / one_for_zero(value, zero), ~alone)
    else:
        spread = g / how_many(xs, key, include_self) if reduce == "mean" else g
        gx, gvalue = spread, _pick(spread, key)
    return gx if include_self else _put(g, 0.0, key), gvalue


def one_for_zero(x: Any, zero: np.ndarray) -> Any:
    """`x` with 1 in the places `zero`."""
    return masked(x, ~zero) + zero.astype(dtype_of(x))


_scatter_reduce, _index_reduce = reducer("ScatterReduceBackward0"), reducer("IndexReduceBackward0")


@public(method=True, inplace=True)
def scatter_reduce(input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
    """As `scatter`, combining all that lands in one place: sum, prod, mean, amax or amin, with `input` if `include_self`."""
    if reduce not in COMBINE:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    require_tensor("scatter_reduce", "src", src)
    return scattering("scatter_reduce", _scatter_reduce, input, dim, index, src, reduce, include_self)


@public(method=True, inplace=True)
def index_reduce(input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True) -> Any:
    """As `index_copy`, combining all that lands in one place: prod, mean, amax or amin, with `input` if `include_self`."""
    if reduce not in COMBINE or reduce == "sum":
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    return along("index_reduce", _index_reduce, input, dim, index, source, reduce, include_self)


# ---- a copy with one view replaced


def embedder(grad_name: str) -> Any:
    forward = view_scatter.__wrapped__
    return primitive(base=lambda g, part_shape, replay: view_scatter(g, zeros(g, part_shape), replay),
                     part=lambda g, replay: follow(g, replay), grad_name=grad_name)(forward)


_select_scatter, _slice_scatter = embedder("SelectScatterBackward0"), embedder("SliceScatterBackward0")
_diagonal_scatter = embedder("DiagonalScatterBackward0")


def embedded(op: Any, input: Any, src: Any, view: Any, *args: Any) -> Any:
    """A copy of `input` with the view ``view(input, *args)`` replaced by `src`, which must have its shape."""
    part = view(data_of(input), *args).shape
    if data_of(src).shape != part:
        raise RuntimeError(f"expected src to have a size equal to the slice of self. src size = {list(data_of(src).shape)}, "
                           f"slice size = {list(part)}")
    return op(input, src, ((view, args),))


@public(method=True)
def select_scatter(input: Any, src: Any, dim: int, index: int) -> Any:
    """A copy of `input` with ``select(dim, index)`` replaced by `src`."""
    dim = wrap_dim(dim, data_of(input).ndim, "select_scatter")
    n = data_of(input).shape[dim]
    if not -n <= index < n:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(data_of(input).shape)} at dimension {dim}")
    return embedded(_select_scatter, input, src, _select, (EVERYTHING,) * dim + (index, ...))


@public(method=True)
def slice_scatter(input: Any, src: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Any:
    """A copy of `input` with ``start:end:step`` along `dim` replaced by `src`."""
    dim = wrap_dim(dim, data_of(input).ndim, "slice_scatter")
    return embedded(_slice_scatter, input, src, _slice, (EVERYTHING,) * dim + (slice(start, end, step), ...))


@public(method=True)
def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """A copy of `input` with ``diagonal(offset, dim1, dim2)`` replaced by `src`."""
    ndim = data_of(input).ndim
    return embedded(_diagonal_scatter, input, src, _diagonal, offset, wrap_dim(dim1, ndim, "diagonal"),
                    wrap_dim(dim2, ndim, "diagonal"))
