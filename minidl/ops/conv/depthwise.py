"""Convolution with a group for each channel: multiply-adds without a matrix product.

Each output channel reads one input channel, so there is no sum over channels that a matrix product could do. What is left
is y += w[k] * (x moved by k) for each kernel place: a vector times a number, added to another. NumPy's ``einsum`` has a
loop for that. It runs along the lines of `shifted`, or in channels-last memory along the channels.

Work O*K*P multiply-adds, bound by the speed of the caches, not by that of arithmetic. Chollet, Xception: Deep Learning
with Depthwise Separable Convolutions, 2016, https://arxiv.org/abs/1610.02357.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from ...core.threads import share
from ...core.workspace import buffer
from . import shifted
from .cost import Cost
from .direct import grid
from .geometry import Geometry, Problem
from .layout import Sizes, as_matrices, at, empty
from .pieces import Piece

BLOCK = 1 << 19  # bytes of lines at a time


def supports(problem: Problem) -> str:
    return f"a group has {problem.w[1]} channels, not 1" if problem.w[1] != 1 else shifted.supports(problem)


def cost(problem: Problem) -> Cost:
    return shifted.cost(problem)._replace(rate=4, columns=512)


def output(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, geo: Geometry) -> np.ndarray:
    out = geo.output_size(x.shape[2:], w.shape[2:])
    y = empty((x.shape[0], w.shape[0], *out), x.dtype, geo.last)
    (along_channels if geo.last else along_lines)(y, x, w.reshape(geo.groups, -1, *w.shape[2:]), geo)
    if b is not None:
        y += b.reshape(-1, *[1] * len(out))
    return y


def along_lines(y: np.ndarray, x: np.ndarray, w: np.ndarray, geo: Geometry) -> None:
    """y = sum over kernel rows r of w_r a_r, for a weight (groups, O / groups, kernel...)."""
    lines = shifted.Lines(w.shape[2:], y.shape[2:], geo)
    weights = np.moveaxis(w, 2, 0).reshape(w.shape[2], *w.shape[:2], -1)

    def work(part: Sequence[Piece]) -> None:
        for piece in part:
            target = as_matrices(y[piece.images, :, piece.rows], geo.groups, False)
            first, *others = zip(weights, lines.of(x, piece))
            np.einsum("gok,bgkp->bgop", *first, out=target)
            made = buffer("made", target.shape, y.dtype)
            for row, a in others:
                target += np.einsum("gok,bgkp->bgop", row, a, out=made)

    share(work, lines.pieces(len(x), x.shape[1], x.itemsize, BLOCK))


def along_channels(y: np.ndarray, x: np.ndarray, w: np.ndarray, geo: Geometry) -> None:
    """The same, one kernel place after the other."""
    y[...] = 0
    target = y.reshape(len(y), geo.groups, -1, *y.shape[2:])
    for k in product(*map(range, w.shape[2:])):
        inputs, outputs = grid(k, x.shape[2:], y.shape[2:], geo)
        here = at(target, outputs)
        here += np.einsum("go,bg...->bgo...", at(w, k), at(x, inputs))


def weight_grad(x: np.ndarray, g: np.ndarray, kernel: Sizes, geo: Geometry) -> np.ndarray:
    if not geo.last:
        return shifted.weight_grad(x, g, kernel, geo)
    grad = empty((g.shape[1], 1, *kernel), x.dtype, True)
    target, z = grad.reshape(geo.groups, -1, *kernel), g.reshape(len(g), geo.groups, -1, *g.shape[2:])
    axes = "xyz"[:len(kernel)]
    for k in product(*map(range, kernel)):
        inputs, outputs = grid(k, x.shape[2:], g.shape[2:], geo)
        at(target, k)[...] = np.einsum(f"bgo{axes},bg{axes}->go", at(z, outputs), at(x, inputs))
    return grad
