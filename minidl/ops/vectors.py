"""Products and distances of vectors that lie along one dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import data_of, dtype_of, primitive, public
from ..core.checks import broadcast_shape, require_tensor, wrap_dim, wrap_dims
from ..core.dtypes import I8, promote_types, word
from .arithmetic import mul, sub
from .elementwise import masked
from .index import getitem
from .matmul import gemm, matmul, same_dtype
from .norms import p_norm
from .reduce import cast_to
from .reduce import sum as sum_over
from .select import where
from .shape import broadcast_tensors, unsqueeze


@primitive(a=lambda g, b, dim: _linalg_cross(b, g, dim), b=lambda g, a, dim: _linalg_cross(g, a, dim), common="a b")
def _linalg_cross(a: Any, b: Any, dim: int) -> Any:
    return np.cross(a, b, axis=dim)


@public(where="linalg")
def cross(input: Any, other: Any, *, dim: int = -1) -> Any:
    """The vector product along a dimension of size 3: y = a x b; da = b x g, db = g x a."""
    if input.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    d = wrap_dim(dim, input.ndim, "linalg.cross")
    if input.shape[d] != 3 or other.shape[d] != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[d]} and "
                           f"{other.shape[d]}")
    broadcast_shape("linalg.cross", tuple(input.shape), tuple(other.shape))
    return _linalg_cross(input, other, d - input.ndim)


def _torch_cross(input: Any, other: Any, dim: int | None = None) -> Any:
    """`linalg.cross`; without `dim` along the first dimension of size 3."""
    if dim is None:
        if 3 not in input.shape:
            raise RuntimeError("no dimension of size 3 in input")
        dim = tuple(input.shape).index(3)
    return cross(input, other, dim=dim)


_torch_cross.__name__ = "cross"
public(_torch_cross, method=True)


@public(where="linalg")
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    """sum conj(x) y along `dim`, with broadcasting; dx = g y, dy = g x for real numbers."""
    same_dtype(x, y, "linalg.vecdot: Expected x and y to have the same dtype, but found x of type {} and y of type {} "
                     "instead")
    broadcast_shape("linalg.vecdot", tuple(x.shape), tuple(y.shape))
    return sum_over(mul(x.conj(), y), dim)


def powers(x: Any, exponents: np.ndarray) -> Any:
    """x to each of the exponents, along a new last dimension."""
    common = promote_types(dtype_of(x), I8)
    return unsqueeze(cast_to(x, common), -1) ** exponents.astype(common)


@public(where="linalg")
def vander(x: Any, *, N: int | None = None) -> Any:
    """Vandermonde's matrix: the powers x^0 ... x^(N - 1) along a new last dimension; N is by default x's last size."""
    n = N if N is not None else x.shape[-1] if x.ndim else 1
    if n < 2:
        raise RuntimeError("N must be greater than 1.")
    return powers(x if x.ndim else unsqueeze(x, 0), np.arange(n))


def _torch_vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """N powers (as many as elements) of a vector's elements in columns, the highest first unless `increasing`."""
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    exponents = np.arange(x.shape[0] if N is None else N)
    return powers(x, exponents if increasing else exponents[::-1])


_torch_vander.__name__ = "vander"
public(_torch_vander)


# ---- distances


@public(method=True)
def dist(input: Any, other: Any, p: float = 2) -> Any:
    """The p-norm of all elements of a - b."""
    difference = sub(input, other)
    return p_norm(difference, p, tuple(range(difference.ndim)), False)


