"""What training scripts put beside the tensors of a checkpoint: NumPy arrays, parsed arguments, paths, packed sequences; built with
``weights_only=False``."""

from __future__ import annotations

import argparse
import math
import pathlib
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.tensor import Tensor
from ..nn.utils.rnn import PackedSequence
from .rebuild import MAX_DIMS, refuse, require

__all__ = ["BUILDERS", "NAMES", "NAMESPACES", "packed", "set_array"]

NAMESPACES = (argparse.Namespace, types.SimpleNamespace)


def empty_array(kind: Any, shape: Any, code: Any) -> np.ndarray:
    """How NumPy's pickles begin an array, whose type, sizes and elements are set afterwards."""
    if kind is not np.ndarray:
        refuse("expected a NumPy array")
    return np.empty(0, np.uint8)


def set_array(array: np.ndarray, state: Any) -> None:
    """Sizes, type and elements of a NumPy array of numbers; UnpicklingError unless there are as many bytes as they need."""
    require(state, "the state of a NumPy array", tuple)
    if len(state) != 5:
        refuse("expected sizes, type, order and bytes as the state of a NumPy array")
    _, shape, dtype, fortran, raw = state
    require(shape, "the sizes of a NumPy array", tuple)
    require(fortran, "whether a NumPy array is column-major", bool)
    require(raw, "the bytes of a NumPy array of numbers", bytes)
    if not isinstance(dtype, np.dtype) or dtype.hasobject:
        refuse("expected the type of a NumPy array of numbers")
    if len(shape) > MAX_DIMS or not all(type(n) is int and n >= 0 for n in shape) or math.prod(shape) * dtype.itemsize != len(raw):
        refuse(f"a NumPy array of sizes {list(shape)!s:.80} does not fit {len(raw)} bytes")
    array.__setstate__((1, shape, dtype, fortran, raw))


def packed(*tensors: Any) -> PackedSequence:
    """A packed sequence of its data, batch sizes, sorted and unsorted indices."""
    if len(tensors) != 4 or not all(t is None or isinstance(t, Tensor) for t in tensors):
        refuse("expected the four tensors of a packed sequence")
    return PackedSequence(*tensors)


def path(kind: type) -> Callable[..., Any]:
    def build(*parts: Any) -> Any:
        for part in parts:
            require(part, "a part of a path", str)
        return kind(*parts)
    return build


PATHS: dict[str, type] = {"PurePosixPath": pathlib.PurePosixPath, "PureWindowsPath": pathlib.PureWindowsPath,
                          "PosixPath": pathlib.Path, "WindowsPath": pathlib.PureWindowsPath}

NAMES: dict[str, Any] = {
    "argparse.Namespace": argparse.Namespace, "types.SimpleNamespace": types.SimpleNamespace, "numpy.ndarray": np.ndarray,
    "numpy.core.multiarray._reconstruct": empty_array, "numpy._core.multiarray._reconstruct": empty_array,
    "builtins.bytes": bytes,
    "torch.nn.utils.rnn.PackedSequence": PackedSequence, "minidl.nn.utils.rnn.PackedSequence": PackedSequence,
    **{f"{module}.{name}": kind for module in ("pathlib", "pathlib._local") for name, kind in PATHS.items()},
}

BUILDERS: dict[Any, Callable[..., Any]] = {
    empty_array: empty_array, bytes: lambda: b"",  # how pickles of protocol 2 spell no bytes
    types.SimpleNamespace: lambda: types.SimpleNamespace(),
    **{kind: path(kind) for kind in PATHS.values()},
}
