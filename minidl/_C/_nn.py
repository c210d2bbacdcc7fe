"""``torch._C._nn``: what ``Module.to`` makes of its arguments."""

from __future__ import annotations

from typing import Any

from ..core.dtypes import dtype as DType
from ..core.tensor import Tensor
from ..core.tensor import device as Device


def _parse_to(*args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False, memory_format: Any = None) -> Any:
    """(device, dtype, non_blocking, memory_format) of ``to(dtype)``, ``to(device)``, ``to(device, dtype)`` or ``to(tensor)``."""
    for arg in args:
        if isinstance(arg, Tensor):
            device, dtype = arg.device, arg.dtype
        elif isinstance(arg, DType):
            dtype = arg
        elif isinstance(arg, (str, Device)):
            device = arg
    return None if device is None else Device(device), dtype, non_blocking, memory_format
