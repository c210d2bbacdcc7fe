"""Running sums, products and extrema along a dimension.

A gradient of a running product obeys a first-order recurrence, s_i = b_i + a_i s_{i+1}. Solved by doubling, in log2(n) elementwise
steps of the library's own ops, it needs no division (zeros do no harm) and can be differentiated any number of times.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from ..core import dtype_of, primitive, public
from ..core.broadcast import convert
from ..core.checks import require_tensor, wrap_dim
from ..core.dtypes import as_numpy_dtype, word
from ..core.promotion import accumulation_type
from ..core.results import return_type
from .elementwise import exp
from .index import EVERYTHING
from .selection import place_like

CummaxResult, CumminResult = return_type("cummax", "values indices"), return_type("cummin", "values indices")


def along(dim: int, start: int | None, stop: int | None, step: int | None = None) -> tuple[slice, ...]:
    """The key of a part along `dim`."""
    return (EVERYTHING,) * dim + (slice(start, stop, step),)


def accumulate(ufunc: np.ufunc, x: Any, dim: int, reverse: bool = False) -> Any:
    """y_i = y_{i-1} (ufunc) x_i along `dim`, in double precision; with `reverse`, from the other end."""
    if not x.ndim:
        return x.copy()
    order = along(dim, None, None, -1 if reverse else 1)
    wide = {"f": np.dtype(np.float64), "c": np.dtype(np.complex128)}.get(x.dtype.kind, x.dtype)
    if math.prod(x.shape[dim + 1:]) >= 64:  # whole rows, of which NumPy would go down one column after another
        y = np.array(x, wide, order="C")
        rows = np.moveaxis(y[order], dim, 0)
        for before, row in itertools.pairwise(rows):
            ufunc(before, row, out=row)
        return y.astype(x.dtype, copy=False)
    y = np.empty(x.shape, x.dtype)
    y[order] = ufunc.accumulate(x[order], axis=dim, dtype=wide)
    return y


@primitive(x=lambda g, k, dim: shift(g, -k, dim, 0))
def shift(x: Any, k: int, dim: int, fill: Any) -> Any:
    """y_i = x_{i-k} along `dim`, and `fill` where there is no such element."""
    n = x.shape[dim]
    k = max(min(k, n), -n)
    y = np.full_like(x, fill)
    y[along(dim, max(k, 0), n + min(k, 0))] = x[along(dim, max(-k, 0), n - max(k, 0))]
    return y


def recurrence(a: Any, b: Any, dim: int, step: int) -> Any:
    """The solution of s_i = b_i + a_i s_{i+step} (s is 0 beyond the ends)."""
    reach = 1
    while reach < b.shape[dim]:
        b = b + a * shift(b, -step * reach, dim, 0)
        a = a * shift(a, -step * reach, dim, 0)
        reach *= 2
    return b


def scanned(op: str, input: Any, dim: Any, dtype: Any) -> tuple[Any, int]:
    """The input in the type in which it is summed or multiplied, and the dimension, checked."""
    require_tensor(op, "input", input)
    d = accumulation_type(dtype_of(input)) if dtype is None else as_numpy_dtype(dtype)
    return (input if dtype_of(input) == d else convert(input, d)), wrap_dim(dim, input.ndim, op)


@primitive(x=lambda g, dim, reverse: _cumsum(g, dim, not reverse))
def _cumsum(x: Any, dim: int, reverse: bool) -> Any:
    return accumulate(np.add, x, dim, reverse)


@public(method=True, inplace=True)
def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """y_i = x_1 + ... + x_i along `dim`; dL/dx_i = g_i + ... + g_n. Integers are summed as int64."""
    return _cumsum(*scanned("cumsum", input, dim, dtype), False)


def cumprod_gradient(g: Any, x: Any, y: Any, dim: int, reverse: bool) -> Any:
    """With s_i = g_i + x_{i+1} s_{i+1}, dL/dx_i = y_{i-1} s_i."""
    if not g.shape:
        return g
    step = -1 if reverse else 1
    return recurrence(shift(x, -step, dim, 1), g, dim, step) * shift(y, step, dim, 1)


@primitive(x=cumprod_gradient)
def _cumprod(x: Any, dim: int, reverse: bool) -> Any:
    return accumulate(np.multiply, x, dim, reverse)


@public(method=True, inplace=True)
def cumprod(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """y_i = x_1 ... x_i along `dim`; dL/dx_i = sum over j >= i of g_j times the product of the other factors of y_j."""
    return _cumprod(*scanned("cumprod", input, dim, dtype), False)


def other_factors(x: Any, dim: int) -> Any:
    """y_i = the product of all x_j along `dim` with j != i, without dividing."""
    return shift(_cumprod(x, dim, False), 1, dim, 1) * shift(_cumprod(x, dim, True), -1, dim, 1)


def logcumsumexp_gradient(g: Any, x: Any, y: Any, dim: int) -> Any:
    """With s_i = g_i + exp(y_i - y_{i+1}) s_{i+1}, whose factors are at most 1, dL/dx_i = exp(x_i - y_i) s_i."""
    if not g.shape:
        return g
    return recurrence(exp(y - shift(y, -1, dim, np.inf)), g, dim, 1) * exp(x - y)


@primitive(x=logcumsumexp_gradient)
def _logcumsumexp(x: Any, dim: int) -> Any:
    return accumulate(np.logaddexp, x, dim)


@public(method=True)
def logcumsumexp(input: Any, dim: int) -> Any:
    """y_i = log(exp(x_1) + ... + exp(x_i)) along `dim`."""
    require_tensor("logcumsumexp", "input", input)
    if dtype_of(input).kind != "f":
        raise NotImplementedError(f'"logcumsumexp_out_cpu" not implemented for \'{word(dtype_of(input))}\'')
    return _logcumsumexp(input, wrap_dim(dim, input.ndim, "logcumsumexp"))


def running(ufunc: np.ufunc, x: Any, dim: int) -> tuple[Any, Any]:
    """The running extrema and where each was last met."""
    y = accumulate(ufunc, x, dim)
    here = np.arange(x.shape[dim]).reshape([-1 if d == dim else 1 for d in range(x.ndim)]) if x.ndim else 0
    return y, accumulate(np.maximum, np.where((x == y) | np.isnan(x), here, 0), dim)


@primitive(x=lambda g, x_shape, indices, dim: place_like(g[0], x_shape, indices, dim), outputs="values indices", real_only="x")
def _cummax(x: Any, dim: int) -> Any:
    return running(np.maximum, x, dim)


@primitive(x=lambda g, x_shape, indices, dim: place_like(g[0], x_shape, indices, dim), outputs="values indices", real_only="x")
def _cummin(x: Any, dim: int) -> Any:
    return running(np.minimum, x, dim)


@public(method=True)
def cummax(input: Any, dim: int) -> Any:
    """(values, indices): the maximum of x_1, ..., x_i along `dim` and the last place where it was met. NaN, once met, stays."""
    require_tensor("cummax", "input", input)
    return CummaxResult(*_cummax(input, wrap_dim(dim, input.ndim, "cummax")))


@public(method=True)
def cummin(input: Any, dim: int) -> Any:
    """(values, indices): the minimum of x_1, ..., x_i along `dim` and the last place where it was met. NaN, once met, stays."""
    require_tensor("cummin", "input", input)
    return CumminResult(*_cummin(input, wrap_dim(dim, input.ndim, "cummin")))
