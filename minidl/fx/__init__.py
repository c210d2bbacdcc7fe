"""``torch.fx`` without graphs: code that marks functions for a tracer, or asks whether a module was traced, runs.

>>> import minidl as torch
>>> @torch.fx.wrap
... def double(x):
...     return 2 * x
>>> double(3), isinstance(torch.nn.ReLU(), torch.fx.GraphModule)
(6, False)
"""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

from ..nn import Module

__all__ = ["Graph", "GraphModule", "Interpreter", "Node", "Proxy", "Tracer", "replace_pattern", "symbolic_trace", "wrap"]

T = TypeVar("T")


def wrap(fn_or_name: T) -> T:
    """The function, or its name, as it is."""
    return fn_or_name


def symbolic_trace(root: Any, concrete_args: Any = None) -> NoReturn:
    """NotImplementedError: a program is run, never recorded."""
    raise NotImplementedError(f"fx: {type(root).__name__} cannot be traced: this library runs a program and keeps no graph of it; "
                              "for intermediate values use forward hooks")


def replace_pattern(gm: Any, pattern: Any, replacement: Any) -> NoReturn:
    """NotImplementedError, as `symbolic_trace`."""
    symbolic_trace(gm)


class Graph:
    """What a recorded program would be."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        symbolic_trace(self)


class GraphModule(Module):
    """What a recorded module would be: no module is one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        symbolic_trace(self)


class Node(Graph):
    """What a step of a recorded program would be."""


class Proxy(Graph):
    """What a value of a recorded program would be: no value is one."""


class Interpreter(Graph):
    """What runs a recorded program."""


class Tracer:
    """A base for tracers that are only defined."""

    def trace(self, root: Any, concrete_args: Any = None) -> NoReturn:
        """NotImplementedError, as `symbolic_trace`."""
        symbolic_trace(root)
