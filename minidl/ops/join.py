"""Joining tensors along a dimension, and taking them apart."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core import Tensor, data_of, dtype_of, from_array, primitive, public
from ..core.broadcast import expand_to
from ..core.checks import wrap_dim
from ..core.dtypes import promote_types
from .index import EVERYTHING, _pick, _slice, narrowed, select
from .memory import channels_last, channels_last_3d, contiguous_format, empty, is_channels_last
from .rearrange import atleast_1d, atleast_2d, atleast_3d
from .shape import as_shape


def joined(xs: Any, dim: int, dtype: Any, last: bool) -> Any:
    """In contiguous memory, or channels-last. NumPy by itself would keep any order."""
    if not last and all(x.flags.c_contiguous for x in xs):
        return np.concatenate(xs, axis=dim, dtype=dtype, casting="unsafe")
    shape = list(xs[0].shape)
    shape[dim] = sum([x.shape[dim] for x in xs])
    format = (channels_last if len(shape) == 4 else channels_last_3d) if last else contiguous_format
    return np.concatenate(xs, axis=dim, out=empty(shape, dtype, format), casting="unsafe")


@primitive(xs=lambda g, xs_shape, dim: pieces(g, [s[dim] for s in xs_shape], dim), sequence=True)
def _cat(xs: Any, dim: int, dtype: Any) -> Any:
    return joined(xs, dim, dtype, last=xs[0].ndim > 3 and all(map(is_channels_last, xs)))


@primitive(xs=lambda g, dim: [select(g, dim, i) for i in range(g.shape[dim])], sequence=True)
def _stack(xs: Any, dim: int, dtype: Any) -> Any:
    key = (EVERYTHING,) * dim + (None,)
    return joined([x[key] for x in xs], dim, dtype, last=False)  # np.stack takes three times as long


def pieces(x: Any, sizes: list[int], dim: int) -> list[Any]:
    """Views of `x` of the given sizes along `dim`."""
    stops = np.cumsum(sizes).tolist()
    return [narrowed(x, dim, stop - size, stop) for size, stop in zip(sizes, stops)]


def as_list(op: str, tensors: Any) -> list[Any]:
    if isinstance(tensors, (Tensor, np.ndarray)) or not hasattr(tensors, "__iter__"):
        raise TypeError(f"{op}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}")
    tensors = list(tensors)
    for i, t in enumerate(tensors):
        if not isinstance(t, (Tensor, np.ndarray, np.generic)):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(t).__name__}")
    if not tensors:
        raise ValueError(f"torch.{op}(): expected a non-empty list of Tensors")
    return tensors


def type_of(tensors: Any) -> np.dtype:
    """The type to which PyTorch promotes tensors that it joins; a 0-d tensor counts as much as any other."""
    types = [dtype_of(t) for t in tensors]
    return types[0] if types.count(types[0]) == len(types) else functools.reduce(promote_types, types)


@public(aliases="concat concatenate")
def cat(tensors: Any, dim: int = 0) -> Any:
    """The tensors one after the other along `dim`; their other sizes must agree. Empty 1-d tensors are skipped.

    >>> import minidl
    >>> minidl.cat([minidl.tensor([1, 2]), minidl.tensor([3.0])]).tolist()
    [1.0, 2.0, 3.0]
    """
    tensors = as_list("cat", tensors)
    shapes = [data_of(t).shape for t in tensors]
    if () in shapes:
        raise RuntimeError(f"zero-dimensional tensor (at position {shapes.index(())}) cannot be concatenated")
    kept = [t for t, shape in zip(tensors, shapes) if shape != (0,)] or tensors[:1] if (0,) in shapes else tensors
    shape = data_of(kept[0]).shape
    dim = wrap_dim(dim, len(shape), "cat")
    for i, t in enumerate(kept if shapes.count(shape) < len(shapes) else ()):
        other = data_of(t).shape
        if other == shape:
            continue
        if len(other) != len(shape):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {len(shape)} and {len(other)}")
        if other[:dim] != shape[:dim] or other[dim + 1:] != shape[dim + 1:]:
            wrong = next(d for d in range(len(shape)) if d != dim and other[d] != shape[d])
            raise RuntimeError(f"Sizes of tensors must match except in dimension {dim}. Expected size {shape[wrong]} but got "
                               f"size {other[wrong]} for tensor number {i} in the list.")
    return _cat(kept, dim, type_of(tensors))


@public
def stack(tensors: Any, dim: int = 0) -> Any:
    """The tensors, all of one shape, along a new dimension `dim`."""
    tensors = as_list("stack", tensors)
    shapes = [data_of(t).shape for t in tensors]
    shape = shapes[0]
    if shapes.count(shape) < len(shapes):
        i = next(i for i, other in enumerate(shapes) if other != shape)
        raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                           f"{list(shapes[i])} at entry {i}")
    return _stack(tensors, wrap_dim(dim, len(shape) + 1, "stack"), type_of(tensors))


# ---- taking apart: several views of one tensor


def _parts(grad_name: str) -> Any:
    def split_views(x: Any, sizes: Any, dim: int) -> Any:
        return tuple(pieces(x, sizes, dim))

    return primitive(x=lambda g, dim: cat(g, dim), view=True, outputs="parts", grad_name=grad_name)(split_views)


_split, _split_with_sizes = _parts("SplitBackward0"), _parts("SplitWithSizesBackward0")


@primitive(x=lambda g, dim: stack(g, dim), view=True, outputs="parts")
def _unbind(x: Any, dim: int) -> Any:
    return tuple([x[(EVERYTHING,) * dim + (i, ...)] for i in range(x.shape[dim])])


@public(method=True)
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views of `tensor` along `dim`: of one size each (the last may be smaller), or of the sizes in a list."""
    if isinstance(split_size_or_sections, (list, tuple)):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    shape = data_of(tensor).shape
    if not shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    size, dim = operator.index(split_size_or_sections), wrap_dim(dim, len(shape), "split")
    if size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
    if size == 0 and shape[dim]:
        raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {shape[dim]}")
    sizes = [min(size, shape[dim] - start) for start in range(0, shape[dim], size or 1)] or [0]
    return _split(tensor, sizes, dim)


