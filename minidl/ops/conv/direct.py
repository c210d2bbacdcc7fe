"""Convolution by its definition, one kernel place after the other.

    y[n, o, i] += sum over c of w[o, c, k] x[n, c, i stride + k dilation - padding]     for each k

For a fixed k the input places lie on a regular grid, which NumPy takes as a slice, and the sum over channels is a small
matrix product. Nothing else is stored: the shortest algorithm, and the one to compare others with. It reads and writes
the output once for each kernel place. Work O*C*K*P multiply-adds.

Zhang, Franchetti, Low, High Performance Zero-Memory Overhead Direct Convolutions, 2018, https://arxiv.org/abs/1809.10170.
"""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np

from .cost import Cost
from .geometry import Geometry, Problem
from .layout import Sizes, at, empty


def supports(problem: Problem) -> str:
    if problem.dtype.char in "fd":
        return ""
    return f"{problem.dtype} sums would be rounded once for each kernel place"


def cost(problem: Problem) -> Cost:
    places, kernel = problem.places, prod(problem.kernel)
    read, written = kernel * places * problem.x[1], kernel * places * problem.w[0]
    slow = 2  # the slices are read from, and the sums written to, memory beyond the caches
    return Cost(problem.work, slow * (2 * read + 3 * written), (read + written) / problem.out[-1], 12 * kernel,
                places * (problem.x[1] + problem.w[0]) * problem.dtype.itemsize, columns=prod(problem.out))


def grid(k: Sizes, size: Sizes, out: Sizes, geo: Geometry) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The inputs that kernel place k reads, without padding, and the outputs that read them."""
    pairs = [geo.overlap(n, k[n], size[n], 0, out[n]) for n in range(len(k))]
    return tuple([i for i, _ in pairs]), tuple([o for _, o in pairs])


def flat(z: np.ndarray, groups: int) -> np.ndarray:
    """(N, C, ...) as (N, groups, C / groups, places)."""
    return z.reshape(z.shape[0], groups, z.shape[1] // groups, prod(z.shape[2:]))


def output(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, geo: Geometry) -> np.ndarray:
    out = geo.output_size(x.shape[2:], w.shape[2:])
    y = empty((x.shape[0], w.shape[0], *out), x.dtype, geo.last)
    y[...] = 0 if b is None else b.reshape(-1, *[1] * len(out))
    weight = w.reshape(geo.groups, w.shape[0] // geo.groups, *w.shape[1:])
    for k in product(*map(range, w.shape[2:])):
        inputs, outputs = grid(k, x.shape[2:], out, geo)
        target = at(y, outputs)
        target += np.matmul(at(weight, k), flat(at(x, inputs), geo.groups)).reshape(target.shape)
    return y


def weight_grad(x: np.ndarray, g: np.ndarray, kernel: Sizes, geo: Geometry) -> np.ndarray:
    """dw[o, c, k] = sum over n and i of dy[n, o, i] x[n, c, i stride + k dilation - padding], for each k."""
    grad = empty((g.shape[1], x.shape[1] // geo.groups, *kernel), x.dtype, geo.last)
    target = grad.reshape(geo.groups, g.shape[1] // geo.groups, *grad.shape[1:])
    for k in product(*map(range, kernel)):
        inputs, outputs = grid(k, x.shape[2:], g.shape[2:], geo)
        y, a = flat(at(g, outputs), geo.groups), flat(at(x, inputs), geo.groups)
        at(target, k)[...] = np.matmul(y, a.swapaxes(-1, -2)).sum(0)
    return grad
