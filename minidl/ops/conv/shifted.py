"""Convolution as a few accumulated matrix products, one for each kernel row.

Copy each input image k times, once for each kernel place along all dimensions but the first, shifted by that place. Then
the inputs that kernel row r reads lie in these lines in one piece, r rows further on, so that no more copying is needed:

    output            Y = sum over r of  W_r A[r rows further]     (O, C*k) @ (C*k, P)
    weight gradient   dW_r = dY A[r rows further]^T                (O, P) @ (P, C*k), summed over the images

Work O*C*K*P multiply-adds, as by the definition. Memory C*k*P, less than `im2col` takes by the number of kernel rows; for
that, each row but the first is added to Y. With stride s the lines are sorted by their number modulo s, which makes
neighbours of lines s apart.

Vasudevan, Anderson, Gregg, Parallel Multi Channel Convolution using General Matrix Multiplication, 2017,
https://arxiv.org/abs/1704.04428, shift by whole rows and columns; here columns are copied, so that products are deeper.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import product
from math import prod

import numpy as np

from ...core.threads import share
from ...core.workspace import buffer
from .cost import STEP, Cost
from .geometry import Geometry, Problem, reach
from .layout import Sizes, as_matrices, at, empty, moveaxis, sample
from .pieces import Piece, pieces
from .product import multiply

BLOCK = 4 << 20  # bytes of lines and output at a time
NARROW, DEEP = 256, 64  # products with up to, and at least, so many columns and rows are slow if the other is transposed


def supports(problem: Problem) -> str:
    if problem.dtype.char in "fd":
        return ""
    return f"{problem.dtype} sums would be rounded once for each kernel row"


def cost(problem: Problem) -> Cost:
    (n, c), out, geo = problem.x[:2], problem.out, problem.geo
    rows, along = problem.kernel[0], prod(problem.kernel[1:])
    lines = n * c * along * (out[0] + rows - 1) * prod(out[1:])
    blocks = max(1, lines * problem.dtype.itemsize // BLOCK)
    weight = prod(problem.w)
    if problem.direction == "output":
        added, narrow, rate = (rows - 1) * problem.places * problem.w[0], problem.w[0] // geo.groups, 1.0
    else:
        added, narrow = n * weight // 3, c // geo.groups * along  # sums over images are read once
        rate = 1 + 12 / min(narrow, problem.w[0] // geo.groups)
    read = problem.work // narrow  # elements of the wide operand, which is read anew for each kernel row
    run = c // geo.groups if geo.last else out[-1]
    steps = STEP if geo.stride[-1] > 1 and not geo.last else 1
    return Cost(problem.work, steps * lines + 3 * added + read + weight, (lines + (added if geo.last else 0)) / run + weight / rows,
                (4 + along + 3 * rows) * blocks, min(lines * problem.dtype.itemsize, BLOCK) + weight * problem.dtype.itemsize,
                columns=prod(out), rate=rate)


class Lines:
    """Which lines a convolution needs, and where each kernel row finds its own."""

    def __init__(self, kernel: Sizes, out: Sizes, geo: Geometry) -> None:
        self.kernel, self.out, self.geo = kernel, out, geo
        firsts = [k * geo.dilation[0] for k in range(kernel[0])]
        self.phases = sorted({n % geo.stride[0] for n in firsts})
        self.rows = [(self.phases.index(n % geo.stride[0]), n // geo.stride[0]) for n in firsts]

    def pieces(self, x: np.ndarray, channels: int) -> list[Piece]:
        """Pieces whose lines, and output of so many channels, fill a block."""
        lines = x.shape[1] * prod(self.kernel[1:]) * len(self.phases)
        return pieces(len(x), self.out, (lines + channels) * x.itemsize, BLOCK)

    def of(self, x: np.ndarray, piece: Piece) -> list[np.ndarray]:
        """The lines of a piece of x: for each kernel row, matrices (B, groups, C * k, places), valid until the next."""
        geo, along, out = self.geo, self.kernel[1:], self.out[1:]
        x = x[piece.images]
        b, c, count = len(x), x.shape[1] // geo.groups, piece.rows.stop - piece.rows.start
        images = x.reshape(b, geo.groups, c, *x.shape[2:])
        height, dims = count + self.rows[-1][1], len(along)
        if geo.last:
            lines = buffer("lines", (len(self.phases), b, height, *out, geo.groups, *along, c), x.dtype)
            order = (0, *range(4 + dims, 4 + 2 * dims), 1, 3 + dims, 4 + 2 * dims, *range(2, 3 + dims))
        else:
            lines = buffer("lines", (len(self.phases), b, geo.groups, c, *along, height, *out), x.dtype)
            order = (0, *range(4, 4 + dims), 1, 2, 3, *range(4 + dims, 5 + 2 * dims))
        targets = lines.transpose(order)  # (phases, along..., B, groups, C, lines, out...)
        for (n, phase), k in product(enumerate(self.phases), product(*map(range, along))):
            first = phase - geo.padding[0][0] + piece.rows.start * geo.stride[0]
            places = [reach(first, geo.stride[0], x.shape[2], height),
                      *[geo.overlap(d + 1, i, x.shape[3 + d], 0, out[d]) for d, i in enumerate(k)]]
            sample(targets[(n, *k)], images, places)
        depth, positions = c * prod(along), count * prod(out)
        if geo.last:
            return [lines[n, :, i:i + count].reshape(b, positions, geo.groups, depth).transpose(0, 2, 3, 1)
                    for n, i in self.rows]
        return [at(lines[n], (slice(i, i + count), *[slice(None)] * dims)).reshape(b, geo.groups, depth, positions)
                for n, i in self.rows]


def output(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, geo: Geometry) -> np.ndarray:
    """Y = sum over r of W_r A_r + b."""
    last, kernel = geo.last, w.shape[2:]
    y = empty((x.shape[0], w.shape[0], *geo.output_size(x.shape[2:], kernel)), x.dtype, last)
    lines = Lines(kernel, y.shape[2:], geo)
    rows = moveaxis(w, (2, 1), (0, -1)) if last else moveaxis(w, 2, 0)
    weights = np.ascontiguousarray(rows).reshape(kernel[0], geo.groups, w.shape[0] // geo.groups, -1)
    bias = None if b is None else b.reshape(geo.groups, -1, 1)

    def work(part: Sequence[Piece]) -> None:
        for piece in part:
            target = as_matrices(y[piece.images, :, piece.rows], geo.groups, last)
            first, *others = zip(weights, lines.of(x, piece))
            multiply(*first, target)
            if bias is not None:
                target += bias
            if others:
                made = (buffer("made", target.transpose(0, 3, 1, 2).shape, y.dtype).transpose(0, 2, 3, 1) if last else
                        buffer("made", target.shape, y.dtype))
            for matrix, a in others:
                target += multiply(matrix, a, made)

    share(work, lines.pieces(x, y.shape[1]))
    return y


def weight_grad(x: np.ndarray, g: np.ndarray, kernel: Sizes, geo: Geometry) -> np.ndarray:
    """dW_r = dY A_r^T, summed over the images."""
    c, o, last = x.shape[1] // geo.groups, g.shape[1] // geo.groups, geo.last
    lines = Lines(kernel, g.shape[2:], geo)

    def work(part: Sequence[Piece]) -> np.ndarray:
        total = np.zeros((kernel[0], geo.groups, c * prod(kernel[1:]), o), x.dtype)
        for piece in part:
            z = as_matrices(g[piece.images, :, piece.rows], geo.groups, last).swapaxes(-1, -2)
            if z.shape[-2] <= NARROW and total.shape[2] >= DEEP:
                z = np.ascontiguousarray(z)
            made = buffer("made", (len(z), *total.shape[1:]), x.dtype)
            for n, a in enumerate(lines.of(x, piece)):
                total[n] += np.matmul(a, z, out=made).sum(0) if len(z) > 1 else np.matmul(a, z, out=made)[0]
        return total

    total: np.ndarray = reduce(np.add, share(work, lines.pieces(x, g.shape[1])))
    grad = empty((g.shape[1], c, *kernel), x.dtype, last)
    split = grad.reshape(geo.groups, o, c, *kernel)
    if last:  # (rows, groups, along..., C, O)
        split[...] = moveaxis(total.reshape(kernel[0], geo.groups, *kernel[1:], c, o), (1, -1, -2), (0, 1, 2))
    else:  # (rows, groups, C, along..., O)
        split[...] = moveaxis(total.reshape(kernel[0], geo.groups, c, *kernel[1:], o), (1, -1, 2), (0, 1, 2))
    return grad
