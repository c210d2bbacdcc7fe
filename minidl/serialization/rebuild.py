"""What a checkpoint may name: each name's meaning here, and how it is built when the file calls it."""

from __future__ import annotations

import collections
import pickle
import sys
import types
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from .. import nn
from ..core import dtypes
from ..core.tensor import Hooks, Size, Tensor, device, wrap
from ..nn.modules.module import Module
from ..nn.parameter import (
    Buffer,
    Parameter,
    UninitializedBuffer,
    UninitializedParameter,
    UninitializedTensorMixin,
)

__all__ = ["BUILDERS", "NAMES", "Storage", "StorageType", "in_python_3", "layer", "refuse", "set_byte_order"]

MAX_DIMS = 64  # of a NumPy array, and of a PyTorch tensor
SCALARS = ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]


def refuse(reason: str) -> NoReturn:
    raise pickle.UnpicklingError(reason)


def require(value: Any, what: str, *kinds: type) -> None:
    """That a value is exactly of one of these types; what the file holds is not shown, as its repr may be endless."""
    if type(value) not in kinds:
        refuse(f"expected {what}, got {type(value).__name__}")


class StorageType:
    """The element type of a storage, under one of PyTorch's names. bfloat16, which NumPy lacks, is widened to float32."""

    def __init__(self, dtype: str, widen: bool = False) -> None:
        self.dtype, self.widen = np.dtype(dtype), widen
        self.itemsize = 2 if widen else self.dtype.itemsize  # in the file

    def decode(self, raw: np.ndarray, big_endian: bool = False) -> np.ndarray:
        """Bytes of a file as elements in native order; no copy unless something has to change."""
        stored = (np.dtype("u2") if self.widen else self.dtype).newbyteorder(">" if big_endian else "<")
        array: np.ndarray
        if self.widen:
            array = (raw.view(stored).astype("u4") << 16).view("f4")
        elif self.dtype.kind == "b" and raw.max(initial=0) > 1:
            array = raw != 0
        else:
            array = raw.view(stored).astype(self.dtype, copy=False)
        return array


class Storage:
    """A stretch of memory that tensors of a checkpoint are views of."""

    def __init__(self, kind: StorageType, array: np.ndarray, waiting: list[Any] | None = None) -> None:
        self.kind, self.array = kind, array
        self.waiting = waiting  # ufuncs with input and output, for when the elements will have been read; None if they have been


# ---- tensors


def rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any = False, hooks: Any = None,
                   metadata: Any = None) -> Tensor:
    """The view of a storage with these sizes and strides (in elements); UnpicklingError unless it lies inside.

    `metadata` tells of a conjugate, or a sign, that PyTorch had not computed yet.
    """
    require(storage, "a storage", Storage)
    for numbers in (size, stride):
        require(numbers, "a tuple of sizes or strides", tuple, list, Size)
    if len(size) != len(stride) or len(size) > MAX_DIMS or not all(type(n) is int and n >= 0 for n in (offset, *size, *stride)):
        refuse(f"expected up to {MAX_DIMS} sizes, as many strides and an offset, none of them negative")
    array = storage.array
    if 0 in size:
        t = wrap(np.empty(size, array.dtype))
    elif offset + sum((n - 1) * s for n, s in zip(size, stride)) >= array.size:
        refuse(f"a tensor of sizes {list(size)!s:.80} and strides {list(stride)!s:.80} at {offset!s:.20} goes beyond its storage "
               f"of {array.size} elements")
    else:
        t = wrap(np.ndarray(size, array.dtype, array, offset * array.itemsize, [s * array.itemsize for s in stride]))
    for bit, compute in (("conj", np.conjugate), ("neg", np.negative)):
        if type(metadata) is dict and metadata.get(bit) is True:
            view, t._data = t._data, np.empty_like(t._data)
            if storage.waiting is None:
                compute(view, t._data)
            else:
                storage.waiting.append((compute, view, t._data))
    t._rg = requires_grad is True and array.dtype.kind in "fc"
    return t


