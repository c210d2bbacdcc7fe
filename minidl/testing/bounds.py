"""How much a right answer may differ: bounds of rounding that come from the case itself, not a bare tolerance.

For a sum of n products of w and x, computed in any order, |error| <= gamma_n sum |w| |x| with gamma_n = n u / (1 - n u) and u the unit
roundoff (N. Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 3). The sum of magnitudes is the operator itself on
absolute values, and n is the operator on ones, for gradients as for outputs, since they are sums of products too.

Any other operator is bounded by its conditioning: u times how far its result moves when its arguments move by a relative u, measured with
a larger step, and times a count of operations; and by what the oracle itself loses in float32; it holds for the arguments of ordinary size that are drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["conditioned", "nudged", "products"]

Arrays = list[np.ndarray]
STEP = 2.0 ** -16


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
    """Bounds of any function: u ((8 + n) (|change| / step + max |y| + 4) + 32 e), one for all elements of an output.

    n is the size of the largest argument. At three points nearby, `change` is how far the result moved there, and e the error, in units of u, that
    the oracle itself makes in float32: it knows what cancels inside. 4 is the size of the values that are drawn, and of products of two cotangents.
    """
    rng = np.random.default_rng(0)
    change, error = [0.0] * len(values), [0.0] * len(values)
    with np.errstate(all="ignore"):
        for _ in range(3):
            moved = [np.asarray(a * (1 + STEP * rng.standard_normal(a.shape))).astype(np.float32) for a in arguments]
            rough, fine = evaluate(moved), evaluate([a.astype(np.float64) for a in moved])
            change = [max(c, _largest(m - y)) for c, m, y in zip(change, fine, values)]
            error = [max(e, _largest(r - m)) for e, r, m in zip(error, rough, fine)]
    n = max((a.size for a in [*arguments, *values]), default=0)
    u, single = unit_roundoff(dtype), unit_roundoff("float32")
    return [np.full(np.shape(y), u * ((8 + n) * (c / STEP + _largest(y) + 4) + 32 * e / single)) for c, e, y in zip(change, error, values)]


def nudged(run: Callable[[int], Arrays], values: Arrays) -> Arrays:
    """Bounds of results that may lose all their digits: 64 times the farthest that floats move in four runs, whose number seeds the rounding errors
    that `run` puts on what it starts from.
    """
    runs = [run(seed) for seed in range(1, 5)]
    with np.errstate(all="ignore"):
        return [np.full(np.shape(v), 64 * max(_largest(m - v) for m in moved) if v.dtype.kind == "f" else 0.0) for v, *moved in zip(values, *runs)]


def _largest(a: Any) -> float:
    finite = np.abs(a[np.isfinite(a)])
    return float(finite.max()) if finite.size else 0.0
