"""Comparisons, logic and tests: ops whose result is bool, so none has a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Tensor, dtype_of, primitive, public
from ..core.checks import require_tensor
from ..core.dtypes import word

OPERANDS = (Tensor, np.ndarray, np.generic, bool, int, float, complex)


@public(method=True, inplace=True)
@primitive(arrays="a b", common="a b", tensors_only="a")
def eq(a: Any, b: Any) -> Any:
    """Whether a == b, elementwise."""
    return np.equal(a, b)


@public(method=True, inplace=True, aliases="not_equal")
@primitive(arrays="a b", common="a b", tensors_only="a")
def ne(a: Any, b: Any) -> Any:
    """Whether a != b, elementwise."""
    return np.not_equal(a, b)


@public(where="", method="__eq__")
def _equals(self: Any, other: Any) -> Any:
    """`eq`; for what is no operand (None, a string) Python's own answer, False."""
    return eq(self, other) if isinstance(other, OPERANDS) else NotImplemented


@public(where="", method="__ne__")
def _differs(self: Any, other: Any) -> Any:
    """`ne`; for what is no operand Python's own answer, True."""
    return ne(self, other) if isinstance(other, OPERANDS) else NotImplemented


@public(method=True, operators=("__lt__",), inplace=True, aliases="less")
@primitive(arrays="a b", common="a b", tensors_only="a", real_only="a")
def lt(a: Any, b: Any) -> Any:
    """Whether a < b, elementwise."""
    return np.less(a, b)


@public(method=True, operators=("__le__",), inplace=True, aliases="less_equal")
@primitive(arrays="a b", common="a b", tensors_only="a", real_only="a")
def le(a: Any, b: Any) -> Any:
    """Whether a <= b, elementwise."""
    return np.less_equal(a, b)


@public(method=True, operators=("__gt__",), inplace=True, aliases="greater")
@primitive(arrays="a b", common="a b", tensors_only="a", real_only="a")
def gt(a: Any, b: Any) -> Any:
    """Whether a > b, elementwise."""
    return np.greater(a, b)


@public(method=True, operators=("__ge__",), inplace=True, aliases="greater_equal")
@primitive(arrays="a b", common="a b", tensors_only="a", real_only="a")
def ge(a: Any, b: Any) -> Any:
    """Whether a >= b, elementwise."""
    return np.greater_equal(a, b)


# ---- logic, on any type: nonzero is true


@public(method=True, inplace=True)
@primitive(arrays="a b", common="a b", tensors_only="a b")
def logical_and(a: Any, b: Any) -> Any:
    """Whether both are nonzero."""
    return np.logical_and(a, b)


@public(method=True, inplace=True)
@primitive(arrays="a b", common="a b", tensors_only="a b")
def logical_or(a: Any, b: Any) -> Any:
    """Whether either is nonzero."""
    return np.logical_or(a, b)


@public(method=True, inplace=True)
@primitive(arrays="a b", common="a b", tensors_only="a b")
def logical_xor(a: Any, b: Any) -> Any:
    """Whether exactly one is nonzero."""
    return np.logical_xor(a, b)


@public(method=True, inplace=True)
@primitive(arrays="x")
def logical_not(x: Any) -> Any:
    """Whether x is zero."""
    return np.logical_not(x)


# ---- bits, on integers and bools


def on_integers(f: Any, a: Any, b: Any, kinds: str = "iub") -> Any:
    """f(a, b), or NotImplementedError for a type that is none of the `kinds`."""
    d = np.result_type(a, b)
    if d.kind not in kinds:
        raise NotImplementedError(f"\"{f.__name__}_cpu\" not implemented for '{word(d)}'")
    return f(a, b)


@public(method=True, operators=("__and__", "__rand__"), inplace=True)
@primitive(arrays="a b", common="a b")
def bitwise_and(a: Any, b: Any) -> Any:
    """y = a & b: the bits set in both; for bools, logical and."""
    return on_integers(np.bitwise_and, a, b)


