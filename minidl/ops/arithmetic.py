"""Arithmetic: sums, products and quotients, elementwise with broadcasting.

The engine sums a gradient over the dimensions that were broadcast, so the rules ignore broadcasting.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import data_of, dtype_of, primitive, public
from ..core.checks import require_tensor
from ..core.dtypes import word
from .compare import on_integers
from .elementwise import function, needs_float, zeros_like


def scaled(b: Any, alpha: Any) -> Any:
    """alpha b, for `add` and `sub`: a floating-point alpha belongs to floating-point values."""
    if not isinstance(b, (np.ndarray, np.generic)):
        return b * alpha
    d = b.dtype
    if d.kind not in "fc" and isinstance(alpha, float):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if d.kind != "c" and isinstance(alpha, complex):
        raise RuntimeError("For non-complex input tensors, argument alpha must not be a complex number.")
    if d != bool and isinstance(alpha, bool):
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    return b * np.asarray(alpha).astype(d)


@public(method=True, operators=("__add__", "__radd__"), inplace=True)
@primitive(a=lambda g: g, b=lambda g, alpha: g if alpha == 1 else g * alpha, common="a b")
def add(a: Any, b: Any, alpha: Any = 1) -> Any:
    """y = a + alpha b; dy/da = 1, dy/db = alpha."""
    return np.add(a, b) if alpha == 1 and alpha is not True else np.add(a, scaled(b, alpha))


def refuse_bools(a: Any, b: Any) -> None:
    """RuntimeError if an operand of a subtraction is bool."""
    if any(isinstance(x, bool) or getattr(data_of(x), "dtype", None) == bool for x in (a, b)):
        raise RuntimeError("Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert "
                           "a mask, use the `~` or `logical_not()` operator instead.")


@public(method=True, operators=("__sub__", "__rsub__"), inplace=True, aliases="subtract")
@primitive(a=lambda g: g, b=lambda g, alpha: -g if alpha == 1 else g * -alpha, common="a b", check=refuse_bools)
def sub(a: Any, b: Any, alpha: Any = 1) -> Any:
    """y = a - alpha b; dy/da = 1, dy/db = -alpha. Bools are refused."""
    try:
        return np.subtract(a, b if alpha == 1 and alpha is not True else scaled(b, alpha))
    except TypeError:
        raise RuntimeError("Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
                           "`logical_xor()` operator instead.") from None


@public
def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """y = other - alpha input: `sub` with its operands exchanged."""
    require_tensor("rsub", "input", input)
    return sub(other, input, alpha)


@public(method=True, operators=("__mul__", "__rmul__"), inplace=True, aliases="multiply")
@primitive(a=lambda g, b: g * b, b=lambda g, a: g * a, common="a b")
def mul(a: Any, b: Any) -> Any:
    """y = a b; dy/da = b, dy/db = a."""
    return np.multiply(a, b)


@public(method=True, inplace=True)
@primitive(x=lambda g: g, tensor1=lambda g, tensor2, value: g * tensor2 * value, tensor2=lambda g, tensor1, value: g * tensor1 * value,
           common="x tensor1 tensor2")
def addcmul(x: Any, tensor1: Any, tensor2: Any, value: Any = 1) -> Any:
    """y = x + value tensor1 tensor2."""
    return np.add(x, tensor1 * x.dtype.type(value) * tensor2)


@public(method=True, inplace=True)
@primitive(x=lambda g: g, tensor1=lambda g, tensor2, value: g * value / tensor2,
           tensor2=lambda g, tensor1, tensor2, value: -g * value * tensor1 / (tensor2 * tensor2), common="x tensor1 tensor2")
def addcdiv(x: Any, tensor1: Any, tensor2: Any, value: Any = 1) -> Any:
    """y = x + value tensor1 / tensor2; integers are refused."""
    if np.result_type(x).kind not in "fc":
        raise RuntimeError("Integer division with addcdiv is no longer supported, and in a future release addcdiv will perform "
                           "a true division of tensor1 and tensor2.")
    return np.add(x, tensor1 * x.dtype.type(value) / tensor2)


def same_types(x: Any, end: Any, weight: Any) -> None:
    """RuntimeError unless the tensors among `lerp`'s arguments have one type."""
    if dtype_of(x).kind != "c":
        needs_float("lerp_kernel_scalar", x)
    for name, value in (("end", end), ("weight", weight)):
        if not isinstance(value, (int, float, complex)) and dtype_of(value) != dtype_of(x):
            raise RuntimeError(f"expected dtype {dtype_of(x).name} for `{name}` but got dtype {dtype_of(value).name}")


@public(method=True, inplace=True)
@primitive(x=lambda g, weight: g * (1 - weight), end=lambda g, weight: g * weight, weight=lambda g, x, end: g * (end - x),
           common="x end weight", check=same_types)
