"""Convolution as one matrix product: every patch of the input becomes a column, the kernel a row for each output.

For input channels C (of one group), kernel positions K and output positions P, the columns are a matrix A, (C*K, P):

    output            Y  = W A           (O, C*K) @ (C*K, P)
    weight gradient   dW = dY A^T        (O, P) @ (P, C*K), summed over the images
    input gradient    dA = W^T dY        (C*K, O) @ (O, P), each element then added to where it was gathered

Work 2*O*C*K*P in the product. Memory C*K*P, here only for a block of images or rows at a time, so that it stays near
the processor and is reused; one copy from a strided view fills it. Chellapilla, Puri, Simard, High Performance
Convolutional Neural Networks for Document Processing, 2006.

Two layouts share this code. Contiguous: the columns as written above. Channels-last: their transpose, with the channels
innermost, so that they are gathered in runs of C and the output needs no rearrangement.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .geometry import Geometry
from .layout import Sizes, empty

BLOCK = 1 << 20  # bytes of columns at a time: they fit the second-level cache
SMALL = 10 ** 6  # multiply-adds up to which OpenBLAS neither repacks its operands nor wakes another thread

# ---- matrices


def kernel_matrix(w: np.ndarray, groups: int, last: bool) -> np.ndarray:
    """The weight as (groups, O, C*K), or with its columns in the order K*C of the channels-last layout."""
    return (np.moveaxis(w, 1, -1) if last else w).reshape(groups, w.shape[0] // groups, prod(w.shape[1:]))


def as_matrix(z: np.ndarray, groups: int, last: bool) -> np.ndarray:
    """Images (B, O, ...) as (groups, O / groups, B*P): a view if `last`, or if B is 1 and z contiguous."""
    share, places = z.shape[1] // groups, z.shape[0] * prod(z.shape[2:])
    if last:
        return np.moveaxis(z, 1, -1).reshape(places, groups, share).transpose(1, 2, 0)
    return z.swapaxes(0, 1).reshape(groups, share, places)


# ---- columns


def padded(x: np.ndarray, padding: tuple[tuple[int, int], ...], last: bool) -> np.ndarray:
    """x with zeros around its spatial dimensions; x itself where there are none to add."""
    if max(map(max, padding)) <= 0:
        return x
    sizes = [n + before + max(after, 0) for n, (before, after) in zip(x.shape[2:], padding)]
    y = empty((*x.shape[:2], *sizes), x.dtype, last)
    y[...] = 0
    y[(..., *[slice(before, before + n) for n, (before, _) in zip(x.shape[2:], padding)])] = x  # type: ignore[index]
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


def blocks(images: int, out: Sizes, place_bytes: int, place_work: int = 0) -> Iterator[tuple[slice, slice]]:
    """Pieces of fitting work and memory: several images, or of one image some rows along its first dimension."""
    places = BLOCK // max(1, place_bytes)
    if 0 < place_work <= SMALL // 64:
        places = min(places, SMALL // place_work)
    row = prod(out[1:])
    count, rows = max(1, places // (row * out[0])), max(1, min(out[0], places // row))
    for i in range(0, images, count):
        for j in range(0, out[0], rows):
            yield slice(i, min(i + count, images)), slice(j, min(j + rows, out[0]))


def columns(x: np.ndarray, kernel: Sizes, y: Sizes, geo: Geometry) -> Iterator[tuple[Any, np.ndarray]]:
    """For an output of sizes y, block after block, its index there and its columns (groups, C*K, B*P), which are valid
    until the next."""
    images, channels, last = *x.shape[:2], geo.last
    out, depth = y[2:], channels // geo.groups * prod(kernel)
    if prod(kernel) == 1 and max(geo.stride) == 1 and not any(map(any, geo.padding)):  # x is its own columns
        for i in [slice(0, images)] if last else [slice(i, i + 1) for i in range(images)]:
            yield (i,), as_matrix(x[i], geo.groups, last)
        return
    axes = column_axes(len(kernel), last)
    before = (slice(None),) * axes.index(3 + len(kernel))
    held, buffer = slice(0, 0), np.empty(0, x.dtype)
    for i, rows in blocks(images, out, geo.groups * depth * x.itemsize, y[1] // geo.groups * depth):
        if i != held:
            patches, held = windows(padded(x[i], geo.padding, last), kernel, out, geo).transpose(axes), i
        piece = patches[(*before, rows)]
        if buffer.shape != piece.shape:
            buffer = np.empty(piece.shape, x.dtype)
        np.copyto(buffer, piece)
        places = (i.stop - i.start) * (rows.stop - rows.start) * prod(out[1:])
        shape = (geo.groups, places, depth) if last else (geo.groups, depth, places)
        yield (i, slice(None), rows), buffer.reshape(shape).transpose(0, 2, 1) if last else buffer.reshape(shape)


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
    for block, a in columns(x, kernel, y.shape, geo):
        part = y[block]
        direct = last or part.shape[0] == 1
        made = np.matmul(weight, a, out=as_matrix(part, geo.groups, last) if direct else None)
        if bias is not None:
            made += bias
        if not direct:
            np.copyto(part.swapaxes(0, 1), made.reshape(part.swapaxes(0, 1).shape))
    return y


def weight_grad(x: np.ndarray, g: np.ndarray, kernel: Sizes, geo: Geometry) -> np.ndarray:
    """dW = dY A^T, summed over the images."""
    o, c, last = g.shape[1] // geo.groups, x.shape[1] // geo.groups, geo.last
    total = np.zeros((geo.groups, c * prod(kernel), o), x.dtype)
    for block, a in columns(x, kernel, g.shape, geo):
        total += np.matmul(a, np.ascontiguousarray(as_matrix(g[block], geo.groups, last).transpose(0, 2, 1)))
    total = total.transpose(0, 2, 1)
    if last:
        return np.moveaxis(np.ascontiguousarray(total).reshape(g.shape[1], *kernel, c), -1, 1)
    return np.ascontiguousarray(total).reshape(g.shape[1], c, *kernel)


def input_grad(g: np.ndarray, w: np.ndarray, b: np.ndarray | None, size: Sizes, geo: Geometry) -> np.ndarray:
    """X = W^T Y + b, the gradient of `output` for its input: the transposed convolution of g."""
    kernel = w.shape[2:]
    before = [d * (k - 1) - p for k, d, (p, _) in zip(kernel, geo.dilation, geo.padding)]
    gathered, scattered = g.shape[1] * prod(size), w.shape[1] * geo.groups * prod(g.shape[2:])
    if max(geo.stride) > 1 or min(before) < 0 or gathered > 2 * scattered:  # what is scattered moves twice
        return scatter(g, w, b, size, geo)
    after = [n - m + p for n, m, (p, _) in zip(size, g.shape[2:], geo.padding)]
    return output(g, turned(w, geo.groups), b, geo._replace(padding=tuple(zip(before, after))))


def turned(w: np.ndarray, groups: int) -> np.ndarray:
    """The weight whose convolution, of stride 1, is the transposed one of w: channels exchanged, kernels turned."""
    o, c, *kernel = w.shape
    w = np.flip(w, tuple(range(2, w.ndim))).reshape(groups, o // groups, c, *kernel)
    return w.swapaxes(1, 2).reshape(groups * c, o // groups, *kernel)


def scatter(g: np.ndarray, w: np.ndarray, b: np.ndarray | None, size: Sizes, geo: Geometry) -> np.ndarray:
    """The transposed convolution of any stride: A = W^T Y, each element added to where `columns` would read it."""
    kernel, out, last = w.shape[2:], g.shape[2:], geo.last
    c, dims = w.shape[1], len(kernel)
    x = empty((g.shape[0], c * geo.groups, *size), g.dtype, last)
    x[...] = 0 if b is None else b.reshape(-1, *[1] * dims)
    weight = kernel_matrix(w, geo.groups, last)
    axes = column_axes(dims, last)
    for i, rows in blocks(g.shape[0], out, c * geo.groups * prod(kernel) * g.itemsize):
        y = as_matrix(g[i, :, rows], geo.groups, last)
        a = np.matmul(y.transpose(0, 2, 1), weight) if last else np.matmul(weight.transpose(0, 2, 1), y)
        shape = (i.stop - i.start, geo.groups, c, *kernel, rows.stop - rows.start, *out[1:])
        add_columns(x[i], a.reshape([shape[n] for n in axes]).transpose(np.argsort(axes)), geo, rows.start)
    return x
