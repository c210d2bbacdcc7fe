"""Powers and what is near them: scaling by powers of two, logarithms of sums, x log y.

Gradients at zero are PyTorch's: d(0^0)/dx = 0, and no NaN from log 0 where the power itself is constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import dtype_of, primitive, public
from ..core.broadcast import convert
from ..core.checks import require_tensor
from ..core.dtypes import F8, word
from ..core.results import return_type
from .elementwise import exp, exp2, function, log, masked, needs_float, zeros_like

NUMBERS = (bool, int, float, complex)


def base_gradient(g: Any, a: Any, b: Any) -> Any:
    """g b a^(b - 1), and 0 where b is 0."""
    if not isinstance(b, NUMBERS):
        return masked(g * (b * a ** (b - 1)), b != 0)
    if b == 2:  # the commonest power by far, without a copy of a
        return g * (2 * a)
    return zeros_like(g) if b == 0 else g * (b * a ** (b - 1))


def exponent_gradient(g: Any, a: Any, b: Any, y: Any) -> Any:
    """g y ln a, and 0 where a is 0 and b is not negative."""
    logarithm = log(np.asarray(a, dtype_of(y)) if isinstance(a, NUMBERS) else a)
    return masked(g * (y * logarithm), (a != 0) | ~(b.real >= 0))


def refuse_negative(a: Any, b: Any) -> None:
    """RuntimeError for an integer tensor to a negative integer power: the result would be no integer."""
    if isinstance(b, int) and b < 0 and dtype_of(a).kind not in "fc":
        raise RuntimeError("Integers to negative integer powers are not allowed.")


def integer_power(a: Any, b: Any) -> Any:
    """a^b for integer arrays; where b is negative, a^b rounded toward zero (0 for all a but 1 and -1)."""
    y = np.power(a, np.maximum(b, 0))
    return np.where(b < 0, np.where(a == 1, 1, np.where(a == -1, 1 - 2 * (b & 1), 0)), y).astype(y.dtype, copy=False)


@public(method=True, operators=("__pow__", "__rpow__"), inplace=True)
@primitive(a=lambda g, a, exponent: base_gradient(g, a, exponent), exponent=lambda g, a, exponent, y: exponent_gradient(g, a, exponent, y),
           common="a exponent", check=refuse_negative)
def pow(a: Any, exponent: Any) -> Any:
    """y = a^b; dy/da = b a^(b - 1), dy/db = y ln a.

    >>> import minidl
    >>> (minidl.tensor([1., 2., 3.]) ** 2).tolist()
    [1.0, 4.0, 9.0]
    """
    if exponent.__class__ in (int, float):  # NumPy's operator has short ways for squares, roots and reciprocals
        return a * a * a if exponent == 3 else a ** exponent
    kind = np.result_type(a, exponent).kind
    if kind == "b":
        raise NotImplementedError("\"pow\" not implemented for 'Bool'")
    return np.power(a, exponent) if kind in "fc" else integer_power(a, exponent)


def as_double(x: Any) -> Any:
    if isinstance(x, NUMBERS):
        return x if isinstance(x, complex) else float(x)
    d = np.promote_types(dtype_of(x), F8)
    return x if dtype_of(x) == d else convert(x, d)


@function
def float_power(input: Any, exponent: Any) -> Any:
    """y = input^exponent in float64 (complex128 where an operand is complex), whatever the operands' types."""
    return pow(as_double(input), as_double(exponent))


@function
@primitive(a=lambda g, b: g * exp2(b), b=lambda g, y: g * y * 0.6931471805599453, floating="a b", tensors_only="a b")
def ldexp(a: Any, b: Any) -> Any:
    """y = a 2^b; dy/da = 2^b (where PyTorch has 0 for negative integers b), dy/db = y ln 2."""
    return a * np.exp2(b)


FrexpResult = return_type("frexp", "mantissa exponent")


@primitive(x=lambda g, exponent: g[0] * exp2(-exponent), outputs="mantissa exponent")
def _frexp(x: Any) -> Any:
    return np.frexp(x)


@public(method=True)
def frexp(input: Any) -> Any:
    """(mantissa, exponent) with input = mantissa 2^exponent and 1/2 <= |mantissa| < 1; the exponent is int32."""
    require_tensor("frexp", "input", input)
    if dtype_of(input).kind != "f":
        raise RuntimeError(f"torch.frexp() only supports floating-point dtypes, got {word(dtype_of(input))}")
    return FrexpResult(*_frexp(input))


# ---- logarithms of sums, and x log y


@public(method=True)
@primitive(a=lambda g, a, b: g / (1 + exp(b - a)), b=lambda g, a, b: g / (1 + exp(a - b)), common="a b", tensors_only="a b")
def logaddexp(a: Any, b: Any) -> Any:
    """y = ln(e^a + e^b), without overflow; dy/da = 1 / (1 + e^(b - a))."""
    needs_float("logaddexp_cpu", a)
    return np.logaddexp(a, b)


@public(method=True)
@primitive(a=lambda g, a, b: g / (1 + exp2(b - a)), b=lambda g, a, b: g / (1 + exp2(a - b)), common="a b", tensors_only="a b")
def logaddexp2(a: Any, b: Any) -> Any:
    """y = log2(2^a + 2^b), without overflow; dy/da = 1 / (1 + 2^(b - a))."""
    needs_float("logaddexp2_cpu", a)
    return np.logaddexp2(a, b)


def factor_gradient(g: Any, a: Any, b: Any, log: Any, pole: float) -> Any:
    """g log b, and 0 where a is 0 and b at or beyond the pole of the logarithm."""
    b = np.asarray(b, dtype_of(g)) if isinstance(b, NUMBERS) else b
    return g * masked(log(b), (a != 0) | ~(b <= pole))


@public(where="torch special", method=True, inplace=True)
@primitive(a=lambda g, a, b: factor_gradient(g, a, b, log, 0), b=lambda g, a, b: g * a / b, floating="a b", real_only="a")
def xlogy(a: Any, b: Any) -> Any:
    """y = a ln b, and 0 where a is 0 (NaN where b is NaN); dy/da = ln b, dy/db = a / b."""
    if b.__class__ in (int, float):
        b = a.dtype.type(b)
    return np.where(np.equal(a, 0) & ~np.isnan(b), 0, a * np.log(b))
