"""Broadcasting and casting as ops of their own: what undoes them, and what the engine needs to bring a gradient home."""

from __future__ import annotations

from typing import Any

import numpy as np

from .primitive import primitive
from .tensor import Tensor, wrap

__all__ = ["sum_to", "expand_to", "convert", "fit", "zeros_for"]


@primitive(x=lambda g, x_shape: expand_to(g, x_shape), grad_name="SumBackward1")
def sum_to(x: Any, shape: Any) -> Any:
    """y = x summed over the dimensions along which `shape` was broadcast; the transpose of `expand_to`."""
    lead = x.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(i + lead for i, n in enumerate(shape) if n == 1 and x.shape[i + lead] != 1)
    return x.sum(axis=axes, dtype=x.dtype).reshape(shape) if axes else x


def repeated(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`np.broadcast_to`, writeable where x is, and in most cases in a tenth of the time."""
    if x.flags.c_contiguous:
        lead = len(shape) - x.ndim
        strides = [s if x.shape[d] == shape[d + lead] else 0 for d, s in enumerate(x.strides)]
        return np.ndarray(shape, x.dtype, x, 0, (0,) * lead + tuple(strides))
    y = np.broadcast_to(x, shape)
    if x.flags.writeable:
        y.flags.writeable = True
    return y


@primitive(x=lambda g, x_shape: sum_to(g, x_shape), view=True, grad_name="ExpandBackward0")
def expand_to(x: Any, shape: Any) -> Any:
    """y = x broadcast to `shape`, without copying; the transpose of `sum_to`."""
    return repeated(x, shape)


def as_type(x: Any, dtype: np.dtype) -> Any:
    """An array in another element type; of complex numbers the real part, where the type is real."""
    return (x.real if x.dtype.kind == "c" != dtype.kind else x).astype(dtype)


@primitive(x=lambda g: g, grad_name="ToCopyBackward0")
def convert(x: Any, dtype: Any) -> Any:
    """y = x in another element type; the engine casts the gradient back."""
    return as_type(x, dtype)


def fit(g: Any, shape: tuple[int, ...], dtype: np.dtype) -> Any:
    """A gradient brought to the shape and type of the value it belongs to: broadcasting and casting undone.

    A real value's is the real part of what arrives from complex numbers.
    """
    if isinstance(g, Tensor):
        if g._data.shape != shape:
            g = sum_to(g, shape)
        return g if g._data.dtype == dtype else convert(g, dtype)
    if g.shape != shape:
        g = sum_to(np.asarray(g), shape)
    return g if g.dtype == dtype else as_type(g, dtype)


def zeros_for(shape: tuple[int, ...], dtype: np.dtype, on_tensors: bool) -> Any:
    """A gradient of zeros, of the kind that the running backward works with."""
    zeros = np.zeros(shape, dtype)
    return wrap(zeros) if on_tensors else zeros
