"""Attaches to Tensor the methods and operators that the ops' table names."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from .core import engine
from .core.inplace import in_place
from .core.registry import TABLE
from .core.tensor import Tensor

REFLECTED = {"__radd__", "__rsub__", "__rmul__", "__rtruediv__", "__rfloordiv__", "__rmod__", "__rpow__", "__rmatmul__",
             "__rand__", "__ror__", "__rxor__", "__rlshift__", "__rrshift__"}


def reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    """``other OP self`` for ``self OP other``."""
    return lambda self, other: function(other, self)


FACTORS = {"add": "alpha", "sub": "alpha", "addcmul": "value", "addcdiv": "value"}


def older(function: Callable[..., Any], op: str) -> Callable[..., Any]:
    """A method that also takes its factor, where the op has one, as older code wrote it: ``x.add_(0.1, y)`` for ``x.add_(y, alpha=0.1)``."""
    keyword = FACTORS.get(op)
    if keyword is None:
        return function

    @functools.wraps(function)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if len(args) > 1 and isinstance(args[-1], Tensor) and not isinstance(args[0], Tensor):
            name = function.__name__
            warnings.warn(f"This overload of {name} is deprecated: {name}(Number {keyword}, ...). Consider {name}(..., {keyword}=...) instead.",
                          stacklevel=2)
            return function(self, *args[1:], **{keyword: args[0]}, **kwargs)
        return function(self, *args, **kwargs)

    return method


def bind() -> None:
    """Sets every method of the table; called once, when the package is imported."""
    for op in TABLE.values():
        function = op.function
        if op.method:
            for name in (op.method, *(op.aliases if op.method == op.name else ())):
                setattr(Tensor, name, older(function, op.name))
        for name in op.operators:
            setattr(Tensor, name, reflected(function) if name in REFLECTED else function)
        if op.inplace:
            edit = in_place(function)
            for name in (op.name, *op.aliases):
                setattr(Tensor, name + "_", older(edit, op.name))
            for name in op.operators:
                if name not in REFLECTED:
                    setattr(Tensor, "__i" + name[2:], edit)
    Tensor.backward = _backward  # type: ignore[attr-defined]


def _backward(self: Tensor, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False,
              inputs: Any = None) -> None:
    """Accumulates the gradient of this tensor, weighted by `gradient`, into the leaves; see `minidl.autograd.backward`."""
    engine.backward(self, gradient, retain_graph, create_graph, inputs)
