"""Joining tensors along a dimension, and taking them apart."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core import Tensor, data_of, primitive, public
from ..core.checks import wrap_dim
from ..core.promotion import result_dtype
from .index import EVERYTHING, narrowed, select


@primitive(tensors=lambda g, tensors_shape, dim: pieces(g, [s[dim] for s in tensors_shape], dim), sequence=True)
def _cat(tensors: Any, dim: int, dtype: Any) -> Any:
    return np.concatenate(tensors, axis=dim, dtype=dtype, casting="unsafe")


@primitive(tensors=lambda g, dim: [select(g, dim, i) for i in range(g.shape[dim])], sequence=True)
def _stack(tensors: Any, dim: int, dtype: Any) -> Any:
    return np.stack(tensors, axis=dim, dtype=dtype, casting="unsafe")


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
        raise RuntimeError(f"{op}(): expected a non-empty list of Tensors")
    return tensors


@public(aliases="concat concatenate")
def cat(tensors: Any, dim: int = 0) -> Any:
    """The tensors one after the other along `dim`; their other sizes must agree. Empty 1-d tensors are skipped.

    >>> import minidl
    >>> minidl.cat([minidl.tensor([1, 2]), minidl.tensor([3.0])]).tolist()
    [1.0, 2.0, 3.0]
    """
    tensors = as_list("cat", tensors)
    dtype = result_dtype(*[np.empty(1, data_of(t).dtype) for t in tensors])
    for i, t in enumerate(tensors):
        if data_of(t).ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    kept = [t for t in tensors if data_of(t).shape != (0,)] or tensors[:1]
    shape = data_of(kept[0]).shape
    dim = wrap_dim(dim, len(shape), "cat")
    for i, t in enumerate(kept):
        other = data_of(t).shape
        if len(other) != len(shape):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {len(shape)} and {len(other)}")
        if other[:dim] != shape[:dim] or other[dim + 1:] != shape[dim + 1:]:
            wrong = next(d for d in range(len(shape)) if d != dim and other[d] != shape[d])
            raise RuntimeError(f"Sizes of tensors must match except in dimension {dim}. Expected size {shape[wrong]} but got "
                               f"size {other[wrong]} for tensor number {i} in the list.")
    return _cat(kept, dim, dtype)


@public
def stack(tensors: Any, dim: int = 0) -> Any:
    """The tensors, all of one shape, along a new dimension `dim`."""
    tensors = as_list("stack", tensors)
    dtype = result_dtype(*[np.empty(1, data_of(t).dtype) for t in tensors])
    shape = data_of(tensors[0]).shape
    for i, t in enumerate(tensors):
        if data_of(t).shape != shape:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                               f"{list(data_of(t).shape)} at entry {i}")
    return _stack(tensors, wrap_dim(dim, len(shape) + 1, "stack"), dtype)


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
