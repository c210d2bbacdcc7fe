"""In-place edits, as PyTorch does them: the new value is an op's output, written over the old one.

An edit raises the version that a tensor shares with its views, so that a backward which needs the old value finds out. It
also rewrites history: the tensor's node becomes the op's. Where the tensor is a view, it is the base whose history changes:
the part seen through the view now comes from the op, the rest from where it came before, and every view of that base takes its
new history from there (`minidl.core.tensor.refresh`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .dtypes import word
from .graph import Node, Slot, conjugate, next_order
from .modes import modes
from .primitive import primitive, spec_of
from .promotion import CATEGORY
from .tensor import Tensor, edge, new, raise_unreplayable, refresh, wrap

__all__ = ["in_place", "in_place_view", "overwrite", "check_editable"]


@primitive(base=lambda g, part_shape, replay: view_scatter(g, zeros(g, part_shape), replay),
           part=lambda g, replay: conjugate(along(conjugate(g), replay)), grad_name="CopySlices")
def view_scatter(base: Any, part: Any, replay: Any) -> Any:
    """y = base, with the elements seen through the view ops `replay` replaced by `part`."""
    y = np.array(base, order="K")
    along(y, replay)[...] = part
    return y


def along(x: Any, replay: Any) -> Any:
    """The view of `x` that a chain of view ops gives."""
    for op, args in replay:
        x = op(x, *args)
    return x


def zeros(like: Any, shape: tuple[int, ...]) -> Any:
    """Zeros to be written into an array of any type: the part of a complex one that is replaced may be real."""
    array = np.zeros(shape, bool)
    return wrap(array) if isinstance(like, Tensor) else array


def check_editable(t: Tensor, repeated: bool = False) -> None:
    """RuntimeError where PyTorch forbids an in-place edit; `repeated` allows elements that share a place in memory."""
    if t._inference and not modes.inference:
        raise RuntimeError("Inplace update to inference tensor outside InferenceMode is not allowed. You can make a clone "
                           "to get a normal tensor before doing inplace update.")
    array = t._data
    if not array.flags.writeable:
        raise RuntimeError("in-place edit: the tensor's memory is read-only (it comes from a read-only NumPy array); clone() it first")
    if 0 in array.strides and not repeated and array.size and any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape)):
        raise RuntimeError("unsupported operation: more than one element of the written-to tensor refers to a single memory "
                           "location. Please clone() the tensor before performing the operation.")
    if modes.recording > 0:
        if t._base is not None:
            if not t._replay and (t._rg or t._base._rg):
                raise_unreplayable(t, "is being")
            refresh(t)
            if t.requires_grad and t._base._node is None:
                raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
        if t._rg and t._node is None:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")


def check_overlap(target: np.ndarray, other: np.ndarray) -> None:
    """RuntimeError where two dense arrays share a part of their memory, but not element for element."""
    if not np.may_share_memory(target, other) or not (is_dense(target) and is_dense(other)):
        return
    a, b = target.__array_interface__["data"][0], other.__array_interface__["data"][0]
    if a != b or target.nbytes != other.nbytes or steps(target) != steps(other):
        raise RuntimeError("unsupported operation: some elements of the input tensor and the written-to tensor refer to a "
                           "single memory location. Please clone() the tensor before performing the operation.")


def steps(array: np.ndarray) -> list[int | None]:
    """The strides, but for those of dimensions of size 1, which say nothing."""
    return [stride if size != 1 else None for stride, size in zip(array.strides, array.shape)]


def is_same_view(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays are the same elements in the same places."""
    return (a.shape == b.shape and a.strides == b.strides and a.dtype == b.dtype
            and a.__array_interface__["data"][0] == b.__array_interface__["data"][0])


def is_dense(array: np.ndarray) -> bool:
    """Whether the elements fill a stretch of memory without gaps or repeats, in any order of dimensions."""
    step = array.itemsize
    for stride, size in sorted((s, n) for s, n in zip(array.strides, array.shape) if n != 1):
        if stride != step:
            return False
        step *= size
    return True


