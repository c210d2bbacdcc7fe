"""Quantiles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core import Tensor, data_of, dtype_of, public
from ..core.checks import require_tensor, wrap_dim
from .reduce import kept_shape
from .selection import take_at
from .shape import as_shape, movedim
from .sort import ordering

ROUNDING: dict[str, Any] = {"linear": np.positive, "midpoint": np.positive, "lower": np.floor, "higher": np.ceil, "nearest": np.round}


def quantile_of(op: str, x: Any, q: Any, dim: Any, keepdim: bool, interpolation: str, skip_nan: bool) -> Any:
    """The elements around rank q (n - 1) of each sorted line of n, and what `interpolation` makes of the two."""
    require_tensor(op, "input", x)
    d = dtype_of(x)
    if d not in (np.float32, np.float64):
        raise RuntimeError(f"{op}() input tensor must be either float or double dtype, got {d.name}")
    if not math.prod(x.shape):
        raise RuntimeError(f"{op}() input tensor must be non-empty, got shape {tuple(x.shape)}")
    if not isinstance(q, Tensor):
        q = np.asarray(q, d)
    if q.ndim > 1:
        raise RuntimeError(f"{op}() q must be a scalar or 1D tensor, got shape {tuple(q.shape)}")
    if dtype_of(q) != d:
        raise RuntimeError(f"{op}() q tensor must be same dtype as the input tensor ({d.name}), got {dtype_of(q).name}")
    if not ((data_of(q) >= 0) & (data_of(q) <= 1)).all():
        raise RuntimeError(f"{op}() q values must be in the range [0, 1], got {data_of(q).tolist()}")
    if interpolation not in ROUNDING:
        raise RuntimeError(f"{op}() interpolation must be one of {', '.join(ROUNDING)}, but got {interpolation}")

    dims = tuple(range(x.ndim)) if dim is None or not x.ndim else (wrap_dim(dim, x.ndim, op),)
    lines = as_shape(x, (math.prod(x.shape),)) if len(dims) == x.ndim else movedim(x, dims[0], -1)
    values = data_of(lines)
    n, nans = values.shape[-1], np.isnan(values).sum(axis=-1, keepdims=True)
    last = (np.maximum(n - nans - 1, 0) if skip_nan else np.full_like(nans, n - 1)).astype(d)
    q_line = as_shape(q, (math.prod(q.shape),))
    rank = data_of(q_line) * last
    rank = ROUNDING[interpolation](rank if skip_nan else np.where(nans > 0, n - 1, rank))  # the last is NaN if there is one
    order, low = ordering(values, values.ndim - 1), np.floor(rank)

    def at(r: Any) -> Any:
        return take_at(lines, np.take_along_axis(order, r.astype(np.int64), -1), values.ndim - 1)

    y = at(low)
    if interpolation in ("linear", "midpoint"):
        y = y + (at(np.ceil(rank)) - y) * (q_line * last - low if interpolation == "linear" else 0.5)
    shape = kept_shape(x.shape, dims) if keepdim else tuple(n for d, n in enumerate(x.shape) if d not in dims)
    return as_shape(movedim(y, -1, 0), (*q.shape, *shape))


@public(method=True)
def quantile(input: Any, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear") -> Any:
    """The quantiles `q` (a number or a 1-D tensor, in [0, 1]) of all elements, or along `dim`; those of a 1-D `q` lie along
    a new first dimension. NaN if there is one.

    Between two elements, `interpolation` decides: linear, lower, higher, midpoint or nearest.

    >>> import minidl
    >>> minidl.quantile(minidl.tensor([1., 2., 3., 4.]), 0.5).item()
    2.5
    """
    return quantile_of("quantile", input, q, dim, keepdim, interpolation, False)


@public(method=True)
def nanquantile(input: Any, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear") -> Any:
    """As `quantile`, of the elements that are not NaN."""
    return quantile_of("nanquantile", input, q, dim, keepdim, interpolation, True)
