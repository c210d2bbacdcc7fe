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
from ..core.threads import by_rows, pays
from .elementwise import exp
from .memory import row_major
from .reduce import _sum, cast_to, expand_reduced
from .sums import sums


def shifted(x: Any, dims: tuple[int, ...]) -> Any:
    """x minus its maximum over `dims`, in new memory, row-major; float16 is computed with in float32."""
    if not x.flags.c_contiguous:
        x = x.copy()
    if x.dtype.itemsize == 2:
        x = x.astype(np.float32)
    return np.asarray(x - np.maximum.reduce(x, dims, None, None, True, -np.inf))


@primitive(h=lambda g, s, dims: _softmax_backward(g, s, dims),
           s=lambda g, h, s, dims: g * (h - _sum(h * s, dims, True)) - h * _sum(g * s, dims, True))
def _softmax_backward(h: Any, s: Any, dims: tuple[int, ...]) -> Any:
    """s * (h - sum(h * s)): the gradient of softmax, whose output is s, for the gradient h of its output."""
    if pays(4 * h.size) and 0 not in dims:
        return by_rows(lambda h, s: _softmax_backward(h, s, dims), h, s)
    x = np.multiply(h, s)
    x -= s * sums(x, dims)
    return x


@primitive(x=lambda g, y, dims: _softmax_backward(g, y, dims))
def _softmax(x: Any, dims: tuple[int, ...]) -> Any:
    if pays(6 * x.size) and 0 not in dims:
        return by_rows(lambda x: _softmax(x, dims), x)
    y = shifted(x, dims)
    np.exp(y, y)
    y /= sums(y, dims)
    return y if y.dtype is x.dtype else y.astype(x.dtype)


@primitive(h=lambda g, log_s, dims: g - _sum(g * exp(log_s), dims, True),
           log_s=lambda g, h, log_s, dims: -(g * exp(log_s) * _sum(h, dims, True)))
def _log_softmax_backward(h: Any, log_s: Any, dims: tuple[int, ...]) -> Any:
    """h - exp(log_s) * sum(h): the gradient of log_softmax, whose output is log_s, for the gradient h of its output."""
    if pays(4 * h.size) and 0 not in dims:
        return by_rows(lambda h, log_s: _log_softmax_backward(h, log_s, dims), h, log_s)
    x = np.exp(log_s)
    x *= sums(h, dims)
    return h - x


@primitive(x=lambda g, y, dims: _log_softmax_backward(g, y, dims))
def _log_softmax(x: Any, dims: tuple[int, ...]) -> Any:
    if pays(6 * x.size) and 0 not in dims:
        return by_rows(lambda x: _log_softmax(x, dims), x)
    y = shifted(x, dims)
    y -= np.log(sums(np.exp(y), dims))
    return y if y.dtype is x.dtype else y.astype(x.dtype)


def floats(op: str, x: Any, dtype: Any) -> Any:
    """The input in `dtype`; NotImplementedError for integers, as in PyTorch."""
    require_tensor(op, "input", x)
    if dtype is not None:
        x = cast_to(x, dtype)
    if dtype_of(x).kind != "f":
        raise NotImplementedError(f'"{op}" not implemented for \'{word(dtype_of(x))}\'')
    return x


def one_dim(op: str, ndim: int, dim: Any) -> tuple[int, ...]:
    return (wrap_dim(dim, ndim, op),)[:ndim]


@public(where="torch special", method=True)
def softmax(input: Any, dim: int, dtype: Any = None) -> Any:
    """y_i = exp(x_i) / sum_j exp(x_j) along `dim`; dL/dx = y * (g - sum(g * y)).

    >>> import minidl
    >>> minidl.softmax(minidl.tensor([0., 0.]), 0).tolist()
    [0.5, 0.5]
    """
    x = floats("softmax", input, dtype)
    return _softmax(x, one_dim("softmax", x.ndim, dim))


@public(where="torch special", method=True)
def log_softmax(input: Any, dim: int, dtype: Any = None) -> Any:
    """y_i = x_i - log(sum_j exp(x_j)) along `dim`; dL/dx = g - exp(y) * sum(g)."""
    x = floats("log_softmax", input, dtype)
    return _log_softmax(x, one_dim("log_softmax", x.ndim, dim))


def softmin(input: Any, dim: int, dtype: Any = None) -> Any:
    """softmax(-x) along `dim`."""
    return softmax(-input, dim, dtype)


def functional(op: Any) -> None:
    """The form in torch.nn.functional, where `dim` may be left out: then it is guessed, with a warning."""
    def form(input: Any, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
        if dim is None:
            warnings.warn(f"Implicit dimension choice for {op.__name__} has been deprecated. Change the call to include dim=X as "
                          "an argument.", stacklevel=_stacklevel)
            dim = 0 if input.ndim in (0, 1, 3) else 1
        return op(input, dim, dtype)

    form.__name__, form.__doc__ = op.__name__, op.__doc__
    public(form, where="nn.functional")


for _op in (softmax, log_softmax, softmin):
    functional(_op)


@primitive(x=lambda g, x, y, dims: expand_reduced(g, x.shape, dims) * exp(x - expand_reduced(y, x.shape, dims)), floating="x")
def _logsumexp(x: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
    x = row_major(x)
    m = x.real.max(axis=dims, keepdims=True, initial=-np.inf)
    m = np.where(np.isinf(m), np.zeros_like(m), m)  # exp(inf - inf) would be NaN
    y = np.log(np.exp(x - m).sum(axis=dims, keepdims=True)) + m
    return y if keepdim else y.squeeze(dims)


@public(where="torch special", method=True)
def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Any:
    """y = log(sum(exp(x))) over the dimensions `dim`; dy/dx = exp(x - y)."""
    require_tensor("logsumexp", "input", input)
    return _logsumexp(input, wrap_dims(dim, input.ndim, "logsumexp"), keepdim)
