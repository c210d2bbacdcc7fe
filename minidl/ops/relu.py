"""Activation functions whose pieces are lines: the relu family, hard forms and shrinkages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import dtype_of, primitive, public
from ..core.checks import refuse_complex, require_tensor
from ..core.dtypes import word
from ..core.generator import default_generator
from ..core.inplace import in_place
from ..core.threads import elementwise
from .elementwise import masked, needs_float
from .shape import as_shape


def apply(op: Callable[..., Any], input: Any, inplace: bool, *args: Any) -> Any:
    """op(input, *args), written over the input if `inplace`."""
    require_tensor(op.__name__.strip("_"), "input", input)
    return in_place(op)(input, *args) if inplace else op(input, *args)


def with_inplace(where: str) -> Callable[..., Any]:
    """Enters also ``f_``, which is f with ``inplace=True``, in the table."""
    def decorate(f: Callable[..., Any]) -> Callable[..., Any]:
        public(where=where)(in_place(f))
        return f

    return decorate


# ---- relu and its kin


@primitive(x=lambda g, y: masked(g, y != 0))
def _relu(x: Any) -> Any:
    if x.dtype.kind == "f":
        return elementwise(_positive, x)
    refuse_complex("relu", x)
    if x.dtype == bool:
        raise RuntimeError("Boolean inputs not supported for relu")
    return np.maximum(x, 0)


def _positive(x: Any, out: Any = None) -> Any:
    return x.clip(0, np.inf, out)  # three times as fast as np.maximum with a number


@with_inplace("torch nn.functional")
@public(where="torch nn.functional", method=True, inplace=True)
def relu(input: Any, inplace: bool = False) -> Any:
    """y = max(x, 0); dy/dx = 1 where x > 0 (or NaN), 0 at 0.

    >>> import minidl
    >>> minidl.relu(minidl.tensor([-1., 2.])).tolist()
    [0.0, 2.0]
    """
    return apply(_relu, input, inplace)


@primitive(x=lambda g, x, low, high: masked(g, (x > low) & (x < high)), real_only="x")
def _hardtanh(x: Any, low: float, high: float) -> Any:
    if x.dtype == bool:
        raise RuntimeError("Bool inputs not supported for hardtanh")
    return np.clip(x, low, high)


@with_inplace("nn.functional")
@public(where="nn.functional")
def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """y = min(max(x, min_val), max_val); dy/dx = 1 strictly between the bounds, else 0."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    require_tensor("hardtanh", "input", input)
    kind = dtype_of(input).kind
    if kind == "u" and (min_val < 0 or max_val < 0):
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    bounds = (min_val, max_val) if kind == "f" else (int(min_val), int(max_val))
    return apply(_hardtanh, input, inplace, *bounds)


@public(where="nn.functional")
def relu6(input: Any, inplace: bool = False) -> Any:
    """y = min(max(x, 0), 6); dy/dx = 1 strictly between 0 and 6."""
    return hardtanh(input, 0.0, 6.0, inplace)


@primitive(d=lambda g, x, slope: leaky_relu_backward(g, x, slope), arrays="x")
def leaky_relu_backward(d: Any, x: Any, slope: float) -> Any:
    """y = d where x > 0, else slope d."""
    if 0 <= slope <= 1:
        y = np.maximum((x > 0).astype(d.dtype), slope)
        y *= d
        return y
    return np.where(x > 0, d, slope * d)


@primitive(x=lambda g, x, slope: leaky_relu_backward(g, x, slope))
def _leaky_relu(x: Any, slope: float) -> Any:
    needs_float("leaky_relu_cpu", x)
    if 0 < slope <= 1:
        y = x * slope
        return np.maximum(x, y, out=y) if y.ndim else np.maximum(x, y)
    return np.maximum(x, 0) + slope * np.minimum(x, 0)


@with_inplace("nn.functional")
@public(where="nn.functional")
def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """y = x where x > 0, else negative_slope x; dy/dx = 1 or negative_slope (also at 0)."""
    return apply(_leaky_relu, input, inplace, negative_slope)


@primitive(x=lambda g, x, noise: g * noise, arrays="noise", grad_name="RreluWithNoiseBackward0", real_only="x")
def _rrelu(x: Any, noise: Any) -> Any:
    return x * noise


