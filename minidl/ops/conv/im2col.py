"""Convolution as one matrix product: every patch of the input becomes a column, the kernel a row for each output.

For input channels C (of one group), kernel positions K and output positions P, the columns are a matrix A, (C*K, P):

    output            Y  = W A           (O, C*K) @ (C*K, P)
    weight gradient   dW = dY A^T        (O, P) @ (P, C*K), summed over the images
    input gradient    dA = W^T dY        (C*K, O) @ (O, P), each element then added to where it was gathered

Work O*C*K*P multiply-adds. Memory C*K*P, here only for some images or rows at a time, so that it stays near the processor
and is reused; one copy from a strided view fills it. Chellapilla, Puri, Simard, High Performance Convolutional Neural
Networks for Document Processing, 2006.

Two layouts share this code. Contiguous: the columns as written above. Channels-last: their transpose, with the channels
innermost, so that they are gathered in runs of C and the output needs no rearrangement.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, reduce
from itertools import chain, groupby, product
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ...core.threads import share
from ...core.workspace import buffer
from . import transposed
from .cost import STEP, Cost
from .geometry import Geometry, Problem, reach
from .layout import Sizes, empty, moveaxis, sample
from .pieces import Piece, pieces
from .product import multiply

BLOCK = 1 << 20  # bytes of columns at a time
COLUMNS = 512  # but at least so many columns: the product of fewer is slower
TALL = 1024  # output places from which dW^T = A dY^T is faster than dW = dY A^T, and worth transposing the result


def supports(problem: Problem) -> str:
    return ""


def cost(problem: Problem) -> Cost:
    if problem.direction == "input_grad":
        return min(scatter_cost(problem), transposed.cost(cost, problem), key=Cost.seconds)
    out, geo, itemsize = problem.out, problem.geo, problem.dtype.itemsize
    depth, area, y = problem.depth * geo.groups, prod(problem.x), problem.places * problem.w[0]
    gathered = depth * problem.places
    blocks = len(blocks_of(problem.x[0], out, depth, itemsize))
    run = problem.w[1] if geo.last else out[-1]
    steps = STEP if geo.stride[-1] > 1 and not geo.last else 1
    copied = 0 if geo.last else 2 * y
    return Cost(problem.work, steps * gathered + gathered + area + copied, gathered / run + (area + copied) / out[-1], 15 * blocks,
                gathered * itemsize // blocks, columns=problem.places / blocks)


def scatter_cost(problem: Problem) -> Cost:
    """As the cost of the output, but each column's element is added to another, which is read and written."""
    forward = cost(problem._replace(direction="output"))
    blocks = forward.calls / 15
    return forward._replace(moved=3 * forward.moved, runs=1.5 * forward.runs, calls=forward.calls + 5 * blocks * prod(problem.kernel))


# ---- matrices


