"""What a tensor tells of its memory and its kind, and older edits of both; methods only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.tensor import Tensor, legacy_constructor
from .history import owner_of


class UntypedStorage:
    """The memory that a tensor is a view of, in bytes."""

    def __init__(self, memory: np.ndarray) -> None:
        self._memory = memory

    @classmethod
    def from_file(cls, filename: Any, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """The first `nbytes` bytes of a file, read when they are first used; with `shared`, what is written to them is written to it."""
        return cls(np.memmap(filename, np.uint8, "r+" if shared else "c", shape=(nbytes,)))

    def untyped(self) -> UntypedStorage:
        """The same memory in bytes."""
        return UntypedStorage(self._memory.reshape(-1).view(np.uint8))

    def __getitem__(self, place: slice) -> UntypedStorage:
        return type(self)(self._memory.reshape(-1)[place])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(np.asarray(self._memory), dtype, copy=copy)

    def data_ptr(self) -> int:
        """The address of its beginning."""
        return self._memory.__array_interface__["data"][0]

    def nbytes(self) -> int:
        """Its length in bytes."""
        return self._memory.nbytes

    def __sizeof__(self) -> int:
        return super().__sizeof__() + self.nbytes()

    size = __len__ = nbytes


class TypedStorage(UntypedStorage):
    """The memory that a tensor is a view of, in elements of its type."""

    def size(self) -> int:
        """Its length in elements."""
        return self._memory.size

    __len__ = size


def untyped_storage(self: Tensor) -> UntypedStorage:
    """The tensor's memory; two tensors share it if its `data_ptr` is the same."""
    return UntypedStorage(owner_of(self._data))


def storage(self: Tensor) -> TypedStorage:
    """The tensor's memory, counted in elements."""
    return TypedStorage(owner_of(self._data))


def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both are the same elements of the same memory."""
    a, b = self._data, tensor._data
    return a.__array_interface__["data"] == b.__array_interface__["data"] and (a.shape, a.strides) == (b.shape, b.strides)


def new(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """``x.new(2, 3)`` or ``x.new([1, 2])``: a tensor of this one's type."""
    return legacy_constructor(Tensor, *args, **({"dtype": self.dtype} | kwargs))


def resize_(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Gives the tensor other sizes: the elements in order, those that are added uninitialised. RuntimeError if it needs a gradient."""
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    shape = tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
    if shape != self._data.shape:
        flat = self._data.reshape(-1)
        number = int(np.prod(shape))
        if number > flat.size:
            flat = np.concatenate([flat, np.empty(number - flat.size, flat.dtype)])
        self._data = flat[:number].reshape(shape)
    return self


def resize_as_(self: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """`resize_` to the sizes of another tensor."""
    return resize_(self, the_template.shape)


def apply_(self: Any, callable: Callable[[Any], Any]) -> Tensor:
    """Replaces every element by a Python function of it; slow."""
    return self.copy_(self.new_tensor([callable(v) for v in self._data.ravel().tolist()]).view(self.shape))


def map_(self: Any, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Replaces every element by a Python function of it and of the other tensor's; slow."""
    others = np.broadcast_to(tensor._data, self._data.shape).ravel().tolist()
    return self.copy_(self.new_tensor([callable(v, w) for v, w in zip(self._data.ravel().tolist(), others)]).view(self.shape))


def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Sets the main diagonal; with `wrap` that of a tall matrix begins anew below."""
    if self.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.ndim > 2 and len(set(self.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    if wrap and self.ndim == 2:
        self.view(-1)[::self.shape[1] + 1].fill_(fill_value)
        return self
    diagonal: Any = self
    while diagonal.ndim > 1:
        diagonal = diagonal.diagonal(0, 0, -1)
    diagonal.fill_(fill_value)
    return self


def as_subclass(self: Tensor, cls: type) -> Any:
    """The same elements, with their history, as a tensor of another class."""
    if not issubclass(cls, Tensor):
        raise TypeError(f"as_subclass(): expected a subclass of Tensor, got {cls.__name__}")
    t: Any = self.view_as(self)
    t.__class__ = cls
    return t


def _make_subclass(cls: type, data: Tensor, require_grad: bool = False) -> Any:
    """A leaf of another class over the memory of a tensor."""
    t: Any = data.detach()
    t.__class__ = cls
    t.requires_grad = require_grad
    return t


def narrow_copy(self: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`narrow`, copied."""
    return self.narrow(dim, start, length).clone()


def _itself(self: Tensor) -> Tensor:
    """The tensor itself: no negative sign waits to be computed."""
    return self


def _no(self: Tensor) -> bool:
    """False."""
    return False


for _f in (untyped_storage, storage, is_set_to, new, resize_, resize_as_, apply_, map_, fill_diagonal_, as_subclass, narrow_copy):
    setattr(Tensor, _f.__name__, _f)
Tensor._make_subclass = staticmethod(_make_subclass)  # type: ignore[attr-defined]
Tensor.resolve_neg = _itself  # type: ignore[attr-defined]
for _name in ("is_neg", "is_distributed", "is_coalesced"):
    setattr(Tensor, _name, _no)
for _name in ("is_ipu", "is_maia", "is_mtia", "is_nested", "is_sparse_csr", "is_vulkan", "is_xla", "is_xpu"):
    setattr(Tensor, _name, False)
for _name, _method in {"is_cpu": True, "get_device": lambda self: -1, "is_inference": lambda self: self._inference, "is_shared": _no, "name": None}.items():
    setattr(Tensor, _name, _method)
