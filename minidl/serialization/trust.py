"""What a checkpoint may build, and the unpickler that lets it build nothing else."""

from __future__ import annotations

import collections
import pickle
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.tensor import Size, Tensor, device, wrap
from ..nn.parameter import Buffer, Parameter

__all__ = ["Unpickler", "Storage", "StorageType", "add_safe_globals", "get_safe_globals", "clear_safe_globals", "safe_globals"]


class StorageType:
    """The element type of a storage, under one of PyTorch's names. bfloat16, which NumPy lacks, is widened to float32."""

    def __init__(self, dtype: str, widen: bool = False) -> None:
        self.dtype, self.widen = np.dtype(dtype), widen

    def decode(self, raw: np.ndarray, big_endian: bool) -> np.ndarray:
        """Bytes of a file as elements in native order; no copy unless the order or the width changes."""
        stored = (np.dtype("u2") if self.widen else self.dtype).newbyteorder(">" if big_endian else "<")
        array = raw.view(stored)
        if self.widen:
            return (array.astype("u4") << 16).view("f4")
        return array.astype(self.dtype, copy=False)

    @property
    def itemsize(self) -> int:
        """Bytes of one element in the file."""
        return 2 if self.widen else self.dtype.itemsize


class Storage:
    """A stretch of memory that tensors of a checkpoint are views of."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array


STORAGES = {"Double": "f8", "Float": "f4", "Half": "f2", "Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1", "Byte": "u1", "Bool": "?"}


def rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any = False, hooks: Any = None,
                   metadata: Any = None) -> Tensor:
    """The view of a storage with these sizes and strides (in elements); UnpicklingError unless it lies inside."""
    if not isinstance(storage, Storage):
        raise pickle.UnpicklingError(f"expected a storage, got {type(storage).__name__}")
    numbers = (offset, *size, *stride)
    if len(size) != len(stride) or len(size) > 64 or not all(isinstance(n, int) and n >= 0 for n in numbers):
        raise pickle.UnpicklingError(f"expected sizes and strides that are not negative, got {size!r} and {stride!r}")
    array = storage.array
    last = offset + sum((n - 1) * s for n, s in zip(size, stride))
    if 0 in size:
        return _leaf(np.empty(size, array.dtype), requires_grad)
    if last >= array.size:
        raise pickle.UnpicklingError(f"a tensor of sizes {tuple(size)} and strides {tuple(stride)} at {offset} goes beyond its storage of "
                                     f"{array.size} elements")
    item = array.itemsize
    return _leaf(np.ndarray(size, array.dtype, array, offset * item, [s * item for s in stride]), requires_grad)


def _leaf(array: np.ndarray, requires_grad: Any) -> Tensor:
    t = wrap(array)
    if requires_grad is True and array.dtype.kind == "f":
        t.requires_grad = True
    return t


def rebuild_parameter(data: Any, requires_grad: Any = True, hooks: Any = None, state: Any = None) -> Any:
    if not isinstance(data, Tensor):
        raise pickle.UnpicklingError(f"expected a tensor as a parameter's data, got {type(data).__name__}")
    return Parameter(data, bool(requires_grad) and data._data.dtype.kind == "f")


def rebuild_buffer(data: Any, requires_grad: Any = False, persistent: Any = True, hooks: Any = None) -> Any:
    if not isinstance(data, Tensor):
        raise pickle.UnpicklingError(f"expected a tensor as a buffer's data, got {type(data).__name__}")
    return Buffer(data, persistent=bool(persistent))


def rebuild_scalar(dtype: Any, raw: Any = b"") -> Any:
    """A NumPy scalar."""
    if not isinstance(dtype, np.dtype) or dtype not in dtypes.DTYPES or not isinstance(raw, bytes):
        raise pickle.UnpicklingError("expected the type and the bytes of a NumPy scalar")
    return np.frombuffer(raw, dtype, 1)[0]


def rebuild_dtype(name: Any, *rest: Any) -> np.dtype:
    return dtypes.check_supported(np.dtype(str(name)))


def rebuild_device(kind: Any = "cpu", index: Any = None) -> device:
    """Every device becomes the CPU."""
    return device("cpu")


def encode(text: Any, codec: Any = "latin1") -> bytes:
    """How pickles of protocol 2 spell bytes."""
    if codec != "latin1" or not isinstance(text, str):
        raise pickle.UnpicklingError(f"expected text in latin1, got {type(text).__name__} in {codec!r}")
    return text.encode("latin1")


# Every name that a file may use, and what it means here.
TABLE: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict, ("collections", "defaultdict"): collections.defaultdict,
    ("collections", "Counter"): collections.Counter, ("collections", "deque"): collections.deque,
    ("builtins", "set"): set, ("__builtin__", "set"): set, ("builtins", "frozenset"): frozenset, ("builtins", "slice"): slice,
    ("builtins", "complex"): complex, ("builtins", "int"): int, ("builtins", "float"): float, ("builtins", "list"): list, ("builtins", "dict"): dict,
    ("_codecs", "encode"): encode,
    ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor, ("torch._utils", "_rebuild_tensor"): rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): rebuild_parameter, ("torch._utils", "_rebuild_parameter_with_state"): rebuild_parameter,
    ("torch._utils", "_rebuild_buffer"): rebuild_buffer, ("torch.nn.parameter", "Parameter"): rebuild_parameter,
    ("torch", "Size"): Size, ("torch", "device"): rebuild_device, ("torch", "BFloat16Storage"): StorageType("f4", widen=True),
    ("torch.storage", "UntypedStorage"): StorageType("u1"), ("torch", "UntypedStorage"): StorageType("u1"),
    ("numpy", "dtype"): rebuild_dtype, ("numpy.core.multiarray", "scalar"): rebuild_scalar, ("numpy._core.multiarray", "scalar"): rebuild_scalar,
    ("torch", "contiguous_format"): None, ("torch.serialization", "_get_layout"): lambda name: str(name),
    **{("torch", f"{word}Storage"): StorageType(d) for word, d in STORAGES.items()},
    **{("torch", d.name): d for d in dtypes.DTYPES.values()},
}

_extra: dict[tuple[str, str], Any] = {}


def _named(items: Iterable[Any]) -> dict[tuple[str, str], Any]:
    found = {}
    for item in items:
        value, name = item if isinstance(item, tuple) else (item, f"{item.__module__}.{item.__qualname__}")
        module, _, last = name.rpartition(".")
        found[module, last] = value
    return found


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Lets files build these classes and call these functions too (each itself, or with the name it goes by in the file)."""
    _extra.update(_named(safe_globals))


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` has added."""
    return list(_extra.values())


def clear_safe_globals() -> None:
    """Forgets what `add_safe_globals` has added."""
    _extra.clear()


class safe_globals:
    """`add_safe_globals` for the extent of a ``with``."""

    def __init__(self, safe_globals: list[Any]) -> None:
        self.added = _named(safe_globals)

    def __enter__(self) -> None:
        self.previous = dict(_extra)
        _extra.update(self.added)

    def __exit__(self, *exc: object) -> None:
        _extra.clear()
        _extra.update(self.previous)


class Unpickler(pickle._Unpickler):  # type: ignore[name-defined,misc]
    """An unpickler that knows the table and no other names, and sets no attributes but an OrderedDict's.

    Python's own pure implementation, because it lets each operation be replaced. `storages` gives the memory for a persistent id;
    `modules` also allows the layers of `minidl.nn`.
    """

    dispatch = dict(pickle._Unpickler.dispatch)  # type: ignore[attr-defined]

    def __init__(self, file: Any, storages: Callable[[Any], Storage], modules: bool = False) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages, self.modules = storages, modules

    def find_class(self, module: str, name: str) -> Any:
        for table in (TABLE, _extra):
            if (module, name) in table:
                return table[module, name]
        if self.modules and (found := layer(module, name)) is not None:
            return found
        raise pickle.UnpicklingError(f"{module}.{name} is not among the things that a checkpoint may build here; if you trust the "
                                     f"file's origin, allow it by minidl.serialization.add_safe_globals")

    def persistent_load(self, pid: Any) -> Storage:
        if not (isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage" and isinstance(pid[1], StorageType)
                and isinstance(pid[2], str) and isinstance(pid[4], int) and pid[4] >= 0):
            raise pickle.UnpicklingError(f"unknown persistent id {pid!r:.80}")
        return self.storages(pid)

    def load_build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, collections.OrderedDict) and isinstance(state, dict):
            vars(target).update({k: v for k, v in state.items() if k == "_metadata"})
        elif type(target).__module__.startswith("minidl.nn.") and isinstance(state, dict) or type(target) in _extra.values():
            setstate = getattr(target, "__setstate__", None)
            setstate(state) if setstate else vars(target).update(state)
        else:
            raise pickle.UnpicklingError(f"the state of a {type(target).__name__} may not be set")

    def load_newobj(self) -> None:
        args = self.stack.pop()
        cls = self.stack.pop()
        if not isinstance(cls, type):
            raise pickle.UnpicklingError(f"{cls!r:.80} is not a class")
        self.append(cls.__new__(cls, *args))

    def _refuse(self) -> None:
        raise pickle.UnpicklingError("an operation that checkpoints do not need (extension registry or INST)")

    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.NEWOBJ[0]] = load_newobj
    for _code in (pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.INST, pickle.OBJ, pickle.NEWOBJ_EX):
        dispatch[_code[0]] = _refuse


def layer(module: str, name: str) -> Any:
    """The layer of `minidl.nn` that a pickled module of ours or of PyTorch names; None if there is none."""
    from .. import nn
    if not module.startswith(("torch.nn.modules.", "minidl.nn.modules.")):
        return None
    found = getattr(nn, name, None)
    return found if isinstance(found, type) and issubclass(found, nn.Module) else None
