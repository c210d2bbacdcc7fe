"""Padding layers: values around the last one, two or three dimensions.

`padding` is a number for all sides, or numbers before and after each dimension, the last dimension first.
"""

from __future__ import annotations

from typing import Any

from ...core.tensor import Tensor
from .. import functional as F
from .module import Module
from .utils import n_tuple

__all__ = ["CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
           "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d",
           "ReplicationPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d"]


class _PadNd(Module):
    _dims: int
    _mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = n_tuple(padding, 2 * self._dims)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return str(self.padding)


class ReflectionPad1d(_PadNd):
    """The values that a mirror in the first, or last, element shows."""

    _dims, _mode = 1, "reflect"


class ReflectionPad2d(ReflectionPad1d):
    """As `ReflectionPad1d`, in two dimensions."""

    _dims = 2


class ReflectionPad3d(ReflectionPad1d):
    """As `ReflectionPad1d`, in three dimensions."""

    _dims = 3


class ReplicationPad1d(_PadNd):
    """The first, or last, element again and again."""

    _dims, _mode = 1, "replicate"


class ReplicationPad2d(ReplicationPad1d):
    """As `ReplicationPad1d`, in two dimensions."""

    _dims = 2


class ReplicationPad3d(ReplicationPad1d):
    """As `ReplicationPad1d`, in three dimensions."""

    _dims = 3


class CircularPad1d(_PadNd):
    """The values of the other end."""

    _dims, _mode = 1, "circular"

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (self._dims + 1, self._dims + 2):
            raise ValueError(f"expected {self._dims + 1}D or {self._dims + 2}D input (got {input.ndim}D input)")
        return super().forward(input)


class CircularPad2d(CircularPad1d):
    """As `CircularPad1d`, in two dimensions."""

    _dims = 2


class CircularPad3d(CircularPad1d):
    """As `CircularPad1d`, in three dimensions."""

    _dims = 3


class ConstantPad1d(_PadNd):
    """One value."""

    _dims, _mode = 1, "constant"

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad2d(ConstantPad1d):
    """As `ConstantPad1d`, in two dimensions."""

    _dims = 2


class ConstantPad3d(ConstantPad1d):
    """As `ConstantPad1d`, in three dimensions."""

    _dims = 3


class ZeroPad1d(ConstantPad1d):
    """Zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return str(self.padding)


class ZeroPad2d(ZeroPad1d, ConstantPad2d):
    """As `ZeroPad1d`, in two dimensions."""


class ZeroPad3d(ZeroPad1d, ConstantPad3d):
    """As `ZeroPad1d`, in three dimensions."""
