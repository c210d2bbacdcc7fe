"""What a tensor is apart from arithmetic: its memory, type and history, read or changed."""

from __future__ import annotations

import copy
import math
import warnings
from typing import Any

import numpy as np

from ..core import Tensor, data_of, from_array, primitive, public, wrap
from ..core.broadcast import as_type, convert
from ..core.checks import broadcast_shape, wrap_dim
from ..core.dtypes import WORDS, as_numpy_dtype, check_supported, dtype
from ..core.inplace import before_edit, check_editable, check_overlap, overwrite
from ..core.modes import modes
from ..core.promotion import check_fits
from ..core.tensor import Size, new, require_cpu, type_name
from ..core.tensor import device as Device
from .memory import contiguous_format, memory_format, ordered, preserve_format, strided

# ---- history


@public(where="torch", method=True)
def detach(input: Tensor) -> Tensor:
    """The same memory (and version) without history."""
    t = wrap(input._data)
    t._counter = input._counter
    return t


@public(where="", method=True)
def detach_(input: Tensor) -> Tensor:
    """Cuts this tensor's own history: it becomes a leaf that requires no gradient."""
    if input._base is not None:
        raise RuntimeError("Can't detach views in-place. Use detach() instead.")
    input._node, input._rg = None, False
    return input


@public(where="", method=True)
def requires_grad_(input: Tensor, requires_grad: bool = True) -> Tensor:
    """Sets whether operations on this leaf are recorded; returns it."""
    if not isinstance(requires_grad, bool):
        raise TypeError(f"requires_grad_(): argument 'requires_grad' (position 1) must be bool, not {requires_grad.__class__.__name__}")
    input.requires_grad = requires_grad
    return input


@primitive(x=lambda g: g)
def _clone(x: Any, format: Any) -> Any:
    return ordered(x, format, copy=True)


@public(method=True)
def clone(input: Tensor, *, memory_format: memory_format = preserve_format) -> Tensor:
    """A copy in new memory, recorded: its gradient is the input's."""
    return _clone(input, memory_format)


@public(where="", method=True)
def contiguous(input: Tensor, memory_format: memory_format = contiguous_format) -> Tensor:
    """The tensor itself if its memory is in that order, else a copy that is."""
    return input if is_contiguous(input, memory_format) else _clone(input, memory_format)


@public(where="", method=True)
def is_contiguous(input: Tensor, memory_format: memory_format = contiguous_format) -> bool:
    """Whether the memory is in row-major order, or in the format given."""
    return memory_format.holds(data_of(input))


@primitive(x=lambda g, x_shape: zeros_of(g, x_shape), src=lambda g: g, grad_name="CopyBackwards")
def _copy(x: Any, src: Any) -> Any:
    return as_type(np.broadcast_to(src, x.shape), x.dtype)


