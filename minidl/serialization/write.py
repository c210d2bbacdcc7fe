"""Writing checkpoints that PyTorch reads."""

from __future__ import annotations

import collections
import contextlib
import io
import os
import pickle
import shutil
import struct
import sys
import threading
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from ..core.dtypes import dtype, word
from ..core.tensor import Size, Tensor, device, wrap
from ..nn.parameter import Buffer, Parameter, is_lazy
from .read import MAGIC, PROTOCOL

__all__ = ["DEFAULT_PROTOCOL", "replacing", "save"]

PythonPickler: Any = vars(pickle)["_Pickler"]  # in Python, so that it can be taught to write names
DEFAULT_PROTOCOL = 2  # of pickles: what PyTorch writes
ALIGNMENT = 64  # of every storage in the file, so that it can be mapped


class Global:
    """A name of PyTorch's, written as such."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self, *args: Any) -> None:
        raise TypeError(f"{self.module}.{self.name} is only a name here")


TENSOR, SIZE, DEVICE = Global("torch", "Tensor"), Global("torch", "Size"), Global("torch", "device")
REBUILD_TENSOR = Global("torch._utils", "_rebuild_tensor_v2")
REBUILD_PARAMETER = Global("torch._utils", "_rebuild_parameter")
REBUILD_PARAMETER_WITH_STATE = Global("torch._utils", "_rebuild_parameter_with_state")
REBUILD_FROM_TYPE = Global("torch._tensor", "_rebuild_from_type_v2")


class StorageOf:
    """The place of a tensor's storage in the pickle; resolved by `Pickler.persistent_id`."""

    def __init__(self, key: str, memory: np.ndarray) -> None:
        self.key, self.memory = key, memory