def rebuild_parameter(data: Any, requires_grad: Any = True, hooks: Any = None, state: Any = None) -> Tensor:
    require(data, "a tensor as a parameter's data", Tensor, Buffer)
    return with_attributes(Parameter(data, requires_grad is True and data._data.dtype.kind in "fc"), state)


def rebuild_from_type(function: Any, kind: Any, args: Any, state: Any) -> Tensor:
    """A tensor of a subclass, or one with attributes of its own; a buffer is one with the attribute `_is_buffer`."""
    known = function is rebuild_tensor or function is rebuild_parameter
    if not (known and isinstance(kind, type) and issubclass(kind, Tensor)) or issubclass(kind, UninitializedTensorMixin):
        refuse("expected a type of tensor and how to build it")
    require(args, "arguments", tuple)
    t: Tensor = function(*args)
    if kind is not type(t):
        t.__class__ = kind
    if type(state) is dict and state.get("_is_buffer") is True:
        t = Buffer(t)
    return with_attributes(t, state)


def with_attributes(t: Tensor, state: Any) -> Tensor:
    """The tensor with the attributes that its user gave it; ours begin with an underscore and are not the file's to set."""
    if type(state) is dict:
        vars(t).update({k: v for k, v in state.items() if type(k) is str and not k.startswith("_") and not hasattr(Tensor, k)})
    return t


def uninitialized(kind: Any) -> Callable[..., Tensor]:
    def build(requires_grad: Any = True, device: Any = None, dtype: Any = None) -> Tensor:
        require(dtype, "a dtype", dtypes.dtype, type(None))
        t: Tensor = kind(requires_grad is True, dtype=dtype)
        return t
    return build


# ---- everything else


def collection(kind: Any) -> Callable[..., Any]:
    def build(items: Any = ()) -> Any:
        require(items, f"the elements of a {kind.__name__}", list, tuple, set)
        return kind(items)
    return build


def ordered(pairs: Any = ()) -> Any:
    """An OrderedDict; only Python 2 passed it its items."""
    require(pairs, "a list of pairs", list, tuple)
    for pair in pairs:
        require(pair, "a pair", list, tuple)
    return collections.OrderedDict(pairs)


def default_dict(factory: Any = None) -> Any:
    require(factory, "a type that makes the missing values", type, type(None))
    return collections.defaultdict(factory)


def counter(counts: Any = None) -> Any:
    require(counts, "a dict of counts", dict, type(None))
    return collections.Counter(counts)


def deque(items: Any = (), maxlen: Any = None) -> Any:
    require(items, "the elements of a deque", list, tuple)
    return collections.deque(items, maxlen)


def complex_number(real: Any = 0.0, imag: Any = 0.0) -> complex:
    for part in (real, imag):
        require(part, "the parts of a complex number", float, int)
    return complex(real, imag)


def encode(text: Any, codec: Any = "latin1") -> bytes:
    """How pickles of protocol 2 spell bytes."""
    if type(text) is not str:
        refuse(f"expected text, got {type(text).__name__}")
    if type(codec) is not str or codec not in ("latin1", "latin-1"):
        refuse("expected latin1 as the codec of bytes")
    return text.encode("latin1")


def byte_array(data: Any = b"", codec: Any = "latin1") -> bytearray:
    """A number, which would be a length, is refused."""
    return bytearray(data if type(data) is bytes else encode(data, codec))


def size(sizes: Any = ()) -> Size:
    require(sizes, "a tuple of sizes", tuple, list)
    for n in sizes:
        require(n, "a size", int)
    return Size(sizes)


def cpu(kind: Any = "cpu", index: Any = None) -> device:
    """Every device becomes the CPU."""
    require(kind, "the name of a device", str)
    return device("cpu")


def numpy_dtype(name: Any, align: Any = False, copy: Any = True) -> np.dtype:
    """A copy, since the file is going to set its byte order."""
    if type(name) is not str or name not in SCALARS:
        refuse("expected the type of a NumPy number")
    return np.dtype(name, False, True)


def set_byte_order(dtype: np.dtype, state: Any) -> None:
    """The rest of a NumPy dtype: of its state only the byte order means something for a number."""
    if type(state) is not tuple or len(state) < 2 or type(state[1]) is not str or state[1] not in tuple("<>|"):
        refuse("expected the state of a NumPy dtype")
    dtype.__setstate__((3, state[1], None, None, None, -1, -1, 0))  # type: ignore[attr-defined]


