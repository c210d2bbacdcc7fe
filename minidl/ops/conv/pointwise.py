"""Convolution with a kernel of one place: a matrix product over the channels, at every place alike.

    Y = W X     (O, C) @ (C, P)

for each image; x is its own columns. Work O*C*P multiply-adds; no memory beyond the result's, but with a stride for the
places that are read. Lin, Chen, Yan, Network In Network, 2013, https://arxiv.org/abs/1312.4400.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import prod

import numpy as np

from ...core.threads import share
from .cost import STEP, Cost
from .geometry import Geometry, Problem
from .layout import Sizes, as_matrices, at, empty
from .pieces import Piece, pieces
from .product import multiply

BLOCK = 1 << 20  # bytes of input at a time


def supports(problem: Problem) -> str:
    if prod(problem.kernel) > 1:
        return f"the kernel has {prod(problem.kernel)} places, not 1"
    return "the input is padded" if any(map(any, problem.geo.padding)) else ""


def cost(problem: Problem) -> Cost:
    read = problem.places * problem.x[1] if max(problem.geo.stride) > 1 else 0
    steps = STEP * read
    moved = steps if problem.direction == "output" else steps + problem.x[0] * prod(problem.w)
    return Cost(problem.work, moved, read / problem.out[-1], 8, read * problem.dtype.itemsize, columns=prod(problem.out))


def read(x: np.ndarray, geo: Geometry) -> np.ndarray:
    """The places that are read."""
    return at(x, [slice(None, None, s) for s in geo.stride])


def whole(x: np.ndarray) -> list[Piece]:
    """Pieces of whole images."""
    return pieces(len(x), (1,), x[:1].nbytes, BLOCK)


def output(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, geo: Geometry) -> np.ndarray:
    x = read(x, geo)
    y = empty((x.shape[0], w.shape[0], *x.shape[2:]), x.dtype, geo.last)
    weight = w.reshape(geo.groups, w.shape[0] // geo.groups, w.shape[1])
    bias = None if b is None else b.reshape(geo.groups, -1, 1)

    def work(part: Sequence[Piece]) -> None:
        for piece in part:
            target = as_matrices(y[piece.images], geo.groups, geo.last)
            multiply(weight, as_matrices(x[piece.images], geo.groups, geo.last), target)
            if bias is not None:
                target += bias

    share(work, whole(x))
    return y


def weight_grad(x: np.ndarray, g: np.ndarray, kernel: Sizes, geo: Geometry) -> np.ndarray:
    """dW = dY X^T, summed over the images."""
    x = read(x, geo)

    def work(part: Sequence[Piece]) -> np.ndarray:
        total = np.zeros((geo.groups, g.shape[1] // geo.groups, x.shape[1] // geo.groups), x.dtype)
        for piece in part:
            y, a = (as_matrices(z[piece.images], geo.groups, geo.last) for z in (g, x))
            total += np.matmul(y, a.swapaxes(-1, -2)).sum(0)
        return total

    grad = empty((g.shape[1], x.shape[1] // geo.groups, *kernel), x.dtype, geo.last)
    grad[...] = reduce(np.add, share(work, whole(x))).reshape(grad.shape)
    return grad
