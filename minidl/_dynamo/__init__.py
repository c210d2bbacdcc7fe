"""``torch._dynamo`` without a compiler: what programs set or mark for it has no effect.

>>> import minidl as torch
>>> torch._dynamo.config.suppress_errors = True
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ..compiler import allow_in_graph as allow_in_graph
from ..compiler import assume_constant_result as assume_constant_result
from ..compiler import disable as disable
from ..compiler import is_compiling as is_compiling
from ..compiler import reset as reset
from ..nn import Module

__all__ = ["OptimizedModule", "config", "disable", "eval_frame", "graph_break", "is_compiling", "mark_dynamic", "mark_static", "mark_static_address", "reset"]

config = SimpleNamespace(suppress_errors=False, cache_size_limit=8, verbose=False)


class OptimizedModule(Module):
    """What a compiled module would be: no module is one."""


eval_frame = SimpleNamespace(OptimizedModule=OptimizedModule)


def mark_dynamic(t: Any, index: Any = None, **options: Any) -> None:
    """Nothing."""


mark_static = mark_static_address = mark_dynamic


def graph_break(msg: str = "") -> None:
    """Nothing: there is no graph."""
