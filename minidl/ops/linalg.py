"""Square matrices: inverses, linear systems, determinants, powers, the exponential; chains of products.

Gradients: Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation (2008).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import data_of, dtype_of, primitive, public
from ..core.checks import broadcast_shape, require_tensor
from ..core.dtypes import DTYPES, word
from ..core.results import return_type
from . import rearrange
from .elementwise import log
from .join import cat
from .matmul import matmul, same_dtype
from .reduce import sum as sum_over
from .select import where
from .shape import movedim, reshape, squeeze, unsqueeze

InverseResult, SolveResult = return_type("linalg_inv_ex", "inverse info"), return_type("linalg_solve_ex", "result info")
SlogdetResult = return_type("linalg_slogdet", "sign logabsdet")


class LinAlgError(RuntimeError):
    """The input has not the property that the operation needs: it is singular, not positive-definite, not finite."""


def require_matrix(op: str, x: Any, name: str = "A", floating: bool = False) -> None:
    """RuntimeError unless x is a matrix or a batch of matrices, and floating-point if so wanted."""
    require_tensor(op, name, x)
    if x.ndim < 2:
        raise RuntimeError(f"{op}: The input tensor {name} must have at least 2 dimensions.")
    if floating and dtype_of(x).kind not in "fc":
        raise RuntimeError(f"{op}: Expected a floating point or complex tensor as input. Got {word(dtype_of(x))}")


def require_square(op: str, x: Any, floating: bool = True) -> None:
    """RuntimeError unless x is a square matrix or a batch of them, and floating-point if so wanted."""
    require_matrix(op, x)
    if x.shape[-1] != x.shape[-2]:
        raise RuntimeError(f"{op}: A must be batches of square matrices, but they are {x.shape[-2]} by {x.shape[-1]} "
                           "matrices")
    require_matrix(op, x, floating=floating)


def refuse(op: str, info: Any, message: str) -> None:
    """LinAlgError for the first matrix whose `info`, LAPACK's code of failure, is not 0; the message shows it at {}."""
    codes = data_of(info)
    failed = np.flatnonzero(codes)
    if failed.size:
        place = f"(Batch element {failed[0]}): " if codes.ndim else ""
        raise LinAlgError(f"{op}: {place}{message.format(codes.flat[failed[0]])}")


def no_failure(x: np.ndarray) -> np.ndarray:
    return np.zeros(x.shape[:-2], np.int32)


def zero_pivots(x: np.ndarray) -> np.ndarray:
    """The place (from 1) of the first zero on the diagonal of U in each matrix's LU factors; 0 if there is none."""
    from scipy.linalg.lapack import get_lapack_funcs
    getrf, = get_lapack_funcs(("getrf",), (x,))
    return np.array([getrf(m)[2] for m in x.reshape(-1, *x.shape[-2:])], np.int32).reshape(x.shape[:-2])


def regular(x: np.ndarray, info: np.ndarray) -> np.ndarray:
    """x with the identity in place of each matrix that failed."""
    return np.where((info != 0)[..., None, None], np.eye(x.shape[-1], dtype=x.dtype), x)


def adjoint(x: Any) -> Any:
    """The conjugate of each matrix's transpose; of real matrices the transpose. Rules that use it are not analytic: they are written
    for PyTorch's gradients, with which they begin and end (`minidl.ops.complex`).
    """
    return x.mT.conj()


@public(where="linalg")
def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """The diagonal of each matrix, a view; see `minidl.diagonal`."""
    return rearrange.diagonal(A, offset, dim1, dim2)


# ---- the inverse, and linear systems


@primitive(x=lambda g, inverse: -matmul(matmul(inverse.mT, g[0]), inverse.mT), outputs="inverse info")
def _inv_ex(x: Any) -> Any:
    try:
        return np.linalg.inv(x), no_failure(x)
    except np.linalg.LinAlgError:
        info = zero_pivots(x)
        y = np.linalg.inv(regular(x, info))
        y[info != 0] = math.nan
        return y, info


@public(where="linalg")
def inv_ex(A: Any, *, check_errors: bool = False) -> Any:
    """(A^-1, info) without an error for a singular matrix: its info is the place of the zero pivot, its inverse NaN."""
    require_square("linalg.inv", A)
    y, info = _inv_ex(A)
    if check_errors:
        refuse_singular(info)
    return InverseResult(y, info)


def refuse_singular(info: Any) -> None:
    refuse("linalg.inv", info, "The diagonal element {} is zero, the inversion could not be completed because the "
                               "input matrix is singular.")


@public(where="linalg")
def inv(A: Any) -> Any:
    """Y = A^-1; dA = -Y^T g Y^T. LinAlgError for a singular matrix."""
    return inv_ex(A, check_errors=True)[0]


@public(method=True)
def inverse(input: Any) -> Any:
    """`linalg.inv`."""
    return inv(input)


def _solve_rule(g: Any, a: Any, result: Any) -> Any:
    """dB = A^-T g, dA = -dB X^T."""
    b_gradient = _solve_ex(a.mT, g[0])[0]
    return -matmul(b_gradient, result.mT), b_gradient


