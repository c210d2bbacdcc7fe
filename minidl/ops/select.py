"""Choosing between values element by element: where, clamp, and the larger or smaller of two."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Tensor, dtype_of, primitive, public
from ..core.checks import require_tensor
from ..core.promotion import check_fits, fitting, result_dtype
from .compare import isnan
from .elementwise import masked
from .gather import nonzero
from .rounding import no_bool

ARRAYS = (Tensor, np.ndarray, np.generic)


def check_number(op: str, value: Any, *operands: Any) -> None:
    """RuntimeError for a Python number that the operands' common type, one of integers, cannot hold."""
    if not isinstance(value, ARRAYS):
        d = result_dtype(*operands)
        if d.kind in "iu":
            check_fits(value, d, op)


@primitive(a=lambda g, condition: masked(g, condition), b=lambda g, condition: masked(g, ~condition), arrays="condition",
           common="a b", grad_name="WhereBackward0")
def _where(condition: Any, a: Any, b: Any) -> Any:
    return np.where(condition, a, b)


@public
def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """y = input where `condition`, else other; without these two, the indices at which `condition` holds, one tensor a dimension.

    >>> import minidl
    >>> minidl.where(minidl.tensor([True, False]), minidl.tensor([1, 2]), 0).tolist()
    [1, 0]
    """
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    require_tensor("where", "condition", condition)
    if dtype_of(condition) != bool:
        if dtype_of(condition) != np.uint8:
            raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {dtype_of(condition).name}")
        condition = condition != 0
    for value in (input, other):
        check_number("where", value, input, other)
    if not isinstance(input, ARRAYS) and not isinstance(other, ARRAYS):
        input = np.asarray(input, result_dtype(input, other))
    return _where(condition, input, other)


@public(where="", method="where")
def _where_method(self: Any, condition: Any, other: Any) -> Any:
    """`self` where `condition`, else `other`."""
    return where(condition, self, other)


# ---- clamp


@primitive(x=lambda g, x, low, high: masked(g, (x >= low) & (x <= high)), grad_name="ClampBackward1", real_only="x")
def _clamp(x: Any, low: Any, high: Any) -> Any:
    no_bool("clamp_scalar_cpu", x)
    return np.clip(x, low, high)


@primitive(a=lambda g, a, b: masked(g, a >= b), b=lambda g, a, b: masked(g, a < b), common="a b", grad_name="ClampMinBackward0", real_only="a")
def _clamp_min(a: Any, b: Any) -> Any:
    return np.maximum(a, b)


@primitive(a=lambda g, a, b: masked(g, a <= b), b=lambda g, a, b: masked(g, a > b), common="a b", grad_name="ClampMaxBackward0", real_only="a")
def _clamp_max(a: Any, b: Any) -> Any:
    return np.minimum(a, b)


@primitive(x=lambda g, x, low, high: masked(g, (x >= low) & (x <= high)),
           low=lambda g, x, low, high: masked(g, (low < high) & (x < low)),
           high=lambda g, x, low, high: masked(g, (x > high) | (low > high)), common="x low high", grad_name="ClampBackward0", real_only="x")
def _clamp_between(x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


@public(method=True, inplace=True, aliases="clip")
def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """y = min(max(input, min), max), the bounds numbers or tensors or absent; dy/dx = 1 inside (bounds included), else 0.

    >>> import minidl
    >>> minidl.clamp(minidl.tensor([-2., 0.5, 2.]), -1, 1).tolist()
    [-1.0, 0.5, 1.0]
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if max is None:
        return clamp_min(input, min)
    if min is None:
        return clamp_max(input, max)
    require_tensor("clamp", "input", input)
    low, high = isinstance(min, ARRAYS), isinstance(max, ARRAYS)
    if low != high:
        raise TypeError(f"clamp(): min and max must be both tensors or both numbers, got {type(min).__name__} and {type(max).__name__}")
    d = dtype_of(input)
    if low:
        return _clamp_between(input, min, max)
    if d.kind != "f":
        d = result_dtype(input, min, max)
        min, max = fitting(min, d, "clamp"), fitting(max, d, "clamp")
        if dtype_of(input) != d:
            input = input.to(d)
    return _clamp(input, min, max)


@public(method=True, inplace=True)
def clamp_min(input: Any, min: Any) -> Any:
    """y = max(input, min); dy/dx = 1 where input >= min."""
    require_tensor("clamp_min", "input", input)
    check_number("clamp_min", min, input, min)
    return _clamp_min(input, min)


@public(method=True, inplace=True)
def clamp_max(input: Any, max: Any) -> Any:
    """y = min(input, max); dy/dx = 1 where input <= max."""
    require_tensor("clamp_max", "input", input)
    check_number("clamp_max", max, input, max)
    return _clamp_max(input, max)


# ---- the larger and the smaller of two


def half_at_ties(g: Any, chosen: Any, strictly: Any) -> Any:
    """g where an operand was chosen, half of it where both are equal."""
    return (masked(g, chosen) + masked(g, strictly)) * 0.5


@public(method=True)
@primitive(a=lambda g, a, b: half_at_ties(g, ~(a < b), ~(a <= b)), b=lambda g, a, b: half_at_ties(g, ~(a > b), ~(a >= b)),
           common="a b", tensors_only="a b", real_only="a")
def maximum(a: Any, b: Any) -> Any:
    """y = the larger of a and b, NaN if either is; the gradient goes to the larger, by halves where they are equal."""
    return np.maximum(a, b)


@public(method=True)
@primitive(a=lambda g, a, b: half_at_ties(g, ~(a > b), ~(a >= b)), b=lambda g, a, b: half_at_ties(g, ~(a < b), ~(a <= b)),
           common="a b", tensors_only="a b", real_only="a")
def minimum(a: Any, b: Any) -> Any:
    """y = the smaller of a and b, NaN if either is; the gradient goes to the smaller, by halves where they are equal."""
    return np.minimum(a, b)


@public(method=True)
@primitive(a=lambda g, a, b: masked(g, (a >= b) | isnan(b)), b=lambda g, a, b: masked(g, ~((a >= b) | isnan(b))), common="a b", tensors_only="a b",
           real_only="a")
def fmax(a: Any, b: Any) -> Any:
    """y = the larger of a and b, or the other where one is NaN; where they are equal the gradient goes to a."""
    return np.fmax(a, b)


@public(method=True)
@primitive(a=lambda g, a, b: masked(g, (a <= b) | isnan(b)), b=lambda g, a, b: masked(g, ~((a <= b) | isnan(b))), common="a b", tensors_only="a b",
           real_only="a")
def fmin(a: Any, b: Any) -> Any:
    """y = the smaller of a and b, or the other where one is NaN; where they are equal the gradient goes to a."""
    return np.fmin(a, b)


def refuse_mixed_types(a: Any, b: Any) -> None:
    raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")


@public(method=True, inplace=True)
@primitive(arrays="a values", common="a values", tensors_only="a values", check=refuse_mixed_types, real_only="a")
def heaviside(a: Any, values: Any) -> Any:
    """y = 0 where a < 0, b where a = 0, 1 where a > 0; has no derivative."""
    return np.where(a == 0, values, a > 0).astype(a.dtype, copy=False)
