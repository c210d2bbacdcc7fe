"""Smooth activation functions: the sigmoid and what is made of it, exponential units, the gated units."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import primitive, public
from ..core.checks import require_tensor, wrap_dim
from ..core.threads import elementwise
from .arithmetic import sub
from .elementwise import exp, masked, needs_float, tanh
from .index import narrowed
from .relu import apply, with_inplace
from .rounding import abs
from .special import erf


def logistic(x: Any) -> Any:
    """1 / (1 + e^-x) of an array, in one new array; e^-x may become inf, and its reciprocal is the right 0."""
    y = np.negative(x, np.empty_like(x))
    np.exp(y, y)
    y += 1
    return np.reciprocal(y, y)


@primitive(d=lambda g, s: sigmoid_backward(g, s), s=lambda g, d, s: g * d * (1 - 2 * s))
def sigmoid_backward(d: Any, s: Any) -> Any:
    """y = d s (1 - s)."""
    y = 1 - s
    y *= s
    y *= d
    return y


@public(where="torch nn.functional", method=True, inplace=True)
@primitive(x=lambda g, y: sigmoid_backward(g, y), floating="x")
def sigmoid(x: Any) -> Any:
    """y = 1 / (1 + e^-x), dy/dx = y (1 - y).

    >>> import minidl
    >>> minidl.sigmoid(minidl.tensor([0.])).tolist()
    [0.5]
    """
    return logistic(x)


@public(where="special")
def expit(input: Any) -> Any:
    """`sigmoid` by its name in `special`."""
    return sigmoid(input)


@primitive(x=lambda g, x: g * sigmoid(-x), grad_name="LogSigmoidBackward0")
def _logsigmoid(x: Any) -> Any:
    needs_float("log_sigmoid_cpu", x)
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


@public(where="nn.functional")
def logsigmoid(input: Any) -> Any:
    """y = ln sigmoid(x) = min(x, 0) - ln(1 + e^-|x|); dy/dx = sigmoid(-x)."""
    return _logsigmoid(input)


@primitive(d=lambda g, x, beta, threshold: softplus_backward(g, x, beta, threshold),
           x=lambda g, d, x, beta, threshold: masked(sigmoid_backward(g * d * beta, sigmoid(x * beta)), x * beta < threshold))
def softplus_backward(d: Any, x: Any, beta: float, threshold: float) -> Any:
    """y = d sigmoid(beta x), or d where beta x > threshold; its slope is 0 from the threshold on."""
    z = x * beta
    return np.where(z > threshold, d, d * logistic(z))


@primitive(x=lambda g, x, beta, threshold: softplus_backward(g, x, beta, threshold))
def _softplus(x: Any, beta: float, threshold: float) -> Any:
    needs_float("softplus_cpu", x)
    z = x * beta
    return np.where(z > threshold, x, (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta)


@public(where="nn.functional")
def softplus(input: Any, beta: float = 1, threshold: float = 20) -> Any:
    """y = ln(1 + e^(beta x)) / beta, and x where beta x > threshold; dy/dx = sigmoid(beta x), or 1 there."""
    return _softplus(input, beta, threshold)


# ---- x times a smooth gate


@primitive(d=lambda g, x: silu_backward(g, x),
           x=lambda g, d, x: g * d * sigmoid_backward(2 + x * (1 - 2 * sigmoid(x)), sigmoid(x)))
def silu_backward(d: Any, x: Any) -> Any:
    """y = d s (1 + x (1 - s)) with s = sigmoid(x)."""
    s = logistic(x)
    y = 1 - s
    y *= x
    y += 1
    y *= s
    y *= d
    return y


@primitive(x=lambda g, x: silu_backward(g, x))
def _silu(x: Any) -> Any:
    needs_float("silu_cpu", x)
    y = logistic(x)
    y *= x
    return y


@public(where="nn.functional")
def silu(input: Any, inplace: bool = False) -> Any:
    """y = x s with s = sigmoid(x); dy/dx = s (1 + x (1 - s)). Also called swish."""
    return apply(_silu, input, inplace)


def mish_derivative(x: Any) -> Any:
    """t + x sigmoid(x) (1 - t^2) with t = tanh(softplus(x))."""
    t = tanh(_softplus(x, 1, 20))
    return t + x * sigmoid(x) * (1 - t * t)


@primitive(x=lambda g, x: g * mish_derivative(x))
def _mish(x: Any) -> Any:
    needs_float("mish_cpu", x)
    e = np.exp(np.minimum(x, 5 if x.dtype == np.float16 else 20))  # from there on the tanh is 1 to rounding
    e *= e + 2  # tanh(ln(1 + e)) = e (e + 2) / (e (e + 2) + 2)
    return x * (e / (e + 2))


@public(where="nn.functional")
def mish(input: Any, inplace: bool = False) -> Any:
    """y = x tanh(softplus(x)). Misra 2019 (https://arxiv.org/abs/1908.08681)."""
    return apply(_mish, input, inplace)


ROOT_HALF, NORMAL_DENSITY = 0.7071067811865476, 0.3989422804014327  # 1 / sqrt 2 and 1 / sqrt(2 pi)
TANH_SCALE, TANH_CUBE = 0.7978845608028654, 0.044715  # sqrt(2 / pi), and the coefficient of x^3


def density(x: Any) -> Any:
    """The normal density e^(-x^2 / 2) / sqrt(2 pi)."""
    return exp(x * x * -0.5) * NORMAL_DENSITY


@primitive(d=lambda g, x: gelu_backward(g, x), x=lambda g, d, x: g * d * density(x) * (2 - x * x))
def gelu_backward(d: Any, x: Any) -> Any:
    """y = d (P(X <= x) + x p(x)) with p the normal density."""
    return elementwise(_gelu_backward, d, x, passes=24)


def _gelu_backward(d: Any, x: Any, out: Any = None) -> Any:
    y = x * x
    y *= -0.5
    y = np.exp(y)
    y *= NORMAL_DENSITY
    y *= x
    below = erf(x * ROOT_HALF)
    below += 1
    below *= 0.5
    y += below
    return np.multiply(y, d, out)


@primitive(x=lambda g, x: gelu_backward(g, x))
def _gelu(x: Any) -> Any:
    needs_float("GeluKernelImpl", x)
    return elementwise(_gelu_forward, x, passes=20)


def _gelu_forward(x: Any, out: Any = None) -> Any:
    y = erf(x * ROOT_HALF)
    y += 1
    y *= x
    return np.multiply(y, 0.5, out)


def gelu_tanh_derivative(x: Any) -> Any:
    """(1 + t) / 2 + x (1 - t^2) u' / 2 with t = tanh u, u = sqrt(2 / pi) (x + 0.044715 x^3)."""
    square = x * x
    t = tanh(x * (TANH_SCALE * (1 + TANH_CUBE * square)))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (TANH_SCALE * (1 + 3 * TANH_CUBE * square))


@primitive(x=lambda g, x: g * gelu_tanh_derivative(x), grad_name="GeluBackward0")
def _gelu_tanh(x: Any) -> Any:
    needs_float("GeluKernelImpl", x)
    y = x * x
    y *= TANH_SCALE * TANH_CUBE
    y += TANH_SCALE
    y *= x
    y = np.tanh(y)
    y += 1
    y *= x
    y *= 0.5
    return y


@public(where="nn.functional")
def gelu(input: Any, *, approximate: str = "none") -> Any:
    """y = x P(X <= x) for X standard normal, that is x (1 + erf(x / sqrt 2)) / 2; ``approximate="tanh"`` puts
    tanh(sqrt(2 / pi) (x + 0.044715 x^3)) for the erf.

    Hendrycks and Gimpel 2016 (https://arxiv.org/abs/1606.08415). Raises RuntimeError for another `approximate`.
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return _gelu(input) if approximate == "none" else _gelu_tanh(input)


@public(where="nn.functional")
def glu(input: Any, dim: int = -1) -> Any:
    """y = a sigmoid(b), where a and b are the halves of the input along `dim`; RuntimeError if its size is odd.

    Dauphin et al. 2017 (https://arxiv.org/abs/1612.08083).
    """
    require_tensor("glu", "input", input)
    if not input.ndim:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    needs_float("glu_cpu", input)
    dim = wrap_dim(dim, input.ndim, "glu")
    size = input.shape[dim]
    if size % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {size}")
    return narrowed(input, dim, 0, size // 2) * sigmoid(narrowed(input, dim, size // 2, size))


# ---- exponential units


@primitive(d=lambda g, x, negative, scale, rate: elu_backward(g, x, negative, scale, rate),
           x=lambda g, d, x, negative, rate: masked(g * d * (negative * rate * rate) * exp(x * rate), x < 0))
def elu_backward(d: Any, x: Any, negative: float, scale: float, rate: float) -> Any:
    """y = d negative rate e^(rate x) where x <= 0, else d scale."""
    y = np.exp(np.minimum(x, 0) * rate)
    if negative * rate != 1 or scale != 1:
        y *= negative * rate
        y = masked(y, x <= 0)
        y += ~(x <= 0) * x.dtype.type(scale)
    y *= d
    return y


def elu_forward(x: Any, negative: float, scale: float, rate: float) -> Any:
    needs_float("elu_cpu", x)
    y = np.expm1(np.minimum(x, 0) * rate)
    y *= negative
    y += np.maximum(x, 0) * scale
    return y


def exponential_unit(grad_name: str) -> Any:
    rule: dict[str, Any] = {"x": lambda g, x, negative, scale, rate: elu_backward(g, x, negative, scale, rate)}
    return primitive(grad_name=grad_name, **rule)(elu_forward)


_elu, _celu = exponential_unit("EluBackward0"), exponential_unit("CeluBackward0")


@with_inplace("nn.functional")
@public(where="nn.functional")
def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """y = x where x > 0, else alpha (e^x - 1); dy/dx = 1, or alpha e^x (also at 0)."""
    return apply(_elu, input, inplace, alpha, 1.0, 1.0)


@with_inplace("torch nn.functional")
@public(where="torch nn.functional")
def selu(input: Any, inplace: bool = False) -> Any:
    """y = scale elu(x, alpha), with the constants that keep mean 0 and variance 1 through layers.

    Klambauer et al. 2017 (https://arxiv.org/abs/1706.02515).
    """
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return apply(_elu, input, inplace, alpha * scale, scale, 1.0)


@with_inplace("torch nn.functional")
@public(where="torch nn.functional")
def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """y = max(x, 0) + min(alpha (e^(x / alpha) - 1), 0); dy/dx = 1, or e^(x / alpha). RuntimeError if alpha is 0."""
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return apply(_celu, input, inplace, alpha, 1.0, 1.0 / alpha)


# ---- made of other ops


@public(where="nn.functional")
def softsign(input: Any) -> Any:
    """y = x / (1 + |x|)."""
    return input / (abs(input) + 1)


@public(where="nn.functional")
def tanhshrink(input: Any) -> Any:
    """y = x - tanh x."""
    return sub(input, tanh(input))
