"""Writing checkpoints that PyTorch reads."""

from __future__ import annotations

import collections
import io
import os
import pickle
import struct
import sys
import zipfile
from typing import Any

import numpy as np

from ..core.dtypes import dtype, word
from ..core.tensor import Size, Tensor, device
from ..nn.parameter import Buffer, Parameter
from .read import MAGIC, PROTOCOL

__all__ = ["save"]

ALIGNMENT = 64  # of every storage in the file, so that it can be mapped


class Global:
    """A name of PyTorch's, written as such."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self, *args: Any) -> None:
        raise TypeError(f"{self.module}.{self.name} is only a name here")


REBUILD_TENSOR, REBUILD_PARAMETER = Global("torch._utils", "_rebuild_tensor_v2"), Global("torch._utils", "_rebuild_parameter")
REBUILD_BUFFER = Global("torch._utils", "_rebuild_buffer")


class StorageOf:
    """The place of a tensor's storage in the pickle; resolved by `Pickler.persistent_id`."""

    def __init__(self, key: str, kind: str, count: int) -> None:
        self.key, self.kind, self.count = key, kind, count


class Pickler(pickle._Pickler):  # type: ignore[name-defined,misc]
    """Writes tensors as PyTorch does, and gathers the memory they are views of: each once, whoever shares it."""

    dispatch = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def __init__(self, file: Any, protocol: int, legacy: bool) -> None:
        super().__init__(file, protocol)
        self.legacy = legacy
        self.storages: dict[str, np.ndarray] = {}
        self.itemsizes: dict[str, int] = {}
        self._keys: dict[tuple[int, int], tuple[str, np.ndarray]] = {}

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, StorageOf):
            return None
        pid = ("storage", Global("torch", obj.kind + "Storage"), obj.key, "cpu", obj.count)
        return (*pid, None) if self.legacy else pid

    def save_global_name(self, obj: Global) -> None:
        self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        self.memoize(obj)

    dispatch[Global] = save_global_name

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Parameter):
            return REBUILD_PARAMETER, (obj.detach(), obj.requires_grad, collections.OrderedDict())
        if isinstance(obj, Buffer):
            return REBUILD_BUFFER, (obj.detach(), obj.requires_grad, obj.persistent)
        if isinstance(obj, Tensor):
            return self.tensor(obj)
        if isinstance(obj, Size):
            return Global("torch", "Size"), (tuple(obj),)
        if isinstance(obj, device):
            return Global("torch", "device"), ("cpu",)
        return NotImplemented

    def save(self, obj: Any, save_persistent_id: bool = True) -> Any:
        if isinstance(obj, dtype):
            obj = Global("torch", obj.name)
        return super().save(obj, save_persistent_id)

    def tensor(self, t: Tensor) -> Any:
        array = t._data
        owner = memory_of(array)
        pointer = owner.__array_interface__["data"][0]
        place = (pointer, owner.nbytes) if owner.nbytes else (id(owner), 0)
        if place not in self._keys:
            key = str(len(self._keys))
            self._keys[place] = key, owner  # keeps the memory, hence the address
            self.storages[key] = owner
            self.itemsizes[key] = array.itemsize
        key = self._keys[place][0]
        offset = (array.__array_interface__["data"][0] - pointer) // array.itemsize if array.size else 0
        strides = tuple(s // array.itemsize for s in array.strides)
        storage = StorageOf(key, word(array.dtype), owner.nbytes // array.itemsize)
        return REBUILD_TENSOR, (storage, offset, tuple(array.shape), strides, t.requires_grad, collections.OrderedDict())


def memory_of(array: np.ndarray) -> np.ndarray:
    """The whole stretch of memory that an array is a view of, as bytes; a copy where the view is one that PyTorch lacks."""
    owner = array
    while isinstance(owner.base, np.ndarray) and type(owner.base) is np.ndarray:
        owner = owner.base
    if any(s < 0 for s in array.strides) or not (owner.flags.c_contiguous or owner.flags.f_contiguous or _is_permuted(owner)):
        raise RuntimeError(f"save: a tensor with strides {array.strides} has no place in PyTorch's format; clone() it first")
    flat = owner.transpose(np.argsort([-s for s in owner.strides], kind="stable"))
    return flat.reshape(-1).view(np.uint8)


def _is_permuted(array: np.ndarray) -> bool:
    return array.transpose(np.argsort([-s for s in array.strides], kind="stable")).flags.c_contiguous


def save(obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: int = 2, _use_new_zipfile_serialization: bool = True) -> None:
    """Writes `obj` (tensors, parameters, numbers, text, in nested dicts, lists and tuples) to a path or binary file as PyTorch's checkpoint.

    `minidl.load` and ``torch.load`` read it. Tensors that share memory share it in the file. A path is written beside and renamed, so at
    every moment it is the old file or the new one, whole. https://docs.pytorch.org/docs/stable/generated/torch.save.html
    """
    write = _write_zip if _use_new_zipfile_serialization else _write_legacy
    if not isinstance(f, (str, os.PathLike)):
        write(obj, f, pickle_protocol)
        return
    path = os.fspath(f)
    folder, name = os.path.split(path)
    beside = os.path.join(folder, f".{name}.{os.getpid()}.tmp")
    try:
        with open(beside, "wb") as file:
            write(obj, file, pickle_protocol)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        if os.path.exists(beside):
            os.unlink(beside)
        raise


def _pickled(obj: Any, protocol: int, legacy: bool) -> tuple[bytes, Pickler]:
    buffer = io.BytesIO()
    pickler = Pickler(buffer, protocol, legacy)
    pickler.dump(obj)
    return buffer.getvalue(), pickler


def _write_zip(obj: Any, file: Any, protocol: int) -> None:
    data, pickler = _pickled(obj, protocol, legacy=False)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _record(archive, "data.pkl", data)
        _record(archive, "byteorder", sys.byteorder.encode())
        for key, memory in pickler.storages.items():
            _record(archive, f"data/{key}", memoryview(memory))
        _record(archive, "version", b"3\n")


def _record(archive: zipfile.ZipFile, name: str, data: Any) -> None:
    """One record, its data aligned by a filling field in the header."""
    info = zipfile.ZipInfo("archive/" + name)
    info.file_size = len(data)
    gap = -(archive.start_dir + 30 + len(info.filename) + 4) % ALIGNMENT
    info.extra = b"FB" + struct.pack("<H", gap) + b"Z" * gap
    with archive.open(info, "w") as target:
        target.write(data)


def _write_legacy(obj: Any, file: Any, protocol: int) -> None:
    data, pickler = _pickled(obj, protocol, legacy=True)
    sizes = {"protocol_version": PROTOCOL, "little_endian": sys.byteorder == "little", "type_sizes": {"short": 2, "int": 4, "long": 4}}
    for value in (MAGIC, PROTOCOL, sizes):
        pickle.dump(value, file, protocol)
    file.write(data)
    pickle.dump(list(pickler.storages), file, protocol)
    for key, memory in pickler.storages.items():
        file.write(struct.pack("=q", len(memory) // pickler.itemsizes[key]))
        file.write(memoryview(memory))
