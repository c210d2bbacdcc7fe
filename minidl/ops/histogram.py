"""How many elements fall where: bincount, histc and histogram. None of these has a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Tensor, public, wrap
from ..core.checks import require_tensor
from ..core.dtypes import word
from ..core.results import return_type
from .create import spaced

HistogramResult = return_type("histogram", "hist bin_edges")


@public(method=True)
def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """y_n = how often n occurs in a 1-D tensor of integers >= 0, or the sum of the `weights` at those places."""
    require_tensor("bincount", "input", input)
    x = input._data
    if x.dtype.kind not in "iu":
        raise NotImplementedError(f'"bincount_cpu" not implemented for \'{word(x.dtype)}\'')
    if x.ndim != 1 or x.size and x.min() < 0:
        raise RuntimeError(f"bincount only supports 1-d non-negative integral inputs, got {x.ndim}-d"
                           + (f" with least value {x.min()}" if x.size else ""))
    if minlength < 0:
        raise RuntimeError(f"bincount: minlength should be >= 0, got {minlength}")
    if weights is None or not x.size:
        return wrap(np.bincount(x, minlength=minlength))
    w = weights._data
    if w.shape != x.shape:
        raise RuntimeError(f"bincount: weights should be 1-d and have the same length as input ({len(x)}), got {list(w.shape)}")
    return wrap(np.bincount(x, w, minlength).astype(w.dtype if w.dtype == np.float32 else np.float64))


def widened(op: str, low: Any, high: Any, by: float) -> tuple[Any, Any]:
    """The ends of the histogram, moved apart where they are equal."""
    if low == high:
        low, high = low - by, high + by
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"{op}: range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError(f"{op}: max must be larger than min, got [{low}, {high}]")
    return low, high


def require_bins(op: str, x: Any, bins: Any) -> None:
    if x.dtype.kind != "f":
        raise NotImplementedError(f'"histogram_cpu" not implemented for \'{word(x.dtype)}\'')
    if bins <= 0:
        raise RuntimeError(f"{op}: bins must be > 0, but got {bins}")


@public(method=True)
def histc(input: Any, bins: int = 100, min: float = 0, max: float = 0) -> Any:
    """The numbers of elements in `bins` equal parts of [min, max], by default from the least to the greatest element; the
    last part includes its end. Elements outside, and NaN, are not counted."""
    require_tensor("histc", "input", input)
    x = input._data.reshape(-1)
    require_bins("histc", x, bins)
    low, high = (x.min(), x.max()) if min == max and x.size else (min, max)
    low, high = widened("histc", low, high, 1)
    x = x[(x >= low) & (x <= high)].astype(np.float64)  # in which the range is not too long
    low, high = float(low), float(high)
    place = np.minimum(((x - low) * bins / (high - low)).astype(np.int64), bins - 1)
    return wrap(np.bincount(place, minlength=bins).astype(input._data.dtype))


@public(method=True)
def histogram(input: Any, bins: Any = 100, *, range: Any = None, weight: Any = None, density: bool = False) -> Any:
    """(hist, bin_edges): the numbers of elements, or sums of their `weight`, between the edges, which are given as a sorted
    1-D tensor or as a number of equal parts of `range`; with `density`, divided by the whole and by the widths."""
    require_tensor("histogram", "input", input)
    x = input._data
    if isinstance(bins, Tensor):
        if bins.ndim != 1 or bins._data.dtype != x.dtype:
            raise RuntimeError(f"histogram: bins tensor must be 1-D and of the input's type {x.dtype.name}, got {bins.ndim}-D "
                               f"{bins._data.dtype.name}")
        require_bins("histogram", x, len(bins._data))
        edges = bins._data.copy()
    else:
        require_bins("histogram", x, bins)
        low, high = range or ((x.min(), x.max()) if x.size else (0, 1))
        low, high = widened("histogram", low, high, 0.5)
        edges = spaced(low, high, bins + 1, x.dtype)
    if weight is not None and (weight._data.shape != x.shape or weight._data.dtype != x.dtype):
        raise RuntimeError(f"histogram: weight must have the input's shape {list(x.shape)} and type {x.dtype.name}, got "
                           f"{list(weight._data.shape)} {weight._data.dtype.name}")
    x = x.reshape(-1)
    inside = (x >= edges[0]) & (x <= edges[-1])
    place = np.minimum(np.searchsorted(edges, x[inside], "right") - 1, len(edges) - 2)
    hist = np.bincount(place, None if weight is None else weight._data.reshape(-1)[inside], len(edges) - 1).astype(x.dtype)
    if density:
        hist = hist / hist.sum() / np.diff(edges)
    return HistogramResult(wrap(hist), wrap(edges))
