"""Tensors from values, and tensors of given sizes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core import Tensor, data_of, default_dtype, from_array, public, wrap
from ..core.broadcast import as_type
from ..core.checks import as_sizes, require_tensor
from ..core.dtypes import AbsentType, as_numpy_dtype
from ..core.generator import fma
from ..core.promotion import check_fits, number_type
from ..core.tensor import require_cpu
from .history import over
from .memory import contiguous_format, ordered, preserve_format


def as_array(data: Any, dtype: np.dtype | None) -> np.ndarray:
    """A new array of `data` (numbers, sequences, arrays, tensors); Python floats become the default dtype."""
    if isinstance(data, Tensor):
        return np.array(data._data, dtype, order="K")
    if isinstance(data, (np.ndarray, np.generic)):
        return np.array(data, dtype)
    if isinstance(data, (list, tuple)) and any(isinstance(item, (Tensor, list, tuple)) for item in data):
        data = [as_array(item, None) if isinstance(item, (Tensor, list, tuple)) else item for item in data]
        if not data:
            return np.empty(0, dtype or default_dtype())
    try:
        array = np.array(data)
    except ValueError as error:
        raise ValueError(f"tensor: expected a sequence of equal length at each dimension ({error})") from None
    if array.dtype == object:
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    empty_list = array.size == 0 and isinstance(data, (list, tuple))
    if dtype is None and (empty_list or (array.dtype == np.float64 and not contains_float64(data))):
        dtype = default_dtype()
    elif dtype is None and array.dtype == np.complex128 and not contains_float64(data):
        dtype = number_type(1j)
    if dtype is not None and dtype.kind in "iu" and array.size:
        for extreme in (array.min(), array.max()):
            check_fits(extreme.item(), dtype, "tensor")
    return array if dtype is None else as_type(array, dtype)


def contains_float64(data: Any) -> bool:
    """Whether nested lists hold a NumPy float64 or complex128 array or scalar, which keeps its type, rather than Python numbers."""
    if isinstance(data, (list, tuple)):
        return any(contains_float64(item) for item in data)
    return isinstance(data, (np.ndarray, np.float64, np.complex128)) and data.dtype in (np.float64, np.complex128)


@public
def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """A leaf tensor with a copy of `data`; Python floats become the default dtype, ints int64.

    >>> tensor([[1, 2], [3, 4]]).dtype
    torch.int64
    """
    if device is not None:
        require_cpu(device)
    t = from_array(as_array(data, None if dtype is None else as_numpy_dtype(dtype)))
    if requires_grad:
        t.requires_grad = True
    return t


def finish(array: np.ndarray, device: Any, requires_grad: bool) -> Tensor:
    """A new leaf over `array`, with the factory functions' common arguments applied."""
    if device is not None:
        require_cpu(device)
    t = wrap(array)
    if requires_grad:
        t.requires_grad = True
    return t


def type_or_default(dtype: Any) -> np.dtype:
    return default_dtype() if dtype is None else as_numpy_dtype(dtype)


def check_sizes(op: str, sizes: tuple[Any, ...]) -> tuple[int, ...]:
    shape = as_sizes(sizes, op)
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)} ({op})")
    return shape


def number_dtype(values: tuple[Any, ...]) -> np.dtype:
    """The type of a range of numbers: the default float type if one is a float, else int64."""
    return default_dtype() if any(isinstance(v, (float, np.floating)) for v in values) else np.dtype(np.int64)


@public(aliases="asarray")
def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """As `tensor`, but without a copy where `data` already is an array or tensor of that type."""
    if device is not None:
        require_cpu(device)
    target = None if dtype is None else as_numpy_dtype(dtype)
    if isinstance(data, Tensor):
        return data if target is None or data._data.dtype == target else data.to(target)
    if isinstance(data, np.ndarray) and (target is None or data.dtype == target):
        return over(data)
    return from_array(as_array(data, target))


@public
def zeros(*size: Any, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
          pin_memory: bool = False) -> Tensor:
    """Zeros of the given sizes."""
    return finish(np.zeros(check_sizes("zeros", size), type_or_default(dtype)), device, requires_grad)


