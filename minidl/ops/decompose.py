"""QR, singular values, symmetric eigenvectors; the pseudo-inverse and least squares, which rest on them.

Gradients: Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation (2008);
for QR, Walter and Lehmann, Algorithmic differentiation of linear algebra functions (2010); for the pseudo-inverse,
Golub and Pereyra (1973). Where singular values or eigenvalues coincide, their vectors have no derivative: a gradient
that rests on them is inf or NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Tensor, data_of, dtype_of, primitive, public, wrap
from ..core.dtypes import word
from ..core.results import return_type
from .join import cat
from .linalg import LinAlgError, adjoint, require_matrix, require_square
from .matmul import matmul, same_dtype
from .reduce import sum as sum_over
from .shape import squeeze, unsqueeze
from .triangular import _solve_triangular, triangle

QRResult, SVDResult = return_type("linalg_qr", "Q R"), return_type("linalg_svd", "U S Vh")
EighResult = return_type("linalg_eigh", "eigenvalues eigenvectors")
LstsqResult = return_type("linalg_lstsq", "solution residuals rank singular_values")


def quotient(x: Any, y: Any) -> Any:
    """x / y, and 0 for 0 / 0."""
    return x / (y + ((data_of(x) == 0) & (data_of(y) == 0)))


def differences(v: Any) -> Any:
    """E_ij = v_j - v_i."""
    return unsqueeze(v, -2) - unsqueeze(v, -1)


def diagonal_matrix(v: Any) -> Any:
    return unsqueeze(v, -1) * np.eye(v.shape[-1], dtype=dtype_of(v))


def in_linalg(op: str, function: Any, *args: Any) -> Any:
    """A function of numpy.linalg, its error as this library's."""
    try:
        return function(*args)
    except np.linalg.LinAlgError:
        raise LinAlgError(f"{op}: The algorithm failed to converge because the input matrix contained non-finite "
                          "values or is ill-conditioned.") from None


# ---- QR


def _qr_rule(g: Any, Q: Any, R: Any, mode: str) -> Any:
    """With M = g_R R^H - Q^H g_Q: dA = (g_Q + Q sym(M)) R^-H, sym(M) the Hermitian matrix with M's upper triangle.

    Of a wide A the first columns alone decide Q: for these, dA = Q (g_R + low(M^H - M) R^-H), low the lower triangle
    with half the diagonal (which is 0 for real M); for the others Q g_R.
    """
    if mode == "r":
        raise RuntimeError("The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
                           "linalg.qr(A, mode='reduced') if you are going to require gradients.")
    m, n = Q.shape[-2], R.shape[-1]
    if mode == "complete" and m > n:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")
    q_gradient, r_gradient = [x.conj() for x in g]
    inner = matmul(r_gradient, adjoint(R)) - matmul(adjoint(Q), q_gradient)
    if m >= n:
        upper = triangle(inner, upper=True, diagonal=0.5)
        left = matmul(Q, upper + adjoint(upper)) + q_gradient
        return _solve_triangular(R, adjoint(left), True, False).mT
    lower = triangle(adjoint(inner) - inner, diagonal=0.5)
    square = _solve_triangular(R[..., :m], adjoint(matmul(Q, lower)), True, False).mT
    rest = np.zeros((*R.shape[:-1], n - m), dtype_of(R))
    return cat([square, rest], -1) + matmul(Q, r_gradient).conj()


@primitive(x=_qr_rule, outputs="Q R")
def _linalg_qr(x: Any, mode: str) -> Any:
    if mode == "r":
        return np.empty(0, x.dtype), np.linalg.qr(x, "r")
    return tuple(np.linalg.qr(x, mode))  # type: ignore[call-overload]


