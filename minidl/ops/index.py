"""Indexing by brackets: basic indices make views, advanced ones (tensors, lists, masks) make copies.

PyTorch's rules differ from NumPy's in one thing: integers, slices and None are applied first, as a view, and advanced indices to
what remains, so that an integer is no advanced index. https://docs.pytorch.org/docs/stable/tensors.html#indexing-slicing

A slice with a negative step, which PyTorch forbids, gives the reversed view as in NumPy.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..core import Tensor, data_of, primitive, public
from ..core.checks import wrap_dim
from ..core.dtypes import word
from ..core.inplace import before_edit, check_editable, overwrite, zeros
from ..core.modes import modes
from ..core.promotion import number_type
from ..core.tensor import type_name

EVERYTHING = slice(None)


# ---- basic indices: a view, whose transpose puts a part into zeros


def _basic(grad_name: str) -> Any:
    """The view primitive under the name of the last of the views that PyTorch chains for one index."""
    def basic_index(x: Any, key: Any) -> Any:
        return x[key]

    return primitive(x=lambda g, x_shape, key: place(g, x_shape, key), view=True, grad_name=grad_name)(basic_index)


_select, _slice = _basic("SelectBackward0"), _basic("SliceBackward0")
_new_axis, _alias = _basic("UnsqueezeBackward0"), _basic("AliasBackward0")


@primitive(x=lambda g, key: _slice(g, key))
def place(x: Any, shape: Any, key: Any) -> Any:
    """y = zeros of `shape` with ``y[key] = x``; the transpose of the view."""
    y = np.zeros(shape, x.dtype)
    y[key] = x
    return y


def view_of(x: Any, key: tuple[Any, ...]) -> Any:
    """The view for basic indices. The key gets an Ellipsis, without which NumPy copies a single element."""
    last = key[-1] if key else ...
    op = _slice if isinstance(last, slice) else _new_axis if last is None else _alias if last is ... else _select
    try:
        return op(x, key if last is ... else (*key, ...))
    except IndexError as error:
        raise IndexError(str(error).replace("axis", "dimension").replace("array", "tensor")) from None


# ---- advanced indices


@primitive(x=lambda g, x_shape, key: put_zeros(g, x_shape, key))
def _index(x: Any, key: Any) -> Any:
    return np.asarray(x[key], order="C")


@primitive(x=lambda g, key: _index(g, key), grad_name="IndexPutBackward0")
def put_zeros(x: Any, shape: Any, key: Any) -> Any:
    """y = zeros of `shape` with the elements of `x` added where `key` says; the transpose of `_index`."""
    y = np.zeros(shape, x.dtype)
    np.add.at(y, key, x)
    return y


@primitive(x=lambda g, key, accumulate: g if accumulate else _index_put(g, zeros(g, ()), key, False),
           value=lambda g, key: _index(g, key))
def _index_put(x: Any, value: Any, key: Any, accumulate: bool) -> Any:
    y = np.array(x, order="K")
    if accumulate:
        np.add.at(y, key, value)
    else:
        y[key] = value
    return y


@primitive(x=lambda g, x_shape: zeros(g, x_shape), value=lambda g: g, grad_name="CopyBackwards")
def _copy(x: Any, value: Any) -> Any:
    return np.broadcast_to(value, x.shape).astype(x.dtype)


# ---- the bracket


def parse(x: Any, key: Any) -> tuple[tuple[Any, ...], tuple[Any, ...] | None]:
    """The basic indices, and the advanced ones for the dimensions that they leave (None if there are none)."""
    items = key if isinstance(key, tuple) else (key,)
    ndim = data_of(x).ndim
    items = [as_index(item) for item in items]
    used = sum(item.ndim if isinstance(item, np.ndarray) and item.dtype == bool else
               0 if item is None or item is ... or isinstance(item, bool) else 1 for item in items)
    if used > ndim:
        if ndim == 0:
            raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to "
                             "convert a 0-dim tensor to a number")
        raise IndexError(f"too many indices for tensor of dimension {ndim}")
    basic: list[Any] = []
    advanced: list[Any] = []
    dim = 0
    for item in items:
        if item is ...:
            basic += [EVERYTHING] * (ndim - used)
            advanced += [EVERYTHING] * (ndim - used)
        elif isinstance(item, bool):
            basic.append(None)
            advanced.append(np.array([item]))
        elif isinstance(item, np.ndarray):
            consumed = item.ndim if item.dtype == bool else 1
            basic += [EVERYTHING] * consumed
            advanced.append(item)
        else:
            basic.append(item)
            if not isinstance(item, int):
                advanced.append(EVERYTHING)
        dim += 1
    return tuple(basic), tuple(advanced) if any(isinstance(i, np.ndarray) for i in advanced) else None


def as_index(item: Any) -> Any:
    """An index as None, Ellipsis, int, slice of ints, bool, or an array of int64 or bool."""
    if item is None or item is ... or isinstance(item, (bool, int)):
        return item
    if isinstance(item, slice):
        return slice(*[None if i is None else operator.index(data_of(i)) for i in (item.start, item.stop, item.step)])
    if isinstance(item, (Tensor, np.ndarray, np.generic, list, tuple, range)):
        array = np.asarray(data_of(item) if not isinstance(item, (list, tuple)) else [data_of(i) for i in item])
        if array.size == 0 and not isinstance(item, (Tensor, np.ndarray)):
            array = array.astype(np.int64)
        if array.dtype.kind not in "iub":
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        if array.dtype == np.uint8:
            array = array.astype(bool)
        if array.ndim == 0:
            return bool(array) if array.dtype == bool else int(array)
        return array
    if hasattr(item, "__index__"):
        return operator.index(item)
    raise TypeError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
                    f"(got {type(item).__name__})")


def is_whole(basic: tuple[Any, ...]) -> bool:
    return all(isinstance(i, slice) and i == EVERYTHING for i in basic)


@public(where="", method="__getitem__")
def getitem(input: Any, key: Any) -> Any:
    """``input[key]``: a view for integers, slices, None and Ellipsis; a copy if there is a tensor, list or mask among them."""
    if isinstance(key, tuple) and key == ():
        return view_of(input, ())
    basic, advanced = parse(input, key)
    if advanced is None:
        return view_of(input, basic if key is not ... else ())
    x = input if is_whole(basic) else view_of(input, basic)
    return take_elements(x, advanced)


def take_elements(x: Any, key: tuple[Any, ...]) -> Any:
    try:
        return _index(x, key)
    except IndexError as error:
        raise IndexError(str(error).replace("axis", "dimension").replace("array", "tensor")) from None


def _setitem(self: Tensor, key: Any, value: Any) -> None:
    """``self[key] = value``: an in-place edit through the view that `key` gives, or of the elements it picks."""
    if not isinstance(value, Tensor):
        number_type_or_raise(self, value)
    basic, advanced = parse(self, key)
    with_history = modes.recording > 0 and (self.requires_grad or (isinstance(value, Tensor) and value.requires_grad))
    target = self if is_whole(basic) else view_of(self, basic)
    value_array = data_of(value)
    shape = target._data.shape if advanced is None else index_shape(target._data, advanced)
    if isinstance(value, Tensor) and value_array.ndim > len(shape):
        lead = value_array.ndim - len(shape)
        if set(value_array.shape[:lead]) == {1}:
            value = view_of(value, (0,) * lead)
            value_array = value._data
    try:
        np.broadcast_to(value_array, shape)
    except ValueError:
        raise RuntimeError(f"shape mismatch: value tensor of shape {list(value_array.shape)} cannot be broadcast to indexing "
                           f"result of shape {list(shape)}") from None
    if advanced is not None and isinstance(value, Tensor) and value_array.dtype != self._data.dtype:
        raise RuntimeError("Index put requires the source and destination dtypes match, got "
                           f"{word(self._data.dtype)} for the destination and {word(value_array.dtype)} for the source.")
    check_editable(target)
    if not with_history:
        target._data[... if advanced is None else advanced] = value_array
        target._counter[0] += 1
        return
    old = before_edit(target)
    overwrite(target, _copy(old, value) if advanced is None else _index_put(old, value, advanced, False), old)


def index_shape(array: np.ndarray, key: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape of ``array[key]``, without reading its elements."""
    return np.broadcast_to(np.empty((), bool), array.shape)[key].shape


