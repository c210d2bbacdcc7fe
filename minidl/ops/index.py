"""Indexing by brackets: basic indices make views, advanced ones (tensors, lists, masks) make copies.

PyTorch's rules differ from NumPy's in one thing: integers, slices and None are applied first, as a view, and advanced indices to
what remains, so that an integer is no advanced index. https://docs.pytorch.org/docs/stable/tensors.html#indexing-slicing

A slice with a negative step, which PyTorch forbids, gives the reversed view as in NumPy.

Every op that picks elements (`minidl.ops.gather`) is ``x[key]`` with a key made of arrays, and every op that puts some is its
transpose, so that they share the primitives made here.
"""

from __future__ import annotations

import operator
from functools import lru_cache
from typing import Any

import numpy as np

from ..core import Tensor, data_of, primitive, public
from ..core.checks import require_tensor, wrap_dim
from ..core.dtypes import word
from ..core.inplace import before_edit, check_editable, check_overlap, is_same_view, overwrite
from ..core.modes import modes
from ..core.promotion import fitting, number_type
from ..core.tensor import type_name
from .history import _copy

EVERYTHING = slice(None)
Key = tuple[Any, ...]


# ---- basic indices: a view, whose transpose puts a part into zeros


def viewer(grad_name: str) -> Any:
    """The view primitive, under the name of the last of the views that PyTorch chains for one index."""
    def basic_index(x: Any, key: Any) -> Any:
        y = x[key]
        if None in key:  # again, through its shape: so NumPy gives a new dimension PyTorch's stride, not 0
            y = np.reshape(x[tuple([i for i in key if i is not None])], y.shape, copy=False)
        return y

    return primitive(x=lambda g, x_shape, key: place(g, x_shape, key), view=True, grad_name=grad_name)(basic_index)


_select, _slice = viewer("SelectBackward0"), viewer("SliceBackward0")
_new_axis, _alias = viewer("UnsqueezeBackward0"), viewer("AliasBackward0")


@primitive(x=lambda g, key: _slice(g, key))
def place(x: Any, shape: Any, key: Any) -> Any:
    """y = zeros of `shape` with ``y[key] = x``; the transpose of the view."""
    y = np.zeros(shape, x.dtype)
    y[key] = x
    return y


def view_of(x: Any, key: Key) -> Any:
    """The view for basic indices. The key gets an Ellipsis, without which NumPy copies a single element."""
    last = key[-1] if key else ...
    op = _slice if last.__class__ is slice else _new_axis if last is None else _alias if last is ... else _select
    try:
        return op(x, (*key, ...) if last is not ... else (...,))
    except IndexError as error:
        raise in_our_words(error) from None


def narrowed(x: Any, dim: int, start: int, stop: int) -> Any:
    """``x[start:stop]`` along `dim`."""
    return _slice(x, (EVERYTHING,) * dim + (slice(start, stop), ...))


def in_our_words(error: IndexError) -> IndexError:
    return IndexError(str(error).replace("axis", "dimension").replace("array", "tensor"))


# ---- advanced indices: a copy, whose transpose adds into zeros
#
# A key is a tuple of integer arrays, masks and full slices, as in ``x[key]``; or one array, of positions in row-major order.


def elements(x: np.ndarray, key: Any) -> np.ndarray:
    """``x[key]``, contiguous."""
    if key.__class__ is np.ndarray:
        return x.take(key)
    arrays = [d for d, item in enumerate(key) if item.__class__ is not slice]
    if len(arrays) == 1 and key[arrays[0]].dtype != bool and x.flags.c_contiguous:
        return x.take(key[arrays[0]], arrays[0])
    return np.asarray(x[key], order="C")


def assigned(y: np.ndarray, key: Any, value: Any) -> np.ndarray:
    """`y`, which is contiguous, after ``y[key] = value``."""
    if key.__class__ is np.ndarray:
        y.reshape(-1)[key] = value
    else:
        y[key] = value
    return y


def accumulated(ufunc: np.ufunc, y: np.ndarray, key: Any, value: Any) -> np.ndarray:
    """`y`, which is contiguous, with `value` combined into the elements at `key`, one after the other.

    In one dimension `ufunc.at` takes 2 ns an element, in several ten times as long.
    """
    where = key if key.__class__ is np.ndarray else positions(y.shape, key)
    ufunc.at(y.reshape(-1), where.reshape(-1), np.broadcast_to(np.asarray(value, y.dtype), where.shape).reshape(-1))
    return y


