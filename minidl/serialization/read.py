"""Reading checkpoints: the zip format (PyTorch 1.6 and later) and the one before it."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from typing import Any

import numpy as np

from ..core.tensor import device as Device
from .trust import Storage, StorageType, Unpickler

__all__ = ["load"]

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
ERRORS = (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, KeyError, ValueError, TypeError, AttributeError, IndexError,
          struct.error, OverflowError, RuntimeError, NotImplementedError, MemoryError, RecursionError, AssertionError)


def load(f: Any, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool = True, mmap: bool | None = None,
         **pickle_load_args: Any) -> Any:
    """What a checkpoint of PyTorch's or ours holds, from a path or a binary file. https://docs.pytorch.org/docs/stable/generated/torch.load.html

    Both formats, either byte order; bfloat16 comes widened to float32; tensors that shared memory share it again. `mmap` maps a path's
    tensors into memory (copy on write) instead of reading them. `map_location` may only name the CPU, where all tensors come.
    Only what `minidl.serialization.trust` lists is built. With ``weights_only=False`` layers of `minidl.nn` (and PyTorch's of the same
    names) are, too; nothing else is executed even then, unless allowed by `add_safe_globals`.

    Raises pickle.UnpicklingError, naming the file and the reason, for a file that is damaged, foreign, or wants something else.

    >>> import io, minidl as torch
    >>> file = io.BytesIO()
    >>> torch.save({"w": torch.ones(2)}, file)
    >>> _ = file.seek(0)
    >>> torch.load(file)
    {'w': tensor([1., 1.])}
    """
    if isinstance(map_location, (str, Device)):
        Device(map_location)
    is_path = isinstance(f, (str, os.PathLike))
    if mmap and not is_path:
        raise ValueError("load: f must be a path in order to use the mmap argument")
    name = os.fspath(f) if is_path else getattr(f, "name", type(f).__name__)
    file = open(f, "rb") if is_path else f
    try:
        start = file.tell()
        is_zip = file.read(4) == b"PK\x03\x04"
        file.seek(start)
        reader: Any = ZipReader if is_zip else LegacyReader
        return reader(file, not weights_only, name if mmap else None).read()
    except ERRORS as error:
        reason = str(error) or type(error).__name__
        raise pickle.UnpicklingError(f"{name}: not loaded: {reason}") from error
    finally:
        if is_path:
            file.close()


class ZipReader:
    """A zip archive, uncompressed: ``NAME/data.pkl``, and the storages as ``NAME/data/KEY``."""

    def __init__(self, file: Any, modules: bool, mapped: Any) -> None:
        self.file, self.modules, self.mapped = file, modules, mapped
        self.storages: dict[str, tuple[StorageType, Storage]] = {}

    def read(self) -> Any:
        with zipfile.ZipFile(self.file) as self.archive:
            names = [n for n in self.archive.namelist() if n.count("/") == 1 and n.endswith("/data.pkl")]
            if len(names) != 1:
                raise pickle.UnpicklingError("a zip archive, but not of a checkpoint (it has no data.pkl)")
            self.root = names[0][:-len("data.pkl")]
            self.file.seek(0, os.SEEK_END)
            size = self.file.tell()
            if sum(info.file_size for info in self.archive.infolist()) > size:
                raise pickle.UnpicklingError("its records claim to be larger than the file")
            self.big_endian = self.root + "byteorder" in self.archive.namelist() and self.record("byteorder").tobytes() == b"big"
            return Unpickler(io.BytesIO(self.record("data.pkl").tobytes()), self.storage, self.modules).load()

    def record(self, name: str) -> np.ndarray:
        """The bytes of one record, in memory of our own."""
        info = self.archive.getinfo(self.root + name)
        if info.compress_type != zipfile.ZIP_STORED:
            raise pickle.UnpicklingError(f"record {name} is compressed, which no checkpoint is")
        raw = np.empty(info.file_size, np.uint8)
        with self.archive.open(info) as source:
            if source.readinto(memoryview(raw)) != len(raw) or source.read(1):  # type: ignore[attr-defined]
                raise pickle.UnpicklingError(f"record {name} is truncated")
        return raw

    def mapped_record(self, name: str) -> np.ndarray:
        """The same, mapped from the file; an edit stays in memory."""
        info = self.archive.getinfo(self.root + name)
        self.file.seek(info.header_offset + 26)
        lengths = struct.unpack("<HH", self.file.read(4))
        offset = info.header_offset + 30 + sum(lengths)
        if not info.file_size:
            return np.empty(0, np.uint8)
        return np.memmap(self.mapped, np.uint8, "c", offset, (info.file_size,)).view(np.ndarray)

    def storage(self, pid: Any) -> Storage:
        kind, key, count = pid[1], pid[2], pid[4]
        if key in self.storages:
            known, storage = self.storages[key]
            if known.dtype == kind.dtype and known.widen == kind.widen:
                return storage
            return Storage(storage.array.view(kind.dtype))
        name = f"data/{key}"
        raw = self.record(name) if self.mapped is None else self.mapped_record(name)
        if count * kind.itemsize > len(raw):
            raise pickle.UnpicklingError(f"record {name}: expected {count} elements of {kind.itemsize} bytes, got {len(raw)} bytes")
        storage = Storage(kind.decode(raw[:count * kind.itemsize], self.big_endian))
        self.storages[key] = kind, storage
        return storage


class LegacyReader:
    """Pickles one behind the other: magic number, protocol, the machine's sizes, the object, the keys of the storages; then
    each storage as its length and its elements."""

    def __init__(self, file: Any, modules: bool, mapped: Any) -> None:
        if mapped is not None:
            raise RuntimeError("mmap needs a checkpoint in the zip format")
        self.file, self.modules = file, modules
        self.storages: dict[str, tuple[StorageType, Storage]] = {}

    def read(self) -> Any:
        start = self.file.tell()
        self.file.seek(0, os.SEEK_END)
        self.size = self.file.tell()
        self.file.seek(start)
        if self.value() != MAGIC:
            raise pickle.UnpicklingError("neither of PyTorch's checkpoint formats")
        if (protocol := self.value()) != PROTOCOL:
            raise pickle.UnpicklingError(f"expected protocol {PROTOCOL}, got {protocol!r:.80}")
        info = self.value()
        self.big_endian = isinstance(info, dict) and info.get("little_endian") is False
        result = self.value()
        keys = self.value()
        if not isinstance(keys, list) or set(keys) != set(self.storages):
            raise pickle.UnpicklingError("the list of storages is not that of the tensors")
        for key in keys:
            self.fill(key)
        return result

    def value(self) -> Any:
        return Unpickler(self.file, self.storage, self.modules).load()

    def storage(self, pid: Any) -> Storage:
        kind, key, count = pid[1], pid[2], pid[4]
        if key not in self.storages:
            if count * kind.itemsize > self.size:
                raise pickle.UnpicklingError(f"storage {key!r:.40}: {count} elements of {kind.itemsize} bytes are more than the file holds")
            self.storages[key] = kind, Storage(np.zeros(count, kind.dtype))
        known, storage = self.storages[key]
        if len(pid) > 5 and pid[5] is not None:
            _, offset, length = pid[5]
            return Storage(storage.array[offset:offset + length])
        return storage if known.dtype == kind.dtype else Storage(storage.array.view(kind.dtype))

    def fill(self, key: str) -> None:
        kind, storage = self.storages[key]
        head = self.file.read(8)
        if len(head) != 8:
            raise EOFError(f"truncated before storage {key!r:.40}")
        count, = struct.unpack(">q" if self.big_endian else "<q", head)
        if count != storage.array.size:
            raise pickle.UnpicklingError(f"storage {key!r:.40}: expected {storage.array.size} elements, got {count}")
        raw = self.file.read(count * kind.itemsize)
        if len(raw) != count * kind.itemsize:
            raise EOFError(f"truncated in storage {key!r:.40}")
        storage.array[...] = kind.decode(np.frombuffer(raw, np.uint8), self.big_endian)
