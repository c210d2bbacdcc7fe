"""Functions of one argument, applied to each element: exponentials, logarithms, trigonometry."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import dtype_of, primitive, public
from ..core.broadcast import zeros_for
from ..core.dtypes import word
from ..core.threads import elementwise

function = public(method=True, inplace=True)


def zeros_like(g: Any) -> np.ndarray:
    """The gradient of a function that is constant around every point."""
    return zeros_for(g.shape, dtype_of(g), False)


@primitive(x=lambda g, keep: masked(g, keep), arrays="keep")
def masked(x: Any, keep: Any) -> Any:
    """y = x where `keep`, else 0 whatever x is there (inf * 0 would be NaN); on bits, ten times as fast as np.where."""
    if x.itemsize == 16:  # complex128: there are no integers of that size
        return np.where(keep, x, 0)
    return elementwise(_masked, x.view(f"i{x.itemsize}"), keep.view("i1")).view(x.dtype)


def _masked(x: Any, keep: Any, out: Any = None) -> Any:
    return np.bitwise_and(x, np.negative(keep, dtype=x.dtype), out=out)


def needs_float(op: str, x: Any) -> None:
    """NotImplementedError for integers, as PyTorch's own kernels raise."""
    if dtype_of(x).kind != "f":
        raise NotImplementedError(f"\"{op}\" not implemented for '{word(dtype_of(x))}'")


# ---- exponentials and logarithms


@function
@primitive(x=lambda g, y: g * y, floating="x")
def exp(x: Any) -> Any:
    """y = e^x, dy/dx = y."""
    return np.exp(x)


@public(where="torch special", method=True, inplace=True)
@primitive(x=lambda g, y: g * y * 0.6931471805599453, floating="x")
def exp2(x: Any) -> Any:
    """y = 2^x, dy/dx = y ln 2."""
    return np.exp2(x)


@public(where="torch special", method=True, inplace=True)
@primitive(x=lambda g, y: g * (y + 1), floating="x")
def expm1(x: Any) -> Any:
    """y = e^x - 1, precise near 0; dy/dx = y + 1."""
    return np.expm1(x)


@function
@primitive(x=lambda g, x: g / x, floating="x")
def log(x: Any) -> Any:
    """y = ln x, dy/dx = 1 / x."""
    return np.log(x)


@function
@primitive(x=lambda g, x: g / (x * 0.6931471805599453), floating="x")
def log2(x: Any) -> Any:
    """y = log2 x, dy/dx = 1 / (x ln 2)."""
    return np.log2(x)


@function
@primitive(x=lambda g, x: g / (x * 2.302585092994046), floating="x")
def log10(x: Any) -> Any:
    """y = log10 x, dy/dx = 1 / (x ln 10)."""
    return np.log10(x)


@public(where="torch special", method=True, inplace=True)
@primitive(x=lambda g, x: g / (x + 1), floating="x", grad_name="Log1PBackward0")
def log1p(x: Any) -> Any:
    """y = ln(1 + x), precise near 0; dy/dx = 1 / (1 + x)."""
    return np.log1p(x)


# ---- roots


@function
@primitive(x=lambda g, y: g / (2 * y), floating="x")
def sqrt(x: Any) -> Any:
    """y = x^(1/2), dy/dx = 1 / (2 y)."""
    return np.sqrt(x)


@function
@primitive(x=lambda g, y: g * (-0.5 * y * y * y), floating="x")
def rsqrt(x: Any) -> Any:
    """y = x^(-1/2), dy/dx = -y^3 / 2."""
    return np.reciprocal(np.sqrt(x))


@function
@primitive(x=lambda g, y: -g * (y * y), floating="x")
def reciprocal(x: Any) -> Any:
    """y = 1 / x, dy/dx = -y^2."""
    return 1 / x


@function
@primitive(x=lambda g, x: g * (2 * x), grad_name="PowBackward0")
def square(x: Any) -> Any:
    """y = x^2, dy/dx = 2 x."""
    return np.square(x) if x.dtype != bool else x.astype(np.int64)


# ---- trigonometric and hyperbolic functions


@function
@primitive(x=lambda g, x: g * cos(x), floating="x")  # type: ignore[has-type]
def sin(x: Any) -> Any:
    """y = sin x, dy/dx = cos x."""
    return np.sin(x)


@function
@primitive(x=lambda g, x: g * -sin(x), floating="x")
def cos(x: Any) -> Any:
    """y = cos x, dy/dx = -sin x."""
    return np.cos(x)


@function
@primitive(x=lambda g, y: g * (y * y + 1), floating="x")
def tan(x: Any) -> Any:
    """y = tan x, dy/dx = 1 + y^2."""
    return np.tan(x)


