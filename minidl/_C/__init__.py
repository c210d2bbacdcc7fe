"""``torch._C``: of PyTorch's compiled part, the names that packages use although they do not need it."""

from __future__ import annotations

from typing import Any

from . import _functorch as _functorch
from . import _nn as _nn

__all__ = ["Graph", "Value"]


class Graph:
    """What a recorded program would be: a name for annotations."""


class Value:
    """What a value of a recorded program would be: a name for annotations."""


class _TensorMeta(type):
    """What the type of tensors' types would be: a base for annotations and subclasses."""


def _disabled_torch_function_impl(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """What the function returns: nothing overrides it."""
    return func(*args, **(kwargs or {}))


def _are_functorch_transforms_active() -> bool:
    """False: transforms run functions as they are."""
    return False


def _log_api_usage_once(event: str) -> None:
    """Nothing: no use is counted."""


def _get_tracing_state() -> Any:
    """None: nothing is traced."""
