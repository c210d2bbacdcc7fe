"""``torch.types``: names for annotations."""

from __future__ import annotations

import builtins

from .core.dtypes import dtype as _dtype  # noqa: F401
from .core.tensor import Size, Tensor
from .core.tensor import device as _device

__all__ = ["Device", "Number", "Size", "Tensor"]

Number = builtins.int | builtins.float | builtins.bool
Device = _device | str | builtins.int | None
_int, _float, _bool, _size = builtins.int, builtins.float, builtins.bool, Size | list[builtins.int] | tuple[builtins.int, ...]
_TensorOrTensors = Tensor | tuple[Tensor, ...]