@public(method=True, inplace=True, aliases="arcsin")
@primitive(x=lambda g, x: g * rsqrt(1 - x * x), floating="x")
def asin(x: Any) -> Any:
    """y = arcsin x, dy/dx = (1 - x^2)^(-1/2)."""
    return np.arcsin(x)


@public(method=True, inplace=True, aliases="arccos")
@primitive(x=lambda g, x: g * -rsqrt(1 - x * x), floating="x")
def acos(x: Any) -> Any:
    """y = arccos x, dy/dx = -(1 - x^2)^(-1/2)."""
    return np.arccos(x)


@public(method=True, inplace=True, aliases="arctan")
@primitive(x=lambda g, x: g / (x * x + 1), floating="x")
def atan(x: Any) -> Any:
    """y = arctan x, dy/dx = 1 / (1 + x^2)."""
    return np.arctan(x)


@function
@primitive(x=lambda g, x: g * cosh(x), floating="x")  # type: ignore[has-type]
def sinh(x: Any) -> Any:
    """y = sinh x, dy/dx = cosh x."""
    return np.sinh(x)


@function
@primitive(x=lambda g, x: g * sinh(x), floating="x")
def cosh(x: Any) -> Any:
    """y = cosh x, dy/dx = sinh x."""
    return np.cosh(x)


@primitive(d=lambda g, tanh_x: tanh_backward(g, tanh_x), tanh_x=lambda g, d, tanh_x: g * d * (-2 * tanh_x))
def tanh_backward(d: Any, tanh_x: Any) -> Any:
    """y = d (1 - tanh^2 x), in one new array (a scalar stays one: it has no memory to write into)."""
    y = tanh_x * tanh_x
    y = np.subtract(1, y, y) if y.ndim else 1 - y
    y *= d
    return y


@public(where="torch nn.functional", method=True, inplace=True)
@primitive(x=lambda g, y: tanh_backward(g, y), floating="x")
def tanh(x: Any) -> Any:
    """y = tanh x, dy/dx = 1 - y^2."""
    return np.tanh(x)


@public(method=True, inplace=True, aliases="arcsinh")
@primitive(x=lambda g, x: g * rsqrt(x * x + 1), floating="x")
def asinh(x: Any) -> Any:
    """y = arsinh x, dy/dx = (x^2 + 1)^(-1/2)."""
    return np.arcsinh(x)


def acosh_derivative(x: Any) -> Any:
    """(x^2 - 1)^(-1/2); for complex x in two factors, whose product is cut where acosh is."""
    return rsqrt(x * x - 1) if dtype_of(x).kind == "f" else rsqrt(x - 1) * rsqrt(x + 1)


@public(method=True, inplace=True, aliases="arccosh")
@primitive(x=lambda g, x: g * acosh_derivative(x), floating="x")
def acosh(x: Any) -> Any:
    """y = arcosh x, dy/dx = (x^2 - 1)^(-1/2)."""
    return np.arccosh(x)


@public(method=True, inplace=True, aliases="arctanh")
@primitive(x=lambda g, x: g / (1 - x * x), floating="x")
def atanh(x: Any) -> Any:
    """y = artanh x, dy/dx = 1 / (1 - x^2)."""
    return np.arctanh(x)


def sinc_derivative(x: Any) -> Any:
    """(p cos p - sin p) / (p x) with p = pi x, and 0 at 0."""
    p = x * 3.141592653589793
    return masked((p * cos(p) - sin(p)) / (p * x), x != 0)


@public(where="torch special", method=True, inplace=True)
@primitive(x=lambda g, x: g * sinc_derivative(x), floating="x")
def sinc(x: Any) -> Any:
    """y = sin(pi x) / (pi x), and 1 at 0."""
    return np.sinc(x) if x.dtype.itemsize > 2 else np.sinc(x.astype(np.float32)).astype(x.dtype)  # half precision does not hold pi x


@public(method=True, inplace=True, aliases="arctan2")
@primitive(a=lambda g, a, b: masked(g * b / (a * a + b * b), (a != 0) | (b != 0)),
           b=lambda g, a, b: masked(-g * a / (a * a + b * b), (a != 0) | (b != 0)), floating="a b", tensors_only="a b")
def atan2(a: Any, b: Any) -> Any:
    """y = the angle of the point (b, a), on [-pi, pi]; dy/da = b / (a^2 + b^2), dy/db = -a / (a^2 + b^2), 0 at the origin."""
    return np.arctan2(a, b)


@function
@primitive(x=lambda g: g * 0.017453292519943295, floating="x", grad_name="Deg2RadBackward0", real_only="x")
def deg2rad(x: Any) -> Any:
    """y = x pi / 180."""
    return x * 0.017453292519943295


@function
@primitive(x=lambda g: g * 57.29577951308232, floating="x", grad_name="Rad2DegBackward0", real_only="x")
def rad2deg(x: Any) -> Any:
    """y = x 180 / pi."""
    return x * 57.29577951308232