def number_type_or_raise(t: Tensor, value: Any) -> None:
    try:
        number_type(value)
    except TypeError:
        raise TypeError(f"can't assign a {type(value).__name__} to a {type_name(t)}") from None


setattr(Tensor, "__setitem__", _setitem)


# ---- one dimension


@public(method=True)
def select(input: Any, dim: int, index: int) -> Any:
    """The slice at `index` along `dim`, a view without that dimension."""
    shape = data_of(input).shape
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, len(shape), "select")
    index = operator.index(data_of(index))
    if not -shape[dim] <= index < shape[dim]:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {dim}")
    return _select(input, (EVERYTHING,) * dim + (index, ...))


@public(method=True)
def narrow(input: Any, dim: int, start: Any, length: int) -> Any:
    """Elements `start` to ``start + length`` along `dim`, a view."""
    shape = data_of(input).shape
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    dim, start, length = wrap_dim(dim, len(shape), "narrow"), operator.index(data_of(start)), operator.index(length)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -shape[dim] <= start <= shape[dim]:
        raise IndexError(f"start out of range (expected to be in range of [{-shape[dim]}, {shape[dim]}], but got {start})")
    start = start + shape[dim] if start < 0 else start
    if start + length > shape[dim]:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({shape[dim]}).")
    return narrowed(input, dim, start, start + length)


def narrowed(x: Any, dim: int, start: int, stop: int) -> Any:
    """``x[start:stop]`` along `dim`."""
    return _slice(x, (EVERYTHING,) * dim + (slice(start, stop), ...))