@lru_cache(64)
def open_grid(shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """For each dimension the positions along it, in a shape that broadcasts to `shape`, as `numpy.ogrid`; not to be written to."""
    return tuple([np.arange(n).reshape((n,) + (1,) * after) for n, after in zip(shape, reversed(range(len(shape))))])


def positions(shape: tuple[int, ...], key: Key) -> np.ndarray:
    """The position in row-major order of every element of ``x[key]``, for `x` of `shape`."""
    entries: list[Any] = []
    for item in key:
        entries += item.nonzero() if item.__class__ is not slice and item.dtype == bool else (item,)
    picked = [d for d, item in enumerate(entries) if item.__class__ is not slice]
    common = np.broadcast_shapes(*[entries[d].shape for d in picked])
    start = picked[0] if picked[-1] - picked[0] < len(picked) else 0  # NumPy's rule for the place of their dimensions
    kept = [d for d in range(len(shape)) if d not in picked]
    sizes = [shape[d] for d in kept]
    sizes[start:start] = common
    found: Any = 0
    for d, n in enumerate(shape):
        if d in picked:
            array, after = entries[d], len(sizes) - start - len(common)
            if array.size and array.min() < 0:
                array = np.where(array < 0, array + n, array)
        else:
            array, place_in_result = np.arange(n), kept.index(d)
            after = len(kept) - 1 - place_in_result + (len(common) if place_in_result < start else 0)
        found = found * n + array.reshape(array.shape + (1,) * after)  # Horner's rule
    return found


def picker(grad_name: str) -> Any:
    """The primitive ``x[key]``."""
    def pick(x: Any, key: Any) -> Any:
        return elements(x, key)

    return primitive(x=lambda g, x_shape, key: put_zeros(g, x_shape, key), grad_name=grad_name)(pick)


def putter(grad_name: str) -> Any:
    """The primitive of ``y = x; y[key] = value``."""
    def put(x: Any, value: Any, key: Any) -> Any:
        return assigned(np.array(x, order="C"), key, value)

    return primitive(x=lambda g, key: _put(g, 0.0, key), value=lambda g, key: _pick(g, key), grad_name=grad_name)(put)


def adder(grad_name: str) -> Any:
    """The primitive of ``y = x; y[key] += value``, where every repeated index counts."""
    def add(x: Any, value: Any, key: Any) -> Any:
        return accumulated(np.add, np.array(x, order="C"), key, value)

    return primitive(x=lambda g: g, value=lambda g, key: _pick(g, key), grad_name=grad_name)(add)


@primitive(x=lambda g, key: _pick(g, key), grad_name="IndexPutBackward0")  # type: ignore[has-type]
def put_zeros(x: Any, shape: Any, key: Any) -> Any:
    """y = zeros of `shape` with ``y[key] += x``; the transpose of ``x[key]``."""
    return accumulated(np.add, np.zeros(shape, x.dtype), key, x)


_pick, _put, _put_add = picker("IndexBackward0"), putter("IndexPutBackward0"), adder("IndexPutBackward0")


# ---- the bracket


def parse(x: Any, key: Any) -> tuple[Key, Key | None]:
    """The basic indices, and the advanced ones for the dimensions that they leave (None if there are none)."""
    if key.__class__ is int:
        return (key,), None
    if isinstance(key, list) and any(i is None or i is ... or isinstance(i, (slice, list, tuple, Tensor)) for i in key):
        key = tuple(key)
    shape = data_of(x).shape
    items = [as_index(item) for item in (key if isinstance(key, tuple) else (key,))]
    used = sum([dims_used(item) for item in items])
    if used > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}" if shape else
                         "invalid index of a 0-dim tensor. Use `tensor.item()` in Python to convert a 0-dim tensor to a number")
    basic: list[Any] = []
    advanced: list[Any] = []
    for item in items:
        if item is ...:
            rest = [EVERYTHING] * (len(shape) - used)
            basic, advanced, used = basic + rest, advanced + rest, len(shape)
        elif isinstance(item, np.ndarray):
            if item.dtype == bool and item.shape != shape[(d := sum(map(dims_used, basic))):d + item.ndim]:
                raise IndexError(f"The shape of the mask {list(item.shape)} at index {len(basic)} does not match the shape of the "
                                 f"indexed tensor {list(shape)} at index {d}")
            basic += [EVERYTHING] * dims_used(item)
            advanced.append(item)
        elif isinstance(item, bool):
            basic.append(None)
            advanced.append(np.array([item]))
        else:
            basic.append(item)
            if not isinstance(item, int):
                advanced.append(EVERYTHING)
    return tuple(basic), tuple(advanced) if any(isinstance(i, np.ndarray) for i in advanced) else None


def dims_used(item: Any) -> int:
    """How many dimensions of the tensor an index is for."""
    if isinstance(item, np.ndarray):
        return item.ndim if item.dtype == bool else 1
    return 0 if item is None or item is ... or isinstance(item, bool) else 1


def as_index(item: Any) -> Any:
    """An index as None, Ellipsis, int, slice of ints, bool, or an array of int64 or bool that nobody else can edit."""
    if item is None or item is ... or isinstance(item, (bool, int)):
        return item
    if isinstance(item, slice):
        if item.start.__class__ is item.stop.__class__ is item.step.__class__ is type(None):
            return EVERYTHING
        return slice(*[None if i is None else operator.index(i) for i in (item.start, item.stop, item.step)])
    if isinstance(item, (Tensor, np.ndarray, np.generic)):
        return as_key(data_of(item))
    if isinstance(item, (list, tuple, range)):
        array = np.array([data_of(i) for i in item])
        return as_key(array if array.size else array.astype(np.int64))
    if hasattr(item, "__index__"):
        return operator.index(item)
    raise IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
                     f"(got {type(item).__name__})")


