"""The calls of a profiled program as events, each with the events inside it."""

from __future__ import annotations

import sys
import threading
import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

from ..analysis.costs import cost_of
from ..analysis.modules import ModuleCalls
from ..analysis.record import node_of
from ..core.graph import Node
from ..core.tensor import Tensor
from ..core.watch import Call, Watcher
from ..nn import Module

__all__ = ["Event", "Recorder"]

PACKAGE = Path(__file__).parent.parent
MACHINERY = ("<generated", *[str(PACKAGE / part) for part in ("core", "ops", "nn", "autograd", "analysis", "profiler", "bind.py")])
KEY = "minidl.profiler"  # in the metadata of a graph's nodes: the event that made them


@dataclass(eq=False)
class Event:
    """One call: of an operation ("op"), of the backward of a node ("backward") or of a whole graph ("engine"), of a module
    ("module"), or a region that the user named ("user").

    Times are in nanoseconds, memory in bytes: what was allocated less what was freed. `macs` and `memory` are those of the
    events inside, too. `stack`: the lines of the program that it was called from, the innermost first. `forward`: for a node's backward, the operation that made the node.
    """

    name: str
    kind: str
    parent: Event | None = None
    start: int = 0
    end: int = 0
    thread: int = 0
    shapes: list[Any] = field(default_factory=list)
    stack: list[str] = field(default_factory=list)
    macs: int = 0
    memory: int = 0
    inside_time: int = 0
    inside_macs: int = 0
    inside_memory: int = 0
    forward: Event | None = None

    @property
    def time(self) -> int:
        return self.end - self.start

    @property
    def self_time(self) -> int:
        return self.time - self.inside_time

    @property
    def self_macs(self) -> int:
        return self.macs - self.inside_macs

    @property
    def self_memory(self) -> int:
        return self.memory - self.inside_memory

    def modules(self) -> list[Event]:
        """The calls of modules around this one, or for a backward around its forward, the innermost first."""
        found, event = [], self
        while event is not None:
            if event.kind == "module":
                found.append(event)
            event = event.forward or event.parent  # type: ignore[assignment]
        return found


class Recorder(ModuleCalls, Watcher):
    """Collects events while it watches; each thread has its own stack of open ones."""

    def __init__(self, shapes: bool, memory: bool, macs: bool, stacks: bool) -> None:
        super().__init__()
        self.shapes, self.memory, self.macs, self.stacks = shapes, memory, macs, stacks
        self.events: list[Event] = []
        self._open = threading.local()
        self._own_bytes = 0  # of the events themselves

    def begin(self, name: str, kind: str) -> Event:
        before = tracemalloc.get_traced_memory()[0] if self.memory else 0
        opened = self._stack()
        event = Event(name, kind, opened[-1] if opened else None, thread=threading.get_ident())
        if self.stacks:
            event.stack = opened[-1].stack if opened and opened[-1].kind == "op" else callers()
        self.events.append(event)
        opened.append(event)
        if self.memory:
            now = tracemalloc.get_traced_memory()[0]
            self._own_bytes += now - before
            event.memory = self._own_bytes - now
        event.start = perf_counter_ns()
        return event

    def finish(self, event: Event) -> None:
        event.end = perf_counter_ns()
        if self.memory:
            event.memory += tracemalloc.get_traced_memory()[0] - self._own_bytes
        opened = self._stack()
        while opened and opened.pop() is not event:  # what an exception left open
            pass
        if event.parent is not None:
            event.parent.inside_time += event.time
            event.parent.inside_memory += event.memory
            event.parent.inside_macs += event.macs
            event.parent.macs += event.macs

    def _stack(self) -> list[Event]:
        if not hasattr(self._open, "stack"):
            self._open.stack = []
        return self._open.stack

    # ---- operations

    def enter(self, call: Call) -> None:
        opened = self._stack()
        if call.kind == "op" and opened and opened[-1].kind == "op" and opened[-1].name == call.name:
            call.notes.append(None)  # the primitive of a public op that has its name
            return
        event = self.begin(call.name, call.kind)
        if call.kind == "backward":
            node: Node = call.args[0]
            event.forward = (node._metadata or {}).get(KEY)
        call.notes.append(event)

    def leave(self, call: Call) -> None:
        event = call.notes.pop()
        if event is None:
            event = self._stack()[-1]
        else:
            self.finish(event)
        if self.macs:
            cost = cost_of(call)
            if cost is not None and cost.macs:
                self.add_macs(event, cost.macs, closed=event.end != 0)
        if self.shapes and not event.shapes:
            event.shapes = [shape_of(a) for a in call.args[call.kind == "backward":] if shape_of(a) is not None]
        node = node_of(call)
        if node is not None:
            node.metadata[KEY] = event

    def add_macs(self, event: Event, macs: int, closed: bool) -> None:
        event.macs += macs
        if closed and event.parent is not None:
            event.parent.macs += macs
            event.parent.inside_macs += macs

    # ---- modules

    def entered(self, module: Module, name: str, args: Any, kwargs: Any) -> None:
        root = type(self.stack[0][0]).__name__
        self.begin(f"{root}.{name}" if name else root, "module")

    def left(self, module: Module, name: str, args: Any, kwargs: Any, output: Any) -> None:
        self.finish(next(e for e in reversed(self._stack()) if e.kind == "module"))


def callers() -> list[str]:
    """The running functions and their lines, the innermost first, without the library's machinery."""
    frame, found = sys._getframe(1), []
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(MACHINERY):
            found.append(f"{code.co_filename}({frame.f_lineno}): {code.co_name}")
        frame = frame.f_back  # type: ignore[assignment]
    return found


def shape_of(value: Any) -> Any:
    if isinstance(value, (Tensor, np.ndarray)):
        return list(value.shape)
    if isinstance(value, (list, tuple)) and value and all(isinstance(v, (Tensor, np.ndarray)) for v in value):
        return [list(v.shape) for v in value]
    return None
