"""Which algorithm computes a convolution: the one that the user named, or the one that should be fastest.

By default only among those whose error is that of a plain dot product (`EXACT`), with ``precision = "fast"`` among all.
The choice follows from sizes alone, by `cost`: nothing is tried out, and the same sizes always give the same choice.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ...core.threads import alone
from . import dense, depthwise, direct, fft, im2col, pointwise, shifted, transposed
from .cost import Cost
from .geometry import Geometry, Problem
from .layout import Sizes, at, empty
from .winograd import Winograd

ALGORITHMS: dict[str, Any] = {
    "pointwise": pointwise, "depthwise": depthwise, "shifted": shifted, "im2col": im2col, "direct": direct, "dense": dense,
    "winograd2": Winograd(2, 3.0), "winograd4": Winograd(4, 30.0), "fft": fft}
EXACT = ("pointwise", "depthwise", "shifted", "im2col", "direct", "dense")
PRECISIONS = {"exact": EXACT, "fast": tuple(ALGORITHMS)}


class Settings:
    """What the user asked for."""

    algorithm: str | None = None
    precision = "exact"


class Candidate(NamedTuple):
    name: str
    cost: Cost | None  # None where it cannot be used
    reason: str  # why it is not used, or nothing


def obstacle(name: str, problem: Problem) -> str:
    """Why an algorithm cannot solve the problem, or nothing."""
    algorithm = ALGORITHMS[name]
    if problem.direction == "input_grad" and not hasattr(algorithm, "input_grad"):
        return next((reason for part in transposed.problems(problem) if (reason := algorithm.supports(part))), "")
    return algorithm.supports(problem)


def cost(name: str, problem: Problem) -> Cost:
    """The cost of an algorithm that can solve the problem."""
    algorithm = ALGORITHMS[name]
    if problem.direction == "input_grad" and not hasattr(algorithm, "input_grad"):
        return transposed.cost(algorithm.cost, problem)
    return algorithm.cost(problem)


@lru_cache(4096)
def ranking(problem: Problem) -> tuple[Candidate, ...]:
    """All algorithms, the fastest first, those that cannot be used last."""
    reasons = {name: obstacle(name, problem) for name in ALGORITHMS}
    found = [Candidate(name, None if why else cost(name, problem), why) for name, why in reasons.items()]
    return tuple(sorted(found, key=lambda c: c.cost.seconds(problem.dtype.itemsize) if c.cost else float("inf")))


@lru_cache(4096)
def chosen(problem: Problem, named: str | None, precision: str) -> str:
    """The name of the algorithm to use: the one named, where it can be used, or else the fastest that is allowed."""
    usable = [c.name for c in ranking(problem) if c.cost]
    return named if named in usable else next(name for name in usable if name in PRECISIONS[precision])


def choose(direction: str, x: Sizes, w: Sizes, geo: Geometry, dtype: np.dtype) -> Any:
    return ALGORITHMS[chosen(Problem(direction, x, w, geo, dtype), Settings.algorithm, Settings.precision)]


# ---- the three maps


def whole(x: np.ndarray, geo: Geometry) -> tuple[np.ndarray, Geometry]:
    """Padding below zero (an output_padding, seen from the input's side) as a part of x that is not read."""
    if min([after for _, after in geo.padding]) >= 0:
        return x, geo
    parts = [slice(0, max(0, n + min(0, after))) for n, (_, after) in zip(x.shape[2:], geo.padding)]
    return at(x, parts), geo._replace(padding=tuple([(p, max(0, q)) for p, q in geo.padding]))


def constant(b: np.ndarray | None, shape: Sizes, dtype: np.dtype, last: bool) -> np.ndarray:
    """The bias alone, or zeros: what is left where there is nothing to sum."""
    y = empty(shape, dtype, last)
    y[...] = 0 if b is None else b.reshape(-1, *[1] * (len(shape) - 2))
    return y


def output(x: np.ndarray, w: np.ndarray, b: np.ndarray | None, geo: Geometry) -> np.ndarray:
    """y[n, o, i] = sum over c and k of w[o, c, k] x[n, c, i stride + k dilation - padding] + b[o]."""
    shape = (len(x), len(w), *geo.output_size(x.shape[2:], w.shape[2:]))
    x, geo = whole(x, geo)
    if not x.size or not w.size:
        return constant(b, shape, x.dtype, geo.last)
    return alone(choose("output", x.shape, w.shape, geo, x.dtype).output, x, w, b, geo)


def input_grad(g: np.ndarray, w: np.ndarray, b: np.ndarray | None, size: Sizes, geo: Geometry) -> np.ndarray:
    """The transpose of `output` as a linear map of its input, whose spatial sizes are `size`, plus b."""
    shape = (len(g), w.shape[1] * geo.groups, *size)
    if not g.size or not w.size or 0 in size:
        return constant(b, shape, g.dtype, geo.last)
    algorithm = choose("input_grad", shape, w.shape, geo, g.dtype)
    if hasattr(algorithm, "input_grad"):
        return alone(algorithm.input_grad, g, w, b, size, geo)
    return alone(transposed.input_grad, algorithm.output, g, w, b, size, geo)


def weight_grad(x: np.ndarray, g: np.ndarray, kernel: Sizes, geo: Geometry) -> np.ndarray:
    """w[o, c, k] = sum over n and i of g[n, o, i] x[n, c, i stride + k dilation - padding]."""
    shape = (g.shape[1], x.shape[1] // geo.groups, *kernel)
    x, geo = whole(x, geo)
    if not x.size or not g.size:
        return constant(None, shape, x.dtype, geo.last)
    return alone(choose("weight_grad", x.shape, shape, geo, x.dtype).weight_grad, x, g, kernel, geo)