def as_key(array: Any) -> Any:
    if array.dtype.kind not in "iub":
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    array = np.array(array, bool if array.dtype in (bool, np.uint8) else np.int64, order="C")
    return array if array.ndim else array.item()


def is_whole(basic: Key) -> bool:
    return all(i == EVERYTHING for i in basic)


@public(where="", method="__getitem__")
def getitem(input: Any, key: Any) -> Any:
    """``input[key]``: a view for integers, slices, None and Ellipsis; a copy if there is a tensor, list or mask among them.

    >>> import minidl
    >>> x = minidl.tensor([[1, 2, 3], [4, 5, 6]])
    >>> x[:, 1].tolist(), x[[1, 0], [0, 2]].tolist(), x[x > 4].tolist()
    ([2, 5], [4, 3], [5, 6])
    """
    if key is ...:
        return view_of(input, ())
    basic, advanced = parse(input, key)
    if advanced is None:
        return view_of(input, basic)
    x = input if is_whole(basic) else view_of(input, basic)
    try:
        return _pick(x, advanced)
    except IndexError as error:
        raise in_our_words(error) from None


def setitem(self: Tensor, key: Any, value: Any) -> None:
    """``self[key] = value``: an in-place edit of the view, or of the elements, that `key` gives."""
    if not isinstance(value, Tensor):
        try:
            number_type(value)
        except TypeError:
            raise TypeError(f"can't assign a {type(value).__name__} to a {type_name(self)}") from None
        if self._data.dtype.kind in "iu" or isinstance(value, complex):
            value = fitting(value, self._data.dtype, "index_put_")
    basic, advanced = parse(self, key)
    target = self if is_whole(basic) else view_of(self, basic)
    shape = target._data.shape if advanced is None else index_shape(target._data, advanced)
    if isinstance(value, Tensor):
        value = broadcastable("shape mismatch: value tensor", value, shape)
        if advanced is not None:
            check_same_type(self, value)
    given = np.broadcast_to(value._data, shape) if isinstance(value, Tensor) else None
    check_editable(target, repeated=advanced is None if given is None else is_same_view(target._data, given))
    if given is not None:
        check_overlap(target._data, given)
    if modes.recording > 0 and (target.requires_grad or isinstance(value, Tensor) and value.requires_grad):
        old = before_edit(target)
        overwrite(target, _copy(old, value) if advanced is None else _put(old, value, advanced), old)
    else:
        target._data[... if advanced is None else advanced] = data_of(value)
        target._counter[0] += 1


Tensor.__setitem__ = setitem  # type: ignore[index]


def broadcastable(what: str, value: Any, shape: tuple[int, ...]) -> Any:
    """`value` without needless dimensions of size 1 in front; RuntimeError unless it broadcasts to `shape`."""
    given = data_of(value).shape
    lead = len(given) - len(shape)
    if lead > 0 and set(given[:lead]) == {1}:
        value, given = view_of(value, (0,) * lead), given[lead:]
    if len(given) > len(shape) or any(n not in (1, m) for n, m in zip(given[::-1], shape[::-1])):
        raise RuntimeError(f"{what} of shape {list(given)} cannot be broadcast to indexing result of shape {list(shape)}")
    return value


def check_same_type(x: Any, value: Any) -> None:
    if data_of(value).dtype != data_of(x).dtype:
        raise RuntimeError("Index put requires the source and destination dtypes match, got "
                           f"{word(data_of(x).dtype)} for the destination and {word(data_of(value).dtype)} for the source.")


def index_shape(array: np.ndarray, key: Key) -> tuple[int, ...]:
    """The shape of ``array[key]``, without reading its elements."""
    try:
        return np.broadcast_to(np.empty((), bool), array.shape)[key].shape
    except IndexError as error:
        raise in_our_words(error) from None


@public(method=True, inplace=True)
def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """A copy with ``y[indices] = values``, or ``+=`` if `accumulate`, where every repeated index counts."""
    require_tensor("index_put", "values", values)
    indices = tuple([as_index(i) for i in indices])
    shape = index_shape(data_of(input), indices)
    check_same_type(input, values)
    values = broadcastable("shape mismatch: value tensor", values, shape)
    return (_put_add if accumulate else _put)(input, values, indices)


# ---- one index along one dimension


@public(method=True)
def select(input: Any, dim: int, index: int) -> Any:
    """The slice at `index` along `dim`, a view without that dimension."""
    shape = data_of(input).shape
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim, index = wrap_dim(dim, len(shape), "select"), operator.index(index)
    if not -shape[dim] <= index < shape[dim]:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {dim}")
    return _select(input, (EVERYTHING,) * dim + (index, ...))


@public(method=True)
def narrow(input: Any, dim: int, start: Any, length: int) -> Any:
    """Elements `start` to ``start + length`` along `dim`, a view."""
    shape = data_of(input).shape
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if isinstance(start, Tensor) and (start.ndim or start._data.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    dim, start, length = wrap_dim(dim, len(shape), "narrow"), operator.index(start), operator.index(length)
    n = shape[dim]
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    start = start + n if start < 0 else start
    if start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return narrowed(input, dim, start, start + length)
