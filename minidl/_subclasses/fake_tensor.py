"""``torch._subclasses.fake_tensor``: tensors without values, of which there are none."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor

__all__ = ["FakeTensor", "is_fake"]


class FakeTensor(Tensor):
    """A tensor without values: no tensor is one."""


def is_fake(x: Any) -> bool:
    """False."""
    return False
