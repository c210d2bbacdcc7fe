"""Reading along: every operation printed as it runs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..analysis.modules import ModuleCalls
from ..core.graph import Node
from ..core.tensor import Tensor
from ..core.watch import Call, Watcher, watching
from ..nn import Module
from ..ops.reduce import trace as trace_op

__all__ = ["trace"]


def trace(*args: Any, file: Any = None, inner: bool = False, **kwargs: Any) -> Any:
    """``trace()``: a context manager that prints every operation as it runs, with the shapes and types of what goes in and
    comes out, indented by module. ``trace(x)``: PyTorch's operation of that name, the sum of a matrix's diagonal.

    A line is printed when an operation is done, to `file` (standard output by default). With `inner`, the operations that it
    consists of follow, further in. In a backward pass, each node is a line, with the gradient that arrives and those that go on.

    >>> import minidl as torch
    >>> from minidl import nn
    >>> net, x = nn.Sequential(nn.Linear(3, 2), nn.ReLU()), torch.ones(1, 3)
    >>> with trace():
    ...     y = net(x)
    Sequential
      0: Linear
        linear(float32[1, 3], float32[2, 3], float32[2]) -> float32[1, 2]
      1: ReLU
        relu(float32[1, 2], inplace=False) -> float32[1, 2]
    """
    if args or kwargs:
        return trace_op(*args, **kwargs)
    return tracing(file, inner)


@contextmanager
def tracing(file: Any, inner: bool) -> Iterator[None]:
    tracer = Tracer(file, inner)
    with watching(tracer), tracer:
        yield


class Tracer(ModuleCalls, Watcher):
    """Prints the calls of its thread. What happened inside a call is kept until that call's own line is out."""

    def __init__(self, file: Any, inner: bool) -> None:
        super().__init__()
        self.file, self.inner = file, inner
        self.open: list[list[str]] = []  # for each open call, the lines of the calls inside
        self.thread = threading.get_ident()

    def put(self, line: str) -> None:
        print("  " * len(self.stack) + line, file=self.file or sys.stdout)

    def entered(self, module: Module, name: str, args: Any, kwargs: Any) -> None:
        own, kind = name.rpartition(".")[2], type(module).__name__
        print("  " * (len(self.stack) - 1) + (f"{own}: {kind}" if own else kind), file=self.file or sys.stdout)

    def enter(self, call: Call) -> None:
        if threading.get_ident() == self.thread:
            if call.kind == "engine":
                self.put("backward")
                self.stack.append((self, ""))  # type: ignore[arg-type]  # indents what follows
            else:
                self.open.append([])

    def leave(self, call: Call) -> None:
        if threading.get_ident() != self.thread:
            return
        if call.kind == "engine":
            self.stack.pop()
            return
        inside = self.open.pop()
        if call.kind == "op" and call.done and not holds_arrays(call.result):
            return  # a question, such as x.dim()
        lines = [line_of(call), *["  " + line for line in inside if self.inner]]
        if self.open:
            self.open[-1] += lines
        else:
            for line in lines:
                self.put(line)


def holds_arrays(value: Any) -> bool:
    return isinstance(value, (Tensor, np.ndarray, np.generic)) or (
        isinstance(value, (tuple, list)) and any(holds_arrays(v) for v in value))


def line_of(call: Call) -> str:
    if call.kind == "backward":
        given = show(call.args[1])
    else:
        given = ", ".join([*map(show, call.args), *[f"{name}={show(value)}" for name, value in call.kwargs.items()]])
    return f"{call.name}({given})" + (f" -> {show(call.result)}" if call.done else " failed")


def show(value: Any) -> str:
    if isinstance(value, (Tensor, np.ndarray, np.generic)):
        array = value._data if isinstance(value, Tensor) else value
        return f"{array.dtype}{list(array.shape)}"
    if isinstance(value, (tuple, list)) and holds_arrays(value):
        return f"({', '.join(map(show, value))})"
    text = type(value).__name__ if isinstance(value, (Node, Module)) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
