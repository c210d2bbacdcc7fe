"""Differences of neighbours, and the derivatives and integrals of sampled functions that are made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Tensor, default_dtype, dtype_of, public
from ..core.checks import require_tensor, wrap_dim, wrap_dims
from .arithmetic import sub
from .compare import logical_xor
from .history import clone
from .index import narrowed
from .join import cat
from .reduce import sum as sum_over
from .scan import cumsum
from .shape import as_shape


def neighbours(x: Any, dim: int) -> tuple[Any, Any]:
    """All elements along `dim` but the first, and all but the last."""
    n = x.shape[dim]
    return narrowed(x, dim, 1, n), narrowed(x, dim, 0, n - 1 if n else 0)


@public(method=True)
def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The `n`-th differences x_{i+1} - x_i along `dim`, of the input between `prepend` and `append`; of bools, whether they differ."""
    require_tensor("diff", "input", input)
    if not input.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"diff: order must be non-negative but got {n}")
    dim = wrap_dim(dim, input.ndim, "diff")
    parts = [part for part in (prepend, input, append) if part is not None]
    for part in parts:
        if part.ndim != input.ndim:
            raise RuntimeError(f"diff expects prepend or append to be the same dimension as input, got {part.ndim} and {input.ndim}")
    if n == 0:
        return clone(input)
    x = cat(parts, dim) if len(parts) > 1 else input
    for _ in range(n):
        x = (logical_xor if dtype_of(x) == bool else sub)(*neighbours(x, dim))
    return x


# ---- derivatives

def aligned(x: Any, dim: int, ndim: int) -> Any:
    """A 1-D tensor laid along dimension `dim` of `ndim`."""
    return as_shape(x, tuple([x.shape[0] if d == dim else 1 for d in range(ndim)]))


def slope(x: Any, dim: int, spacing: Any, edge_order: int) -> Any:
    """The derivative along `dim`: inside, that of the parabola through three neighbours; at the ends of degree `edge_order`.

    With s_i the slope between points i and i + 1, h_i apart, the parabola's is (s_i h_{i+1} + s_{i+1} h_i) / (h_i + h_{i+1}) in
    the middle, which for points a single h apart is that between both neighbours, and s_i + (s_i - s_{i+1}) h_i / (h_i + h_{i+1})
    at its end.
    """
    n = x.shape[dim] - 1
    width = sub(*neighbours(spacing, 0)) if isinstance(spacing, Tensor) else np.full(n, spacing, dtype_of(x) if dtype_of(x).kind == "f" else default_dtype())
    h = aligned(width, dim, x.ndim)
    s = sub(*neighbours(x, dim)) / h
    s_next, s_here = neighbours(s, dim)
    h_next, h_here = neighbours(h, dim)
    if isinstance(spacing, Tensor):
        inner = (s_here * h_next + s_next * h_here) / (h_here + h_next)
    else:
        inner = sub(narrowed(x, dim, 2, n + 1), narrowed(x, dim, 0, n - 1)) / (2 * spacing)

    def end(i: int, j: int) -> Any:
        s_i, s_j, h_i, h_j = [narrowed(t, dim, k, k + 1) for t in (s, h) for k in (i, j)]
        return s_i + (s_i - s_j) * h_i / (h_i + h_j)

    if edge_order == 1:
        return cat([narrowed(s, dim, 0, 1), inner, narrowed(s, dim, n - 1, n)], dim)
    return cat([end(0, 1), inner, end(n - 1, n - 2)], dim)


@public
def gradient(input: Any, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> tuple[Any, ...]:
    """The derivative along each dimension of `dim` (all by default) of a function sampled at points that are `spacing` apart (1; a
    number, or one a dimension), or whose coordinates it gives (1-D tensors).

    Inside, the derivative of the parabola through three neighbours; at the ends a one-sided one of `edge_order` 1 or 2.
    """
    require_tensor("gradient", "input", input)
    if spacing is None:
        spacing = 1
    if isinstance(spacing, Tensor):
        raise TypeError("gradient(): argument 'spacing' must be a number, or a list of numbers or of tensors, not Tensor")
    several = isinstance(spacing, (list, tuple))
    dims = wrap_dims(dim, input.ndim, "gradient")
    spacings = list(spacing) if several else [spacing] * len(dims)
    if len(spacings) != len(dims):
        raise RuntimeError(f"gradient expected spacing to be unspecified, a scalar or of length {len(dims)}, got {len(spacings)}")
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient only supports edge_order=1 and edge_order=2, got {edge_order}")
    for d, h in zip(dims, spacings):
        if not input.ndim or input.shape[d] <= edge_order:
            raise RuntimeError(f"gradient expected each dimension size to be at least edge_order+1, got {list(input.shape)}")
        if isinstance(h, Tensor) and h.shape != (input.shape[d],):
            raise RuntimeError(f"gradient expected the coordinates of dimension {d} to be {input.shape[d]} numbers, got {list(h.shape)}")
    return tuple([slope(input, d, h, edge_order) for d, h in zip(dims, spacings)])


# ---- integrals

def trapezes(op: str, y: Any, x: Any, dx: Any, dim: int) -> tuple[Any, int]:
    """The areas between neighbours, (y_i + y_{i+1}) / 2 * (x_{i+1} - x_i), and the dimension."""
    require_tensor(op, "y", y)
    dim = wrap_dim(dim, y.ndim, op)
    if x is not None and dx is not None:
        raise TypeError(f"{op}(): takes `x` or `dx`, not both")
    if dtype_of(y) == bool or isinstance(x, Tensor) and dtype_of(x) == bool:
        raise RuntimeError(f"{op}: received a bool input, but bool is not supported")
    right, left = neighbours(y if dtype_of(y).kind in "fc" else y.long(), dim)  # a sum of two could be too large for smaller integers
    if x is None:
        width = 1 if dx is None else dx
    else:
        if x.ndim == 1 and x.shape[0] != y.shape[dim]:
            raise RuntimeError(f"{op}: There must be one `x` value for each sample point, got {x.shape[0]} for {y.shape[dim]}")
        x = aligned(x, dim, y.ndim) if x.ndim == 1 else as_shape(x, (1,) * (y.ndim - x.ndim) + tuple(x.shape))
        width = sub(*neighbours(x, dim))
    return (right + left) * width / 2, dim


@public(aliases="trapz")
def trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The integral along `dim` by the trapezoidal rule, of samples at `x` or `dx` (1) apart.

    >>> import minidl
    >>> minidl.trapezoid(minidl.tensor([1., 2., 3.])).item()
    4.0
    """
    areas, dim = trapezes("trapezoid", y, x, dx, dim)
    return sum_over(areas, dim)


@public
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The integrals from the first sample to each later one, by the trapezoidal rule."""
    areas, dim = trapezes("cumulative_trapezoid", y, x, dx, dim)
    return cumsum(areas, dim)
