"""Multiplying integers by a real number with integers alone, as processors without floating point do.

An accumulator of products has the scale S_x S_w; the output has S_y. The bridge is the factor M = S_x S_w / S_y, written as
``M = M0 2^(shift - 31)`` with an integer 2^30 <= M0 < 2^31. So ``M a`` is a product with M0, of which the upper half is kept, and a shift.
Jacob et al., 2018, arXiv 1712.05877, section 2.2; the roundings are those of the reference code of gemmlowp, bit for bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["quantize_multiplier", "requantize", "rounding_divide_by_pot", "rounding_doubling_high_mul"]


def quantize_multiplier(factor: Any) -> tuple[np.ndarray, np.ndarray]:
    """(M0, shift) for factors of [0, 2^30): ``factor = M0 2^(shift - 31)`` within 2^-31 of itself; halves are rounded up.
    Factors below 2^-32 become 0. ValueError for others.

    >>> quantize_multiplier([0.5, 0.75, 3.0])
    (array([1073741824, 1610612736, 1610612736], dtype=int32), array([0, 0, 2], dtype=int32))
    """
    factor = np.asarray(factor, np.float64)
    if not ((factor >= 0) & (factor < 2 ** 30)).all():
        raise ValueError(f"quantize_multiplier: expected factors from 0 to 2^30, got {factor}")
    fraction, shift = np.frexp(factor)
    multiplier = np.floor(fraction * 2 ** 31 + 0.5).astype(np.int64)
    shift = shift + (multiplier == 2 ** 31)  # a fraction just below 1 was rounded up to it
    multiplier = np.where(multiplier == 2 ** 31, 2 ** 30, multiplier)
    tiny = shift < -31
    return np.where(tiny, 0, multiplier).astype(np.int32), np.where(tiny, 0, shift).astype(np.int32)


def rounding_doubling_high_mul(a: Any, b: Any) -> np.ndarray:
    """round(a b / 2^31) of int32 values, b >= 0; halves go up. Exact: the product is held in 64 bits."""
    return (np.asarray(a, np.int64) * np.asarray(b, np.int64) + 2 ** 30) >> 31


def rounding_divide_by_pot(x: Any, exponent: Any) -> np.ndarray:
    """round(x / 2^exponent) of integers; halves go away from zero."""
    x, exponent = np.asarray(x, np.int64), np.asarray(exponent, np.int64)
    mask = (np.int64(1) << exponent) - 1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0))


def requantize(accumulator: Any, multiplier: Any, shift: Any) -> np.ndarray:
    """``accumulator M0 2^(shift - 31)`` as an integer (int64), by a multiplication and a shift.

    A positive shift is done before the multiplication, and saturates at the ends of int32; a negative one after it. Each of the two steps
    rounds (`rounding_doubling_high_mul`, `rounding_divide_by_pot`), so the result can differ by 1 from the product rounded once.

    >>> requantize([1000, -1000, 3], *quantize_multiplier(0.1))
    array([ 100, -100,    0])
    """
    shift = np.asarray(shift, np.int64)
    raised = np.clip(np.asarray(accumulator, np.int64) << np.maximum(shift, 0), -2 ** 31, 2 ** 31 - 1)
    return rounding_divide_by_pot(rounding_doubling_high_mul(raised, multiplier), np.maximum(-shift, 0))
