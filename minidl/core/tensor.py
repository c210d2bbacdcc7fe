"""The Tensor: an ndarray with a version, a place in the graph, and, for a view, the way back to its base.

The arithmetic and all other methods come from the ops' own table (`minidl.bind`); here stands only what a tensor *is*.
"""

from __future__ import annotations

import collections
import itertools
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .dtypes import DTYPES, as_numpy_dtype, check_supported, dtype, word
from .modes import modes

__all__ = ["Tensor", "Size", "device"]

new: Callable[[Any], Any] = object.__new__
_handle_ids = itertools.count()


class Size(tuple[Any, ...]):
    """A shape: a tuple of ints with `numel()`.

    >>> Size([2, 3]).numel()
    6
    """

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(repr, self))}])"

    __str__ = __repr__

    def numel(self) -> int:
        """The product of the sizes: the number of elements."""
        n = 1
        for size in self:
            n *= size
        return n

    def __add__(self, other: Any) -> Size:
        return Size(tuple(self) + tuple(other))

    def __getitem__(self, index: Any) -> Any:
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(index, slice) else item


DEVICES = ("cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla", "lazy", "vulkan", "mps", "meta",
           "hpu", "mtia", "privateuseone")


class device:
    """The name of a place where tensors may live: a type, and an index where there are several. Here they live on ``cpu`` only.

    Code may name the others and compare with them; RuntimeError where a tensor is to go there (`require_cpu`).

    >>> device("cuda:0").type
    'cuda'
    """

    __slots__ = ("type", "index")

    type: str
    index: int | None

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index
        if isinstance(type, int):
            raise RuntimeError("Cannot access accelerator device when none is available.")
        name, colon, number = str(type).partition(":")
        if name not in DEVICES:
            raise RuntimeError(f"Expected one of {', '.join(DEVICES)} device type at start of device string: {name}")
        if colon and not number.isdecimal():
            raise RuntimeError(f"Invalid device string: {type!r}")
        if colon and index is not None:
            raise RuntimeError(f"type (string) must not include an index because index was passed explicitly: {type}")
        self.type, self.index = name, int(number) if number else index

    def __repr__(self) -> str:
        return f"device(type={self.type!r})" if self.index is None else f"device(type={self.type!r}, index={self.index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (other.type, other.index) == (self.type, self.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> Any:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        require_cpu(self)
        return self

    def __exit__(self, *exception: object) -> None:
        """As a context it is where tensors are made: on the CPU, as everywhere."""


def require_cpu(where: Any) -> None:
    """RuntimeError for any other device than the CPU."""
    if device(where).type != "cpu":
        raise RuntimeError(f"device: this library computes on the CPU only, so 'cpu' is the only device; got {str(where)!r}")


CPU = device()


class RemovableHandle:
    """What every registration of a hook returns: `remove()` takes the hook away; also a context manager."""

    def __init__(self, hooks: dict[int, Any]) -> None:
        self._hooks = weakref.ref(hooks)
        self.id = next(_handle_ids)

    def remove(self) -> None:
        hooks = self._hooks()
        if hooks is not None:
            hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()

    def __getstate__(self) -> tuple[Any, int]:
        return self._hooks(), self.id

    def __setstate__(self, state: tuple[Any, int]) -> None:
        """A copied or unpickled handle belongs to the copied hooks; no later handle may have its id."""
        global _handle_ids
        hooks, self.id = state
        self._hooks = weakref.ref(Hooks() if hooks is None else hooks)
        _handle_ids = itertools.count(max(next(_handle_ids), self.id + 1))


