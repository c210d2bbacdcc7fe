"""What the registration of a hook returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.tensor import RemovableHandle as RemovableHandle

__all__ = ["RemovableHandle", "unserializable_hook"]


def unserializable_hook(f: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a hook that is lost on purpose where its tensor is saved: there is no warning of it."""
    f.__torch_unserializable__ = True  # type: ignore[attr-defined]
    return f
