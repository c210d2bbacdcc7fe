"""Tensors from values, and tensors of given sizes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Tensor, default_dtype, from_array, public
from ..core.dtypes import as_numpy_dtype
from ..core.tensor import device as Device

def as_array(data: Any, dtype: np.dtype | None) -> np.ndarray:
    """A new array of `data` (numbers, sequences, arrays, tensors); Python floats become the default dtype."""
    if isinstance(data, Tensor):
        return np.array(data._data, dtype, order="K")
    if isinstance(data, (np.ndarray, np.generic)):
        return np.array(data, dtype)
    if isinstance(data, (list, tuple)) and any(isinstance(item, (Tensor, list, tuple)) for item in data):
        data = [as_array(item, None) if isinstance(item, (Tensor, list, tuple)) else item for item in data]
        if not data:
            return np.empty(0, dtype or default_dtype())
    try:
        array = np.array(data)
    except ValueError as error:
        raise ValueError(f"tensor: expected a sequence of equal length at each dimension ({error})") from None
    if array.dtype == object:
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if dtype is None and array.dtype == np.float64 and not contains_float64(data):
        dtype = default_dtype()
    elif dtype is None and array.size == 0 and isinstance(data, (list, tuple)):
        dtype = default_dtype()
    return array if dtype is None else array.astype(dtype)


def contains_float64(data: Any) -> bool:
    """Whether nested lists hold a NumPy float64 array or scalar, which keeps its type, rather than Python floats."""
    if isinstance(data, (list, tuple)):
        return any(contains_float64(item) for item in data)
    return isinstance(data, np.ndarray) and data.dtype == np.float64


@public
def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """A leaf tensor with a copy of `data`; Python floats become the default dtype, ints int64.

    >>> tensor([[1, 2], [3, 4]]).dtype
    torch.int64
    """
    if device is not None:
        Device(device)
    t = from_array(as_array(data, None if dtype is None else as_numpy_dtype(dtype)))
    if requires_grad:
        t.requires_grad = True
    return t


