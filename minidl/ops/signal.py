"""Windows by which a stretch of a signal is weighted before its spectrum is taken.

A periodic window of n values is the symmetric one of n + 1 without its last.
https://docs.pytorch.org/docs/stable/torch.html#spectral-ops
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import Tensor, public
from .create import finish, type_or_default


def made(op: str, length: int, periodic: bool, dtype: Any, device: Any, requires_grad: bool, shape: Callable[[Any, int], Any]) -> Tensor:
    """The first `length` values of ``shape(i, last)``, i = 0 ... last."""
    d = type_or_default(dtype)
    if d.kind != "f":
        raise RuntimeError(f"{op} expects floating point dtypes, got: {dtype}")
    if length < 0:
        raise RuntimeError(f"{op} requires non-negative window_length, got window_length={length}")
    if length <= 1:
        return finish(np.ones(length, d), device, requires_grad)
    last = length if periodic else length - 1
    return finish(np.asarray(shape(np.arange(length, dtype=d), last), d), device, requires_grad)


@public
def hann_window(window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None, device: Any = None,
                pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """w_i = (1 - cos(2 pi i / N)) / 2.

    >>> import minidl
    >>> minidl.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return made("hann_window", window_length, periodic, dtype, device, requires_grad, lambda i, n: 0.5 - 0.5 * np.cos(i * (2 * math.pi / n)))


@public
def hamming_window(window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *, dtype: Any = None, layout: Any = None,
                   device: Any = None, pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """w_i = alpha - beta cos(2 pi i / N)."""
    return made("hamming_window", window_length, periodic, dtype, device, requires_grad,
                lambda i, n: alpha - beta * np.cos(i * (2 * math.pi / n)))


@public
def blackman_window(window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None, device: Any = None,
                    pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """w_i = 0.42 - 0.5 cos(2 pi i / N) + 0.08 cos(4 pi i / N)."""
    return made("blackman_window", window_length, periodic, dtype, device, requires_grad,
                lambda i, n: np.cos(i * (4 * math.pi / n)) * 0.08 - np.cos(i * (2 * math.pi / n)) * 0.5 + 0.42)


@public
def bartlett_window(window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None, device: Any = None,
                    pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """w_i = 1 - |2 i / N - 1|."""
    return made("bartlett_window", window_length, periodic, dtype, device, requires_grad, lambda i, n: 1 - np.abs(i * (2 / n) - 1))


@public
def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: Any = None, layout: Any = None, device: Any = None,
                  pin_memory: bool = False, requires_grad: bool = False) -> Tensor:
    """w_i = I0(beta sqrt(1 - (2 i / N - 1)^2)) / I0(beta), I0 the modified Bessel function of order 0."""
    return made("kaiser_window", window_length, periodic, dtype, device, requires_grad,
                lambda i, n: np.i0(beta * np.sqrt(np.maximum(1 - (i * (2 / n) - 1) ** 2, 0))) / np.i0(beta))