def numpy_scalar(dtype: Any, raw: Any) -> Any:
    if not isinstance(dtype, np.dtype) or type(raw) is not bytes or len(raw) != dtype.itemsize:
        refuse("expected the type and the bytes of a NumPy scalar")
    return np.frombuffer(raw, dtype)[0]


def no_backend() -> None:
    """What layers of PyTorch before 1.3 kept beside their parameters."""


# Every name that a file may use, and what it means here.
NAMES: dict[str, Any] = {
    **{f"collections.{kind.__name__}": kind for kind in (collections.OrderedDict, collections.defaultdict, collections.Counter,
                                                         collections.deque)},
    **{f"builtins.{kind.__name__}": kind for kind in (set, frozenset, complex, bytearray, int, float, str, bool, tuple, list, dict)},
    **{f"torch.{d.name}": d for d in dtypes.DTYPES.values()},
    **{f"torch.{word}Storage": StorageType(d.dtype.str) for d, word in dtypes.WORDS.items()},
    "torch.BFloat16Storage": StorageType("f4", widen=True),
    "torch.Tensor": Tensor, "torch.nn.parameter.Parameter": Parameter, "torch.Size": Size, "torch.device": device,
    "torch.nn.parameter.UninitializedParameter": UninitializedParameter,
    "torch.nn.parameter.UninitializedBuffer": UninitializedBuffer,
    "torch._utils._rebuild_tensor": rebuild_tensor, "torch._utils._rebuild_tensor_v2": rebuild_tensor,
    "torch._utils._rebuild_parameter": rebuild_parameter, "torch._utils._rebuild_parameter_with_state": rebuild_parameter,
    "torch._tensor._rebuild_from_type_v2": rebuild_from_type,
    "torch.nn.backends.thnn._get_thnn_function_backend": no_backend,
    "_codecs.encode": encode, "numpy.dtype": numpy_dtype,
    "numpy.core.multiarray.scalar": numpy_scalar, "numpy._core.multiarray.scalar": numpy_scalar, "minidl.core.tensor.Hooks": Hooks,
}

# What of these may be called, and by what the call is answered: no constructor is handed what a file says unchecked.
BUILDERS: dict[Any, Callable[..., Any]] = {
    collections.OrderedDict: ordered, collections.defaultdict: default_dict, collections.Counter: counter,
    collections.deque: deque, set: collection(set), frozenset: collection(frozenset), complex: complex_number, bytearray: byte_array,
    Size: size, device: cpu, Parameter: rebuild_parameter, Hooks: lambda: Hooks(),
    UninitializedParameter: uninitialized(UninitializedParameter), UninitializedBuffer: uninitialized(UninitializedBuffer),
    **{function: function for function in (rebuild_tensor, rebuild_parameter, rebuild_from_type, encode, numpy_dtype,
                                           numpy_scalar, no_backend)},
}


def in_python_3(name: str) -> str:
    """A name as it is now: pickles of protocol 2 spell Python 2's."""
    name = name.replace("__builtin__.", "builtins.", 1) if name.startswith("__builtin__.") else name
    return {"builtins.long": "builtins.int", "builtins.unicode": "builtins.str"}.get(name, name)


def layer(module: str, name: str) -> Any:
    """The layer, or the function that a layer's state may hold, of that name here or in PyTorch; None if there is none.

    Of other modules, a layer that the running program has imported already: nothing is imported for a file.
    """
    if module in ("torch.nn.functional", "torch._C._nn") or module.startswith("minidl.ops."):
        found = getattr(nn.functional, name, None)
        return found if isinstance(found, types.FunctionType) else None
    if module.startswith(("torch.nn.modules.", "minidl.nn.modules.")):
        found = getattr(nn, name, None) or getattr(nn.modules.linear, name, None)
    else:
        found = getattr(sys.modules.get(module), "__dict__", {}).get(name)
    return found if isinstance(found, type) and issubclass(found, Module) else None