def before_edit(t: Tensor) -> Tensor:
    """The tensor as it is now, for the op to compute from: same memory, version and history.

    A view's own hooks end with an edit (as in PyTorch, where the edit's gradient goes from the view straight to its base).
    """
    old = new(Tensor)
    old._data, old._counter, old._node, old._rg = t._data, t._counter, t._node, t._rg
    if t._replay and t._node is not None and not t._node.plain and modes.recording > 0:
        old._node = along(t._base, t._replay)._node
    return old


def overwrite(t: Tensor, result: Tensor, old: Tensor) -> Tensor:
    """Writes the op's `result`, computed from `old` (`before_edit`), into `t`, with its history."""
    target, value = t._data, result._data
    if value.shape != target.shape:
        raise RuntimeError(f"output with shape {list(target.shape)} doesn't match the broadcast shape {list(value.shape)}")
    if CATEGORY[value.dtype.kind] > CATEGORY[target.dtype.kind]:
        raise RuntimeError(f"result type {word(value.dtype)} can't be cast to the desired output type {word(target.dtype)}")
    if result._rg and t._base is not None and not t._replay:
        raise_unreplayable(t, "is being")
    node = result._node
    if node is not None and node.saved:
        keep_saved(node, t, old, value)
    target[...] = value
    t._counter[0] += 1
    if result._rg:
        rebase(t, result)
    return t


def keep_saved(node: Node, t: Tensor, old: Tensor, value: np.ndarray) -> None:
    """The op's node keeps the old input as a copy of its own; its saved output is the edited tensor itself."""
    if any(s is old for s in node.saved):
        old._data, old._counter = old._data.copy(), [t._counter[0]]
    if value.dtype == t._data.dtype and not isinstance(node, Slot):
        saved = list(node.saved)
        for i, s in enumerate(saved):
            if isinstance(s, tuple) and len(s) == 2 and s[0] is value:
                saved[i], saved[i + 1] = (t._data, t._counter), t._counter[0] + 1
        node.saved = tuple(saved)


def rebase(t: Tensor, result: Tensor) -> None:
    """Makes the op's node the history of `t`, or of the base that `t` is a view of."""
    base = t._base
    retaining = [r for r in (t, base) if r is not None and r.retains_grad]
    for r in retaining:
        r._node.retainer = None
    if base is None:
        t._node, t._rg = result._node, True
    else:
        node = new(view_scatter_node)
        node.order = next_order()
        node.edges = (edge(base), edge(result))
        node.saved = (result._data.shape, t._replay)
        node.shape, node.dtype = base._data.shape, base._data.dtype
        base._node, base._rg = node, True
        t._seen = -1
        refresh(t)
    for r in retaining:
        r.retain_grad()


def in_place(op: Callable[..., Any]) -> Callable[..., Tensor]:
    """The in-place variant of a public op: `x.op_(...)`."""
    @functools.wraps(op)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_editable(self, repeated=op.__name__ in ("fill", "zero"))
        for other in args:
            if isinstance(other, Tensor):
                check_overlap(self._data, other._data)
        old = before_edit(self)
        if modes.recording > 1:  # hooks may keep what the op saves, which must not be the memory that is overwritten
            old._data, old._counter = old._data.copy(), [old._counter[0]]
        return overwrite(self, op(old, *args, **kwargs), old)

    method.__name__ = method.__qualname__ = op.__name__ + "_"
    method.__doc__ = f"In-place version of `{op.__name__}`."
    return method


def in_place_view(op: Callable[..., Any]) -> Callable[..., Tensor]:
    """The in-place variant of a view op, `x.unsqueeze_(0)`: the tensor itself gets the view's sizes and history."""
    @functools.wraps(op)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_editable(self)
        old = before_edit(self)
        old._base, old._replay, old._seen = self._base, self._replay, self._seen
        view = op(old, *args, **kwargs)
        self._data, self._node, self._rg = view._data, view._node, view._rg
        self._counter[0] += 1
        if self._base is not None:
            self._replay, self._seen = view._replay, self._counter[0]
        return self

    method.__name__ = method.__qualname__ = op.__name__ + "_"
    method.__doc__ = f"In-place version of `{op.__name__}`."
    return method


view_scatter_node = spec_of(view_scatter).node  # type: ignore[union-attr]
