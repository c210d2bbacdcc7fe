"""Convolution in the frequency domain, where it is a product at every frequency.

    Y = F^-1( sum over c of  F(x)[n, c, f]  conj(F(w)[o, c, f]) )

for the discrete Fourier transform F of size x + padding, at least; conj, because the kernel is not turned round. The cost
does not depend on the kernel's size: work 4*N*C*O*F for F frequencies (a complex product takes four multiply-adds, but
real data has half the frequencies, so effectively 2), and transforms 2.5*F*log2(F) for each of N*C, O*C and N*O images. A
stride throws results away. Errors are those of sums of any order, but relative to the largest outputs, and one infinity or
NaN in x spoils the whole of y: so this is used where asked for, or with ``precision = "fast"``.

Mathieu, Henaff, LeCun, Fast Training of Convolutional Networks through FFTs, 2014, https://arxiv.org/abs/1312.5851.
"""

from __future__ import annotations

from math import log2, prod

import numpy as np

from .cost import Cost
from .geometry import Geometry, Problem
from .layout import Sizes, at, empty, moveaxis


def supports(problem: Problem) -> str:
    return "" if problem.dtype.char in "fd" else f"transforms are real and of 32 or 64 bits, not {problem.dtype}"


def lengths(size: Sizes, geo: Geometry) -> Sizes:
    """Sizes of a transform in which nothing wraps round: of the padded input, rounded up to products of 2, 3 and 5."""
    return tuple([good_length(n + before + after) for n, (before, after) in zip(size, geo.padding)])


def good_length(n: int) -> int:
    """The least number from n on without prime factors beyond 5."""
    while True:
        m = n
        for p in (2, 3, 5):
            while m % p == 0:
                m //= p
        if m == 1:
            return n
        n += 1


def cost(problem: Problem) -> Cost:
    (n, c), (o, share) = problem.x[:2], problem.w[:2]
    f = prod(lengths(problem.x[2:], problem.geo))
    images = n * c + o * share + n * o
    transforms = images * f * 2.5 * log2(max(2, f))
    product = 2.0 * n * share * o * f
    return Cost(product + transforms, 6 * images * f, 0, 60, images * f * problem.dtype.itemsize,
                rate=(product * 2 + transforms * 10) / (product + transforms), error=4)


def transform(z: np.ndarray, size: Sizes) -> np.ndarray:
    return np.fft.rfftn(z, size, tuple(range(-len(size), 0)))


def spread(w: np.ndarray, dilation: Sizes) -> np.ndarray:
    """The kernel with dilation - 1 zeros between its elements."""
    if max(dilation) == 1:
        return w
    sizes = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilation)]
    result = np.zeros((*w.shape[:2], *sizes), w.dtype)
    at(result, [slice(None, None, d) for d in dilation])[...] = w
    return result


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The sum over s of a[g, m, s, f...] conj(b[g, n, s, f...]), as (g, m, n, f...)."""
    a, b = (np.ascontiguousarray(moveaxis(z, (0, 1, 2), (-3, -2, -1))) for z in (a, b))
    return moveaxis(np.matmul(a, np.conjugate(b, out=b).swapaxes(-1, -2)), (-3, -2, -1), (0, 1, 2))


def correlation(x: np.ndarray, w: np.ndarray, geo: Geometry, transposed: bool) -> np.ndarray:
    """The correlation (groups, N, O, places...) of x (N, C, ...) and w (O, C / groups, ...) with the steps of a wide
    kernel; transposed, (groups, C, O, places...) of x and w (N, O, ...), summed over N."""
    size = lengths(x.shape[2:], geo)
    area = np.zeros((*x.shape[:2], *size), x.dtype)
    at(area, [slice(p, p + n) for n, (p, _) in zip(x.shape[2:], geo.padding)])[...] = x
    a, b = transform(area, size), transform(w, size)
    frequencies = a.shape[2:]
    a = a.reshape(len(x), geo.groups, -1, *frequencies)
    if transposed:
        y = product(moveaxis(a, 0, 2), moveaxis(b.reshape(len(w), geo.groups, -1, *frequencies), 0, 2))
    else:
        y = product(a.swapaxes(0, 1), b.reshape(geo.groups, -1, w.shape[1], *frequencies))
    return np.fft.irfftn(y, size, tuple(range(3, y.ndim)))


def output(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, geo: Geometry) -> np.ndarray:
    y = empty((len(x), len(w), *geo.output_size(x.shape[2:], w.shape[2:])), x.dtype, geo.last)
    full = correlation(x, spread(w, geo.dilation), geo, False)
    places = [slice(0, (n - 1) * s + 1, s) for n, s in zip(y.shape[2:], geo.stride)]
    y[...] = at(full, places).swapaxes(0, 1).reshape(y.shape)
    if b is not None:
        y += b.reshape(-1, *[1] * len(places))
    return y


def weight_grad(x: np.ndarray, g: np.ndarray, kernel: Sizes, geo: Geometry) -> np.ndarray:
    """The correlation of x and g, whose dilation is the stride, at every dilation-th place."""
    grad = empty((g.shape[1], x.shape[1] // geo.groups, *kernel), x.dtype, geo.last)
    full = correlation(x, spread(g, geo.stride), geo, True)
    places = [slice(0, (n - 1) * d + 1, d) for n, d in zip(kernel, geo.dilation)]
    grad[...] = at(full, places).swapaxes(1, 2).reshape(grad.shape)
    return grad
