"""Sign and magnitude, rounding, and replacing what is not finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import dtype_of, primitive, public
from ..core.checks import require_tensor
from .elementwise import function, masked, needs_float, zeros_like


def no_bool(op: str, x: Any) -> None:
    """NotImplementedError for a bool tensor, as PyTorch's own kernels raise."""
    if dtype_of(x) == bool:
        raise NotImplementedError(f'"{op}" not implemented for \'Bool\'')


@public(method=True, operators=("__abs__",), inplace=True, aliases="absolute")
@primitive(x=lambda g, x: g * sgn(x).conj())
def abs(x: Any) -> Any:
    """y = |x|, dy/dx = sign x; of a complex number the real length, whose gradient is g sgn x."""
    no_bool("abs_cpu", x)
    return np.abs(x)


def signs(x: Any) -> Any:
    if x.dtype.kind == "c":
        raise NotImplementedError("Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead.")
    return x.copy() if x.dtype == bool else np.subtract(x > 0, x < 0, dtype=x.dtype)


@function
@primitive(x=lambda g: zeros_like(g))
def sign(x: Any) -> Any:
    """y = -1, 0 or 1, as x is negative, zero (or NaN) or positive."""
    return signs(x)


def sgn_gradient(g: Any, x: Any, y: Any) -> Any:
    """What of g is at right angles to x, over |x|; the conjugate, as gradients travel."""
    if dtype_of(x).kind != "c":
        return zeros_like(g)
    return masked((g - (g * y).real * y.conj()) / abs(x), x != 0)


@function
@primitive(x=lambda g, x, y: sgn_gradient(g, x, y))
def sgn(x: Any) -> Any:
    """y = x / |x|, and 0 at 0: for real numbers their sign."""
    return np.sign(x) if x.dtype.kind == "c" else signs(x)


@public(method=True)
@primitive(arrays="x", real_only="x")
def signbit(x: Any) -> Any:
    """Whether the sign bit is set: negative numbers and -0."""
    return np.signbit(x) if x.dtype.kind == "f" else x < 0


@function
@primitive(a=lambda g, a, y: masked(g * (y / a), a != 0), b=lambda g: zeros_like(g), floating="a b", tensors_only="a")
def copysign(a: Any, b: Any) -> Any:
    """y = |a| with the sign of b; dy/da = y / a (0 at 0), dy/db = 0."""
    return np.copysign(a, b)


@function
@primitive(x=lambda g: zeros_like(g))
def floor(x: Any) -> Any:
    """y = the largest integer <= x, in x's type; dy/dx = 0."""
    no_bool("floor_vml_cpu", x)
    return np.floor(x)


@function
@primitive(x=lambda g: zeros_like(g))
def ceil(x: Any) -> Any:
    """y = the smallest integer >= x, in x's type; dy/dx = 0."""
    no_bool("ceil_vml_cpu", x)
    return np.ceil(x)


@public(method=True, inplace=True, aliases="fix")
@primitive(x=lambda g: zeros_like(g))
def trunc(x: Any) -> Any:
    """y = x without its fraction (rounded toward 0), in x's type; dy/dx = 0."""
    no_bool("trunc_vml_cpu", x)
    return np.trunc(x)


@function
@primitive(x=lambda g: g)
def frac(x: Any) -> Any:
    """y = x - trunc(x), with the sign of x; dy/dx = 1."""
    needs_float("frac_cpu", x)
    return x - np.trunc(x)


@primitive(x=lambda g: zeros_like(g), real_only="x")
def _round(x: Any, decimals: int) -> Any:
    if not decimals or x.dtype.kind != "f":
        return np.rint(x) if x.dtype.kind == "f" else x.copy()
    scale = 10.0 ** -decimals if decimals < 0 else 10.0 ** decimals
    return np.rint(x / scale) * scale if decimals < 0 else np.rint(x * scale) / scale


@public(where="torch special", method=True, inplace=True)
def round(input: Any, *, decimals: int = 0) -> Any:
    """y = x to `decimals` places after the point (before it if negative), halves to the even neighbour; dy/dx = 0.

    >>> import minidl
    >>> minidl.round(minidl.tensor([0.5, 1.5, -2.5])).tolist()
    [0.0, 2.0, -2.0]
    """
    require_tensor("round", "input", input)
    no_bool("round_vml_cpu", input)
    return _round(input, decimals)


@primitive(x=lambda g, x: masked(g, (x - x) == 0), grad_name="NanToNumBackward0")
def _nan_to_num(x: Any, nan: float, posinf: float | None, neginf: float | None) -> Any:
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf) if x.dtype.kind in "fc" else x.copy()


@public(method=True, inplace=True)
def nan_to_num(input: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None) -> Any:
    """y = x with NaN replaced by `nan` (0), and infinities by the given numbers (the type's largest and smallest)."""
    return _nan_to_num(input, 0.0 if nan is None else nan, posinf, neginf)
