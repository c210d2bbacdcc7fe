"""Variance and standard deviation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import data_of, dtype_of, primitive, public
from ..core.checks import require_tensor, wrap_dims
from .elementwise import masked
from .reduce import _mean, count, expand_reduced


def moments(x: Any, dims: tuple[int, ...], correction: Any, keepdim: bool) -> tuple[Any, Any]:
    """The variance and the mean, in two passes; those of float16 in float32."""
    v = x if x.dtype.itemsize > 2 else x.astype(np.float32)
    n = count(x.shape, dims)
    mean = np.true_divide(v.sum(axis=dims, keepdims=True), n)
    var = np.true_divide(np.square(v - mean).sum(axis=dims, keepdims=True), max(n - correction, 0))
    return (var, mean) if keepdim else (var.squeeze(dims), mean.squeeze(dims))


def var_gradient(g: Any, x: Any, dims: tuple[int, ...], correction: Any) -> Any:
    """g * 2 (x - mean) / (n - correction)."""
    freedom = count(x.shape, dims) - correction
    return expand_reduced(g, x.shape, dims) * ((x - _mean(x, dims, True)) * (2 / freedom if freedom > 0 else float("inf")))


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
    return expand_reduced(g / count(x.shape, dims), x.shape, dims)


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
    if dtype_of(x).kind != "f":
        raise RuntimeError(f"{op}: std and var only support floating point and complex dtypes")
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None:
        if correction is not None:
            raise TypeError(f"{op}(): takes `unbiased` or `correction`, not both")
        correction = int(unbiased)
    return primitive_op(x, wrap_dims(dim, x.ndim, op), 1 if correction is None else correction, keepdim)


@public(method=True)
def var(input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None) -> Any:
    """The variance sum((x - mean)^2) / (n - correction) over the dimensions `dim`; `correction` is 1 (Bessel's) by default.

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