def lerp(x: Any, end: Any, weight: Any) -> Any:
    """y = x + weight (end - x), exact at both ends; dy/dx = 1 - weight, dy/dend = weight, dy/dweight = end - x."""
    if x.dtype.kind != "c":
        needs_float("lerp_kernel_scalar", x)
    return np.where(np.abs(weight) < 0.5, x + weight * (end - x), end - (end - x) * (1 - weight))


# ---- quotients


@public(method=True, operators=("__truediv__", "__rtruediv__"), inplace=True)
@primitive(a=lambda g, b: g / b, b=lambda g, a, b: -g * (a / b / b), floating="a b", grad_name="DivBackward0")
def true_divide(a: Any, b: Any) -> Any:
    """y = a / b; dy/da = 1 / b, dy/db = -a / b^2."""
    return np.true_divide(a, b)


@primitive(a=lambda g: zeros_like(g), b=lambda g: zeros_like(g), common="a b", grad_name="DivBackward1")
def _floor_divide(a: Any, b: Any) -> Any:
    check_divisor("div_floor", a, b)
    return np.floor_divide(a, b)


@primitive(a=lambda g: zeros_like(g), b=lambda g: zeros_like(g), common="a b", grad_name="DivBackward1")
def _trunc_divide(a: Any, b: Any) -> Any:
    if np.result_type(a, b).kind == "f":
        return np.trunc(np.true_divide(a, b))
    check_divisor("div_trunc", a, b)
    return np.subtract(a, np.fmod(a, b)) // b


def check_divisor(op: str, a: Any, b: Any) -> None:
    """What PyTorch refuses to divide with rounding: bools, complex numbers, and integers by zero."""
    kind = np.result_type(a, b).kind
    if kind in "bc":
        raise NotImplementedError(f"\"{op}_cpu\" not implemented for '{word(np.result_type(a, b))}'")
    if kind != "f" and not np.all(b):
        raise RuntimeError("ZeroDivisionError")


@public(method=True, inplace=True, aliases="divide")
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """y = input / other, rounded down (``"floor"``) or toward zero (``"trunc"``), which keeps an integer type.

    >>> import minidl
    >>> minidl.div(minidl.tensor([7, -7]), 2, rounding_mode="trunc").tolist()
    [3, -3]
    """
    if rounding_mode is None:
        return true_divide(input, other)
    if rounding_mode == "floor":
        return _floor_divide(input, other)
    if rounding_mode == "trunc":
        return _trunc_divide(input, other)
    raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")


@public(method=True, operators=("__floordiv__", "__rfloordiv__"), inplace=True)
@primitive(arrays="a b", common="a b")
def floor_divide(a: Any, b: Any) -> Any:
    """y = floor(a / b), in the operands' type; has no derivative."""
    check_divisor("div_floor", a, b)
    return np.floor_divide(a, b)


@public(method=True, operators=("__mod__", "__rmod__"), inplace=True)
@primitive(a=lambda g: g, b=lambda g, a, b: -g * div(a, b, rounding_mode="floor"), common="a b")
def remainder(a: Any, b: Any) -> Any:
    """y = a - b floor(a / b), with the sign of b (Python's %); dy/da = 1, dy/db = -floor(a / b)."""
    check_divisor("remainder", a, b)
    return np.remainder(a, b)


@public(method=True, inplace=True)
@primitive(a=lambda g: g, b=lambda g, a, b: -g * div(a, b, rounding_mode="trunc"), common="a b", tensors_only="a")
def fmod(a: Any, b: Any) -> Any:
    """y = a - b trunc(a / b), with the sign of a (C's fmod); dy/da = 1, dy/db = -trunc(a / b)."""
    check_divisor("fmod", a, b)
    return np.fmod(a, b)


@public(method=True, operators=("__neg__",), inplace=True, aliases="negative")
@primitive(x=lambda g: -g)
def neg(x: Any) -> Any:
    """y = -x."""
    if x.dtype == bool:
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert "
                           "a mask, use the `~` or `logical_not()` operator instead.")
    return np.negative(x)


@public(method=True, operators=("__pos__",))
def positive(input: Any) -> Any:
    """y = x, the tensor itself; bools are refused."""
    require_tensor("positive", "input", input)
    if dtype_of(input) == bool:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


# ---- lengths, divisors and multiples


@function
@primitive(a=lambda g, a, y: g * (a / y), b=lambda g, b, y: g * (b / y), common="a b", tensors_only="a b")
def hypot(a: Any, b: Any) -> Any:
    """y = (a^2 + b^2)^(1/2), without overflow; dy/da = a / y, dy/db = b / y."""
    needs_float("hypot_cpu", a)
    return np.hypot(a, b)


@function
@primitive(arrays="a b", common="a b", tensors_only="a b")
def gcd(a: Any, b: Any) -> Any:
    """The greatest common divisor of integers, not negative; gcd(0, 0) = 0."""
    return on_integers(np.gcd, a, b, "iu")


@function
@primitive(arrays="a b", common="a b", tensors_only="a b")
def lcm(a: Any, b: Any) -> Any:
    """The least common multiple of integers, not negative; 0 where either is 0."""
    return on_integers(np.lcm, a, b, "iu")