class Hooks(collections.OrderedDict[int, Any]):
    """Hooks by handle id, in the order in which they fire; a dict that can be referred to weakly."""

    def add(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        handle = RemovableHandle(self)
        self[handle.id] = hook
        if prepend:
            self.move_to_end(handle.id, last=False)
        return handle



class Tensor:
    """A multi-dimensional array with PyTorch's semantics, over a NumPy array.

    Fields (an absent one takes the class's default, so that making a tensor costs two stores):

    - `_data`: the ndarray; a view shares its memory with its base.
    - `_counter`: ``[version]``, one list for a base and all its views, raised by each in-place edit.
    - `_node`: the graph node that made it, `None` for a leaf; `_rg`: whether it requires a gradient.
    - `_base`, `_replay`, `_seen`: for a view, the tensor viewed, the view ops that lead from there, and the version
      at which `_node` was current (an in-place edit of the base gives its views a new history; `refresh`). `_replay` is
      None for one of several views made at once and () for one made under `no_grad`: these get no new history.
    """

    _data: np.ndarray
    _counter: list[int]
    _node: Any = None
    _rg = False
    _base: Tensor | None = None
    _replay: tuple[Any, ...] | None = None
    _seen = 0
    _grad: Tensor | None = None
    _hooks: Hooks | None = None
    _post_hooks: Hooks | None = None
    _inference = False
    __array_priority__ = 1000  # so that ndarray * Tensor asks Tensor first

    if TYPE_CHECKING:  # what `minidl.bind` attaches
        __getitem__: Any
        __len__: Any
        def __getattr__(self, name: str) -> Any: ...

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """``Tensor(2, 3)``: uninitialised; ``Tensor([1, 2])``: of those values; both of the default dtype."""
        return legacy_constructor(cls, *args, **kwargs)

    # ---- what it is

    @property
    def data(self) -> Tensor:
        """The same memory without history and with a version of its own; assigning gives this tensor other memory."""
        return wrap(self._data)

    @data.setter
    def data(self, other: Tensor) -> None:
        if not isinstance(other, Tensor):
            raise TypeError(f"data: expected a Tensor, got {type(other).__name__}")
        self._data = other._data

    @property
    def dtype(self) -> dtype:
        """The element type."""
        return DTYPES[self._data.dtype]

    @property
    def shape(self) -> Size:
        """The sizes of all dimensions."""
        return Size(self._data.shape)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._data.ndim

    @property
    def device(self) -> device:
        """Always ``device(type='cpu')``."""
        return CPU

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded for a gradient; those on a view are if its base requires one."""
        return self._rg or (self._base is not None and self._base._rg)

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self._node is not None:
            if not value:
                raise RuntimeError("you can only change requires_grad flags of leaf variables. If you want to use a computed "
                                   "variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach().")
            return
        if value and self._data.dtype.kind not in "fc":
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        self._rg = bool(value)

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor was made by the user and not by a recorded operation."""
        return self.grad_fn is None

    @property
    def grad_fn(self) -> Any:
        """The graph node that computes this tensor's gradient onward; None for a leaf."""
        if self._base is not None:
            refresh(self)
        return None if self._node is None else self._node.public()

    @property
    def grad(self) -> Tensor | None:
        """The accumulated gradient of a leaf, or of a tensor with `retain_grad`; None before any backward."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value._data.shape != self._data.shape:
                raise RuntimeError(f"assigned grad has data of a different size: expected {list(self._data.shape)}, "
                                   f"got {list(value._data.shape)}")
            if value._data.dtype != self._data.dtype:
                raise RuntimeError(f"assigned grad has data of a different type: expected {self.dtype}, got {value.dtype}")
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def _version(self) -> int:
        return self._counter[0]

    def _is_view(self) -> bool:
        return self._base is not None

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self._data.__array_interface__["data"][0]

    # ---- hooks

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Calls ``hook(grad)`` whenever this tensor's gradient has been computed; a returned tensor replaces it."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        owner = edge(self)
        if owner._hooks is None:
            owner._hooks = Hooks()
            owner.plain = False
        return owner._hooks.add(hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Calls ``hook(tensor)`` after a backward has accumulated into `grad`; for leaves only."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._node is not None:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        if self._post_hooks is None:
            self._post_hooks = Hooks()
        return self._post_hooks.add(hook)

    def retain_grad(self) -> None:
        """Keeps the gradient of this non-leaf tensor in `grad` during backward."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._node is not None and not self.retains_grad and self.grad_fn is not None:
            self._node.retainer, self._node.plain = weakref.ref(self), False

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` is in force."""
        retainer = None if self._node is None else self._node.retainer
        return retainer is not None and retainer() is self

    # ---- NumPy and other libraries

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The array itself, sharing memory; RuntimeError if the tensor requires a gradient, unless `force`."""
        if self.requires_grad and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self._data

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __array_wrap__(self, array: np.ndarray, context: Any = None, return_scalar: bool = False) -> Any:
        return wrap(np.asarray(array)) if array.dtype in DTYPES else array

    def __dlpack__(self, **kwargs: Any) -> Any:
        if self.requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        return self._data.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._data.__dlpack_device__()

    __hash__ = object.__hash__


def wrap(array: np.ndarray) -> Tensor:
    """A leaf over an array of a supported dtype, sharing its memory."""
    t = new(Tensor)
    t._data = array
    t._counter = [0]
    if modes.recording < 0:
        t._inference = True
    return t


def from_array(array: Any) -> Tensor:
    """A leaf over an array of any kind, checked; shares memory when its byte order is native."""
    array = np.asarray(array)
    return wrap(array.astype(check_supported(array.dtype), copy=False))


def data_of(x: Any) -> Any:
    """The array of a Tensor; anything else as it is."""
    return x._data if isinstance(x, Tensor) else x


def refresh(view: Tensor) -> None:
    """Gives a view the history it has after in-place edits of its base: the view ops, replayed from the base."""
    base = view._base
    if base is None or view._seen == view._counter[0]:
        return
    if not view._replay:
        if base._rg or view._rg:
            raise_unreplayable(view, "its base or another view of its base has been")
        return
    if not base._rg:
        return
    view._seen = view._counter[0]
    enabled = modes.recording
    modes.recording = 1
    try:
        again = base
        for op, args in view._replay:
            again = op(again, *args)
    finally:
        modes.recording = enabled
    if again._data.shape != view._data.shape:
        raise RuntimeError("a view is used after the shape of its base was edited in place: expected the view of shape "
                           f"{list(view._data.shape)}, got {list(again._data.shape)}")
    retains = view.retains_grad
    if retains:
        view._node.retainer = None
    view._node, view._rg = again._node, True
    if retains:
        view.retain_grad()


def raise_unreplayable(view: Tensor, what: str) -> None:
    """A view whose history cannot be rewritten, and `what` was edited."""
    if view._replay is None:
        name, index = (view._node.public().name(), getattr(view._node, "index", 0)) if view._node else ("a function", 0)
        raise RuntimeError(f"Output {index} of {name} is a view and {what} modified inplace. This view is the output of a function "
                           "that returns multiple views. Such functions do not allow the output views to be modified inplace. "
                           "You should replace the inplace operation by an out-of-place one.")
    raise RuntimeError(f"A view was created in no_grad mode and {what} modified inplace with grad mode enabled. Given that this use "
                       "case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and "
                       "the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both "
                       "outside (if you want the inplace to be tracked).")


dead_end: Callable[[Tensor], Any]  # `minidl.core.graph.DeadEnd`, set there: a graph is made of tensors


def edge(t: Tensor) -> Any:
    """Where a gradient of `t` goes: its node, itself for a leaf, None if it needs none."""
    if t._base is not None:
        refresh(t)
        if not t._rg and t._base._rg:
            return dead_end(t)  # noqa: F821
    return (t._node or t) if t._rg else None


def legacy_constructor(cls: type, *args: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """``cls(*sizes)`` or ``cls(values)``, as the capitalised constructors of PyTorch."""
    if device is not None:
        require_cpu(device)
    d = as_numpy_dtype(dtype if dtype is not None else float)
    if len(args) == 1 and not isinstance(args[0], (int, np.integer, Size)):
        value = args[0]._data if isinstance(args[0], Tensor) else np.asarray(args[0])
        array = value if value.dtype == d and isinstance(args[0], (Tensor, np.ndarray)) else value.astype(d)
    else:
        sizes = args[0] if args and isinstance(args[0], Size) else args
        if not all(isinstance(size, (int, np.integer)) for size in sizes):
            raise TypeError(f"new(): expected sizes or one sequence of values, got {args!r}")
        array = np.empty(sizes or (0,), d)
    t = wrap(array)
    if cls is not Tensor:
        t.__class__ = cls
    return t


def type_name(t: Tensor) -> str:
    """``torch.FloatTensor``: what `Tensor.type()` and the error messages call it."""
    return f"torch.{word(t._data.dtype)}Tensor"


def dtype_of(x: Any) -> np.dtype:
    """The NumPy dtype of a Tensor or an array."""
    return x._data.dtype if isinstance(x, Tensor) else x.dtype