@primitive(joint=("a b", _solve_rule), outputs="result info")
def _solve_ex(a: Any, b: Any) -> Any:
    try:
        return np.linalg.solve(a, b), no_failure(a)
    except np.linalg.LinAlgError:
        info = zero_pivots(a)
        failed = np.broadcast_to((info != 0)[..., None, None], broadcast_shape("solve", a.shape[:-1] + (1,), b.shape))
        return np.where(failed, math.nan, np.linalg.solve(regular(a, info), b)), info


@public(where="linalg")
def solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False) -> Any:
    """(X, info): as `solve`, without an error for a singular matrix: its solution is NaN."""
    require_square("linalg.solve", A)
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    b = unsqueeze(B, -1) if vector else B
    if vector and not left:
        raise RuntimeError("linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. "
                           "In this case linalg.solve is equivalent to B / A.squeeze(-1)")
    require_system("linalg.solve", A, b, left)
    x, info = _solve_ex(A, b) if left else _solve_ex(A.mT, b.mT)
    if check_errors:
        refuse("torch.linalg.solve", info, "The solver failed because the input matrix is singular.")
    return SolveResult(squeeze(x, -1) if vector else x if left else x.mT, info)


def require_system(op: str, a: Any, b: Any, left: bool) -> None:
    """RuntimeError unless A X = B (or X A = B) makes sense."""
    require_matrix(op, b, "B")
    same_dtype(a, b, op + ": Expected A and B to have the same dtype, but found A of type {} and B of type {} instead")
    n, k = b.shape[-2:]
    if (n if left else k) != a.shape[-1]:
        raise RuntimeError(f"{op}: Incompatible shapes of A and B for the equation {'AX = B' if left else 'XA = B'} "
                           f"({a.shape[-2]}x{a.shape[-1]} and {n}x{k})")
    broadcast_shape(op, tuple(a.shape[:-2]), tuple(b.shape[:-2]))


@public(where="linalg")
def solve(A: Any, B: Any, *, left: bool = True) -> Any:
    """X with A X = B (`left` False: X A = B), B a vector or a matrix, in batches; dB = A^-T g, dA = -dB X^T.

    LinAlgError for a singular matrix.

    >>> import minidl as torch
    >>> torch.linalg.solve(torch.tensor([[2., 0.], [0., 4.]]), torch.tensor([2., 4.]))
    tensor([1., 1.])
    """
    return solve_ex(A, B, left=left, check_errors=True)[0]


@public(where="linalg")
def tensorinv(A: Any, ind: int = 2) -> Any:
    """The inverse of A as a map from its last dimensions to the first `ind`: tensordot(y, A, ind) is the identity."""
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    rows, columns = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    require_map(math.prod(columns), math.prod(rows), "ind")
    return reshape(inv(reshape(A, (math.prod(rows), math.prod(columns)))), columns + rows)


@public(where="linalg")
def tensorsolve(A: Any, B: Any, dims: Sequence[int] | None = None) -> Any:
    """X with tensordot(A, X, X.ndim) = B, after moving A's dimensions `dims` to the end."""
    if dims is not None:
        A = movedim(A, tuple(dims), tuple(range(A.ndim - len(dims), A.ndim)))
    shape, size = tuple(A.shape[B.ndim:]), math.prod(A.shape[:B.ndim])
    require_map(math.prod(shape), size, "other.ndim")
    return reshape(solve(reshape(A, (size, size)), reshape(B, (size,))), shape)


def require_map(columns: int, rows: int, split: str) -> None:
    if columns != rows:
        raise RuntimeError(f"Expected self to satisfy the requirement prod(self.shape[{split}:]) == "
                           f"prod(self.shape[:{split}]), but got {columns} != {rows}")


# ---- determinants


@primitive(x=lambda g, x: g[..., None, None] * _cofactors(x), grad_name="LinalgDetBackward0")
def _det(x: Any) -> Any:
    return np.linalg.det(x)


def _cofactors_rule(g: Any, x: Any, y: Any) -> Any:
    """From C = det(A) A^-T: dA = (C <g, C> - C g^T C) / det A."""
    inner = sum_over(g * y, (-2, -1), True)
    return (y * inner - matmul(matmul(y, g.mT), y)) / _det(x)[..., None, None]


@primitive(x=_cofactors_rule, grad_name="MulBackward0")
def _cofactors(x: Any) -> Any:
    """The derivative of the determinant; from singular values, so that it holds for singular matrices too."""
    u, s, vh = np.linalg.svd(x)
    others = np.where(np.eye(s.shape[-1], dtype=bool), 1, s[..., None, :]).prod(axis=-1, dtype=s.dtype)
    orientation = np.linalg.det(u) * np.linalg.det(vh)
    return np.matmul(u.conj() * (others * orientation[..., None])[..., None, :], vh.conj())


@public(where="torch linalg", method=True)
def det(A: Any) -> Any:
    """The determinant; dA = g times the matrix of cofactors, det(A) A^-T.

    Cofactors also where A is singular; there PyTorch gives zeros for rank n - 1 too.

    >>> import minidl as torch
    >>> torch.det(torch.tensor([[1., 2.], [3., 4.]])).item()
    -2.0
    """
    require_square("linalg.det", A)
    return _det(A)