@public
def ones(*size: Any, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
         pin_memory: bool = False) -> Tensor:
    """Ones of the given sizes."""
    return finish(np.ones(check_sizes("ones", size), type_or_default(dtype)), device, requires_grad)


@public
def empty(*size: Any, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
          pin_memory: bool = False, memory_format: Any = contiguous_format) -> Tensor:
    """Uninitialised memory of the given sizes."""
    sizes = check_sizes("empty", size)
    array = np.empty(sizes, dtype.nothing if isinstance(dtype, AbsentType) and 0 in sizes else type_or_default(dtype))
    return finish(ordered(array, memory_format), device, requires_grad)


@public
def full(size: Any, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
         requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """`fill_value` at every place; its own type decides the dtype unless one is given."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    d = number_type(value) if dtype is None else as_numpy_dtype(dtype)
    check_fits(value, d, "full")
    return finish(np.full(check_sizes("full", (size,)), value).astype(d), device, requires_grad)


def like(input: Tensor, make: Any, dtype: Any, device: Any, requires_grad: bool, format: Any) -> Tensor:
    """A factory's result in the shape, type and memory order of `input`."""
    require_tensor(make.__name__, "input", input)
    array = data_of(input)
    made = make(array, dtype=array.dtype if dtype is None else as_numpy_dtype(dtype), order="K", subok=False)
    return finish(ordered(made, format), device, requires_grad)


@public
def zeros_like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
               memory_format: Any = preserve_format) -> Tensor:
    """Zeros of the shape and type of `input`."""
    return like(input, np.zeros_like, dtype, device, requires_grad, memory_format)


@public
def ones_like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
              memory_format: Any = preserve_format) -> Tensor:
    """Ones of the shape and type of `input`."""
    return like(input, np.ones_like, dtype, device, requires_grad, memory_format)


@public
def empty_like(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
               memory_format: Any = preserve_format) -> Tensor:
    """Uninitialised memory of the shape and type of `input`."""
    return like(input, np.empty_like, dtype, device, requires_grad, memory_format)


@public
def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
              requires_grad: bool = False, memory_format: Any = preserve_format) -> Tensor:
    """`fill_value` in the shape and type of `input`."""
    t = like(input, np.empty_like, dtype, device, False, memory_format)
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    check_fits(value, t._data.dtype, "full_like")
    t._data[...] = np.asarray(value).astype(t._data.dtype)
    return finish(t._data, None, requires_grad)