@with_inplace("torch nn.functional")
@public(where="torch nn.functional")
def rrelu(input: Any, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False) -> Any:
    """`leaky_relu` with slope (lower + upper) / 2; while `training`, a random slope on [lower, upper) for each element <= 0."""
    if lower > upper:
        raise RuntimeError(f"rrelu: Lower bound should be less than or equal to the upper bound, got {lower} and {upper}")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    noise = np.ones(tuple(input.shape), dtype_of(input))
    negative = input._data <= 0
    noise[negative] = default_generator.uniform((int(negative.sum()),), lower, upper, np.float64)
    return apply(_rrelu, input, inplace, noise)


@primitive(x=lambda g, x, w: masked(g, x > 0) + masked(g * w, ~(x > 0)), w=lambda g, x: masked(g * x, ~(x >= 0)),
           grad_name="PreluKernelBackward0")
def _prelu(x: Any, w: Any) -> Any:
    return np.where(x > 0, x, w * x)


@public(where="torch nn.functional", method=True)
def prelu(input: Any, weight: Any) -> Any:
    """y = x where x > 0, else w x; `weight` holds one w, or one for each channel (dimension 1).

    dy/dx = 1 or w, dy/dw = the sum of x where it is not positive. Raises RuntimeError if the number of weights fits neither.
    """
    require_tensor("prelu", "input", input)
    require_tensor("prelu", "weight", weight)
    if dtype_of(input) != dtype_of(weight):
        raise RuntimeError(f"prelu: Type promoting not supported. Got {word(dtype_of(input))} and {word(dtype_of(weight))}")
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}")
    needs_float("prelu_cpu", input)
    count = weight.shape[0] if weight.ndim else 1
    if count != 1:
        if input.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.ndim > 1 else 1
        if channels != count:
            raise RuntimeError(f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {count} "
                               f"and channel size = {channels}.")
    ones = max(input.ndim - 2, 0)
    return _prelu(input, as_shape(weight, (count,) + (1,) * ones if input.ndim > 1 else (1,) * input.ndim))


@primitive(x=lambda g, x, threshold: masked(g, ~(x <= threshold)), real_only="x")
def _threshold(x: Any, threshold: float, value: float) -> Any:
    return np.where(x <= threshold, x.dtype.type(value), x)


@with_inplace("torch nn.functional")
@public(where="torch nn.functional")
def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """y = x where x > threshold, else `value`; dy/dx = 1 or 0."""
    return apply(_threshold, input, inplace, threshold, value)


# ---- hard forms of sigmoid and silu


@primitive(x=lambda g, x: masked(g / 6, (x > -3) & (x < 3)))
def _hardsigmoid(x: Any) -> Any:
    needs_float("hardsigmoid_cpu", x)
    y = np.clip(x + 3, 0, 6)
    y /= 6
    return y


@public(where="nn.functional")
def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """y = min(max(x + 3, 0), 6) / 6; dy/dx = 1/6 strictly between -3 and 3, else 0."""
    return apply(_hardsigmoid, input, inplace)


@primitive(x=lambda g, x: masked(g, ~(x < 3)) + masked(g * (x / 3 + 0.5), (x > -3) & (x < 3)))
def _hardswish(x: Any) -> Any:
    needs_float("hardswish_cpu", x)
    y = np.clip(x + 3, 0, 6)
    y *= x
    y /= 6
    return y


@public(where="nn.functional")
def hardswish(input: Any, inplace: bool = False) -> Any:
    """y = x min(max(x + 3, 0), 6) / 6; dy/dx = x / 3 + 1/2 strictly between -3 and 3, else 0 or 1.

    Howard et al. 2019, Searching for MobileNetV3 (https://arxiv.org/abs/1905.02244).
    """
    return apply(_hardswish, input, inplace)


# ---- shrinkages


@primitive(x=lambda g, x, lambd: masked(g, (x > lambd) | (x < -lambd)))
def _hardshrink(x: Any, lambd: float) -> Any:
    needs_float("hardshrink_cpu", x)
    return masked(x, ~((x >= -lambd) & (x <= lambd)))


@public(where="torch nn.functional", method=True)
def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """y = x where |x| > lambd, else 0; dy/dx = 1 or 0."""
    return _hardshrink(input, lambd)


@primitive(x=lambda g, x, lambd: masked(g, (x > lambd) | (x < -lambd)))
def _softshrink(x: Any, lambd: float) -> Any:
    needs_float("softshrink_cpu", x)
    return x - np.clip(x, -lambd, lambd)


@public(where="nn.functional")
def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """y = x brought nearer to 0 by lambd, and 0 where |x| <= lambd; dy/dx = 1 or 0."""
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    return _softshrink(input, lambd)
