"""Triangular systems and Cholesky's factor of a Hermitian positive-definite matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import dtype_of, primitive, public
from ..core.checks import broadcast_shape
from ..core.results import return_type
from .linalg import adjoint, no_failure, refuse, require_square, require_system
from .matmul import matmul

CholeskyResult = return_type("linalg_cholesky_ex", "L info")
TriangularResult = return_type("triangular_solve", "solution cloned_coefficient")


def triangle(x: Any, upper: bool = False, diagonal: float = 1) -> Any:
    """The lower (or upper) triangle of square matrices, with the diagonal times `diagonal`."""
    n, d = x.shape[-1], dtype_of(x)
    mask = np.tri(n, k=-1, dtype=d)
    return x * ((mask.T if upper else mask) + diagonal * np.eye(n, dtype=d))


def _solve_triangular_rule(g: Any, a: Any, y: Any, upper: bool, unitriangular: bool) -> Any:
    """dB = A^-T g; dA = -dB X^T, within the triangle that was read."""
    b_gradient = _solve_triangular(a.mT, g, not upper, unitriangular)
    return -triangle(matmul(b_gradient, y.mT), upper, 0 if unitriangular else 1), b_gradient


@primitive(joint=("a b", _solve_triangular_rule), grad_name="LinalgSolveTriangularBackward0")
def _solve_triangular(a: Any, b: Any, upper: bool, unitriangular: bool) -> Any:
    from scipy.linalg.blas import get_blas_funcs
    trsm, = get_blas_funcs(("trsm",), (a, b))
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    y = np.empty(batch + b.shape[-2:], b.dtype)
    if y.size:
        a, b = np.broadcast_to(a, batch + a.shape[-2:]), np.broadcast_to(b, y.shape)
        for i in np.ndindex(batch):
            y[i] = trsm(1, a[i], b[i], lower=not upper, diag=unitriangular)
    return y


@public(where="linalg")
def solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    """X with A X = B (`left` False: X A = B) for a triangular A, of which only that triangle is read.

    `unitriangular` takes its diagonal for ones. dB = A^-T g, dA = the triangle of -dB X^T. A zero on the diagonal gives
    infinities, no error.
    """
    require_square("linalg.solve_triangular", A)
    require_system("linalg.solve_triangular", A, B, left)
    if left:
        return _solve_triangular(A, B, upper, unitriangular)
    return _solve_triangular(A.mT, B.mT, not upper, unitriangular).mT


@public(method=True)
def triangular_solve(b: Any, A: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False) -> Any:
    """`linalg.solve_triangular` by its older name: X with A X = b (or A^T X = b), and A."""
    x = solve_triangular(A.mT if transpose else A, b, upper=upper != transpose, unitriangular=unitriangular)
    return TriangularResult(x, A)


# ---- Cholesky


def _cholesky_rule(g: Any, L: Any) -> Any:
    """S = L^-H phi(L^H g) L^-1, phi the lower triangle with half the diagonal; dA = (S + S^H) / 2 (Giles 2008)."""
    h = adjoint(L)
    inner = _solve_triangular(h, triangle(matmul(h, g[0].conj()), diagonal=0.5), True, False)
    s = _solve_triangular(h, adjoint(inner), True, False)
    return ((s + adjoint(s)) / 2).conj()


@primitive(x=_cholesky_rule, outputs="L info", grad_name="LinalgCholeskyExBackward0")
def _cholesky_ex(x: Any) -> Any:
    try:
        return np.linalg.cholesky(x), no_failure(x)
    except np.linalg.LinAlgError:
        from scipy.linalg.lapack import get_lapack_funcs
        potrf, = get_lapack_funcs(("potrf",), (x,))
        y, info = np.empty_like(x), no_failure(x)
        for i in np.ndindex(info.shape):
            y[i], info[i] = potrf(x[i], lower=True, clean=True)
        return y, info


@public(where="linalg")
def cholesky_ex(A: Any, *, upper: bool = False, check_errors: bool = False) -> Any:
    """(L, info) as `cholesky`, without an error: info is the order of the first minor that is not positive, else 0."""
    require_square("linalg.cholesky", A)
    y, info = _cholesky_ex(adjoint(A) if upper else A)
    if check_errors:
        refuse("linalg.cholesky", info, "The factorization could not be completed because the input is not "
                                        "positive-definite (the leading minor of order {} is not positive-definite).")
    return CholeskyResult(adjoint(y) if upper else y, info)


@public(where="linalg")
def cholesky(A: Any, *, upper: bool = False) -> Any:
    """The lower triangular L with L L^H = A (`upper`: U with U^H U = A) for Hermitian (real: symmetric) positive-definite A.

    LinAlgError for any other A, of which only that triangle is read. dA = sym(L^-H phi(L^H g) L^-1), phi the lower
    triangle with half the diagonal.

    >>> import minidl as torch
    >>> torch.linalg.cholesky(torch.tensor([[4., 2.], [2., 2.]]))
    tensor([[2., 0.],
            [1., 1.]])
    """
    return cholesky_ex(A, upper=upper, check_errors=True)[0]


@public(method=True)
def cholesky_solve(B: Any, L: Any, upper: bool = False) -> Any:
    """X with A X = B, given A's Cholesky factor L (`upper`: U); dB = A^-1 g, dL = -(dB X^H + X dB^H) L."""
    for name, x in (("b", B), ("u", L)):
        if x.ndim < 2:
            raise RuntimeError(f"{name} should have at least 2 dimensions, but has {x.ndim} dimensions instead")
    require_square("cholesky_solve", L)
    if dtype_of(B) != dtype_of(L):
        raise RuntimeError(f"cholesky_solve: Expected b and A to have the same dtype, got {dtype_of(B).name} and {dtype_of(L).name}")
    if L.shape[-1] != B.shape[-2]:
        raise RuntimeError(f"Incompatible matrix sizes for cholesky_solve: each A matrix is {L.shape[-1]} by "
                           f"{L.shape[-1]} but each b matrix is {B.shape[-2]} by {B.shape[-1]}")
    broadcast_shape("cholesky_solve", tuple(B.shape[:-2]), tuple(L.shape[:-2]))
    return _cholesky_solve(B, adjoint(L) if upper else L)


def _cholesky_solve_rule(g: Any, L: Any, y: Any) -> Any:
    """dB = A^-1 g; with C = dB X^H: dL = -(C + C^H) L."""
    b_gradient = _cholesky_solve(g.conj(), L)
    c = matmul(b_gradient, adjoint(y))
    return b_gradient.conj(), -matmul(c + adjoint(c), L).conj()


@primitive(joint=("b L", _cholesky_solve_rule))
def _cholesky_solve(b: Any, L: Any) -> Any:
    return _solve_triangular(adjoint(L), _solve_triangular(L, b, False, False), True, False)


@primitive(L=lambda g, L, y: -matmul(matmul(matmul(y, g.conj() + g.mT), y), L).conj())
def _cholesky_inverse(L: Any) -> Any:
    return _cholesky_solve(np.eye(L.shape[-1], dtype=L.dtype), L)


@public(method=True)
def cholesky_inverse(L: Any, upper: bool = False) -> Any:
    """Y = A^-1, given A's Cholesky factor L (`upper`: U); dL = -Y (g + g^H) Y L."""
    require_square("cholesky_inverse", L)
    return _cholesky_inverse(adjoint(L) if upper else L)