@public(where="linalg")
def qr(A: Any, mode: str = "reduced") -> Any:
    """A = Q R: Q with orthonormal columns, R upper triangular; `mode`: "reduced", "complete" (square Q) or "r" (no Q).

    With M = g_R R^H - Q^H g_Q: dA = (g_Q + Q sym(M)) R^-H. Not differentiable for "r", nor for a "complete" Q wider
    than R.
    """
    require_matrix("linalg.qr", A, floating=True)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or "
                           "'complete'")
    return QRResult(*_linalg_qr(A, mode))


# ---- singular values


def _svd_rule(g: Any, U: Any, S: Any, Vh: Any) -> Any:
    """In the bases U and V: (skew(U^H g_U) / E) S + S (skew(V^H g_V) / E) + diag(g_S), with E_ij = s_j^2 - s_i^2 and
    skew(X) = X - X^H; and what g_U and g_V have outside these bases, over S. A complex skew(U^H g_U) has a diagonal, which goes over 2 S.
    """
    m, n, k = U.shape[-2], Vh.shape[-1], S.shape[-1]
    U, Vh, u_gradient, vh_gradient = U[..., :k], Vh[..., :k, :], g[0].conj()[..., :k], g[2].conj()[..., :k, :]  # of the full matrices
    u_inner, v_inner = matmul(adjoint(U), u_gradient), matmul(Vh, adjoint(vh_gradient))
    squares = differences(S * S)
    row, column = unsqueeze(S, -2), unsqueeze(S, -1)
    u_skew, v_skew = u_inner - adjoint(u_inner), v_inner - adjoint(v_inner)
    inner = 0
    if dtype_of(U).kind == "c":
        identity = np.eye(k, dtype=dtype_of(S))
        inner, u_skew, v_skew = quotient(identity * u_skew, 2 * column), u_skew * (1 - identity), v_skew * (1 - identity)
    inner = inner + quotient(u_skew, squares) * row + column * quotient(v_skew, squares)
    y = matmul(matmul(U, inner + diagonal_matrix(g[1])), Vh)
    if m > k:
        y = y + matmul(quotient(u_gradient - matmul(U, u_inner), row), Vh)
    if n > k:
        y = y + matmul(U, quotient(vh_gradient - matmul(adjoint(v_inner), Vh), column))
    return y.conj()


@primitive(x=_svd_rule, outputs="U S Vh")
def _linalg_svd(x: Any, full: bool) -> Any:
    return tuple(in_linalg("linalg.svd", np.linalg.svd, x, full))


def _svdvals_rule(g: Any, x: Any) -> Any:
    u, _, vh = _linalg_svd(x, False)
    return matmul(u * unsqueeze(g, -2), vh).conj()


@primitive(x=_svdvals_rule, grad_name="LinalgSvdBackward0")
def _svdvals(x: Any) -> Any:
    return in_linalg("linalg.svd", np.linalg.svd, x, True, False)


def require_no_driver(op: str, driver: str | None) -> None:
    if driver is not None:
        raise RuntimeError(f"torch.linalg.{op}: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend.")


