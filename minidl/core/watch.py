"""Watching operations as they run, at no cost while nobody does.

An op is one function object, which its module, Tensor's methods and the rules of other ops all hold. So a watch exchanges, for
its time, what is behind that object: the code of a primitive (as its first call does), the inner function of any other
public op, the backward of a node class. Afterwards everything is as it was, to the identity of the code.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FunctionType
from typing import Any

from . import engine
from .primitive import _SPECS, Spec, spec_of
from .registry import TABLE

__all__ = ["Call", "Watcher", "watching"]


class Call:
    """One call: of an op (`kind` "op"), of a node's backward ("backward"), or of the engine for a whole graph ("engine").

    `spec` describes the primitive, or is None for a composite op; `result` is there once `done`.
    """

    __slots__ = ("name", "kind", "spec", "args", "kwargs", "result", "done", "notes")

    def __init__(self, name: str, kind: str, spec: Spec | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.name, self.kind, self.spec, self.args, self.kwargs = name, kind, spec, args, kwargs
        self.result: Any = None
        self.done = False
        self.notes: list[Any] = []  # of the watchers, from `enter` to `leave`


class Watcher:
    """What `watching` tells of every call, in every thread: calls within calls are entered later and left earlier."""

    def enter(self, call: Call) -> None:
        raise NotImplementedError

    def leave(self, call: Call) -> None:
        """After the call; `done` is false if it raised an exception."""
        raise NotImplementedError


class Watched:
    """Stands for a function, which `make` gives at the first call, and tells the watchers of its calls."""

    def __init__(self, make: Callable[[], Callable[..., Any]], name: str, kind: str, spec: Spec | None = None) -> None:
        self.make, self.name, self.kind, self.spec = make, name, kind, spec
        self.run: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.run is None:  # before the watchers look at their clocks
            self.run = self.make()
        watchers = _watchers
        call = Call(self.name, self.kind, self.spec, args, kwargs)
        for watcher in watchers:
            watcher.enter(call)
        try:
            call.result = self.run(*args, **kwargs)
            call.done = True
            return call.result
        finally:
            for watcher in reversed(watchers):
                watcher.leave(call)


class WatchedComposite(Watched):
    """With the code and the name by which `call_with` knows a function's arguments."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(lambda: function, function.__name__, "op")
        self.__name__, self.__code__ = function.__name__, function.__code__


def _announce(*args: Any, **kwargs: Any) -> Any:
    """The code of every primitive under watch; `watched` is in the scope that each has of its own."""
    return watched(*args, **kwargs)  # type: ignore[name-defined]  # noqa: F821


def _function_of(spec: Spec, which: str, own: Any) -> Callable[..., Any]:
    """A primitive's call, or a backward, as a function of its own: from `own`, or if that is still to be written, new."""
    if own.__code__.co_filename.startswith("<generated"):
        if which != "call":
            return own
        function = FunctionType(own.__code__, dict(own.__globals__), own.__name__, own.__defaults__)
    elif (spec, which) in _written:
        return _written[spec, which]
    else:
        text = spec.call_source() if which == "call" else spec.backward_source(which == "tensors")
        function = _written[spec, which] = spec.compile(text, "call" if which == "call" else "backward")  # type: ignore[assignment]
    if which == "call":
        function.__name__ = spec.forward.__name__
        function.__globals__["call"] = function
    return function


_written: dict[tuple[Spec, str], Callable[..., Any]] = {}
_watchers: tuple[Watcher, ...] = ()
_lock = threading.Lock()
_restore: list[Callable[[], None]] = []


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Tells `watcher` of every op and every node's backward inside; several watches may overlap."""
    global _watchers
    with _lock:
        if not _watchers:
            _install()
        _watchers += (watcher,)
    try:
        yield
    finally:
        with _lock:
            _watchers = tuple([w for w in _watchers if w is not watcher])
            if not _watchers:
                while _restore:
                    _restore.pop()()


def _install() -> None:
    for op, spec in list(_SPECS.items()):
        _exchange_code(op, spec)
        for which in ("arrays", "tensors"):
            make = partial(_function_of, spec, which, getattr(spec.node, which))
            _exchange(spec.node, which, staticmethod(Watched(make, spec.node.__name__, "backward", spec)))
    for op in TABLE:
        if spec_of(op) is None:
            cell = op.__closure__[op.__code__.co_freevars.index("f")]  # type: ignore[index]
            _exchange(cell, "cell_contents", WatchedComposite(cell.cell_contents))
    execute = engine.execute
    _exchange(engine, "execute", Watched(lambda: execute, "backward", "engine"))


def _exchange(owner: Any, name: str, new: Any) -> None:
    old = vars(owner)[name] if isinstance(owner, type) else getattr(owner, name)
    setattr(owner, name, new)
    _restore.append(lambda: setattr(owner, name, old))


def _exchange_code(op: Any, spec: Spec) -> None:
    code, defaults = op.__code__, op.__defaults__
    own = FunctionType(code, op.__globals__, op.__name__, defaults)

    def restore() -> None:
        op.__code__, op.__defaults__ = code, defaults
        del op.__globals__["watched"]

    op.__globals__["watched"] = Watched(partial(_function_of, spec, "call", own), spec.name, "op", spec)
    op.__defaults__, op.__code__ = None, _announce.__code__
    _restore.append(restore)
