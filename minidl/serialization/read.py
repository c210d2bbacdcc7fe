"""Reading checkpoints: the zip format (PyTorch 1.6 and later) and the one before it."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import zipfile
import zlib
from mmap import ACCESS_COPY
from mmap import mmap as Map
from typing import Any

import numpy as np

from ..core.tensor import device as Device
from ..core.tensor import require_cpu
from .formats import load_safetensors
from .rebuild import Storage, StorageType, refuse
from .trust import Bounded, Unpickler

__all__ = ["load"]

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
CHUNK = 1 << 20  # bytes read at once


def load(f: Any, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool | None = None,
         mmap: bool | None = None, encoding: str = "utf-8") -> Any:
    """What a checkpoint of PyTorch's or ours holds, from a path or a binary file.

    https://docs.pytorch.org/docs/stable/generated/torch.load.html

    Both formats, either byte order; bfloat16 comes widened to float32; tensors that shared memory share it again. `mmap` maps a
    path's tensors into memory (copy on write, unchecked) instead of reading them. All tensors come
    to the CPU: `map_location` may name it, or be a dict or a function, which is not called. `encoding` is that of Python 2's text.
    A path that ends in ``.safetensors`` is read as such a file.

    Only what `minidl.serialization.rebuild` lists is built. With ``weights_only=False`` layers are, too: those of `minidl.nn` (and
    PyTorch's of the same names), and those of modules that the program has imported already. Nothing is imported for a file, and
    nothing else is called for it even then, unless allowed by `add_safe_globals`.

    Raises pickle.UnpicklingError, naming the file and the reason, for a file that is damaged, foreign, or wants something else.

    >>> import io, minidl as torch
    >>> file = io.BytesIO()
    >>> torch.save({"w": torch.ones(2)}, file)
    >>> _ = file.seek(0)
    >>> torch.load(file)
    {'w': tensor([1., 1.])}
    """
    if pickle_module not in (None, pickle):
        raise ValueError("load: expected no pickle_module but Python's, as checkpoints are read by this library's own")
    if isinstance(map_location, (str, Device)):
        require_cpu(map_location)
    elif map_location is not None and not isinstance(map_location, dict) and not callable(map_location):
        raise TypeError(f"load: expected map_location to be a device, a dict or a function, got {type(map_location).__name__}")
    is_path = isinstance(f, (str, os.PathLike))
    if mmap and not is_path:
        raise ValueError("load: f must be a path in order to use the mmap argument")
    if is_path and os.fsdecode(f).endswith(".safetensors"):
        return load_safetensors(f)
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    modules = not weights_only and (weights_only is not None or pickle_module is not None)
    name = os.fsdecode(f) if is_path else getattr(f, "name", type(f).__name__)
    with open(f, "rb") if is_path else contextlib.nullcontext(f) as file:
        start = file.tell()
        is_zip = file.read(4) == b"PK\x03\x04"
        file.seek(start)
        if mmap and not is_zip:
            raise RuntimeError(f"load: mmap can only be used with files saved in the zip format, which {name} is not")
        try:
            if is_zip:
                return ZipReader(file, modules, encoding, Map(file.fileno(), 0, access=ACCESS_COPY) if mmap else None).read()
            return LegacyReader(file, modules, encoding).read()
        except Exception as error:  # whatever a damaged file leads to
            reason = str(error) if isinstance(error, pickle.UnpicklingError) else f"{type(error).__name__}: {error!s:.300}"
            raise pickle.UnpicklingError(f"{name}: not loaded: {reason}") from error


class ZipReader:
    """A zip archive, uncompressed: ``NAME/data.pkl``, and the storages as ``NAME/data/KEY``."""

    def __init__(self, file: Any, modules: bool, encoding: str, mapped: Map | None) -> None:
        self.file, self.options, self.mapped = file, (modules, encoding), mapped
        self.storages: dict[str, Storage] = {}
        start = file.tell()
        self.size = file.seek(0, os.SEEK_END)
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
        self.records = {info.filename: info for info in infos}
        if min(info.header_offset for info in infos) != start:
            refuse("more than one zip archive in a file: only the last one's table of contents can be found")
        if sum(info.compress_size for info in infos) > self.size:
            refuse("its records claim to be larger than the file")

    def pickled(self, script: bool = False) -> bytes:
        """The bytes of the object's pickle: of a checkpoint's, or of the modules in a TorchScript archive, each refused for the other."""
        roots = [name[:-len("data.pkl")] for name in self.records if name.count("/") == 1 and name.endswith("/data.pkl")]
        if len(roots) != 1:
            refuse("a zip archive, but not of a checkpoint: it has no data.pkl")
        self.root = roots[0]
        if script != (self.root + "constants.pkl" in self.records):
            refuse("no TorchScript archive: it has no constants.pkl" if script else
                   "a TorchScript archive, which holds a program; its tensors are in jit.load(f).state_dict()")
        return self.record("data.pkl").tobytes()

    def read(self) -> Any:
        return self.unpickler(Unpickler, self.pickled()).load()

    def unpickler(self, kind: type, data: bytes) -> Any:
        order = self.record("byteorder").tobytes() if self.root + "byteorder" in self.records else b"little"
        if order not in (b"little", b"big"):
            refuse(f"expected little or big as the byte order, got {order!a:.60}")
        self.big_endian = order == b"big"
        return kind(Bounded(io.BytesIO(data)), self.storage, *self.options)

    def locate(self, name: str) -> tuple[int, Any]:
        """Where the bytes of a record begin, and what the table of contents says of them."""
        info = self.records.get(self.root + name)
        if info is None:
            refuse(f"record {name!a:.60} is missing")
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 or info.compress_size != info.file_size:
            refuse(f"record {name!a:.60} is compressed or encrypted, which no checkpoint is")
        self.file.seek(info.header_offset)
        header = self.file.read(30)  # ends with the lengths of the name and of the extra field that follow
        at = info.header_offset + 30 + sum(struct.unpack("<26x2H", header))
        if not header.startswith(b"PK\x03\x04") or at + info.file_size > self.size:
            refuse(f"record {name!a:.60} is not where the table of contents says")
        return at, info

    def record(self, name: str) -> np.ndarray:
        """The bytes of a record, in memory of our own, checked."""
        at, info = self.locate(name)
        raw = np.empty(info.file_size, np.uint8)
        self.file.seek(at)
        done = check = 0
        while done < len(raw):
            chunk = self.file.read(min(CHUNK, len(raw) - done))
            if not chunk:
                refuse(f"record {name!a:.60} is truncated")
            raw[done:done + len(chunk)] = np.frombuffer(chunk, np.uint8)
            done, check = done + len(chunk), zlib.crc32(chunk, check)
        if check != info.CRC:
            refuse(f"record {name!a:.60} is damaged: its checksum is wrong")
        return raw

    def mapped_record(self, name: str, mapped: Map) -> np.ndarray:
        at, info = self.locate(name)
        return np.frombuffer(mapped, np.uint8, info.file_size, at) if info.file_size else np.empty(0, np.uint8)

    def storage(self, pid: Any) -> Storage:
        kind, key, count = pid[1], pid[2], pid[4]
        if key not in self.storages:
            name = f"data/{key}"
            raw = self.record(name) if self.mapped is None else self.mapped_record(name, self.mapped)
            if count * kind.itemsize > len(raw):
                refuse(f"record {name!a:.60}: expected {count!s:.20} elements of {kind.itemsize} bytes, got {len(raw)} bytes")
            self.storages[key] = Storage(kind, kind.decode(raw[:count * kind.itemsize], self.big_endian))
        return same_kind(self.storages[key], kind)


class LegacyReader:
    """Pickles one behind the other: magic number, protocol, the machine's sizes, the object, the keys of the storages; then
    each storage as its length and its elements, which are little-endian whatever the machine was. (The length was not,
    in the first versions.)"""

    def __init__(self, file: Any, modules: bool, encoding: str) -> None:
        self.file, self.options = Bounded(file), (modules, encoding)
        self.storages: dict[str, Storage] = {}
        self.claimed = 0  # bytes of storages

    def read(self) -> Any:
        try:
            magic = self.value()
        except Exception as error:
            raise pickle.UnpicklingError("neither of PyTorch's checkpoint formats") from error
        if type(magic) is not int or magic != MAGIC:
            refuse("neither of PyTorch's checkpoint formats")
        protocol = self.value()
        if type(protocol) is not int or protocol != PROTOCOL:
            refuse(f"expected version {PROTOCOL} of the format, got another")
        self.value()
        result = self.value()
        keys = self.value()
        if type(keys) is not list or not all(type(key) is str for key in keys) or sorted(keys) != sorted(self.storages):
            refuse("the list of storages is not that of the tensors")
        for key in keys:
            self.fill(key, self.storages[key])
        return result

    def value(self) -> Any:
        return Unpickler(self.file, self.storage, *self.options).load()

    def storage(self, pid: Any) -> Storage:
        kind, key, count, view = pid[1], pid[2], pid[4], pid[5] if len(pid) == 6 else None
        if key not in self.storages:
            self.claimed += count * kind.itemsize
            if self.claimed > self.file.size:
                refuse(f"storage {key!a:.60}: {count!s:.20} elements of {kind.itemsize} bytes are more than the file holds")
            self.storages[key] = Storage(kind, np.zeros(count, kind.dtype), [])
        storage = same_kind(self.storages[key], kind)
        if view is None:
            return storage
        if type(view) is not tuple or len(view) != 3 or not all(type(n) is int and n >= 0 for n in view[1:]):
            refuse("expected name, offset and length of a storage within another")
        return Storage(kind, storage.array[view[1]:view[1] + view[2]], storage.waiting)

    def fill(self, key: str, storage: Storage) -> None:
        count = storage.array.size
        if self.file.read(8) not in (struct.pack("<q", count), struct.pack(">q", count)):
            refuse(f"storage {key!a:.60} has not the {count} elements that are expected")
        raw = self.file.read(count * storage.kind.itemsize)
        storage.array[...] = storage.kind.decode(np.frombuffer(raw, np.uint8))
        for compute, view, out in storage.waiting or ():
            compute(view, out)


def same_kind(storage: Storage, kind: StorageType) -> Storage:
    if storage.kind is not kind:
        refuse("one storage under two types of element")
    return storage
