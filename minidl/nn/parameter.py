"""Parameters and buffers: tensors that a `Module` registers when they are assigned to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import Tensor, wrap
from ..core.dtypes import as_numpy_dtype, dtype
from ..core.tensor import new, require_cpu

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "is_lazy"]


def empty_array(shape: Sequence[int], dtype: Any = None, device: Any = None) -> np.ndarray:
    """An uninitialised array of a dtype (by default the default one); RuntimeError for a device other than the CPU."""
    if device is not None:
        require_cpu(device)
    if min(shape, default=0) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return np.empty(tuple(shape), as_numpy_dtype(float if dtype is None else dtype))


class Parameter(Tensor):
    """A tensor that is trained: a leaf over the memory of `data`, which needs a gradient unless told otherwise.

    >>> from minidl import nn, ones
    >>> nn.Parameter(ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Any:
        if data is not None and not isinstance(data, Tensor):
            raise TypeError(f"Parameter: expected a Tensor, got {type(data).__name__}")
        parameter = new(cls)
        parameter._data = empty_array((0,)) if data is None else data._data
        parameter._counter = [0] if data is None else data._counter
        if requires_grad and parameter._data.dtype.kind not in "fc":
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        parameter._rg = bool(requires_grad)
        return parameter

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(wrap(self._data.copy(order="K")), self.requires_grad)
        return memo[id(self)]

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


def empty_parameter(shape: Sequence[int], device: Any = None, dtype: Any = None) -> Parameter:
    """A parameter of the given sizes with values still to be set."""
    return Parameter(wrap(empty_array(shape, dtype, device)))


class Buffer(Tensor):
    """A tensor that belongs to a module's state but is not trained, such as a running mean.

    Assigned to a module, it becomes one of its buffers; `persistent` tells whether `state_dict` holds it.
    """

    persistent = True

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Any:
        buffer = new(cls)
        buffer._data = empty_array((0,)) if data is None else data._data
        buffer._counter = [0] if data is None else data._counter
        buffer._rg = data is not None and data.requires_grad
        buffer.persistent = persistent
        return buffer


class UninitializedTensorMixin(Tensor):
    """A tensor of unknown sizes: it has a dtype, and becomes an ordinary one with `materialize`."""

    _numpy_dtype: np.dtype
    cls_to_become: type = Tensor

    @property
    def _data(self) -> np.ndarray:  # type: ignore[override]
        name = type(self).__name__
        raise ValueError("Attempted to use an uninitialized parameter. This error happens when you are using a "
                         f"`LazyModule` or explicitly manipulating `torch.nn.parameter.{name}` objects. When using "
                         "LazyModules Call `forward` with a dummy batch to initialize the parameters before calling "
                         "torch functions")

    @property
    def data(self) -> Any:
        """An empty tensor of the dtype; assigning takes over the other's dtype."""
        return wrap(np.empty(0, self._numpy_dtype))

    @data.setter
    def data(self, other: Tensor) -> None:
        self._numpy_dtype = other._data.dtype

    @property
    def dtype(self) -> dtype:
        """The element type."""
        return self.data.dtype

    @property
    def shape(self) -> Any:
        raise RuntimeError("Can't access the shape of an uninitialized parameter or buffer. This error usually happens "
                           "in `load_state_dict` when trying to load an uninitialized parameter into an initialized "
                           "one. Call `forward` to initialize the parameters before accessing their attributes.")

    def materialize(self, shape: Sequence[int], device: Any = None, dtype: Any = None) -> None:
        """Gives the tensor its sizes; the values are still to be set."""
        array = empty_array(shape, self._numpy_dtype if dtype is None else dtype, device)
        self.__class__ = self.cls_to_become
        vars(self)["_data"] = array

    def detach(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self._rg, dtype=self.dtype)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self._rg, None, self.dtype)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def _uninitialized(cls: Any, requires_grad: bool, device: Any, dtype: Any) -> Any:
    tensor = new(cls)
    tensor._counter, tensor._rg, tensor._numpy_dtype = [0], requires_grad, empty_array((), dtype, device).dtype
    return tensor


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter whose sizes the first forward of a lazy module finds out."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        return _uninitialized(cls, requires_grad, device, dtype)


class UninitializedBuffer(UninitializedTensorMixin):
    """A buffer whose sizes the first forward of a lazy module finds out."""

    persistent = True

    def __new__(cls, requires_grad: bool = False, device: Any = None, dtype: Any = None,
                persistent: bool = True) -> Any:
        buffer = _uninitialized(cls, requires_grad, device, dtype)
        buffer.persistent = persistent
        return buffer


def is_lazy(param: Any) -> bool:
    """Whether a tensor still waits for its sizes."""
    return isinstance(param, UninitializedTensorMixin)