@public(where="linalg")
def svd(A: Any, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """A = U diag(S) Vh, S in descending order; U and Vh square, or without the columns and rows that meet no S.

    The gradient is defined up to the signs (or phases) of the vectors, and where the singular values differ. RuntimeError for a `driver`, as on
    PyTorch's CPU.
    """
    require_no_driver("svd", driver)
    require_matrix("linalg.svd", A, floating=True)
    return SVDResult(*_linalg_svd(A, full_matrices))


@public(where="linalg")
def svdvals(A: Any, *, driver: str | None = None) -> Any:
    """The singular values in descending order; dA = U diag(g) V^H. `driver` as in `linalg.svd`."""
    require_no_driver("svd", driver)
    require_matrix("linalg.svd", A, floating=True)
    return _svdvals(A)


# ---- symmetric eigenvalues


def _eigh_rule(g: Any, w: Any, v: Any) -> Any:
    turn = matmul(adjoint(v), g[1].conj())
    skew = turn - adjoint(turn)
    if dtype_of(v).kind == "c":
        skew = skew * (1 - np.eye(v.shape[-1], dtype=dtype_of(w)))
    inner = quotient(skew, 2 * differences(w)) + diagonal_matrix(g[0])
    return matmul(matmul(v, inner), adjoint(v)).conj()


@primitive(x=_eigh_rule, outputs="w v")
def _linalg_eigh(x: Any, triangle: str) -> Any:
    return tuple(in_linalg("linalg.eigh", np.linalg.eigh, x, triangle))


def _eigvalsh_rule(g: Any, x: Any, triangle: str) -> Any:
    v = _linalg_eigh(x, triangle)[1]
    return matmul(v * unsqueeze(g, -2), adjoint(v)).conj()


@primitive(x=_eigvalsh_rule, grad_name="LinalgEighBackward0")
def _eigvalsh(x: Any, triangle: str) -> Any:
    return in_linalg("linalg.eigh", np.linalg.eigvalsh, x, triangle)


def check_symmetric(A: Any, UPLO: str) -> str:
    require_square("linalg.eigh", A)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO.upper()


@public(where="linalg")
def eigh(A: Any, UPLO: str = "L") -> Any:
    """A = V diag(w) V^H for Hermitian (real: symmetric) A, w ascending, the eigenvectors V's columns; `UPLO` says which triangle is read.

    dA = V (diag(g_w) + skew(V^H g_V) / 2 E) V^H, skew(X) = X - X^H, E_ij = w_j - w_i: Hermitian, like A.
    """
    return EighResult(*_linalg_eigh(A, check_symmetric(A, UPLO)))


@public(where="linalg")
def eigvalsh(A: Any, UPLO: str = "L") -> Any:
    """The eigenvalues of Hermitian A in ascending order; dA = V diag(g) V^H."""
    return _eigvalsh(A, check_symmetric(A, UPLO))


# ---- what rests on singular values


def cutoff(largest: Any, shape: tuple[int, ...], atol: Any, rtol: Any) -> Any:
    """max(atol, rtol s_max), with one more dimension; by default rtol = eps max(m, n), or 0 if only atol is given."""
    if rtol is None:
        rtol = 0 if atol is not None and np.any(atol > 0) else float(np.finfo(largest.dtype).eps) * max(shape[-2:])
    return np.maximum(0 if atol is None else atol, rtol * largest)[..., None]


def spectrum(x: np.ndarray, hermitian: bool) -> tuple[np.ndarray, np.ndarray]:
    """The singular values, and the largest (0 if there is none)."""
    s = abs(in_linalg("linalg.eigh", np.linalg.eigvalsh, x)) if hermitian else _svdvals(x)
    return s, s.max(axis=-1, initial=0)


@public(where="linalg")
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Any:
    """The number of singular values above max(atol, rtol s_max), int64; by default rtol = eps max(m, n).

    `tol` is another name for atol, with rtol = 0. `hermitian`: A is symmetric, so its eigenvalues serve.
    """
    require_matrix("torch.linalg.matrix_rank", A, "input")
    if dtype_of(A).kind not in "fc":
        raise RuntimeError("This function doesn't handle types other than float and double")
    if hermitian:
        require_square("torch.linalg.matrix_rank", A)
    if tol is not None:
        atol, rtol = tol, 0
    s, largest = spectrum(data_of(A), hermitian)
    rank = (s > cutoff(largest, A.shape, data_of(atol), data_of(rtol))).sum(axis=-1)
    return wrap(np.asarray(rank)) if isinstance(A, Tensor) else rank


def _pinv_rule(g: Any, x: Any, y: Any) -> Any:
    """-Y^H g Y^H + (I - A Y) g^H Y Y^H + Y^H Y g^H (I - Y A)."""
    h = adjoint(y)
    left, right = matmul(matmul(g.mT, y), h), matmul(matmul(h, y), g.mT)
    return (left - matmul(x, matmul(y, left)) + right - matmul(matmul(right, y), x) - matmul(matmul(h, g.conj()), h)).conj()


@primitive(x=_pinv_rule, grad_name="LinalgPinvBackward0")
def _linalg_pinv(x: Any, atol: Any, rtol: Any, hermitian: bool) -> Any:
    if hermitian:
        s, u = in_linalg("linalg.eigh", np.linalg.eigh, x)
        vh = adjoint(u)
    else:
        u, s, vh = in_linalg("linalg.svd", np.linalg.svd, x, False)
    size = abs(s)
    used = size > cutoff(size.max(axis=-1, initial=0), x.shape, atol, rtol)
    inverse = np.divide(1, s, out=np.zeros(used.shape, s.dtype), where=used)
    return np.matmul(adjoint(vh) * inverse[..., None, :], adjoint(u))


@public(where="linalg")
def pinv(A: Any, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Any:
    """Moore and Penrose's pseudo-inverse: 1/s for each singular value above max(atol, rtol s_max), else 0.

    By default rtol = eps max(m, n); `rcond` is another name for it. `hermitian`: A is symmetric, so its eigenvalues
    serve. dA = -Y^H g Y^H + (I - A Y) g^H Y Y^H + Y^H Y g^H (I - Y A), where the rank does not change.
    """
    if A.ndim < 2 or dtype_of(A).kind not in "fc":
        raise RuntimeError(f"linalg.pinv({word(dtype_of(A))}{{{list(A.shape)}}}): expected a tensor with 2 or more "
                           "dimensions of float, double, cfloat or cdouble types")
    if hermitian:
        require_square("linalg.pinv", A)
    return _linalg_pinv(A, data_of(atol), data_of(rtol if rcond is None else rcond), hermitian)


@public(where="linalg")
def lstsq(A: Any, B: Any, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """(solution, residuals, rank, singular_values): the X of least norm among those of least |A X - B|, in batches.

    X = pinv(A) B, whatever the `driver`; the driver decides, as in PyTorch, which of the other results are empty:
    residuals (the squared error of each column, for m > n and full rank) with "gelsy", the default; rank with "gels";
    singular values but for "gelsd" and "gelss".
    """
    op = "torch.linalg.lstsq"
    if A.ndim < 2:
        raise RuntimeError(f"{op}: input must have at least 2 dimensions.")
    if B.ndim < 1:
        raise RuntimeError(f"{op}: other must have at least 1 dimension.")
    require_matrix(op, A, "input", floating=True)
    same_dtype(A, B, op + ": Expected input and other to have the same dtype, but got input's dtype {} and other's "
                          "dtype {}")
    driver = driver or "gelsy"
    if driver not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(f"{op}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    vector = B.ndim == A.ndim - 1 and tuple(B.shape) == tuple(A.shape[:-1])
    m, n = A.shape[-2:]
    if not vector and (B.ndim < 2 or B.shape[-2] != m):
        raise RuntimeError(f"{op}: input.size(-2) should match other.size(-{'2' if B.ndim > 1 else '1'})")
    b = unsqueeze(B, -1) if vector else B
    x = matmul(_linalg_pinv(A, None, rcond, False), b)
    s, largest = spectrum(data_of(A), False)
    rank = np.asarray((s > cutoff(largest, A.shape, None, rcond)).sum(axis=-1))
    if m > n and driver != "gelsy" and (rank == n).all():
        error = matmul(A, x) - b
        residuals = sum_over((error * error.conj()).real, -2)
    else:
        residuals = wrap(np.empty(0, s.dtype))
    return LstsqResult(squeeze(x, -1) if vector else x, residuals,
                       wrap(rank if driver != "gels" else np.empty(0, np.int64)),
                       wrap(s if driver in ("gelsd", "gelss") else np.empty(0, s.dtype)))