@public(where="", method=True)
def new_zeros(input: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
              pin_memory: bool = False) -> Tensor:
    """Zeros of the given sizes in the type of `input`."""
    return zeros(*size, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


@public(where="", method=True)
def new_ones(input: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
              pin_memory: bool = False) -> Tensor:
    """Ones of the given sizes in the type of `input`."""
    return ones(*size, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


@public(where="", method=True)
def new_empty(input: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
              pin_memory: bool = False) -> Tensor:
    """Uninitialised memory of the given sizes in the type of `input`."""
    return empty(*size, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


@public(where="", method=True)
def new_full(input: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
             requires_grad: bool = False, layout: Any = None,
              pin_memory: bool = False) -> Tensor:
    """`fill_value` in the given sizes and the type of `input`."""
    return full(size, fill_value, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


@public(where="", method=True)
def new_tensor(input: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, layout: Any = None,
              pin_memory: bool = False) -> Tensor:
    """A tensor with a copy of `data` in the type of `input`."""
    return tensor(data, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def check_step(op: str, start: Any, end: Any, step: Any) -> None:
    """RuntimeError unless steps lead from `start` towards `end`."""
    if step == 0:
        raise RuntimeError(f"{op}: step must be nonzero")
    if not (np.isfinite(start) and np.isfinite(end)):
        raise RuntimeError(f"{op}: unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError(f"{op}: upper bound and lower bound inconsistent with step sign: {start} -> {end} by {step}")


@public
def arange(start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, layout: Any = None, device: Any = None,
           requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """start, start + step, ... below `end` (`arange(end)` from 0); ceil((end - start) / step) values.

    >>> arange(5)
    tensor([0, 1, 2, 3, 4])
    """
    if end is None:
        start, end = 0, start
    start, end, step = (v.item() if isinstance(v, Tensor) else v for v in (start, end, step))
    check_step("arange", start, end, step)
    d = number_dtype((start, end, step)) if dtype is None else as_numpy_dtype(dtype)
    if d == np.int64:  # whole numbers throughout
        start, end, step = int(start), int(end), int(step)
        if step == 0:
            raise RuntimeError("arange: step must be nonzero")
    n = -((start - end) // step) if all(isinstance(v, int) for v in (start, end, step)) else math.ceil((end - start) / step)
    if d.kind in "iu":
        start, step = int(start), int(step)
    return finish((start + np.arange(n) * step).astype(d), device, requires_grad)


@public(where="torch")
def range(start: float, end: float, step: float = 1, *, dtype: Any = None, device: Any = None,
          requires_grad: bool = False) -> Tensor:
    """As `arange`, with the end included (deprecated in PyTorch)."""
    start, end, step = (_bound("range", v) for v in (start, end, step))
    check_step("range", start, end, step)
    n = int(np.floor((end - start) / step)) + 1
    return finish((start + np.arange(n) * step).astype(type_or_default(dtype)), device, requires_grad)


def _bound(op: str, value: Any) -> Any:
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(f"{op} only supports 0-dimensional start and end tensors, but got {value.ndim} dimension(s)")
        return value.item()
    return value


@public
def linspace(start: Any, end: Any, steps: int, *, dtype: Any = None, layout: Any = None, device: Any = None,
             requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """`steps` values from `start` to `end`, both included, evenly spaced."""
    if steps < 0:
        raise RuntimeError(f"number of steps must be non-negative, got {steps}")
    start, end = _bound("linspace", start), _bound("linspace", end)
    d = spaced_type(start, end, dtype)
    return finish(spaced(start, end, steps, d), device, requires_grad)


def spaced_type(start: Any, end: Any, dtype: Any) -> np.dtype:
    """The type of values in between; by default the default type, or the complex one with parts of it."""
    return number_type(1j) if dtype is None and (isinstance(start, complex) or isinstance(end, complex)) else type_or_default(dtype)


def spaced(start: Any, end: Any, steps: int, d: np.dtype) -> np.ndarray:
    """Counted up from the start in the first half and down from the end in the second, as PyTorch does."""
    if steps < 2:
        return np.full(steps, start).astype(d)
    work = d if d in (np.float32, np.float64) or d.kind == "c" else np.dtype(np.float64)
    first, last = np.asarray([start, end]).astype(d).astype(work)
    step, i = (last - first) / work.type(steps - 1), np.arange(steps, dtype=work)
    if d.kind in "iu":  # which are cut off: with PyTorch's fused products, whose sum may stay below a whole number
        return np.where(i < steps // 2, fma(i, step, first), fma(steps - 1 - i, -step, last)).astype(d)
    return np.where(i < steps // 2, first + step * i, last - step * (steps - 1 - i)).astype(d)


@public
def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Any = None, layout: Any = None,
             device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """base^v for `steps` values v from `start` to `end`, evenly spaced."""
    if steps < 0:
        raise RuntimeError(f"number of steps must be non-negative, got {steps}")
    start, end = _bound("logspace", start), _bound("logspace", end)
    d = spaced_type(start, end, dtype)
    bounds = np.asarray([start, end]).astype(d)
    work = d if d.kind in "fc" else np.dtype(np.float32)
    first, last = bounds.astype(work)
    exponents = spaced(first, last, steps, work)
    with np.errstate(all="ignore"):
        return finish(np.power(work.type(base), exponents).astype(d), device, requires_grad)


@public
def eye(n: int, m: int | None = None, *, dtype: Any = None, layout: Any = None, device: Any = None,
        requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """The n x m matrix with ones on the diagonal."""
    rows, columns = check_sizes("eye", (n, n if m is None else m))
    return finish(np.eye(rows, columns, dtype=type_or_default(dtype)), device, requires_grad)
