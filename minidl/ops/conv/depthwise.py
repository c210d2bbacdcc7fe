"""Convolution of each channel alone, in channels-last memory: multiply-adds without a matrix product.

Each output channel reads one input channel, so there is no sum over channels that a matrix product could do. What is left
is y += w[k] * (x moved by k) for each kernel place. In channels-last memory a line of an image, all channels of all its
places, lies in one piece, and so does the line moved by some places; the weights are repeated along it. (In contiguous
memory the products of `shifted` are vectors times matrices of one channel's lines: nothing here is faster than these.)

Work O*K*P multiply-adds, bound by the speed of the caches, not by that of arithmetic. Chollet, Xception: Deep Learning
with Depthwise Separable Convolutions, 2016, https://arxiv.org/abs/1610.02357.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

import numpy as np

from ...core.threads import share
from ...core.workspace import buffer
from . import direct
from .cost import Cost
from .geometry import Geometry, Problem
from .layout import Sizes, at, empty, moveaxis


def supports(problem: Problem) -> str:
    if problem.w[1] != 1 or problem.w[0] != problem.geo.groups:
        return f"a group has {problem.w[1]} channels and {problem.w[0] // problem.geo.groups} outputs, not 1"
    if not problem.geo.last:
        return "the memory is not channels-last"
    return "" if problem.geo.stride[-1] == 1 else f"the stride along lines is {problem.geo.stride[-1]}, not 1"


def cost(problem: Problem) -> Cost:
    positions = prod(problem.kernel)
    y = problem.places * problem.w[0]
    return Cost(problem.work, 3 * y * positions, y * positions / problem.out[-1] / problem.w[0],
                6 * positions * problem.x[0], y * problem.dtype.itemsize // problem.x[0])


def lines(z: np.ndarray) -> np.ndarray:
    """(N, C, ..., W) as (N, ..., W * C): a view of channels-last memory, a copy of any other."""
    return moveaxis(z, 1, -1).reshape(len(z), *z.shape[2:-1], z.shape[-1] * z.shape[1])


def output(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, geo: Geometry) -> np.ndarray:
    y = empty((len(x), len(w), *geo.output_size(x.shape[2:], w.shape[2:])), x.dtype, True)
    y[...] = 0 if b is None else b.reshape(-1, *[1] * (y.ndim - 2))
    channels, sources, targets = len(w), lines(x), lines(y)
    steps = []
    for k in product(*map(range, w.shape[2:])):
        here, there = [[*p[:-1], slice(p[-1].start * channels, p[-1].stop * channels)]
                       for p in direct.grid(k, x.shape[2:], y.shape[2:], geo)]
        steps.append((here, there, np.tile(at(w[:, 0], k), (there[-1].stop - there[-1].start) // channels)))

    def work(part: Sequence[int]) -> None:
        for n in part:  # an image fits the second-level cache
            for here, there, weight in steps:
                target, source = at(targets[n], there), at(sources[n], here)
                target += np.multiply(source, weight, out=buffer("made", target.shape, y.dtype))

    share(work, range(len(x)))
    return y


def weight_grad(x: np.ndarray, g: np.ndarray, kernel: Sizes, geo: Geometry) -> np.ndarray:
    grad, axes = empty((g.shape[1], 1, *kernel), x.dtype, True), "xyz"[:len(kernel)]
    for k in product(*map(range, kernel)):
        inputs, outputs = direct.grid(k, x.shape[2:], g.shape[2:], geo)
        y, a = (moveaxis(at(z, places), 1, -1) for z, places in ((g, outputs), (x, inputs)))
        at(grad[:, 0], k)[...] = np.einsum(f"n{axes}c,n{axes}c->c", y, a)
    return grad
