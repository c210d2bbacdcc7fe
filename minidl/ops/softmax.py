"""Softmax and its logarithm, and the logarithm of a sum of exponentials.

The maximum is subtracted first, so that no exponential overflows. Primitives take a tuple of dimensions, empty for a 0-d tensor.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..core import dtype_of, primitive, public
from ..core.checks import require_tensor, wrap_dim, wrap_dims
from ..core.dtypes import word
from .elementwise import exp
from .reduce import _sum, cast_to, expand_reduced


def shifted(x: Any, dims: tuple[int, ...]) -> Any:
    """x minus its maximum over `dims`, in new memory; float16 is computed with in float32."""
    y = np.empty_like(x, dtype=np.float32 if x.dtype.itemsize == 2 else None)
    return np.subtract(x, x.max(axis=dims, keepdims=True, initial=-np.inf), out=y)


@primitive(h=lambda g, s, dims: _softmax_backward(g, s, dims),
           s=lambda g, h, s, dims: g * (h - _sum(h * s, dims, True)) - h * _sum(g * s, dims, True))
def _softmax_backward(h: Any, s: Any, dims: tuple[int, ...]) -> Any:
    """s * (h - sum(h * s)): the gradient of softmax, whose output is s, for the gradient h of its output."""
    x = np.multiply(h, s)
    x -= s * x.sum(axis=dims, keepdims=True)
    return x


@primitive(x=lambda g, y, dims: _softmax_backward(g, y, dims))
def _softmax(x: Any, dims: tuple[int, ...]) -> Any:
    y = shifted(x, dims)
    np.exp(y, out=y)
    y /= y.sum(axis=dims, keepdims=True)
    return y.astype(x.dtype, copy=False)


@primitive(h=lambda g, log_s, dims: g - _sum(g * exp(log_s), dims, True),
           log_s=lambda g, h, log_s, dims: -(g * exp(log_s) * _sum(h, dims, True)))
def _log_softmax_backward(h: Any, log_s: Any, dims: tuple[int, ...]) -> Any:
    """h - exp(log_s) * sum(h): the gradient of log_softmax, whose output is log_s, for the gradient h of its output."""
    x = np.exp(log_s)
    x *= h.sum(axis=dims, keepdims=True)
    return np.subtract(h, x)


@primitive(x=lambda g, y, dims: _log_softmax_backward(g, y, dims))
def _log_softmax(x: Any, dims: tuple[int, ...]) -> Any:
    y = shifted(x, dims)
    y -= np.log(np.exp(y).sum(axis=dims, keepdims=True))
    return y.astype(x.dtype, copy=False)


def softmax_dims(op: str, x: Any, dim: Any) -> tuple[int, ...]:
    """The dimension as the primitives take it, after the checks."""
    if dtype_of(x).kind != "f":
        raise NotImplementedError(f'"{op}" not implemented for \'{word(dtype_of(x))}\'')
    if dim is None:  # what torch.nn.functional has always guessed
        warnings.warn(f"Implicit dimension choice for {op} has been deprecated. Change the call to include dim=X as an argument.",
                      stacklevel=4)
        dim = 0 if x.ndim in (0, 1, 3) else 1
    return (wrap_dim(dim, x.ndim, op),) if x.ndim else (wrap_dim(dim, 0, op),)[:0]


@public(where="torch nn.functional special", method=True)
def softmax(input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """y_i = exp(x_i) / sum_j exp(x_j) along `dim`; dL/dx = y * (g - sum(g * y)).

    >>> import minidl as torch
    >>> torch.softmax(torch.tensor([0., 0.]), 0)
    tensor([0.5000, 0.5000])
    """
    require_tensor("softmax", "input", input)
    x = cast_to(input, _stacklevel if not isinstance(_stacklevel, int) else dtype)
    return _softmax(x, softmax_dims("softmax", x, dim))


@public(where="torch nn.functional special", method=True)
def log_softmax(input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """y_i = x_i - log(sum_j exp(x_j)) along `dim`; dL/dx = g - exp(y) * sum(g)."""
    require_tensor("log_softmax", "input", input)
    x = cast_to(input, _stacklevel if not isinstance(_stacklevel, int) else dtype)
    return _log_softmax(x, softmax_dims("log_softmax", x, dim))


@public(where="nn.functional")
def softmin(input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """softmax(-x) along `dim`."""
    return softmax(-input, dim, dtype=dtype)


@primitive(x=lambda g, x, y, dims: expand_reduced(g, x.shape, dims) * exp(x - expand_reduced(y, x.shape, dims)), floating="x")
def _logsumexp(x: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
    m = x.max(axis=dims, keepdims=True, initial=-np.inf)
    m = np.where(np.isinf(m), np.zeros_like(m), m)  # exp(inf - inf) would be NaN
    y = np.log(np.exp(x - m).sum(axis=dims, keepdims=True)) + m
    return y if keepdim else y.squeeze(dims)


@public(where="torch special", method=True)
def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Any:
    """y = log(sum(exp(x))) over the dimensions `dim`; dy/dx = exp(x - y)."""
    require_tensor("logsumexp", "input", input)
    return _logsumexp(input, wrap_dims(dim, input.ndim, "logsumexp"), keepdim)
