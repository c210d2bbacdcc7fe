"""What the positions along one dimension read of the input: the recurrence behind receptive fields.

After a layer of kernel k, stride s and dilation d, with S the step of the field from one position to the next and R its size,

    S_n = S_(n-1) s        R_n = R_(n-1) + d (k - 1) S_(n-1)        start_n = start_(n-1) - padding S_(n-1)

That is all for convolutions and poolings. A transposed convolution or an interpolation has neighbours that read different
numbers of inputs, but again and again the same: so an axis is a *period* of positions, the first and last input that each of
them reads, and the step of all that from one period to the next. With a period of 1 it is the three numbers above.

Araujo, Norris, Sim, Computing Receptive Fields of Convolutional Neural Networks, 2019, https://distill.pub/2019/computing-receptive-fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, inf, lcm
from typing import Any

__all__ = ["Axis", "IDENTITY", "WHOLE", "taps"]

Span = tuple[float, float] | None  # first and last input read; None where nothing is


def union(spans: Sequence[Span]) -> Span:
    some = [s for s in spans if s is not None]
    return (min(s[0] for s in some), max(s[1] for s in some)) if some else None


def shifted(span: Span, by: float) -> Span:
    return None if span is None else (span[0] + by, span[1] + by)


@dataclass(frozen=True)
class Axis:
    """Position ``q * len(spans) + r`` reads the inputs ``spans[r]``, moved on by ``q * advance``; borders are not looked at."""

    advance: int
    spans: tuple[Span, ...]

    def at(self, i: int) -> Span:
        q, r = divmod(i, len(self.spans))
        return shifted(self.spans[r], q * self.advance) if self.advance else self.spans[r]

    @property
    def stride(self) -> Fraction:
        """How far the field moves from one position to the next, on average."""
        return Fraction(self.advance, len(self.spans))

    @property
    def size(self) -> float:
        """The inputs from the first to the last one read, where they are most."""
        return max((s[1] - s[0] + 1 for s in self.spans if s is not None), default=0)

    def through(self, advance: int, sources: Sequence[Sequence[int]]) -> Axis:
        """The axis of a layer on top whose position ``q * len(sources) + r`` reads ``q * advance + i`` for i in ``sources[r]``."""
        period = len(sources)
        repeats = len(self.spans) // gcd(len(self.spans), advance)
        spans = [union([self.at(q * advance + i) for i in sources[r]]) for q in range(repeats) for r in range(period)]
        return shortest(advance * repeats // len(self.spans) * self.advance, spans)

    def joined(self, other: Axis) -> Axis:
        """What two branches read together. Branches of different strides read everything between them."""
        if self.stride != other.stride:
            return WHOLE
        period = lcm(len(self.spans), len(other.spans))
        return shortest(self.advance * period // len(self.spans), [union([self.at(i), other.at(i)]) for i in range(period)])

    def over(self, n: int) -> Axis:
        """What the first n positions read together, seen from any position."""
        return Axis(0, (union([self.at(i) for i in range(n)]),))

    # ---- layers

    def conv(self, kernel: int, stride: int, before: int, dilation: int) -> Axis:
        """A convolution or pooling with `before` places of padding at the beginning."""
        return self.through(stride, [[k * dilation - before for k in range(kernel)]])

    def conv_transposed(self, kernel: int, stride: int, before: int, dilation: int) -> Axis:
        """Input i adds to output ``i stride + k dilation - before``, for each place k of the kernel."""
        places = [[r + before - k * dilation for k in range(kernel)] for r in range(stride)]
        return self.through(1, [[p // stride for p in row if p % stride == 0] for row in places])


def shortest(advance: int, spans: list[Span]) -> Axis:
    """The axis with the shortest period that says the same."""
    n = len(spans)
    for period in range(1, n):
        step, rest = divmod(advance * period, n)
        if n % period == 0 and rest == 0 and all(spans[i] == shifted(spans[i % period], i // period * step) for i in range(n)):
            return Axis(step, tuple(spans[:period]))
    return Axis(advance, tuple(spans))


IDENTITY = Axis(1, ((0, 0),))
WHOLE = Axis(0, ((-inf, inf),))


def taps(axis: Axis, source: Any, weight: Any, inputs: int) -> Axis:
    """An interpolation that is given as the inputs (and weights) of each output, taken where it repeats, away from borders."""
    outputs = len(source)
    period, advance = outputs // gcd(outputs, inputs), inputs // gcd(outputs, inputs)
    first = outputs // period // 2
    rows = [[int(i) - first * advance for j, i in enumerate(source[first * period + r]) if weight is None or weight[first * period + r, j]]
            for r in range(period)]
    return axis.through(advance, rows)
