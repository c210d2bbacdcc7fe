"""Matrix products of the sizes that convolutions have."""

from __future__ import annotations

import numpy as np

SMALL = 10**6  # multiply-adds up to which OpenBLAS neither copies its operands first nor wakes another thread


def multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> np.ndarray:
    """out = a @ b for a short a and a b of many columns, in pieces small enough that OpenBLAS does not copy them first."""
    columns, most = b.shape[-1], SMALL // max(1, a.shape[-1] * a.shape[-2]) // 64 * 64
    if not 0 < most < columns:
        return np.matmul(a, b, out=out)
    n = columns // most * most
    these, there = [z[..., :n].reshape(*z.shape[:-1], -1, most).swapaxes(-2, -3) for z in (b, out)]  # views
    np.matmul(a[..., None, :, :], these, out=there)
    if n < columns:
        np.matmul(a, b[..., n:], out=out[..., n:])
    return out
