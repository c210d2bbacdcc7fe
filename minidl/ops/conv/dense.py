"""Convolution as what it is, a linear map: the matrix W of Y = W X, written out.

    output            Y = W X
    input gradient    X = W^T Y
    weight gradient   the sum of dW's elements over all places where the weight stands in W, with dW = dY X^T

Work and memory C*O*P*Q for P output and Q input places: mostly zeros, for small cases, and to compare others with.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ...core import primitive
from .cost import Cost
from .geometry import Geometry, Problem, check
from .layout import Sizes, at, empty, moveaxis

LIMIT = 1 << 24  # elements of the largest matrix that is written out


def supports(problem: Problem) -> str:
    size = prod(problem.x[1:]) * problem.w[0] * prod(problem.out)
    return f"the matrix would have {size} elements" if size > LIMIT else ""


def cost(problem: Problem) -> Cost:
    size = prod(problem.x[1:]) * problem.w[0] * prod(problem.out)
    return Cost(problem.x[0] * size, 2 * size, problem.places * problem.w[0], 20 * prod(problem.kernel),
                size * problem.dtype.itemsize)


def standing(kernel: Sizes, out: Sizes, size: Sizes, geo: Geometry) -> Iterator[tuple[tuple[int, ...], tuple[np.ndarray, ...]]]:
    """For each kernel place k, where w[..., k] stands: indices of output places and of the input places that they read."""
    dims = range(len(kernel))
    for k in product(*map(range, kernel)):
        pairs = [geo.overlap(n, k[n], size[n], 0, out[n]) for n in dims]
        outputs = np.meshgrid(*[np.arange(out[n])[pairs[n][1]] for n in dims], indexing="ij")
        inputs = np.meshgrid(*[np.arange(size[n])[pairs[n][0]] for n in dims], indexing="ij")
        yield k, tuple([index.ravel() for index in (*outputs, *inputs)])


def blocks(matrix: np.ndarray, w: Sizes, out: Sizes, size: Sizes, groups: int) -> list[np.ndarray]:
    """For each group, the part of the matrix that its weights fill, as (output places..., input places..., O, C)."""
    whole = matrix.reshape(groups, w[0] // groups, *out, groups, w[1], *size)
    before = (slice(None),) * (1 + len(out))
    return [moveaxis(whole[n][(*before, n)], (0, 1 + len(out)), (-2, -1)) for n in range(groups)]


def matrix_of(w: np.ndarray, size: Sizes, geo: Geometry) -> np.ndarray:
    """W, (O * output places, C * input places)."""
    out = geo.output_size(size, w.shape[2:])
    matrix = np.zeros((w.shape[0] * prod(out), w.shape[1] * geo.groups * prod(size)), w.dtype)
    for n, block in enumerate(blocks(matrix, w.shape, out, size, geo.groups)):
        share = w[n * len(w) // geo.groups:(n + 1) * len(w) // geo.groups]
        for k, places in standing(w.shape[2:], out, size, geo):
            block[places] = at(share, k)
    return matrix


@primitive(arrays="w")
def _dense_matrix(w: Any, size: Sizes, geo: Any) -> Any:
    return matrix_of(w, size, geo)


def dense_matrix(weight: Any, input_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
                 groups: int = 1) -> Any:
    """The matrix W of Y = W X, where X and Y are an image of `input_size` (C, ...) and its convolution, flattened.

    One row for each output element and one column for each input element, mostly zeros: for small cases only.

    >>> import minidl as torch
    >>> dense_matrix(torch.tensor([[[1, 2, 3]]]), (1, 4))
    tensor([[1, 2, 3, 0],
            [0, 1, 2, 3]])
    """
    x = np.broadcast_to(0, tuple(input_size))
    geo = check(f"conv{weight.ndim - 2}d", x, weight, None, stride, padding, dilation, groups)
    return _dense_matrix(weight, x.shape[1:], geo)


def rows(z: np.ndarray) -> np.ndarray:
    """Each image as one row."""
    return z.reshape(len(z), prod(z.shape[1:]))


def filled(rows: np.ndarray, shape: Sizes, b: np.ndarray | None, geo: Geometry) -> np.ndarray:
    """The rows as images in the layout of `geo`, plus b."""
    z = empty(shape, rows.dtype, geo.last)
    z[...] = rows.reshape(shape)
    if b is not None:
        z += b.reshape(-1, *[1] * (len(shape) - 2))
    return z


def output(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, geo: Geometry) -> np.ndarray:
    shape = (len(x), len(w), *geo.output_size(x.shape[2:], w.shape[2:]))
    return filled(rows(x) @ matrix_of(w, x.shape[2:], geo).T, shape, b, geo)


def input_grad(g: np.ndarray, w: np.ndarray, b: np.ndarray | None, size: Sizes, geo: Geometry) -> np.ndarray:
    return filled(rows(g) @ matrix_of(w, size, geo), (len(g), w.shape[1] * geo.groups, *size), b, geo)


def weight_grad(x: np.ndarray, g: np.ndarray, kernel: Sizes, geo: Geometry) -> np.ndarray:
    grad = empty((g.shape[1], x.shape[1] // geo.groups, *kernel), x.dtype, geo.last)
    out, size, share = g.shape[2:], x.shape[2:], g.shape[1] // geo.groups
    for n, block in enumerate(blocks(rows(g).T @ rows(x), grad.shape, out, size, geo.groups)):
        for k, places in standing(kernel, out, size, geo):
            at(grad[n * share:(n + 1) * share], k)[...] = block[places].sum(0)
    return grad
