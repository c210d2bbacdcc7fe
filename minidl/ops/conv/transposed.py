"""The input gradient of a convolution, which is the transposed convolution, by convolutions of the gradient g.

With stride 1 each input place is read once by every kernel place, so the gradient there gathers from g through the kernel
turned round: a convolution, with the channels exchanged. With stride s only every s-th place is alike: a place i reads g
at (i + padding - k dilation) / stride, for those k where that is whole, and these are the same k for i, i + s, i + 2 s,
... So the gradient consists of s (for each dimension) interleaved convolutions of stride 1, each with a part of the
kernel, which together do no more work than one. Any algorithm for convolutions will do.

Dumoulin, Visin, A guide to convolution arithmetic for deep learning, 2016, https://arxiv.org/abs/1603.07285, chapter 4,
inserts zeros into g instead; here the products with these zeros are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from math import gcd, prod
from typing import Any, NamedTuple

import numpy as np

from .cost import STEP, Cost
from .geometry import Geometry, Problem
from .layout import Sizes, at, empty


class Phase(NamedTuple):
    """One of the interleaved convolutions: its places in the input, and what it reads."""

    places: tuple[slice, ...]  # of the input
    taps: tuple[slice, ...]  # of the kernel, to be turned round
    crop: tuple[slice, ...]  # of g
    geo: Geometry

    def reads(self) -> bool:
        """Whether it reads anything: the input between and beyond the kernel's places takes no part."""
        used = (*self.taps, *self.crop, *self.places)
        return all(len(range(s.start, s.stop, s.step or 1)) for s in used)


def phases(g: Sizes, kernel: Sizes, size: Sizes, geo: Geometry) -> Iterator[Phase]:
    """The phases for spatial sizes g of the gradient and `size` of the input. Where no kernel place fits, no taps."""
    axes = [[axis(phase, m, k, n, s, p, d) for phase in range(s)]
            for m, k, n, s, (p, _), d in zip(g, kernel, size, geo.stride, geo.padding, geo.dilation)]
    for parts in product(*axes):
        places, taps, crop, padding, dilation = zip(*parts)
        yield Phase(places, taps, crop, Geometry((1,) * len(g), padding, dilation, geo.groups, geo.last))


def axis(phase: int, g: int, kernel: int, size: int, s: int, p: int, d: int) -> tuple[Any, ...]:
    """Along one dimension, the places i with (i + p) % s == phase: what they read as a convolution of stride 1.

    With i = first + j s and k = k0 + t s / gcd(s, d), g is read at j + base - t d / gcd(s, d).
    """
    common = gcd(s, d)
    first = (phase - p) % s
    count = max(0, -(-(size - first) // s))
    k0 = next((k for k in range(min(kernel, s // common)) if k * d % s == phase), kernel)
    taps = slice(k0, kernel, s // common)
    n, step = len(range(kernel)[taps]), d // common
    before = (n - 1) * step - (first + p - k0 * d) // s
    after = count - g - before + (n - 1) * step
    crop = slice(max(0, -before), max(0, g + min(0, after)))
    return slice(first, size, s), taps, crop, (max(0, before), max(0, after)), step


def turned(w: np.ndarray, groups: int) -> np.ndarray:
    """The weight with its channels exchanged and its kernels turned round."""
    o, c, *kernel = w.shape
    w = np.flip(w, tuple(range(2, w.ndim))).reshape(groups, o // groups, c, *kernel)
    return w.swapaxes(1, 2).reshape(groups * c, o // groups, *kernel)


def input_grad(output: Callable[..., np.ndarray], g: np.ndarray, w: np.ndarray, b: np.ndarray | None, size: Sizes,
               geo: Geometry) -> np.ndarray:
    """The input gradient for input sizes `size`, plus b, by the algorithm ``output`` for convolutions."""
    every = phases(g.shape[2:], w.shape[2:], size, geo)
    if max(geo.stride) == 1:
        (part,) = every
        if part.reads():
            return output(at(g, part.crop), turned(w, geo.groups), b, part.geo)
        every = iter((part,))
    x = empty((g.shape[0], w.shape[1] * geo.groups, *size), g.dtype, geo.last)
    for part in every:
        if part.reads():
            at(x, part.places)[...] = output(at(g, part.crop), turned(at(w, part.taps), geo.groups), b, part.geo)
        else:
            at(x, part.places)[...] = 0 if b is None else b.reshape(-1, *[1] * len(size))
    return x


def problems(problem: Problem) -> list[Problem]:
    """The convolutions that `input_grad` consists of."""
    (n, c), o, geo = problem.x[:2], problem.w[0], problem.geo
    result = []
    for part in phases(problem.out, problem.kernel, problem.x[2:], geo):
        if part.reads():
            sizes = [len(range(s.start, s.stop, s.step)) for s in part.taps]
            weight = (c, o // geo.groups, *sizes)
            result.append(Problem("output", (n, o, *[s.stop - s.start for s in part.crop]), weight, part.geo, problem.dtype))
    return result


def cost(of: Callable[[Problem], Cost], problem: Problem) -> Cost:
    """The cost of these, and of turning the weights and putting the parts together."""
    moved, strided = prod(problem.w), max(problem.geo.stride) > 1
    parts = problems(problem)
    total = sum([of(part) for part in parts], Cost(0, 2 * moved, moved, 5 + 8 * len(parts), moved * problem.dtype.itemsize))
    pixels = prod(problem.x) if strided else 0  # are written once more, one by one
    return total._replace(moved=total.moved + STEP * pixels)