def kernel_matrix(w: np.ndarray, groups: int, last: bool) -> np.ndarray:
    """The weight as (groups, O, C*K), or with its columns in the order K*C of the channels-last layout."""
    return (moveaxis(w, 1, -1) if last else w).reshape(groups, w.shape[0] // groups, prod(w.shape[1:]))


def as_matrix(z: np.ndarray, groups: int, last: bool) -> np.ndarray:
    """Images (B, O, ...) as (groups, O / groups, B*P): a view if `last`, or if B is 1 and z contiguous."""
    share, places = z.shape[1] // groups, z.shape[0] * prod(z.shape[2:])
    if last:
        return moveaxis(z, 1, -1).reshape(places, groups, share).transpose(1, 2, 0)
    return z.swapaxes(0, 1).reshape(groups, share, places)


# ---- columns


def padded(x: np.ndarray, padding: tuple[tuple[int, int], ...], last: bool) -> np.ndarray:
    """x with zeros around its spatial dimensions; x itself where there are none to add."""
    if max(map(max, padding)) <= 0:
        return x
    sizes = [n + before + max(after, 0) for n, (before, after) in zip(x.shape[2:], padding)]
    y = empty((*x.shape[:2], *sizes), x.dtype, last)
    sample(y, x, [reach(-before, 1, n, m) for (before, _), n, m in zip(padding, x.shape[2:], sizes)])
    return y


def windows(x: np.ndarray, kernel: Sizes, out: Sizes, geo: Geometry) -> np.ndarray:
    """Every patch of a padded input, without copying: a view of axes (B, groups, C / groups, kernel..., out...)."""
    (b, c, *_), (sb, sc, *s) = x.shape, x.strides
    c //= geo.groups
    steps = (sb, sc * c, sc, *[t * d for t, d in zip(s, geo.dilation)], *[t * n for t, n in zip(s, geo.stride)])
    return as_strided(x, (b, geo.groups, c, *kernel, *out), steps, writeable=False)


def column_axes(dims: int, last: bool) -> tuple[int, ...]:
    """The order in which the axes of `windows` lie in the columns' memory."""
    kernel, out = range(3, 3 + dims), range(3 + dims, 3 + 2 * dims)
    return (1, 0, *out, *kernel, 2) if last else (1, 2, *kernel, 0, *out)


def blocks_of(images: int, out: Sizes, depth: int, itemsize: int) -> list[Piece]:
    """Pieces of fitting size, for columns of `depth` elements."""
    return pieces(images, out, depth * itemsize, max(BLOCK, COLUMNS * depth * itemsize))


def columns(x: np.ndarray, kernel: Sizes, out: Sizes, geo: Geometry, piece: Piece) -> np.ndarray:
    """The columns of a piece, (groups, C*K, B*P), valid until the next."""
    out = (piece.rows.stop - piece.rows.start, *out[1:])
    area = [(m - 1) * s + (k - 1) * d + 1 for m, s, k, d in zip(out, geo.stride, kernel, geo.dilation)]
    starts = [piece.rows.start * geo.stride[0], *[0] * (len(out) - 1)]
    places = [reach(i - before, 1, n, m) for i, (before, _), n, m in zip(starts, geo.padding, x.shape[2:], area)]
    x = x[piece.images]
    shape = (*x.shape[:2], *area)
    if geo.last:
        read = moveaxis(buffer("area", (shape[0], *area, shape[1]), x.dtype), -1, 1)
    else:
        read = buffer("area", shape, x.dtype)
    sample(read, x, places)
    patches = windows(read, kernel, out, geo).transpose(column_axes(len(kernel), geo.last))
    gathered = buffer("columns", patches.shape, x.dtype)
    np.copyto(gathered, patches)
    depth, count = shape[1] // geo.groups * prod(kernel), shape[0] * prod(out)
    if geo.last:
        return gathered.reshape(geo.groups, count, depth).transpose(0, 2, 1)
    return gathered.reshape(geo.groups, depth, count)


def add_columns(x: np.ndarray, a: np.ndarray, geo: Geometry, start: int = 0) -> None:
    """Adds the elements of a (axes as of `windows`, output rows from number `start`) to where they belong in x."""
    dims = x.ndim - 2
    kernel, out, size = a.shape[3:3 + dims], a.shape[3 + dims:], x.shape[2:]
    target = x.reshape(x.shape[0], geo.groups, x.shape[1] // geo.groups, *size)
    for k in product(*map(range, kernel)):
        places = [geo.overlap(n, k[n], size[n], start * (n == 0), out[n]) for n in range(dims)]
        target[(..., *[i for i, _ in places])] += a[(slice(None),) * 3 + k + tuple([o for _, o in places])]  # type: ignore[arg-type]


# ---- the three maps


def output(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, geo: Geometry) -> np.ndarray:
    """Y = W A + b."""
    kernel, last = w.shape[2:], geo.last
    y = empty((x.shape[0], w.shape[0], *geo.output_size(x.shape[2:], kernel)), x.dtype, last)
    weight = kernel_matrix(w, geo.groups, last)
    bias = None if b is None else b.reshape(geo.groups, -1, 1)

    def work(part: Sequence[Piece]) -> None:
        for piece in part:
            target = y[piece.images, :, piece.rows]
            direct = last or len(target) == 1
            a = columns(x, kernel, y.shape[2:], geo, piece)
            made = as_matrix(target, geo.groups, last) if direct else buffer("made", (*weight.shape[:2], a.shape[2]), y.dtype)
            multiply(weight, a, made)
            if bias is not None:
                made += bias
            if not direct:
                np.copyto(target.swapaxes(0, 1), made.reshape(target.swapaxes(0, 1).shape))

    share(work, blocks_of(len(x), y.shape[2:], weight.shape[2] * geo.groups, x.itemsize))
    return y


def weight_grad(x: np.ndarray, g: np.ndarray, kernel: Sizes, geo: Geometry) -> np.ndarray:
    """dW = dY A^T, summed over the images."""
    o, c, last = g.shape[1] // geo.groups, x.shape[1] // geo.groups, geo.last
    depth = c * prod(kernel)

    tall = len(g) * prod(g.shape[2:]) >= TALL

    def work(part: Sequence[Piece]) -> np.ndarray:
        total = np.empty((geo.groups, depth, o) if tall else (geo.groups, o, depth), x.dtype)
        for n, piece in enumerate(part):
            a = columns(x, kernel, g.shape[2:], geo, piece)
            z = as_matrix(g[piece.images, :, piece.rows], geo.groups, last)
            made = total if n == 0 else buffer("made", total.shape, x.dtype)
            np.matmul(a if tall else z, (z if tall else a).transpose(0, 2, 1), out=made)
            if n > 0:
                total += made
        return total

    total = reduce(np.add, share(work, blocks_of(len(x), g.shape[2:], depth * geo.groups, x.itemsize)))
    if tall:
        total = np.ascontiguousarray(total.transpose(0, 2, 1))
    if last:
        return moveaxis(total.reshape(g.shape[1], *kernel, c), -1, 1)
    return total.reshape(g.shape[1], c, *kernel)


def input_grad(g: np.ndarray, w: np.ndarray, b: np.ndarray | None, size: Sizes, geo: Geometry) -> np.ndarray:
    """By `scatter`, or by gathering from g, whichever should be faster."""
    problem = Problem("input_grad", (len(g), w.shape[1] * geo.groups, *size), w.shape, geo, g.dtype)
    if scattering(problem):
        return scatter(g, w, b, size, geo)
    return transposed.input_grad(output, g, w, b, size, geo)


@lru_cache(4096)
def scattering(problem: Problem) -> bool:
    return scatter_cost(problem).seconds() <= transposed.cost(cost, problem).seconds()


def scatter(g: np.ndarray, w: np.ndarray, b: np.ndarray | None, size: Sizes, geo: Geometry) -> np.ndarray:
    """The input gradient without a kernel turned round: dA = W^T dY, each element added to where it was gathered."""
    kernel, out, last = w.shape[2:], g.shape[2:], geo.last
    c, dims = w.shape[1], len(kernel)
    x = empty((g.shape[0], c * geo.groups, *size), g.dtype, last)
    weight = kernel_matrix(w, geo.groups, last).transpose(0, 2, 1)
    axes = column_axes(dims, last)

    def work(part: Sequence[list[Piece]]) -> None:
        for piece in chain(*part):
            if piece.rows.start == 0:
                x[piece.images] = 0 if b is None else b.reshape(-1, *[1] * dims)
            y = as_matrix(g[piece.images, :, piece.rows], geo.groups, last)
            shape = (len(g[piece.images]), geo.groups, c, *kernel, piece.rows.stop - piece.rows.start, *out[1:])
            a = buffer("columns", tuple([shape[n] for n in axes]), x.dtype)
            made = a.reshape(geo.groups, y.shape[2], weight.shape[1]).transpose(0, 2, 1) if last else (
                a.reshape(geo.groups, weight.shape[1], y.shape[2]))
            multiply(weight, y, made)
            add_columns(x[piece.images], a.transpose(np.argsort(axes)), geo, piece.rows.start)

    # the rows of one image overlap, so they stay in one thread
    share(work, [list(same) for _, same in groupby(blocks_of(len(g), out, weight.shape[1] * geo.groups, g.itemsize),
                                                   lambda piece: piece.images.start)])
    return x