@public(method=True)
def split_with_sizes(tensor: Any, split_sizes: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views of `tensor` of the given sizes along `dim`."""
    shape = data_of(tensor).shape
    if not shape:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim, sizes = wrap_dim(dim, len(shape), "split_with_sizes"), [operator.index(n) for n in split_sizes]
    if min(sizes, default=0) < 0 or sum(sizes) != shape[dim]:
        raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {shape[dim]} (input tensor's size at "
                           f"dimension {dim}), but got split_sizes={sizes}")
    return _split_with_sizes(tensor, sizes, dim)


@public(method=True)
def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """At most `chunks` views along `dim`, of equal size but for the last."""
    shape = data_of(input).shape
    if not shape:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = shape[wrap_dim(dim, len(shape), "chunk")]
    return split(input, -(-n // chunks), dim) if n else split_with_sizes(input, [0] * chunks, dim)


@public(method=True)
def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """The slices along `dim`, views without that dimension."""
    shape = data_of(input).shape
    if not shape:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return _unbind(input, wrap_dim(dim, len(shape), "unbind"))


@public(method=True)
def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views along `dim`: so many of nearly equal size (the first ones larger by one), or split before each index of a list."""
    shape = data_of(input).shape
    if not shape:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    dim = wrap_dim(dim, len(shape), "tensor_split")
    n, where = shape[dim], data_of(indices_or_sections)
    if isinstance(where, np.ndarray):
        if where.dtype != np.int64 or where.ndim > 1:
            raise RuntimeError("tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional "
                               f"tensor of dtype long, but got a {where.ndim}-d tensor of dtype {where.dtype.name}")
        where = where.tolist()
    if isinstance(where, int):
        if where <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {where}")
        where = [i * (n // where) + min(i, n % where) for i in range(1, where)]
    bounds = [0, *where, n]
    clipped = [slice(start, stop).indices(n) for start, stop in itertools.pairwise(bounds)]
    return tuple([narrowed(input, dim, start, max(start, stop)) for start, stop, _ in clipped])


def _direction_split(name: str, dim: int, at_least: int) -> Any:
    def function(input: Any, indices_or_sections: Any) -> tuple[Any, ...]:
        shape = data_of(input).shape
        if len(shape) < at_least:
            raise RuntimeError(f"torch.{name} requires a tensor with at least {at_least} dimension"
                               f"{'s' if at_least > 1 else ''}, but got a tensor with {len(shape)} dimensions!")
        along = 0 if len(shape) == 1 else dim
        if isinstance(indices_or_sections, int) and (indices_or_sections <= 0 or shape[along] % indices_or_sections):
            raise RuntimeError(f"torch.{name} attempted to split along dimension {along}, but the size of the dimension "
                               f"{shape[along]} is not divisible by the split_size {indices_or_sections}!")
        return tensor_split(input, indices_or_sections, along)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`tensor_split` along dimension {dim}" + (" (0 if there is only one)." if at_least == 1 else ".")
    return public(method=True)(function)


hsplit, vsplit, dsplit = _direction_split("hsplit", 1, 1), _direction_split("vsplit", 0, 2), _direction_split("dsplit", 2, 3)


# ---- joining in a given direction


def _lifted(op: str, tensors: Any, lift: Any) -> list[Any]:
    return [lift(t) for t in as_list(op, tensors)]


@public
def hstack(tensors: Any) -> Any:
    """The tensors side by side: along dimension 1, or 0 if they are 1-d."""
    lifted = _lifted("hstack", tensors, atleast_1d)
    return cat(lifted, 0 if data_of(lifted[0]).ndim == 1 else 1)


@public(aliases="row_stack")
def vstack(tensors: Any) -> Any:
    """The tensors, at least 2-d, one below the other."""
    return cat(_lifted("vstack", tensors, atleast_2d), 0)


@public
def dstack(tensors: Any) -> Any:
    """The tensors, at least 3-d, one behind the other."""
    return cat(_lifted("dstack", tensors, atleast_3d), 2)


@public
def column_stack(tensors: Any) -> Any:
    """The tensors side by side, 0-d and 1-d ones as columns."""
    return cat(_lifted("column_stack", tensors, lambda t: as_shape(t, (data_of(t).size, 1)) if data_of(t).ndim < 2 else t), 1)


@primitive(xs=lambda g, xs_shape: [_slice(g, key) for key in block_keys(xs_shape)], sequence=True)
def _block_diag(xs: Any, dtype: Any) -> Any:
    y = np.zeros(np.sum([x.shape for x in xs], axis=0), dtype)
    for key, x in zip(block_keys([x.shape for x in xs]), xs):
        y[key] = x
    return y


def block_keys(shapes: Any) -> list[tuple[slice, slice]]:
    """Where each matrix stands in the block-diagonal one."""
    rows, columns = np.cumsum([(0, 0), *shapes], axis=0).T.tolist()
    return [(slice(*r), slice(*c)) for r, c in zip(itertools.pairwise(rows), itertools.pairwise(columns))]


@public
def block_diag(*tensors: Any) -> Any:
    """The matrix with the tensors, of at most two dimensions, on its diagonal."""
    tensors = tuple(as_list("block_diag", tensors))
    for i, t in enumerate(tensors):
        if data_of(t).ndim > 2:
            raise RuntimeError(f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {data_of(t).ndim} dimensions")
    return _block_diag([atleast_2d(t) for t in tensors], type_of(tensors))


@public
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Any, ...]:
    """Views of the vectors spread over the grid of their lengths; with ``indexing="xy"`` the first two dimensions exchanged."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    tensors = tuple(as_list("meshgrid", tensors))
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if len({data_of(t).dtype for t in tensors}) > 1:
        raise RuntimeError("torch.meshgrid expects all tensors to have the same dtype")
    for t in tensors:
        if data_of(t).ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {t}")
    n = len(tensors)
    places = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else range(n)
    sizes = tuple([data_of(tensors[place]).size for place in places])
    return tuple([expand_to(as_shape(t, (1,) * place + (data_of(t).size,) + (1,) * (n - 1 - place)), sizes)
                  for t, place in zip(tensors, places)])


@public
def cartesian_prod(*tensors: Any) -> Any:
    """All choices of one element from each vector, a row each; a single vector as it is."""
    for t in as_list("cartesian_prod", tensors):
        if data_of(t).ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(data_of(t).shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([as_shape(grid, (data_of(grid).size,)) for grid in meshgrid(*tensors, indexing="ij")], 1)


@public
def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """All choices of `r` elements of a vector, without regard to order, a row each."""
    if data_of(input).ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(data_of(input).shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return from_array(np.empty(0, dtype_of(input)))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = list(choose(range(data_of(input).size), r))
    return _pick(input, (np.array(chosen, np.int64).reshape(-1, r),))


# ---- Tensor as a sequence


def _iter(self: Tensor) -> Iterator[Tensor]:
    """The slices along the first dimension."""
    if not self._data.ndim:
        raise TypeError("iteration over a 0-d tensor")
    return iter(unbind(self))


def _len(self: Tensor) -> int:
    """The size of the first dimension."""
    if not self._data.ndim:
        raise TypeError("len() of a 0-d tensor")
    return len(self._data)


def _contains(self: Tensor, element: Any) -> bool:
    """Whether any element equals `element`."""
    if not isinstance(element, (Tensor, int, float, np.generic)):
        raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")
    return bool((self._data == data_of(element)).any())


for _name, _method in (("__iter__", _iter), ("__len__", _len), ("__contains__", _contains)):
    setattr(Tensor, _name, _method)
