"""Variance, standard deviation, covariance and correlation."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..core import data_of, dtype_of, primitive, public
from ..core.checks import require_tensor, wrap_dims
from .complex import complex
from .elementwise import masked, sqrt
from .matmul import matmul
from .memory import row_major
from .rearrange import diagonal
from .reduce import _mean, added, count, expand_reduced
from .reduce import sum as sum_over
from .select import clamp
from .shape import permute, reshape, squeeze


def moments(x: Any, dims: tuple[int, ...], correction: Any, keepdim: bool) -> tuple[Any, Any]:
    """The variance and the mean, in two passes; those of float16 in float32."""
    v = x if x.dtype.itemsize > 2 else x.astype(np.float32)
    n = count(x.shape, dims)
    mean = added(v, dims, True) / n
    d = v - mean
    var = added(np.square(d), dims, keepdim) / max(n - correction, 0)
    return row_major(var), row_major(mean if keepdim else mean.squeeze(dims))


def var_gradient(g: Any, x: Any, dims: tuple[int, ...], correction: Any) -> Any:
    """g * 2 (x - mean) / (n - correction); where that divides by 0, infinite, or NaN for what equals the mean, as in PyTorch."""
    freedom = count(x.shape, dims) - correction
    g, centred = expand_reduced(g, x.shape, dims), x - _mean(x, dims, True)
    return g * (centred * (2 / freedom)) if freedom > 0 else g * (np.abs(data_of(centred)) * np.inf)


def std_gradient(g: Any, x: Any, y: Any, dims: tuple[int, ...], correction: Any) -> Any:
    """g * (x - mean) / ((n - correction) y), and 0 where the standard deviation y is 0."""
    return var_gradient(masked(g / (y * 2), data_of(y) != 0), x, dims, correction)


@primitive(x=var_gradient)
def _var(x: Any, dims: tuple[int, ...], correction: Any, keepdim: bool) -> Any:
    return moments(x, dims, correction, keepdim)[0].astype(x.dtype, copy=False)


@primitive(x=std_gradient)
def _std(x: Any, dims: tuple[int, ...], correction: Any, keepdim: bool) -> Any:
    return np.sqrt(moments(x, dims, correction, keepdim)[0]).astype(x.dtype, copy=False)


def mean_gradient(g: Any, x: Any, dims: tuple[int, ...]) -> Any:
    return expand_reduced(g / (count(x.shape, dims) or 1), x.shape, dims)


@primitive(x=lambda g, x, dims, correction: var_gradient(g[0], x, dims, correction) + mean_gradient(g[1], x, dims),
           outputs="var mean")
def _var_mean(x: Any, dims: tuple[int, ...], correction: Any, keepdim: bool) -> Any:
    var, mean = moments(x, dims, correction, keepdim)
    return var.astype(x.dtype, copy=False), mean.astype(x.dtype, copy=False)


@primitive(x=lambda g, x, std, dims, correction: std_gradient(g[0], x, std, dims, correction) + mean_gradient(g[1], x, dims),
           outputs="std mean")
def _std_mean(x: Any, dims: tuple[int, ...], correction: Any, keepdim: bool) -> Any:
    var, mean = moments(x, dims, correction, keepdim)
    return np.sqrt(var).astype(x.dtype, copy=False), mean.astype(x.dtype, copy=False)


def spread(op: str, primitive_op: Any, x: Any, dim: Any, unbiased: Any, keepdim: bool, correction: Any) -> Any:
    """`primitive_op` after the checks, and with PyTorch's older signatures ``(unbiased)`` and ``(dim, unbiased, keepdim)``."""
    require_tensor(op, "input", x)
    if dtype_of(x).kind not in "fc":
        raise RuntimeError(f"{op}: std and var only support floating point and complex dtypes")
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None:
        if correction is not None:
            raise TypeError(f"{op}(): takes `unbiased` or `correction`, not both")
        correction = int(unbiased)
    dims, correction = wrap_dims(dim, x.ndim, op), 1 if correction is None else correction
    if dtype_of(x).kind != "c":
        return primitive_op(x, dims, correction, keepdim)
    y = _var(x.real, dims, correction, keepdim) + _var(x.imag, dims, correction, keepdim)
    if op.startswith("std"):
        y = sqrt(y)
    return (y, _mean(x, dims, keepdim)) if op.endswith("mean") else y


