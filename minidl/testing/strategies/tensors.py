"""Arrays by shape, dtype, value domain and memory layout."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ..layouts import LAYOUTS, lay_out

__all__ = ["DOMAINS", "broadcastable_shapes", "shapes", "tensors"]

# One draw of a fixed size fills a whole array, whatever its shape: code i + pool[i mod 61] picks a value from the domain's table. So a
# shape may shrink without disturbing the values, and the simplest pool, all zeros, is not the constant array, in which most faults hide, but
# the table read from its beginning. The period is prime, so that it fits no side.
POOL = st.binary(min_size=61, max_size=61)


def _table(simple: list[float], low: float, high: float) -> np.ndarray:
    """256 values: the simple ones, then multiples of (high - low) / 256 in scattered order, which binary fractions only approximate."""
    scattered = [round(low + (high - low) * ((37 * i + 11) % 256) / 256, 2) for i in range(256 - len(simple))]
    return np.array(simple + scattered)


_FINITE = _table([1, 2, 3, -1, -2, -3, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 0], -3, 3)
_AWAY = np.where(abs(_FINITE) < 0.125, 0.75, _FINITE)
_SPECIAL = [1, np.nan, np.inf, 2, -np.inf, -0.0, 3, 1e30, -1e30, 0, -1]
_EXTREME = [1, 1e30, 1e-30, -1e30, 2, -1e-30, 1e-40, 1e15, -1e-15, 3]  # 1e-40 is subnormal in float32

DOMAINS: dict[str, np.ndarray] = {
    "finite": _FINITE,  # |x| <= 3
    "positive": _table([1, 2, 3, 0.5, 1.5, 2.5], 0.125, 4),
    "unit": _table([0.5, 0.25, 0.75, 0.125, 0.625], 0.0625, 0.9375),
    "open": _table([0.5, -0.5, 0.25, -0.25, 0], -0.9375, 0.9375),
    "away": _AWAY,  # from the kink at 0: 0.125 <= |x| <= 3
    "special": np.concatenate([np.resize(_SPECIAL, 128), _FINITE[:128]]),
    "extreme": np.concatenate([np.resize(_EXTREME, 128), _FINITE[:128]]),
}


def shapes(min_dims: int = 0, max_dims: int = 4, min_side: int = 1, max_side: int = 4) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes; with ``min_side=0`` empty ones too."""
    return hnp.array_shapes(min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side)


def broadcastable_shapes(count: int = 2, max_dims: int = 3, min_side: int = 1, max_side: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    """`count` shapes that broadcast together."""
    pairs = hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=max_dims, min_side=min_side, max_side=max_side)
    return pairs.map(lambda found: found.input_shapes)


@st.composite
def tensors(draw: Any, shape: Any = None, domain: str = "finite", dtype: Any = "float64", layout: Any = None, high: int = 5) -> np.ndarray:
    """An array.

    - `shape`: a tuple or a strategy of tuples.
    - `domain`: of floats: a name in `DOMAINS`, or "distinct": no two values within 0.5, nor within 0.125 of a multiple of 0.5, so that there are
      neither ties nor kinks.
    - `dtype`: a name or a strategy of names. Integers are in [-high, high), unsigned ones and domain "positive" in [0, high).
    - `layout`: a name in `LAYOUTS`, a strategy of names, or None for any of them.
    """
    shape = draw(shapes() if shape is None else shape) if not isinstance(shape, tuple) else shape
    dtype = np.dtype(draw(dtype) if isinstance(dtype, st.SearchStrategy) else dtype)
    if layout is None:
        layout = st.sampled_from(LAYOUTS if domain != "distinct" else LAYOUTS[:4] + LAYOUTS[5:])
    layout = draw(layout) if isinstance(layout, st.SearchStrategy) else layout
    n = int(np.prod(shape))
    codes = (np.arange(n) + np.resize(np.frombuffer(draw(POOL), np.uint8), n)) % 256
    return lay_out(_values(codes, dtype, domain, high).reshape(shape), layout)


def _values(codes: np.ndarray, dtype: np.dtype[Any], domain: str, high: int) -> np.ndarray:
    if dtype.kind == "b":
        return codes % 2 == 0
    if dtype.kind in "iu":
        low = 0 if dtype.kind == "u" or domain == "positive" else -high
        return (low + codes % (high - low)).astype(dtype)
    if domain == "distinct":
        order = np.argsort(np.argsort(codes, kind="stable"), kind="stable")
        return ((order - len(codes) // 2 + 0.25) * 0.5).astype(dtype)
    with np.errstate(over="ignore"):
        return DOMAINS[domain][codes].astype(dtype)
