"""Watching operations as they run, at no cost while nobody does.

An op is one function object, which its module, Tensor's methods and the rules of other ops all hold. So a watch exchanges, for
its time, what is behind that object: the code of a primitive (as its first call does), the inner function of any other
public op, the backward of a node class. Afterwards everything is as it was, to the identity of the code.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    """Stands for a function, and tells the watchers of its calls."""

    def __init__(self, run: Callable[..., Any], name: str, kind: str, spec: Spec | None = None) -> None:
        self.run, self.name, self.kind, self.spec = run, name, kind, spec
        if spec is None and kind == "op":  # `call_with` looks at the names of a function's arguments
            self.__name__, self.__code__ = name, run.__code__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
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


def _announce(*args: Any, **kwargs: Any) -> Any:
    """The code of every primitive under watch; `watched` is in the scope that each has of its own."""
    return watched(*args, **kwargs)  # type: ignore[name-defined]  # noqa: F821


class _Late:
    """A function of a primitive, written when it is first called."""

    def __init__(self, spec: Spec, which: str) -> None:
        self.spec, self.which = spec, which
        self.function: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.function is None:
            spec = self.spec
            text = spec.call_source() if self.which == "call" else spec.backward_source(self.which == "tensors")
            self.function = spec.compile(text, "call" if self.which == "call" else "backward")
            self.function.__globals__["call"] = self.function
            self.function.__name__ = spec.forward.__name__
        return self.function(*args, **kwargs)


_watchers: tuple[Watcher, ...] = ()
_lock = threading.Lock()
_restore: list[Callable[[], None]] = []
_late: dict[tuple[Spec, str], _Late] = {}


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
        _exchange_code(op, Watched(_of(spec, "call"), spec.name, "op", spec))
        for which in ("arrays", "tensors"):
            _exchange(spec.node, which, staticmethod(Watched(_of(spec, which), spec.node.__name__, "backward", spec)))
    for op in TABLE:
        if spec_of(op) is None:
            cell = op.__closure__[op.__code__.co_freevars.index("f")]  # type: ignore[index]
            _exchange(cell, "cell_contents", Watched(cell.cell_contents, op.__name__, "op"))
    _exchange(engine, "execute", Watched(engine.execute, "backward", "engine"))


def _of(spec: Spec, which: str) -> _Late:
    return _late.setdefault((spec, which), _Late(spec, which))


def _exchange(owner: Any, name: str, new: Any) -> None:
    old = vars(owner)[name] if isinstance(owner, type) else getattr(owner, name)
    setattr(owner, name, new)
    _restore.append(lambda: setattr(owner, name, old))


def _exchange_code(op: Any, watched: Watched) -> None:
    code, defaults = op.__code__, op.__defaults__

    def restore() -> None:
        op.__code__, op.__defaults__ = code, defaults
        del op.__globals__["watched"]

    op.__globals__["watched"] = watched
    op.__defaults__, op.__code__ = None, _announce.__code__
    _restore.append(restore)