@public(method=True)
def var(input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None) -> Any:
    """The variance sum(|x - mean|^2) / (n - correction) over the dimensions `dim`; `correction` is 1 (Bessel's) by default.

    dy/dx = 2 (x - mean) / (n - correction).
    """
    return spread("var", _var, input, dim, unbiased, keepdim, correction)


@public(method=True)
def std(input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None) -> Any:
    """The standard deviation, the root of `var`; its gradient is 0 where it is 0."""
    return spread("std", _std, input, dim, unbiased, keepdim, correction)


@public
def var_mean(input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None) -> Any:
    """The pair (var, mean)."""
    return spread("var_mean", _var_mean, input, dim, unbiased, keepdim, correction)


@public
def std_mean(input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None) -> Any:
    """The pair (std, mean)."""
    return spread("std_mean", _std_mean, input, dim, unbiased, keepdim, correction)


def weights_of(op: str, name: str, w: Any, n: int, kinds: str) -> None:
    """RuntimeError unless there is one weight >= 0 for each of `n` observations."""
    if w.ndim > 1 or math.prod(w.shape) != n or dtype_of(w).kind not in kinds:
        raise RuntimeError(f"{op}(): expected {name} to be {n} {'integers' if 'f' not in kinds else 'floating point numbers'}, one "
                           f"for each observation, got {dtype_of(w).name} of shape {tuple(w.shape)}")
    if (data_of(w) < 0).any():
        raise RuntimeError(f"{op}(): {name} cannot be negative, got {data_of(w).min()}")


@public(method=True)
def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """The covariance matrix of variables (rows) over observations (columns): X W X^H / norm, for X centred and w = `fweights` *
    `aweights` on the diagonal of W. norm = sum(w) - correction, and with `aweights` sum(w) - correction * sum(w aweights) / sum(w).

    >>> import minidl
    >>> minidl.cov(minidl.tensor([[0., 1., 2.], [2., 1., 0.]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    require_tensor("cov", "input", input)
    if input.ndim > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions")
    if dtype_of(input) == bool:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input if input.ndim == 2 else reshape(input, 1, -1)
    n = x.shape[1]
    w = None
    if fweights is not None:
        weights_of("cov", "fweights", fweights, n, "iu")
        w = fweights
    if aweights is not None:
        weights_of("cov", "aweights", aweights, n, "f")
        w = aweights if w is None else w * aweights
    w_sum = n if w is None else sum_over(w)
    if w is not None and n and data_of(w_sum) == 0:
        raise ZeroDivisionError("cov(): weights sum to zero, can't be normalized")
    norm = w_sum - correction if aweights is None else w_sum - correction * sum_over(w * aweights) / w_sum
    if data_of(norm) <= 0:
        warnings.warn("cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations.",
                      stacklevel=3)
        norm = 0
    x = x - sum_over(x if w is None else x * w, 1, True) / w_sum
    return squeeze(matmul(x, permute(x if w is None else x * w, 1, 0).conj()) / norm)


@public(method=True)
def corrcoef(input: Any) -> Any:
    """Pearson's correlation of variables (rows) over observations (columns): cov_ij / sqrt(cov_ii cov_jj), within [-1, 1]."""
    require_tensor("corrcoef", "input", input)
    if input.ndim > 2:
        raise RuntimeError(f"corrcoef(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions")
    c = cov(input)
    if not c.ndim:
        return c / c
    deviation = sqrt(diagonal(c).real)
    y = c / reshape(deviation, -1, 1) / reshape(deviation, 1, -1)
    return complex(clamp(y.real, -1, 1), clamp(y.imag, -1, 1)) if dtype_of(y).kind == "c" else clamp(y, -1, 1)
