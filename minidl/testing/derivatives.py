"""Derivatives by differences that know their own error, and that notice a kink.

Central differences at steps h, h/2, h/4, ... are extrapolated to h = 0 (Richardson, 1911; Ridders, 1982): the error falls from h^2 to h^8,
so that a large step, at which rounding is small, is exact enough. A function that accepts complex arguments has a better way, the complex step:
Im f(x + ih) / h for h = 1e-100, which subtracts nothing (Squire and Trapp, 1998).

At a kink or a tie (ReLU at 0, a maximum that is reached twice) the slopes to the left and to the right differ. Such an element is counted, not failed:
any value in between is a right gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .adapters import Candidate
from .case import Case
from .operators import operator_of, wanted

__all__ = ["Derivative", "complex_step", "derivative", "gradcheck", "gradgradcheck"]


@dataclass(frozen=True)
class Derivative:
    """The slope in one direction, a bound of its error, and whether the function has a kink there."""

    value: float
    error: float
    kink: bool


def derivative(f: Callable[[float], float], scale: float = 1.0, step: float = 2.0 ** -6, levels: int = 4) -> Derivative:
    """df/dt at t = 0, of a function whose values are about `scale`.

    >>> round(derivative(np.exp).value, 12), derivative(abs).kink
    (1.0, True)
    """
    middle = f(0.0)
    table: list[list[float]] = []
    h, sides = step, []
    for level in range(levels):
        right, left = (f(h) - middle) / h, (middle - f(-h)) / h
        sides.append(abs(right - left))
        row = [(right + left) / 2]
        for k in range(level):
            row.append(row[k] + (row[k] - table[-1][k]) / (4.0 ** (k + 1) - 1))
        table.append(row)
        h /= 2
    value = table[-1][-1]
    rounding = 32 * np.finfo(np.float64).eps * max(scale, abs(middle)) / (2 * h)
    error = abs(value - table[-2][-1]) + rounding
    # One-sided slopes of a smooth function approach each other as h does: from level to level their distance halves.
    smooth = sides[-1] <= 0.75 * sides[0] + rounding
    return Derivative(float(value), float(error), not smooth)


def complex_step(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """df along `direction` at `x`, exact to rounding, for an analytic `f` that accepts complex arguments.

    >>> complex_step(np.sin, np.array([0.5]), np.array([1.0])) == np.cos(0.5)
    array([ True])
    """
    return np.imag(f(x + 1e-100j * direction)) / 1e-100


def gradcheck(candidate: Candidate, case: Case, rtol: float = 1e-7) -> int:
    """Whether the candidate's gradients are the slopes of its own outputs, element for element; the number of kinks met.

    AssertionError where they differ by more than the estimated error and ``rtol`` times the largest slope.
    """
    case = case.cast("float64")
    flags = wanted(case, operator_of(case.op))
    gs = cotangents(candidate.outputs(case))
    found = candidate.gradients(case, gs, flags)
    return _compare(lambda arrays: candidate.outputs(case.with_floats(arrays)), case.floats(), flags, gs, found, rtol, "gradient")


def gradgradcheck(candidate: Candidate, case: Case, rtol: float = 1e-7) -> int:
    """`gradcheck` of the candidate's gradients."""
    case = case.cast("float64")
    flags = wanted(case, operator_of(case.op))
    gs = cotangents(candidate.outputs(case))
    us = cotangents(candidate.gradients(case, gs, flags))
    found = candidate.second(case, gs, us, flags)[:sum(flags)]
    return _compare(lambda arrays: candidate.gradients(case.with_floats(arrays), gs, flags), case.floats(), flags, us, found, rtol,
                    "second gradient")


def _compare(f: Callable[[list[np.ndarray]], list[np.ndarray]], floats: list[np.ndarray], flags: Sequence[bool], gs: list[np.ndarray],
             found: list[np.ndarray], rtol: float, what: str) -> int:
    def total(arrays: list[np.ndarray]) -> float:
        ys = [y for y in f(arrays) if y.dtype.kind == "f"]
        return float(sum(np.vdot(g, y) for g, y in zip(gs, ys)))

    scale = float(sum(np.vdot(abs(g), abs(y)) for g, y in zip(gs, [y for y in f(floats) if y.dtype.kind == "f"])))
    kinks = 0
    for k, (i, g) in enumerate(zip(np.flatnonzero(flags), found)):
        for index in np.ndindex(floats[i].shape):
            def along(t: float, i: int = int(i), index: tuple[int, ...] = index) -> float:
                x = np.array(floats[i])
                x[index] += t
                return total([*floats[:i], x, *floats[i + 1:]])
            d = derivative(along, scale)
            if d.kink:
                kinks += 1
            elif abs(g[index] - d.value) > 4 * d.error + rtol * max(1.0, float(abs(g).max())):
                raise AssertionError(f"{what} {k}{list(index)} is {g[index]:.17g}, the slope is {d.value:.17g} +- {d.error:.1g}")
    return kinks


def cotangents(ys: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The weights under which outputs are summed: multiples of 1/4 in [-2, 2], always the same, exact in every dtype."""
    rng = np.random.default_rng(0)
    return [(rng.integers(-8, 9, y.shape) / 4).astype(y.dtype) for y in ys if y.dtype.kind == "f"]
