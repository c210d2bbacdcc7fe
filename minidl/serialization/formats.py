"""State dicts in NumPy's and safetensors' files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.tensor import Tensor, from_array

__all__ = ["load_npz", "load_safetensors", "save_npz", "save_safetensors"]


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
    """The named tensors of a safetensors file, by its own library (extra ``safetensors``)."""
    from safetensors.numpy import load_file
    found: dict[str, Any] = load_file(path)
    return {name: from_array(array) for name, array in found.items()}
