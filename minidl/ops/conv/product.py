"""Matrix products of the sizes that convolutions have.

OpenBLAS copies the operands of a product into the order in which it reads them, unless the product is small: then it reads
them where they lie, and is up to twice as fast for the short matrices here. So large products are made of small ones, which
NumPy runs through in one call, over views.
"""

from __future__ import annotations

import numpy as np

from .layout import moveaxis

SMALL = 10**6  # multiply-adds up to which OpenBLAS neither copies its operands first nor wakes another thread
WIDTH = 64  # columns of b that it reads at its best speed, or a multiple
SPAN = 3 << 20  # bytes of memory that b's rows may lie across: where they lie farther apart, copying them pays


def multiply(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> np.ndarray:
    """out = a @ b, for matrices a of few rows and b of many columns."""
    (rows, depth), columns = a.shape[-2:], b.shape[-1]
    if b.strides[-1] != b.itemsize or rows * depth * columns <= SMALL or depth * abs(b.strides[-2]) > SPAN:
        return np.matmul(a, b, out=out)
    height = next((rows // n for n in (1, 2, 4, 8, 16) if rows % n == 0 and rows // n * depth * WIDTH <= SMALL), 0)
    width = SMALL // max(1, height * depth) // WIDTH * WIDTH
    if height < min(rows, 16) or not width < columns:
        return np.matmul(a, b, out=out)
    n = columns // width * width
    if n < columns:
        np.matmul(a, b[..., n:], out=out[..., n:])
    lead = a.shape[:-2]
    these, there = [z[..., :n].reshape(*z.shape[:-2], -1, part, n // width, width) for z, part in ((b, depth), (out, height))]
    np.matmul(a.reshape(*lead, 1, rows // height, height, depth), moveaxis(these, -2, -4), out=moveaxis(there, -2, -4))
    return out
