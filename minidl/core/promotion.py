"""The element type in which operands meet.

PyTorch ranks operands: tensors with dimensions, then 0-d tensors, then Python numbers. A lower rank changes the result's
type only where its category (bool < integer < float < complex) is higher. https://docs.pytorch.org/docs/stable/tensor_attributes.html
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .dtypes import B1, I8, default_dtype, promote_types
from .tensor import Tensor

CATEGORY = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}
C4 = np.dtype("c8")  # complex64, the smallest complex type


def _combine(higher: np.dtype | None, lower: np.dtype | None) -> np.dtype | None:
    if higher is None or lower is None:
        return higher or lower
    if CATEGORY[lower.kind] > CATEGORY[higher.kind]:
        return np.promote_types(higher, C4) if higher.kind == "f" else lower
    return higher


def number_type(value: Any) -> np.dtype:
    """The type of a Python number; TypeError for anything else."""
    if isinstance(value, (bool, np.bool_)):
        return B1
    if isinstance(value, (int, np.integer)):
        return I8
    if isinstance(value, (float, np.floating)):
        return default_dtype()
    if isinstance(value, (complex, np.complexfloating)):
        return np.promote_types(default_dtype(), C4)
    raise TypeError(f"unsupported operand: expected a Tensor or a number, got {type(value).__name__}")


def result_dtype(*operands: Any) -> np.dtype:
    """PyTorch's result type of an operation on tensors, arrays and numbers."""
    sized = zero_dim = number = None
    for x in operands:
        array = x._data if isinstance(x, Tensor) else x
        if isinstance(array, np.ndarray):
            if array.ndim:
                sized = array.dtype if sized is None else promote_types(sized, array.dtype)
            else:
                zero_dim = array.dtype if zero_dim is None else promote_types(zero_dim, array.dtype)
        else:
            d = number_type(array)
            number = d if number is None else promote_types(number, d)
    found = _combine(sized, _combine(zero_dim, number))
    assert found is not None
    return found


def cast(x: Any, d: np.dtype) -> Any:
    """The array of an operand, in type `d`. A Python number stays one (NumPy lets the arrays decide) if it fits."""
    if isinstance(x, Tensor):
        x = x._data
    if isinstance(x, np.ndarray):
        return x if x.dtype == d else x.astype(d)
    if d.kind in "fc" and not isinstance(x, np.generic):
        return float(x) if d.kind == "f" else complex(x)
    return np.asarray(x).astype(d)


def common(*operands: Any) -> tuple[Any, ...]:
    """The operands' arrays in their common type."""
    d = result_dtype(*operands)
    return tuple([cast(x, d) for x in operands])


def floating(*operands: Any) -> tuple[Any, ...]:
    """As `common`, with integers and bools brought to the default floating-point type."""
    d = result_dtype(*operands)
    if d.kind not in "fc":
        d = default_dtype()
    return tuple([cast(x, d) for x in operands])


def accumulation_type(d: np.dtype) -> np.dtype:
    """The type in which PyTorch sums integers and bools: int64."""
    return I8 if d.kind in "iub" else d


def check_fits(value: Any, d: np.dtype, op: str) -> None:
    """RuntimeError for a number that a type cannot hold; a negative int wraps in uint8, as in PyTorch."""
    if isinstance(value, complex) and d.kind != "c":
        fits = False
    elif d.kind in "iu" and not isinstance(value, bool):
        limits = np.iinfo(d)
        fits = (-limits.max if d.kind == "u" and isinstance(value, (int, np.integer)) else limits.min) <= value <= limits.max
    elif d.kind == "f":
        fits = not abs(value) > float(np.finfo(d).max) or abs(value) == math.inf
    else:
        return
    if not fits:
        raise RuntimeError(f"{op}: value {value} cannot be converted to type {d.name} without overflow")


def fitting(value: Any, d: np.dtype, op: str) -> np.ndarray:
    """A number as an array of a type that can hold it; see `check_fits`."""
    check_fits(value, d, op)
    return np.asarray(value).astype(d)