def zeros_of(g: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of the kind and type of `g`: the gradient of what was overwritten."""
    array = np.zeros(shape, data_of(g).dtype)
    return wrap(array) if isinstance(g, Tensor) else array


@public(where="", method=True)
def copy_(input: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """Writes `src`, broadcast and cast, into this tensor; its gradient goes to `src`."""
    check_editable(input, repeated=src is input)
    if not isinstance(src, Tensor):
        raise TypeError(f"copy_(): argument 'other' (position 1) must be Tensor, not {src.__class__.__name__}")
    if broadcast_shape("copy_", input._data.shape, src._data.shape) != input._data.shape:
        raise RuntimeError(f"output with shape {list(input.shape)} doesn't match the broadcast shape {list(src.shape)}")
    check_overlap(input._data, src._data)
    if modes.recording > 0 and (input.requires_grad or src.requires_grad) and input._data.dtype.kind in "fc":
        old = before_edit(input)
        return overwrite(input, _copy(old, src), old)
    source = src._data
    np.copyto(input._data, source.real if source.dtype.kind == "c" != input._data.dtype.kind else source, casting="unsafe")
    input._counter[0] += 1
    return input


@public(where="", method=True)
def set_(input: Tensor, source: Tensor) -> Tensor:
    """Makes this tensor share the memory of `source`."""
    input._data = source._data
    input._counter[0] += 1
    return input


@primitive(x=lambda g, x_shape: zeros_of(g, x_shape))
def _fill(x: Any, value: Any) -> Any:
    return np.full_like(x, np.asarray(value).astype(x.dtype), subok=False)


def _filled(op: str, input: Tensor, value: Any) -> Tensor:
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(f"{op} only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
        return _copy(input, value)
    check_fits(value, input._data.dtype, op)
    return _fill(input, value)


@public(where="torch", inplace=True, method=False)
def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor of the input's shape and type, all `value` (a number or a 0-d tensor, which then gets the gradient)."""
    return _filled("fill", input, value)


@public(where="", inplace=True)
def zero(input: Tensor) -> Tensor:
    """Zeros of the input's shape and type."""
    return _fill(input, 0)


# ---- type


@public(where="", method=True)
def to(input: Tensor, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False,
       memory_format: memory_format = preserve_format) -> Tensor:
    """The tensor in another dtype (`to(dtype)`, `to(other)`, `to(device, dtype)`) or memory format; itself if nothing changes."""
    flags = [arg for arg in args if isinstance(arg, bool)]  # non_blocking, copy
    copy = copy or flags[1:] == [True]
    for arg in args:
        if isinstance(arg, Tensor):
            dtype = arg.dtype
        elif isinstance(arg, (str, int, Device)):
            device = device if isinstance(arg, bool) else arg
        elif arg is not None:
            dtype = arg
    if device is not None:
        require_cpu(device)
    target = input._data.dtype if dtype is None else as_numpy_dtype(dtype)
    if target != input._data.dtype:
        input, copy = _cast(input, target), False
    if copy or not memory_format.holds(input._data):
        return _clone(input, memory_format)
    return input


def _cast(x: Any, target: np.dtype) -> Any:
    """`x` in another type; recorded only to floating-point and complex types. To a real type goes the real part, with a warning."""
    if data_of(x).dtype.kind == "c" and target.kind in "fiu":
        warnings.warn("Casting complex values to real discards the imaginary part", stacklevel=4)
        if target.kind != "f":
            x = data_of(x).real
    if target.kind in "fc":
        return convert(x, target)
    with np.errstate(all="ignore"):
        return wrap(_to_integer(data_of(x), target))


def _to_integer(array: np.ndarray, target: np.dtype) -> np.ndarray:
    """Floats truncate toward zero; a narrow type takes the low bits of the int64, as C does on this hardware."""
    if array.dtype.kind == "f" and target.kind in "iu" and target.itemsize < 8:
        return array.astype(np.int64).astype(target)
    return array.astype(target)


def _typed(name: str, target: str) -> None:
    def method(input: Tensor, memory_format: memory_format = preserve_format) -> Tensor:
        return to(input, dtype=as_numpy_dtype(target), memory_format=memory_format)

    method.__name__, method.__doc__ = name, f"The tensor as {target}."
    public(where="", method=True)(method)


for _name, _target in (("double", "f8"), ("float", "f4"), ("half", "f2"), ("long", "i8"), ("int", "i4"),
                       ("short", "i2"), ("char", "i1"), ("byte", "u1"), ("bool", "?"), ("cfloat", "c8"), ("cdouble", "c16")):
    _typed(_name, _target)


@public(where="", method=True)
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor in the type of `other`."""
    return to(input, dtype=other.dtype)


@public(where="", method=True)
def type(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """Without an argument the type's name, ``torch.FloatTensor``; with a dtype the tensor in it."""
    if dtype is None:
        return type_name(input)
    if isinstance(dtype, str):
        named = {f"torch.{word}Tensor": d for d, word in WORDS.items()}
        if dtype not in named:
            raise ValueError(f"invalid type: '{dtype}'")
        dtype = named[dtype]
    return to(input, dtype=getattr(dtype, "element", dtype))  # of FloatTensor and the like


@public(method=True)
def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are floating-point numbers."""
    return data_of(input).dtype.kind == "f"


@public(method=True)
def is_complex(input: Tensor) -> bool:
    """Whether the elements are complex numbers."""
    return data_of(input).dtype.kind == "c"


@public(method=True)
def is_signed(input: Tensor) -> bool:
    """Whether the element type has a sign."""
    return data_of(input).dtype.kind in "fic"


@public(method=True)
def is_nonzero(input: Tensor) -> bool:
    """Whether a tensor of one element is not zero; RuntimeError for more elements."""
    return bool(input)


@public(method=True)
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape."""
    return input._data.shape == other._data.shape


@public
def is_tensor(obj: Any) -> bool:
    """Whether an object is a Tensor."""
    return isinstance(obj, Tensor)


# ---- sizes and memory


@public(where="", method=True)
def size(input: Tensor, dim: int | None = None) -> Any:
    """All sizes, or that of one dimension."""
    shape = data_of(input).shape
    return Size(shape) if dim is None else shape[wrap_dim(dim, len(shape), "size")]


@public(where="", method=True, aliases="ndimension")
def dim(input: Tensor) -> int:
    """The number of dimensions."""
    return data_of(input).ndim


@public(method=True)
def numel(input: Tensor) -> int:
    """The number of elements."""
    return int(data_of(input).size)


@public(where="", method=True)
def nelement(input: Tensor) -> int:
    """`numel` by another name."""
    return numel(input)


@public(where="", method=True)
def element_size(input: Tensor) -> int:
    """Bytes per element."""
    return data_of(input).itemsize


@public(where="", method=True)
def stride(input: Tensor, dim: int | None = None) -> Any:
    """Steps, in elements, from one index to the next in every dimension, or in one."""
    array = data_of(input)
    if array.size:
        strides = tuple(s // array.itemsize for s in array.strides)
    else:  # NumPy has no strides then; PyTorch's are those of contiguous memory, a size of 0 counted as 1
        strides = tuple(math.prod([max(n, 1) for n in array.shape[d + 1:]]) for d in range(array.ndim))
    return strides if dim is None else strides[wrap_dim(dim, array.ndim, "stride")]


def owner_of(array: np.ndarray) -> np.ndarray:
    """The array that has the memory of which `array` is a part."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


@public(where="", method=True)
def storage_offset(input: Tensor) -> int:
    """How many elements after its memory's beginning the tensor's first one stands."""
    array = data_of(input)
    offset = array.__array_interface__["data"][0] - owner_of(array).__array_interface__["data"][0]
    return offset // array.itemsize if array.size else 0


@public(where="", method=True)
def item(input: Tensor) -> Any:
    """The value of a one-element tensor as a Python number; RuntimeError for any other count."""
    array = data_of(input)
    if array.size != 1:
        raise RuntimeError(f"a Tensor with {array.size} elements cannot be converted to Scalar")
    return array.item()


@public(where="", method=True)
def tolist(input: Tensor) -> Any:
    """Nested lists of Python numbers; a number for a 0-d tensor."""
    return data_of(input).tolist()


@public(where="", method=True)
def cpu(input: Tensor, memory_format: memory_format = preserve_format) -> Tensor:
    """The tensor itself: it is on the CPU."""
    return input


@public(where="", method=True)
def cuda(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """RuntimeError: there is no CUDA here."""
    return to(input, device="cuda")


@public(where="", method=True)
def pin_memory(input: Tensor) -> Tensor:
    """The tensor itself: pinned memory only matters to an accelerator."""
    return input


@public(where="", method=True)
def is_pinned(input: Tensor) -> bool:
    """Always false."""
    return False


@public(where="", method=True)
def share_memory_(input: Tensor) -> Tensor:
    """The tensor itself; a forked process sees a copy."""
    return input


def over(array: np.ndarray) -> Tensor:
    """A tensor over the memory of an array, from its first element on, whatever that array is itself a part of.

    TypeError for an unsupported type, ValueError for negative strides and for another byte order than the machine's.
    """
    check_supported(array.dtype)
    if min(array.strides, default=0) < 0:
        raise ValueError("At least one stride in the given numpy array is negative, and tensors with negative strides are not currently "
                         "supported. (You can probably work around this by making a copy of your array with array.copy().)")
    if not array.dtype.isnative:
        raise ValueError("given numpy array has byte order different from the native byte order. Conversion between byte orders is "
                         "currently not supported.")
    return from_array(array if array.base is None else memoryview(array))  # type: ignore[arg-type]


@public
def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor over the array's own memory; TypeError for an unsupported type, ValueError for negative strides or a foreign byte order."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {array.__class__.__name__})")
    if not array.flags.writeable:
        warnings.warn("The given NumPy array is not writable: an in-place edit of the tensor will be an error.", stacklevel=3)
    return over(array)


@public
def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor over the memory of another library's array, exchanged by DLPack."""
    return over(np.from_dlpack(ext_tensor))


@public
def frombuffer(buffer: Any, *, dtype: dtype, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A 1-d tensor over a buffer's memory."""
    return requires_grad_(over(np.frombuffer(buffer, as_numpy_dtype(dtype), count, offset)), requires_grad)


# ---- Python's own protocols


def _single(convert_to: Any, word: str) -> Any:
    def method(self: Tensor) -> Any:
        if self._data.size != 1:
            if convert_to is bool:
                raise RuntimeError("Boolean value of Tensor with " + ("no values" if not self._data.size else "more than one value")
                                   + " is ambiguous")
            raise ValueError("only one element tensors can be converted to Python scalars")
        value = self._data.item()
        if isinstance(value, complex) and convert_to in (int, float):
            raise RuntimeError(f"value cannot be converted to type {'double' if convert_to is float else 'int64_t'} without overflow")
        return convert_to(value)

    method.__name__ = word
    return method


def _index(self: Tensor) -> int:
    if self._data.size != 1 or self._data.dtype.kind in "fc":
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(self._data.item())


def _format(self: Tensor, spec: str) -> str:
    return self.item().__format__(spec) if self._data.ndim == 0 else object.__format__(self, spec)


def _deepcopy(self: Tensor, memo: dict[int, Any]) -> Tensor:
    if id(self) in memo:
        return memo[id(self)]
    if self.grad_fn is not None:
        raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
                           "moment. If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage.")
    t = new(self.__class__)
    t._data, t._counter, t._rg = self._data.copy(order="K"), [0], self._rg
    memo[id(self)] = t
    if self._grad is not None:
        t._grad = copy.deepcopy(self._grad, memo)
    for name, value in vars(self).items():
        if name not in _FIELDS:
            setattr(t, name, copy.deepcopy(value, memo))
    return t


_FIELDS = {"_data", "_counter", "_node", "_rg", "_base", "_replay", "_seen", "_grad", "_hooks", "_post_hooks", "_inference"}


def _reduce(self: Tensor, protocol: Any = None) -> Any:
    extra = {name: value for name, value in vars(self).items() if name not in _FIELDS}
    return _rebuild, (self.__class__, self._data, self.requires_grad, extra)


def _rebuild(cls: Any, array: np.ndarray, requires_grad: bool, extra: dict[str, Any]) -> Tensor:
    t = new(cls)
    t._data, t._counter, t._rg = array, [0], requires_grad
    vars(t).update(extra)
    return t


for _name, _method in {"__bool__": _single(bool, "__bool__"), "__float__": _single(float, "__float__"), "__complex__": _single(complex, "__complex__"),
                       "__int__": _single(int, "__int__"), "__index__": _index, "__format__": _format,
                       "__deepcopy__": _deepcopy, "__reduce_ex__": _reduce,
                       "itemsize": property(lambda self: self._data.itemsize), "nbytes": property(lambda self: self._data.nbytes),
                       "names": property(lambda self: (None,) * self._data.ndim), "layout": property(lambda self: strided),
                       "output_nr": property(lambda self: getattr(self._node, "index", 0)),
                       "is_cuda": False, "is_sparse": False, "is_quantized": False, "is_meta": False, "is_mps": False,
                       "is_mkldnn": False}.items():
    setattr(Tensor, _name, _method)
