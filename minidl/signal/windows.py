"""Windows of M values: w_i is a function of i / N, where N = M - 1, or M for one that is repeated (`sym` False).

https://docs.pytorch.org/docs/stable/signal.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from math import exp, pi
from typing import Any

import numpy as np

from ..core import Tensor
from ..core.dtypes import as_numpy_dtype, default_dtype
from ..ops.create import full
from ..ops.signal import made

__all__ = ["bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming", "hann", "kaiser", "nuttall"]


def window(op: str, M: int, sym: bool, options: dict[str, Any], shape: Callable[[Any, int], Any]) -> Tensor:
    """The values of ``shape(i, N)``; ValueError for a negative length and for other types than float32 and float64."""
    unknown = set(options) - {"dtype", "layout", "device", "requires_grad"}
    if unknown:
        raise TypeError(f"{op}() got an unexpected keyword argument {unknown.pop()!r}")
    dtype = options.get("dtype")
    if M < 0:
        raise ValueError(f"{op} requires non-negative window length, got M={M}")
    if (default_dtype() if dtype is None else as_numpy_dtype(dtype)) not in (np.float32, np.float64):
        raise ValueError(f"{op} expects float32 or float64 dtypes, got: {dtype}")
    return made(op, operator.index(M), not sym, dtype, options.get("device"), options.get("requires_grad", False), shape)


def require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def bartlett(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """w_i = 1 - |2 i / N - 1|."""
    return window("bartlett", M, sym, options, lambda i, n: 1 - np.abs(i * (2 / n) - 1))


def cosine(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """w_i = sin(pi (i + 1/2) / (N + 1))."""
    return window("cosine", M, sym, options, lambda i, n: np.sin((i + 0.5) * (pi / (n + 1))))


def exponential(M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, **options: Any) -> Tensor:
    """w_i = exp(-|i - c| / tau), c = N / 2 unless `center` is given, which a symmetric window must not have. ValueError unless tau > 0."""
    require(tau > 0, f"Tau must be positive, got: {tau} instead.")
    require(not sym or center is None, "Center must be None for symmetric windows")
    if M == 1 and center is not None:  # the one window whose only value need not be 1
        return full((1,), exp(-abs(center) / tau), **options)
    return window("exponential", M, sym, options, lambda i, n: np.exp(-np.abs(i - (n / 2 if center is None else center)) / tau))


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, **options: Any) -> Tensor:
    """w_i = exp(-(i - N / 2)^2 / (2 std^2)). ValueError unless std > 0."""
    require(std > 0, f"Standard deviation must be positive, got: {std} instead.")
    return window("gaussian", M, sym, options, lambda i, n: np.exp(-np.square((i - n / 2) / std) / 2))


def general_cosine(M: int, *, a: Iterable[float], sym: bool = True, **options: Any) -> Tensor:
    """w_i = a_0 - a_1 cos(2 pi i / N) + a_2 cos(4 pi i / N) - ...

    >>> general_cosine(5, a=[0.5, 0.5])
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    terms = list(enumerate(a))
    require(bool(terms), "Coefficients cannot be empty")
    return window("general_cosine", M, sym, options, lambda i, n: sum((-1) ** k * c * np.cos(i * (2 * pi * k / n)) for k, c in terms))


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, **options: Any) -> Tensor:
    """w_i = alpha - (1 - alpha) cos(2 pi i / N)."""
    return general_cosine(M, a=[alpha, 1.0 - alpha], sym=sym, **options)


def hamming(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """w_i = 0.54 - 0.46 cos(2 pi i / N)."""
    return general_hamming(M, sym=sym, **options)


def hann(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """w_i = (1 - cos(2 pi i / N)) / 2."""
    return general_hamming(M, alpha=0.5, sym=sym, **options)


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, **options: Any) -> Tensor:
    """w_i = I0(beta sqrt(1 - (2 i / N - 1)^2)) / I0(beta), I0 the modified Bessel function of order 0. ValueError for beta < 0."""
    require(beta >= 0, f"beta must be non-negative, got: {beta} instead.")
    return window("kaiser", M, sym, options, lambda i, n: np.i0(beta * np.sqrt(np.maximum(1 - (i * (2 / n) - 1) ** 2, 0))) / np.i0(beta))


def blackman(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """w_i = 0.42 - 0.5 cos(2 pi i / N) + 0.08 cos(4 pi i / N)."""
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, **options)


def nuttall(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """w_i = 0.3635819 - 0.4891775 cos(2 pi i / N) + 0.1365995 cos(4 pi i / N) - 0.0106411 cos(6 pi i / N)."""
    return general_cosine(M, a=[0.3635819, 0.4891775, 0.1365995, 0.0106411], sym=sym, **options)
