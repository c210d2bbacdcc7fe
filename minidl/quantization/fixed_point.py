"""Fixed point: integers with a binary point at a place that the format fixes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.dtypes import word
from ..core.tensor import Tensor, data_of, wrap

__all__ = ["QFormat"]


@dataclass(frozen=True)
class QFormat:
    """Qm.n: m integer bits, n fraction bits, and a sign bit which m does not count (as Texas Instruments writes it; ARM counts it).

    A stored integer q means the number ``q 2^-n``. With the sign, the word has 1 + m + n bits, at most 32; values go from -2^m to
    2^m - 2^-n in steps of 2^-n. Without (``signed=False``, UQm.n) it has m + n bits, and values go from 0. Either of m and n may be
    negative: Q-2.9 is the 8-bit format of numbers below 1/4.

    >>> q = QFormat(3, 4)
    >>> q, q.bits, q.min, q.max, q.resolution
    (Q3.4, 8, -8.0, 7.9375, 0.0625)
    >>> import numpy as np
    >>> q.quantize(np.array([1.0, 0.1, -100.0])), q.dequantize(q.quantize(np.array([1.0, 0.1, -100.0])))
    (array([  16,    2, -128], dtype=int8), array([ 1.   ,  0.125, -8.   ]))
    """

    m: int
    n: int
    signed: bool = True

    def __post_init__(self) -> None:
        if not 1 + self.signed <= self.bits <= 32:
            raise ValueError(f"QFormat: expected a word of {1 + self.signed} to 32 bits, got {self.bits} for {self}")

    def __repr__(self) -> str:
        return f"{'' if self.signed else 'U'}Q{self.m}.{self.n}"

    @property
    def bits(self) -> int:
        """Length of the word."""
        return self.m + self.n + self.signed

    @property
    def resolution(self) -> float:
        """The step between neighbours, 2^-n."""
        return 2.0 ** -self.n

    @property
    def limits(self) -> tuple[int, int]:
        """The smallest and the largest stored integer."""
        magnitude = 1 << (self.bits - self.signed)
        return (-magnitude if self.signed else 0), magnitude - 1

    @property
    def min(self) -> float:
        return self.limits[0] * self.resolution

    @property
    def max(self) -> float:
        return self.limits[1] * self.resolution

    @staticmethod
    def for_range(low: float, high: float, bits: int = 16, signed: bool = True) -> QFormat:
        """The format of `bits` bits with the most fraction bits in which neither `low` nor `high` is cut off, but at most rounded.

        ValueError for a range that is not finite, is empty, is only 0 (every n would do), or has negative numbers without a sign.

        >>> QFormat.for_range(-1.0, 1.0, 8), QFormat.for_range(-1.0, 0.99, 8), QFormat.for_range(0, 300.0, 16, signed=False)
        (Q1.6, Q0.7, UQ9.7)
        """
        if not (math.isfinite(low) and math.isfinite(high) and low <= high and (low or high)):
            raise ValueError(f"QFormat.for_range: expected finite low <= high, not both 0, got {low} and {high}")
        if low < 0 and not signed:
            raise ValueError(f"QFormat.for_range: an unsigned format has no negative numbers, got a range from {low}")
        m = math.frexp(max(-low, high))[1] - 1  # 2^m <= max(-low, high) < 2^(m + 1): no smaller m holds more than a rounded end
        while not QFormat(m, bits - signed - m, signed)._holds(low, high):
            m += 1
        return QFormat(m, bits - signed - m, signed)

    def _holds(self, low: float, high: float) -> bool:
        first, last = self.limits
        return first <= round(math.ldexp(low, self.n)) and round(math.ldexp(high, self.n)) <= last

    def quantize(self, x: Any) -> Any:
        """The stored integers of x: ``round(x 2^n)``, halves to even, saturated at both ends (infinities too). In the smallest
        integer type that holds the word. A Tensor gives a Tensor; TypeError for integers, ValueError for NaN."""
        array = np.asarray(data_of(x))
        if array.dtype.kind != "f":
            raise TypeError(f"{self}.quantize: expected floating-point numbers, got {word(array.dtype)}")
        if np.isnan(array).any():
            raise ValueError(f"{self}.quantize: expected numbers, got NaN")
        with np.errstate(over="ignore"):
            q = np.clip(np.rint(np.ldexp(array.astype(np.float64), self.n)), *self.limits).astype(self.storage)
        return wrap(q) if isinstance(x, Tensor) else q

    @property
    def storage(self) -> np.dtype:
        """The smallest type of NumPy for the word; unsigned words longer than 8 bits need int32 or int64, as PyTorch's types go."""
        kinds = (np.int8, np.int16, np.int32) if self.signed else (np.uint8, np.int16, np.int32, np.int64)
        return next(np.dtype(k) for k in kinds if np.iinfo(k).max >= self.limits[1])

    def dequantize(self, q: Any) -> Any:
        """``q 2^-n`` in float64, which holds it without error. ValueError for integers that the word cannot hold."""
        array = np.asarray(data_of(q))
        first, last = self.limits
        if array.dtype.kind not in "iu":
            raise TypeError(f"{self}.dequantize: expected integers, got {word(array.dtype)}")
        if array.size and (array.min() < first or array.max() > last):
            raise ValueError(f"{self}.dequantize: expected integers from {first} to {last}, got {array.min()} to {array.max()}")
        x = np.ldexp(array.astype(np.float64), -self.n)
        return wrap(x) if isinstance(q, Tensor) else x