@public(where="nn.functional torch")
def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The p-norm of x1 - x2 + eps over the last dimension."""
    difference = x1 - x2 + eps
    return p_norm(difference, p, (difference.ndim - 1,), keepdim)


@primitive(x=lambda g: g)
def _at_least(x: Any, least: float) -> Any:
    """y = max(x, least), with the gradient of x itself: PyTorch clamps norms and variances without recording it."""
    return np.maximum(x, least)


@public(where="nn.functional torch")
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) along `dim`, with broadcasting."""
    common = promote_types(dtype_of(x1), dtype_of(x2))
    if common.kind != "f":
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {word(common)}")
    x1, x2 = broadcast_tensors(cast_to(x1, common), cast_to(x2, common))
    dims = wrap_dims(dim, x1.ndim, "cosine_similarity")
    units = [x / _at_least(p_norm(x, 2, dims, True), eps) for x in (x1, x2)]
    return sum_over(units[0] * units[1], dim)


def _cdist_rule(g: Any, a: Any, b: Any, y: Any) -> Any:
    """With w = g / y: da_i = sum_j w_ij (a_i - b_j), db_j = sum_i w_ij (b_j - a_i)."""
    w = masked(g / y, data_of(y) != 0)
    return a * sum_over(w, -1, True) - matmul(w, b), b * sum_over(w.mT, -1, True) - matmul(w.mT, a)


@primitive(joint=("a b", _cdist_rule), grad_name="CdistBackward0")
def _cdist(a: Any, b: Any, by_product: bool) -> Any:
    if not by_product:
        difference = a[..., :, None, :] - b[..., None, :, :]
        return np.sqrt((difference * difference).sum(axis=-1))
    aa, bb = (a * a).sum(axis=-1, keepdims=True), (b * b).sum(axis=-1, keepdims=True)
    # |a|^2 + |b|^2 - 2 a b, all of it as one product
    y = gemm(np.concatenate([-2 * a, aa, np.ones_like(aa)], -1), np.concatenate([b, np.ones_like(bb), bb], -1).mT)
    return np.sqrt(np.clip(y, 0, None, out=y), out=y)


@public
def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Any:
    """The p-norm distance of each row of x1 (..., P, M) from each row of x2 (..., R, M): (..., P, R).

    For p = 2, |a|^2 + |b|^2 - 2 a b serves if P or R exceed 25 (or as `compute_mode` says): faster, less exact near 0.
    """
    modes = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")
    if compute_mode not in modes:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    for name, x in (("X1", x1), ("X2", x2)):
        require_tensor("cdist", name.lower(), x)
        if dtype_of(x).kind != "f":
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {word(dtype_of(x))}")
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {x.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    same_dtype(x1, x2, "expected scalar type {} but found {}")
    broadcast_shape("cdist", tuple(x1.shape[:-2]), tuple(x2.shape[:-2]))
    if p == 2:
        large = x1.shape[-2] > 25 or x2.shape[-2] > 25
        return _cdist(x1, x2, compute_mode == modes[1] or (compute_mode == modes[0] and large))
    difference = unsqueeze(x1, -2) - unsqueeze(x2, -3)
    return distance_along_last(difference, p)


def distance_along_last(difference: Any, p: float) -> Any:
    """The p-norm over the last dimension; 0 where it is empty."""
    dims = (difference.ndim - 1,)
    return p_norm(difference, p, dims, False) if difference.shape[-1] else sum_over(difference, dims)


@public(where="nn.functional torch")
def pdist(input: Any, p: float = 2.0) -> Any:
    """The p-norm distances of all pairs of rows i < j, in the order (0, 1), (0, 2), ..., (1, 2), ..."""
    require_tensor("pdist", "input", input)
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    first, second = np.triu_indices(input.shape[0], 1)
    return distance_along_last(getitem(input, first) - getitem(input, second), p)


@public(method=True, inplace=True)
def renorm(input: Any, p: float, dim: int, maxnorm: float) -> Any:
    """Scales each slice along `dim` whose p-norm exceeds `maxnorm` down to it."""
    if input.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    d = wrap_dim(dim, input.ndim, "renorm")
    norm = p_norm(input, p, tuple(i for i in range(input.ndim) if i != d), True)
    return input * where(norm > maxnorm, maxnorm / (norm + 1e-7), 1.0)