@public(method=True, operators=("__or__", "__ror__"), inplace=True)
@primitive(arrays="a b", common="a b")
def bitwise_or(a: Any, b: Any) -> Any:
    """y = a | b: the bits set in either; for bools, logical or."""
    return on_integers(np.bitwise_or, a, b)


@public(method=True, operators=("__xor__", "__rxor__"), inplace=True)
@primitive(arrays="a b", common="a b")
def bitwise_xor(a: Any, b: Any) -> Any:
    """y = a ^ b: the bits set in one alone; for bools, exclusive or."""
    return on_integers(np.bitwise_xor, a, b)


@public(method=True, operators=("__invert__",), inplace=True)
@primitive(arrays="x")
def bitwise_not(x: Any) -> Any:
    """y = ~x: every bit turned over; for bools, logical not."""
    if x.dtype.kind == "f":
        raise NotImplementedError(f"\"bitwise_not_cpu\" not implemented for '{word(x.dtype)}'")
    return np.invert(x)


@public(method=True, operators=("__lshift__", "__rlshift__"), inplace=True)
@primitive(arrays="a b", common="a b")
def bitwise_left_shift(a: Any, b: Any) -> Any:
    """y = a << b, that is a 2^b where it fits."""
    return on_integers(np.left_shift, a, b, "iu")


@public(method=True, operators=("__rshift__", "__rrshift__"), inplace=True)
@primitive(arrays="a b", common="a b")
def bitwise_right_shift(a: Any, b: Any) -> Any:
    """y = a >> b, the sign kept, that is floor(a / 2^b)."""
    return on_integers(np.right_shift, a, b, "iu")


# ---- tests


@public(method=True)
@primitive(arrays="x")
def isnan(x: Any) -> Any:
    """Whether x is NaN."""
    return np.isnan(x)


@public(method=True)
@primitive(arrays="x")
def isinf(x: Any) -> Any:
    """Whether x is infinite."""
    return np.isinf(x)


@public(method=True)
@primitive(arrays="x")
def isfinite(x: Any) -> Any:
    """Whether x is neither infinite nor NaN."""
    return np.isfinite(x)


@public(method=True)
@primitive(arrays="x", real_only="x")
def isposinf(x: Any) -> Any:
    """Whether x is +inf."""
    return x == np.inf


@public(method=True)
@primitive(arrays="x", real_only="x")
def isneginf(x: Any) -> Any:
    """Whether x is -inf."""
    return x == -np.inf


@public(method=True)
@primitive(arrays="x")
def isreal(x: Any) -> Any:
    """Whether x has no imaginary part."""
    return np.isreal(x)


@primitive(arrays="a b")
def _isclose(a: Any, b: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    return np.isclose(a, b, rtol, atol, equal_nan)


@public(method=True)
def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """Whether |input - other| <= atol + rtol |other|, elementwise; equal infinities are close, NaN only if `equal_nan`."""
    require_tensor("isclose", "input", input)
    require_tensor("isclose", "other", other)
    if dtype_of(input) != dtype_of(other):
        raise RuntimeError(f"{dtype_of(input).name} did not match {dtype_of(other).name}")
    if rtol < 0 or atol < 0:
        name, value = ("rtol", rtol) if rtol < 0 else ("atol", atol)
        raise RuntimeError(f"{name} must be greater than or equal to zero, but got {value}")
    return _isclose(input, other, rtol, atol, equal_nan)


@public(method=True)
def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close, as a bool; see `isclose`."""
    return bool(np.all(isclose(input, other, rtol, atol, equal_nan)._data))


@public(method=True)
def equal(input: Any, other: Any) -> bool:
    """Whether both have the same shape and the same elements, as a bool."""
    require_tensor("equal", "input", input)
    require_tensor("equal", "other", other)
    return bool(np.array_equal(input._data, other._data))