def _slogdet_rule(g: Any, x: Any, sign: Any) -> Any:
    """g A^-T; the sign of a complex determinant turns with the imaginary part of tr(A^-1 dA)."""
    scale = g[1] + 1j * (g[0] * sign).imag if dtype_of(x).kind == "c" else g[1]
    return scale[..., None, None] * _inv_ex(x)[0].mT


@primitive(x=_slogdet_rule, outputs="sign logabsdet")
def _linalg_slogdet(x: Any) -> Any:
    return tuple(np.linalg.slogdet(x))


@public(where="torch linalg", method=True)
def slogdet(A: Any) -> Any:
    """(sign, log |det|) of the determinant, without overflow; d log|det A| = A^-T."""
    require_square("linalg.slogdet", A)
    return SlogdetResult(*_linalg_slogdet(A))


@public(method=True)
def logdet(input: Any) -> Any:
    """log det A: NaN if the determinant is negative, -inf if it is 0; dA = g A^-T."""
    sign, magnitude = slogdet(input)
    if dtype_of(sign).kind == "c":
        return log(sign) + magnitude
    return where(sign == -1, math.nan, magnitude)


# ---- powers, chains and the exponential


@public(where="torch linalg", method=True)
def matrix_power(A: Any, n: int) -> Any:
    """A times itself n times, by repeated squaring; of the inverse for negative n, the identity for 0."""
    require_square("linalg.matrix_power", A, floating=False)
    if n < 0:
        return matrix_power(inv(A), -n)
    if n == 0:
        return A * 0 + np.eye(A.shape[-1], dtype=dtype_of(A))
    y = None
    while True:
        if n & 1:
            y = A if y is None else matmul(y, A)
        n >>= 1
        if not n:
            return y * 1 if y is A else y
        A = matmul(A, A)


def _matrix_exp_rule(g: Any, x: Any) -> Any:
    """exp [[A^T, g], [0, A^T]] holds the gradient in its upper right block (Mathias 1996)."""
    n = x.shape[-1]
    zeros = np.zeros(tuple(x.shape), dtype_of(x))
    block = cat([cat([x.mT, g], -1), cat([zeros, x.mT], -1)], -2)
    return _matrix_exp(block)[..., :n, n:]


@primitive(x=_matrix_exp_rule, grad_name="LinalgMatrixExpBackward0")
def _matrix_exp(x: Any) -> Any:
    from scipy.linalg import expm
    return expm(x.astype(np.promote_types(x.dtype, np.float64))).astype(x.dtype) if x.size else x.copy()


@public(where="torch linalg", method=True)
def matrix_exp(A: Any) -> Any:
    """sum of A^k / k! over all k."""
    require_square("linalg.matrix_exp", A)
    return _matrix_exp(A)


@public(where="linalg")
def multi_dot(tensors: Sequence[Any]) -> Any:
    """The product of matrices in the order of least work; the first and the last may be vectors (a row, a column)."""
    tensors = list(tensors)
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    last = len(tensors) - 1
    for i, x in enumerate(tensors):
        if x.ndim != 2 and not (i in (0, last) and x.ndim == 1):
            raise RuntimeError(f"multi_dot(): tensor {i} must be {'1D or ' if i in (0, last) else ''}2D but got "
                               f"{x.ndim}D")
        if dtype_of(x) != dtype_of(tensors[0]):
            raise RuntimeError("multi_dot(): all tensors must have be the same dtype but tensor 0 is "
                               f"{DTYPES[dtype_of(tensors[0])].name} and tensor {i} {DTYPES[dtype_of(x)].name}")
    for i in range(last):
        if tensors[i].shape[-1] != tensors[i + 1].shape[0]:
            raise RuntimeError(f"multi_dot(): tensors {i} and {i + 1} with shapes {list(tensors[i].shape)} and "
                               f"{list(tensors[i + 1].shape)} cannot be multiplied")
    sizes = [1 if tensors[0].ndim == 1 else tensors[0].shape[0], *[x.shape[0] for x in tensors[1:]],
             1 if tensors[-1].ndim == 1 else tensors[-1].shape[1]]
    return multiply_chain(tensors, cheapest_splits(sizes), 0, last)


def cheapest_splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to part each run of a chain, matrix i being sizes[i] x sizes[i + 1] (Cormen et al., matrix-chain order)."""
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    splits = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            options = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            splits[i, j] = min(options, key=options.__getitem__)
            cost[i, j] = options[splits[i, j]]
    return splits


def multiply_chain(tensors: list[Any], splits: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return tensors[i]
    k = splits[i, j]
    return matmul(multiply_chain(tensors, splits, i, k), multiply_chain(tensors, splits, k + 1, j))


@public
def chain_matmul(*matrices: Any) -> Any:
    """The product of matrices in the order of least work; deprecated for `linalg.multi_dot`, as in PyTorch."""
    return multi_dot(matrices) if len(matrices) > 1 else matrices[0]