class Pickler(PythonPickler):  # type: ignore[misc]
    """Writes tensors as PyTorch does, and gathers the memory they are views of: each once, whoever shares it."""

    def __init__(self, file: Any, protocol: int, legacy: bool) -> None:
        super().__init__(file, protocol)
        self.legacy = legacy
        self.storages: dict[tuple[int, int], StorageOf] = {}  # by address and length; keeping the memory keeps the address

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, StorageOf):
            return None
        pid = ("storage", Global("torch", word(obj.memory.dtype) + "Storage"), obj.key, "cpu", obj.memory.size)
        return (*pid, None) if self.legacy else pid

    def save_global_name(self, obj: Any) -> None:
        self.write(pickle.GLOBAL + f"{getattr(obj, 'module', 'torch')}\n{obj.name}\n".encode())
        self.memoize(obj)

    dispatch: ClassVar = {**PythonPickler.dispatch, Global: save_global_name, dtype: save_global_name}

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Tensor):
            return self.uninitialized(obj) if is_lazy(obj) else self.tensor(obj)
        if isinstance(obj, Size):
            return SIZE, (tuple(obj),)
        if isinstance(obj, device):
            return DEVICE, ("cpu",) if obj.index is None else ("cpu", obj.index)
        return NotImplemented

    def uninitialized(self, t: Any) -> Any:
        return Global("torch.nn.parameter", type(t).__name__), (t.requires_grad, device(), t.dtype)

    def tensor(self, t: Tensor) -> Any:
        """The call that rebuilds a tensor, in PyTorch's choice of words for parameters, attributes and subclasses."""
        for hook in (t._hooks or {}).values():
            if not hasattr(hook, "__torch_unserializable__"):
                warnings.warn(f"backward hook {hook} on tensor will not be serialized.  If this is expected, you can decorate the "
                              "function with @torch.utils.hooks.unserializable_hook to suppress this warning", stacklevel=2)
        state = {name: value for name, value in vars(t).items() if not name.startswith("_")}
        if isinstance(t, Parameter):
            args: tuple[Any, ...] = wrap(t._data), t.requires_grad, collections.OrderedDict()
            if type(t) is Parameter:
                return (REBUILD_PARAMETER_WITH_STATE, (*args, state)) if state else (REBUILD_PARAMETER, args)
            return REBUILD_FROM_TYPE, (REBUILD_PARAMETER, type(t), args, state)
        args = (*self.view(t._data), t.requires_grad, collections.OrderedDict())
        if isinstance(t, Buffer):
            return REBUILD_FROM_TYPE, (REBUILD_TENSOR, TENSOR, args, {**state, "_is_buffer": True})
        if state or type(t) is not Tensor:
            return REBUILD_FROM_TYPE, (REBUILD_TENSOR, TENSOR if type(t) is Tensor else type(t), args, state)
        return REBUILD_TENSOR, args

    def view(self, array: np.ndarray) -> tuple[StorageOf, int, tuple[int, ...], tuple[int, ...]]:
        """An array as its storage, and offset, sizes and strides there, in elements."""
        array, memory = memory_of(array)
        place = address(memory), memory.nbytes
        if not memory.nbytes or place not in self.storages:
            place = place if memory.nbytes else (-len(self.storages), 0)
            self.storages[place] = StorageOf(str(len(self.storages)), memory)
        storage = self.storages[place]
        if storage.memory.dtype != array.dtype:
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data as different types: "
                               f"{storage.memory.dtype} and {array.dtype}; clone() one of them")
        offset = (address(array) - address(memory)) // array.itemsize if array.size else 0
        strides = tuple(s // array.itemsize if n > 1 else 1 for n, s in zip(array.shape, array.strides))
        return storage, offset, tuple(array.shape), strides


def address(array: np.ndarray) -> int:
    pointer: int = array.__array_interface__["data"][0]
    return pointer


def memory_of(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An array, and the whole stretch of memory that it is a view of as a dense array of its dtype.

    Where PyTorch has no such view (negative strides, memory with gaps, unaligned elements), both are a contiguous copy.
    """
    owner, below = array, array  # type: np.ndarray, Any
    while (below := getattr(below, "base", None)) is not None:
        if isinstance(below, np.ndarray):
            owner = below
    flat = owner.view(np.ndarray).transpose(sorted(range(owner.ndim), key=lambda dim: -owner.strides[dim]))
    steps = [s for n, s in zip(array.shape, array.strides) if n > 1]
    places = [owner.nbytes, address(array) - address(owner) if array.size else 0, *steps]
    if not flat.flags.c_contiguous or min(steps, default=0) < 0 or any(n % array.itemsize for n in places):
        array = flat = np.array(array, order="C")
    return array, flat.reshape(-1).view(array.dtype)


def save(obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: int = DEFAULT_PROTOCOL,
         _use_new_zipfile_serialization: bool = True) -> None:
    """Writes `obj` (tensors, numbers, text, in nested dicts, lists and tuples) to a path or binary file as PyTorch's checkpoint.

    `minidl.load` and ``torch.load`` read it. Tensors that share memory share it in the file, and all of that memory is written.
    A path is written beside and renamed, so at every moment it is the old file or the new one, whole.
    https://docs.pytorch.org/docs/stable/generated/torch.save.html
    """
    if pickle_module not in (None, pickle):
        raise ValueError("save: expected no pickle_module but Python's, as checkpoints are written by this library's own")
    if pickle_protocol < 1:
        raise ValueError(f"save: expected pickle_protocol 1 or higher, as 0 has no tuples to name storages by, got {pickle_protocol}")
    write = _write_zip if _use_new_zipfile_serialization else _write_legacy
    with replacing(f) if isinstance(f, (str, os.PathLike)) else contextlib.nullcontext(f) as file:
        write(obj, file, pickle_protocol)


@contextlib.contextmanager
def replacing(f: Any) -> Iterator[Any]:
    """A file beside `f`, which takes its place and its permissions at the end; `f` itself where it is a device or a pipe."""
    path = os.path.realpath(os.fsdecode(f))
    folder, name = os.path.split(path)
    beside = os.path.join(folder, f".{name:.100}.{os.getpid()}-{threading.get_ident()}.tmp")
    special = os.path.exists(path) and not os.path.isfile(path)
    if special:
        with open(path, "wb") as file:
            yield file
        return
    file = opened(beside, path)
    try:
        with file:
            if os.path.exists(path):
                shutil.copymode(path, beside)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)


def opened(beside: str, path: str) -> Any:
    try:
        return open(beside, "wb")
    except OSError as error:
        raise OSError(error.errno, f"save: {error.strerror}", path) from None


def _pickled(obj: Any, protocol: int, legacy: bool) -> tuple[bytes, list[StorageOf]]:
    buffer = io.BytesIO()
    pickler = Pickler(buffer, protocol, legacy)
    pickler.dump(obj)
    return buffer.getvalue(), list(pickler.storages.values())


class FromHere:
    """A file whose position 0 is where it stands: PyTorch looks for the records of an archive from its beginning."""

    def __init__(self, file: Any) -> None:
        self.write, self.flush, self.file = file.write, file.flush, file
        self.start: int = file.tell()

    def tell(self) -> int:
        position: int = self.file.tell()
        return position - self.start

    def seek(self, position: int) -> None:
        self.file.seek(self.start + position)


def _write_zip(obj: Any, file: Any, protocol: int) -> None:
    data, storages = _pickled(obj, protocol, legacy=False)
    with contextlib.suppress(AttributeError, OSError):  # of streams, whose positions zipfile counts itself
        file = FromHere(file)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _record(archive, "data.pkl", data)
        _record(archive, "byteorder", sys.byteorder.encode())
        for storage in storages:
            _record(archive, f"data/{storage.key}", storage.memory.view(np.uint8).data)
        _record(archive, "version", b"3\n")


def _record(archive: zipfile.ZipFile, name: str, data: Any) -> None:
    """One record, its data aligned by a filling field in the header."""
    info = zipfile.ZipInfo("archive/" + name)
    info.file_size = len(data)
    large = 20 if info.file_size * 1.05 > zipfile.ZIP64_LIMIT else 0  # bytes of the field that zipfile adds
    gap = -(archive.start_dir + 30 + len(info.filename) + 4 + large) % ALIGNMENT
    info.extra = b"FB" + struct.pack("<H", gap) + b"Z" * gap
    with archive.open(info, "w") as target:
        target.write(data)


def _write_legacy(obj: Any, file: Any, protocol: int) -> None:
    data, storages = _pickled(obj, protocol, legacy=True)
    sizes = {"protocol_version": PROTOCOL, "little_endian": sys.byteorder == "little",
             "type_sizes": {"short": 2, "int": 4, "long": 4}}
    for value in (MAGIC, PROTOCOL, sizes):
        pickle.dump(value, file, protocol)
    file.write(data)
    pickle.dump([storage.key for storage in storages], file, protocol)
    for storage in storages:
        file.write(struct.pack("<q", storage.memory.size))
        little = storage.memory.astype(storage.memory.dtype.newbyteorder("<"), copy=False)
        file.write(little.view(np.uint8).data)
