"""A step length along a direction, by the strong Wolfe conditions.

Nocedal and Wright, Numerical optimization (2nd ed.), algorithms 3.5 and 3.6, with the safeguards of torch.optim.LBFGS.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Point", "strong_wolfe"]


class Point(NamedTuple):
    """A place on the line: the step length, the loss, its gradient and its slope along the direction."""

    t: Any
    loss: float
    gradient: np.ndarray
    slope: Any


def cubic_minimum(a: Point, b: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Where the cubic with the losses and slopes of both points is least, within `bounds` (by default between them)."""
    low, high = bounds or ((a.t, b.t) if a.t <= b.t else (b.t, a.t))
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 ** 2 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    d2 = math.sqrt(square)
    if a.t > b.t:
        a, b = b, a
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return min(max(t, low), high)


def strong_wolfe(evaluate: Callable[[Any], Point], start: Point, t: Any, direction_size: float, *, decrease: float = 1e-4,
                 curvature: float = 0.9, tolerance: float = 1e-9, limit: int = 25) -> tuple[Point, int]:
    """A point with loss <= start + `decrease` t slope and |slope| <= `curvature` |start's slope|, and the evaluations used.

    First the step grows until an interval surely holds such a point, then the interval shrinks around it. After `limit`
    evaluations, or when the interval is smaller than `tolerance`, it is the best point so far.
    """
    point, evaluations = evaluate(t), 1
    previous, rounds = start, 0
    while rounds < limit:
        if point.loss > start.loss + decrease * point.t * start.slope or (rounds > 1 and point.loss >= previous.loss):
            break
        if abs(point.slope) <= -curvature * start.slope:
            return point, evaluations
        if point.slope >= 0:
            break
        t = cubic_minimum(previous, point, (point.t + 0.01 * (point.t - previous.t), point.t * 10))
        previous, point = point, evaluate(t)
        evaluations, rounds = evaluations + 1, rounds + 1
    else:
        previous = start
    ends, stalled = [previous, point], False
    low = 0 if previous.loss <= point.loss else 1  # of two equal ends the first
    while rounds < limit and not abs(ends[1].t - ends[0].t) * direction_size < tolerance:
        left, right = min(ends[0].t, ends[1].t), max(ends[0].t, ends[1].t)
        t = cubic_minimum(ends[0], ends[1])
        margin = 0.1 * (right - left)
        if not min(right - t, t - left) < margin:
            stalled = False
        elif stalled or t >= right or t <= left:
            # Twice near an end: the interval would hardly shrink, so step away from that end.
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            stalled = False
        else:
            stalled = True
        point = evaluate(t)
        evaluations, rounds = evaluations + 1, rounds + 1
        if point.loss > start.loss + decrease * point.t * start.slope or point.loss >= ends[low].loss:
            ends[1 - low] = point
            low = 0 if ends[0].loss <= ends[1].loss else 1
            continue
        if abs(point.slope) <= -curvature * start.slope:
            return point, evaluations
        if point.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = point
    return ends[low], evaluations
