"""How much a right answer may differ: bounds of rounding that come from the case itself, not a bare tolerance.

For a sum of n products of w and x, computed in any order, |error| <= gamma_n sum |w| |x| with gamma_n = n u / (1 - n u) and u the unit
roundoff (N. Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 3). The sum of magnitudes is the operator itself on
absolute values, and n is the operator on ones, for gradients as for outputs, since they are sums of products too.

Any other operator is bounded by its conditioning: u times how far its result moves when its arguments move by a relative u, measured in
float64 with a larger step, and times a count of operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["conditioned", "products"]

Arrays = list[np.ndarray]
STEP = 2.0 ** -24


def unit_roundoff(dtype: str) -> float:
    return float(np.finfo(dtype).eps) / 2


def products(evaluate: Callable[[Arrays], Arrays], arguments: Arrays, dtype: str, elementwise: bool = True) -> Arrays:
    """Bounds of sums of products: 2 gamma_(n+2) sum |products|, for each element (or, not `elementwise`, the largest for all).

    Twice, since the oracle rounds as well; n + 2 for a scale and a cast.
    """
    with np.errstate(all="ignore"):
        magnitudes = evaluate([np.asarray(abs(a)) for a in arguments])
        counts = evaluate([np.ones_like(a) for a in arguments])
        found = []
        for magnitude, n in zip(magnitudes, counts):
            nu = (np.ceil(n) + 2) * unit_roundoff(dtype)
            bound = 2 * nu / (1 - nu) * magnitude + len(arguments) * float(np.finfo(dtype).smallest_subnormal) * np.ceil(n)
            found.append(bound if elementwise or not bound.size else np.full_like(bound, bound.max()))
        return found


def conditioned(evaluate: Callable[[Arrays], Arrays], arguments: Arrays, values: Arrays, dtype: str) -> Arrays:
    """Bounds of any function: (8 + n) u (|change| / step + max |y|), the largest for all elements of an output; n is the size of the largest argument."""
    rng = np.random.default_rng(0)
    change = [0.0] * len(values)
    with np.errstate(all="ignore"):
        for _ in range(2):
            moved = evaluate([np.asarray(a * (1 + STEP * rng.choice([-1.0, 1.0], a.shape))) for a in arguments])
            change = [max(c, _largest(m - y)) for c, m, y in zip(change, moved, values)]
    n = max((a.size for a in [*arguments, *values]), default=0)
    scale = (8 + n) * unit_roundoff(dtype)
    return [np.full(np.shape(y), scale * (c / STEP + _largest(y)) + float(np.finfo(dtype).tiny)) for c, y in zip(change, values)]


def _largest(a: Any) -> float:
    finite = np.abs(a[np.isfinite(a)])
    return float(finite.max()) if finite.size else 0.0
