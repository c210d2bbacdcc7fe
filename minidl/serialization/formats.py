"""State dicts in NumPy's and safetensors' files."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.tensor import Tensor, from_array
from .rebuild import StorageType

__all__ = ["load_npz", "load_safetensors", "save_npz", "save_safetensors"]

KINDS = {"F64": StorageType("f8"), "F32": StorageType("f4"), "F16": StorageType("f2"), "BF16": StorageType("f4", widen=True),
         "I64": StorageType("i8"), "I32": StorageType("i4"), "I16": StorageType("i2"), "I8": StorageType("i1"),
         "U8": StorageType("u1"), "BOOL": StorageType("b1"), "C64": StorageType("c8")}


def save_npz(tensors: Mapping[str, Tensor], path: str | os.PathLike[str]) -> None:
    """Writes named tensors as an uncompressed ``.npz``."""
    with open(path, "wb") as file:
        arrays: dict[str, Any] = {name: t._data for name, t in tensors.items()}
        np.savez(file, **arrays)


def load_npz(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The named tensors of an ``.npz``; ValueError for pickled objects in it."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name: from_array(arrays[name]) for name in arrays.files}


def save_safetensors(tensors: Mapping[str, Tensor], path: str | os.PathLike[str], metadata: dict[str, str] | None = None) -> None:
    """Writes named tensors in the safetensors format, by its own library (extra ``safetensors``)."""
    from safetensors.numpy import save_file
    save_file({name: np.ascontiguousarray(t._data) for name, t in tensors.items()}, path, metadata)


def load_safetensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The named tensors of a safetensors file; bfloat16 comes widened to float32. ValueError for a file that is damaged, or of other types.

    The file: the length of the header (8 bytes, little-endian); the header, JSON of each tensor's ``dtype``, ``shape`` and
    ``data_offsets``, counted from its end; the elements, row-major. https://github.com/huggingface/safetensors
    """
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        size = os.fstat(file.fileno()).st_size - 8 - length
        if size < 0:
            raise ValueError(f"{os.fsdecode(path)}: not a safetensors file: its header would have {length} bytes")
        try:
            entries = {name: (e["dtype"], [int(n) for n in e["shape"]], *map(int, e["data_offsets"]))
                       for name, e in json.loads(file.read(length)).items() if name != "__metadata__"}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"{os.fsdecode(path)}: not a safetensors file: its header is damaged") from error
        return {name: read_tensor(file, f"{os.fsdecode(path)}: {name}", 8 + length, size, *entry) for name, entry in entries.items()}


def read_tensor(file: Any, what: str, origin: int, size: int, dtype: str, shape: list[int], start: int, stop: int) -> Tensor:
    if dtype not in KINDS:
        raise ValueError(f"{what}: tensors of type {dtype} are not supported; the types are {', '.join(KINDS)}")
    kind = KINDS[dtype]
    if min(shape, default=0) < 0 or not 0 <= start <= stop <= size or stop - start != math.prod(shape) * kind.itemsize:
        raise ValueError(f"{what}: {dtype} of sizes {shape} does not fit bytes {start} to {stop} of {size}")
    file.seek(origin + start)
    return from_array(kind.decode(np.frombuffer(bytearray(file.read(stop - start)), np.uint8)).reshape(shape))
