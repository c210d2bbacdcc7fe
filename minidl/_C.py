# ruff: noqa: N999 -- PyTorch's name
"""``torch._C``: of PyTorch's compiled part, the names that packages use although they do not need it."""

from __future__ import annotations

from typing import Any

__all__ = ["Graph", "Value"]


class Graph:
    """What a recorded program would be: a name for annotations."""


class Value:
    """What a value of a recorded program would be: a name for annotations."""


def _log_api_usage_once(event: str) -> None:
    """Nothing: no use is counted."""


def _get_tracing_state() -> Any:
    """None: nothing is traced."""
