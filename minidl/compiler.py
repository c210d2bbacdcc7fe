"""``torch.compiler`` where there is none: code runs as it is written."""

from __future__ import annotations

from typing import Any

from .compat import compile as compile

__all__ = ["allow_in_graph", "assume_constant_result", "compile", "cudagraph_mark_step_begin", "disable", "is_compiling", "is_dynamo_compiling", "reset"]


def disable(fn: Any = None, recursive: bool = True, **kwargs: Any) -> Any:
    """The function as it is; also a decorator with options."""
    return fn if fn is not None else (lambda function: function)


def allow_in_graph(fn: Any) -> Any:
    """The function, or the list of functions, as it is."""
    return fn


assume_constant_result = allow_in_graph


def is_compiling() -> bool:
    """False."""
    return False


is_dynamo_compiling = is_compiling


def reset() -> None:
    """Nothing: nothing was compiled."""


cudagraph_mark_step_begin = reset
