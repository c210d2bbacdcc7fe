"""An unpickler that builds what a checkpoint may hold, and nothing else."""

from __future__ import annotations

import collections
import pickle
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.tensor import Hooks
from ..nn.modules.hooks import hook_fields
from ..nn.modules.module import Module
from ..nn.modules.state import state_fields
from ..nn.utils.rnn import PackedSequence
from . import beside
from .beside import set_array
from .rebuild import (
    BUILDERS,
    NAMES,
    Storage,
    StorageType,
    in_python_3,
    layer,
    refuse,
    require,
    set_byte_order,
)

__all__ = ["Bounded", "Unpickler", "add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals"]

# Tuples are hashed, compared and shown by recursion, which a file could make too deep for the stack, or endless where the same
# tuple stands twice in the next one, and that twice in the next.
MAX_DEPTH, MAX_PARTS = 100, 10_000_000

PythonUnpickler: Any = vars(pickle)["_Unpickler"]  # in Python, so that each operation can be replaced

_allowed: list[Any] = []


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Lets files build these classes and call these functions too; ``(thing, "module.name")`` where the file's name is another."""
    _allowed.extend(safe_globals)


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` has added."""
    return list(_allowed)


def clear_safe_globals() -> None:
    """Forgets what `add_safe_globals` has added."""
    _allowed.clear()


class safe_globals:
    """`add_safe_globals` for the extent of a ``with``."""

    def __init__(self, safe_globals: list[Any]) -> None:
        self.added = list(safe_globals)

    def __enter__(self) -> None:
        self.previous = get_safe_globals()
        add_safe_globals(self.added)

    def __exit__(self, *exc: object) -> None:
        _allowed[:] = self.previous


def added_by_name() -> dict[str, Any]:
    """What `add_safe_globals` has added, by the name that a file has for it."""
    named = [item if isinstance(item, tuple) else (item, f"{item.__module__}.{item.__qualname__}") for item in _allowed]
    return {name: thing for thing, name in named}


class Bounded:
    """A binary file, from where it stands, that is never asked for more than it holds: no length in it can allocate memory."""

    def __init__(self, file: Any) -> None:
        self.file, start = file, file.tell()
        self.left = self.size = file.seek(0, 2) - start
        file.seek(start)

    def read(self, n: int) -> bytes:
        data: bytes = self.file.read(n) if 0 <= n <= self.left else b""
        if len(data) != n:
            raise EOFError(f"it ends where {n} more bytes are expected")
        self.left -= n
        return data

    def readline(self) -> bytes:
        line: bytes = self.file.readline(self.left)
        self.left -= len(line)
        return line


def name_of(thing: Any) -> str:
    """An object's own `__name__` would be the file's to set."""
    return thing.__name__ if isinstance(thing, (type, types.FunctionType)) else type(thing).__name__


class Operations(dict[int, Callable[[Any], None]]):
    """What each operation of a pickle does."""

    def __missing__(self, code: int) -> Any:
        refuse(f"operation {code:#04x} is none that a checkpoint needs")


class Unpickler(PythonUnpickler):  # type: ignore[misc]
    """Builds what `minidl.serialization.rebuild` lists and what `add_safe_globals` has added.

    Only the operations in `dispatch` exist. `storages` gives the memory for a persistent id; `modules` also allows the layers
    of `minidl.nn` and of the running program.
    """

    dispatch = Operations({code[0]: PythonUnpickler.dispatch[code[0]] for code in (
        pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.POP, pickle.POP_MARK, pickle.DUP,
        pickle.PUT, pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE, pickle.GET, pickle.BINGET, pickle.LONG_BINGET,
        pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.FLOAT, pickle.BINFLOAT,
        pickle.INT, pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG, pickle.LONG1, pickle.LONG4,
        pickle.STRING, pickle.BINSTRING, pickle.SHORT_BINSTRING, pickle.UNICODE, pickle.BINUNICODE, pickle.SHORT_BINUNICODE,
        pickle.BINUNICODE8, pickle.BINBYTES, pickle.SHORT_BINBYTES, pickle.BINBYTES8,
        pickle.EMPTY_TUPLE, pickle.EMPTY_LIST, pickle.EMPTY_DICT, pickle.EMPTY_SET, pickle.LIST, pickle.DICT, pickle.FROZENSET,
        pickle.APPEND, pickle.APPENDS, pickle.SETITEM, pickle.SETITEMS, pickle.ADDITEMS,
        pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.BINPERSID)})

    def __init__(self, file: Bounded, storages: Callable[[Any], Storage], modules: bool, encoding: str) -> None:
        super().__init__(file, encoding=encoding)
        self.storages, self.modules = storages, modules
        self.allowed = added_by_name()
        self.nested: dict[int, tuple[tuple[Any, ...], int, int]] = {}  # tuples in which there are tuples: itself, depth, parts

    def find_class(self, module: str, name: str) -> Any:
        full = in_python_3(f"{module}.{name}")
        for table in (NAMES, self.allowed):
            if full in table:
                return table[full]
        other = beside.NAMES.get(full)
        found = layer(module, name) if other is None else other
        if found is not None and self.modules:
            return found
        refuse(f"{full!a:.120} is " + (
            f"{'a layer' if other is None else 'no part of the weights'}, which is built only with weights_only=False" if found is not None else
            "of a kind that this library does not have" if module.partition(".")[0] == "torch" else
            f"not among the things that a checkpoint may build; if you trust the file's origin, {'import it, if it is a layer, or ' * self.modules}"
            "allow it by minidl.serialization.add_safe_globals"))

    def persistent_load(self, pid: Any) -> Any:
        require(pid, "a persistent id", tuple)
        word = pid[0] if len(pid) > 1 and type(pid[0]) is str else None
        if self.modules and word == "module" and isinstance(pid[1], type):
            return pid[1]  # how the older format names a layer
        if not (len(pid) in (5, 6) and word == "storage" and isinstance(pid[1], StorageType) and type(pid[2]) is str
                and type(pid[4]) is int and pid[4] >= 0):
            refuse("expected the type, name, device and length of a storage as its persistent id")
        return self.storages(pid)

    def is_allowed(self, thing: Any) -> bool:
        return any(thing is other for other in self.allowed.values())

    # ---- operations that are checked

    def load_reduce(self) -> None:
        args, function = self.stack.pop(), self.stack.pop()
        require(args, "arguments", tuple)
        if not self.is_allowed(function):
            known = None if isinstance(function, Module) or not callable(function) else BUILDERS.get(function) or beside.BUILDERS.get(function)
            if known is None:
                refuse(f"a call of {name_of(function)}, which a checkpoint does not need")
            function = known
        self.append(function(*args))

    def load_newobj(self) -> None:
        args, cls = self.stack.pop(), self.stack.pop()
        require(args, "arguments", tuple)
        if cls is PackedSequence:
            self.append(beside.packed(*args))
            return
        if not self.is_allowed(cls):
            if not (isinstance(cls, type) and issubclass(cls, (Module, *beside.NAMESPACES))):
                refuse(f"an object made of {name_of(cls)}, which a checkpoint does not need")
            args = ()  # what `__new__` of these ignores; metrics that are layers write some
        self.append(cls.__new__(cls, *args))

    def load_build(self) -> None:
        state, target = self.stack[-1], self.stack[-2]
        if isinstance(target, Module):
            require(state, "the state of a layer", dict)
            hooks = {}
            for name in (name for name, value in (hook_fields() | state_fields()).items() if type(value) is Hooks):
                require(state.get(name, {}), "the hooks of a layer", dict, collections.OrderedDict, Hooks)
                hooks[name] = Hooks(state.get(name, {}))
            type(target).__setstate__(target, {**state, **hooks})
        elif isinstance(target, np.dtype):
            set_byte_order(target, state)
        elif isinstance(target, np.ndarray):
            set_array(target, state)
        elif isinstance(target, beside.NAMESPACES):
            require(state, "the attributes of a namespace", dict)
            vars(target).update({k: v for k, v in state.items() if type(k) is str})
        elif isinstance(target, collections.OrderedDict):
            require(state, "the attributes of a state dict", dict)
            vars(target).update({k: v for k, v in state.items() if k == "_metadata"})
        elif self.is_allowed(type(target)):
            super().load_build()
            return
        else:
            refuse(f"the state of a {type(target).__name__} may not be set")
        self.stack.pop()

    def into(self, at: int, *kinds: type) -> None:
        if not isinstance(self.stack[at], kinds):
            refuse(f"a {type(self.stack[at]).__name__} takes no elements")

    def load_append(self) -> None:
        self.into(-2, list, collections.deque)
        super().load_append()

    def load_appends(self) -> None:
        items = self.pop_mark()
        self.into(-1, list, collections.deque)
        self.stack[-1].extend(items)

    def load_setitem(self) -> None:
        self.into(-3, dict)
        super().load_setitem()

    def load_setitems(self) -> None:
        items = self.pop_mark()
        self.into(-1, dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            self.stack[-1][key] = value

    def load_additems(self) -> None:
        items = self.pop_mark()
        self.into(-1, set)
        self.stack[-1].update(items)

    def load_tuple(self) -> None:
        self.append_tuple(self.pop_mark())

    def load_tuple_of(self, n: int) -> None:
        self.append_tuple([self.stack.pop() for _ in range(n)][::-1])

    def append_tuple(self, parts: list[Any]) -> None:
        """A tuple that can be hashed: not too deep, nor of too many parts."""
        items = tuple(parts)
        inner = [self.nested.get(id(item), (item, 1, len(item))) for item in items if type(item) is tuple]
        if inner:
            depth, count = 1 + max(d for _, d, _ in inner), len(items) + sum(n for _, _, n in inner)
            if depth > MAX_DEPTH or count > MAX_PARTS:
                refuse(f"tuples within tuples, {depth} deep and of {count} parts")
            self.nested[id(items)] = items, depth, count
        self.append(items)

    dispatch |= {pickle.REDUCE[0]: load_reduce, pickle.NEWOBJ[0]: load_newobj, pickle.BUILD[0]: load_build,
                 pickle.APPEND[0]: load_append, pickle.APPENDS[0]: load_appends, pickle.SETITEM[0]: load_setitem,
                 pickle.SETITEMS[0]: load_setitems, pickle.ADDITEMS[0]: load_additems, pickle.TUPLE[0]: load_tuple,
                 pickle.TUPLE1[0]: lambda self: self.load_tuple_of(1), pickle.TUPLE2[0]: lambda self: self.load_tuple_of(2),
                 pickle.TUPLE3[0]: lambda self: self.load_tuple_of(3)}
