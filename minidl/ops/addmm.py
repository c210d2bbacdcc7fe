"""Products added to something: y = beta x + alpha (a product); x broadcasts, and is ignored where beta is 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import dtype_of, primitive, public
from ..core.checks import require_tensor
from .matmul import _bmm, _gram, _mm, _mv, _outer, _weigh, check_bmm, check_mm, check_mv, check_summand, gemm


@primitive(x=lambda g, beta: g * beta,
           mat1=lambda g, mat2, alpha: _mm(g, mat2.mT) * alpha,
           mat2=lambda g, mat1, alpha: _gram(mat1, g) * alpha)
def _addmm(x: Any, mat1: Any, mat2: Any, beta: Any, alpha: Any) -> Any:
    return _accumulate(x, gemm(mat1, mat2), beta, alpha)


@primitive(x=lambda g, beta: g * beta,
           mat=lambda g, vec, alpha: _outer(g, vec) * alpha,
           vec=lambda g, mat, alpha: _weigh(g, mat) * alpha)
def _addmv(x: Any, mat: Any, vec: Any, beta: Any, alpha: Any) -> Any:
    return _accumulate(x, gemm(mat, vec), beta, alpha)


@primitive(x=lambda g, beta: g * beta,
           vec1=lambda g, vec2, alpha: _mv(g, vec2) * alpha,
           vec2=lambda g, vec1, alpha: _weigh(vec1, g) * alpha)
def _addr(x: Any, vec1: Any, vec2: Any, beta: Any, alpha: Any) -> Any:
    return _accumulate(x, np.multiply.outer(vec1, vec2), beta, alpha)


@primitive(x=lambda g, beta: g * beta,
           batch1=lambda g, batch2, alpha: _bmm(g, batch2.mT) * alpha,
           batch2=lambda g, batch1, alpha: _bmm(batch1.mT, g) * alpha)
def _baddbmm(x: Any, batch1: Any, batch2: Any, beta: Any, alpha: Any) -> Any:
    return _accumulate(x, gemm(batch1, batch2), beta, alpha)


@primitive(x=lambda g, beta: g * beta,
           batch1=lambda g, batch2, alpha: _bmm(g, batch2.mT) * alpha,
           batch2=lambda g, batch1, alpha: _bmm(batch1.mT, g) * alpha)
def _addbmm(x: Any, batch1: Any, batch2: Any, beta: Any, alpha: Any) -> Any:
    return _accumulate(x, gemm(batch1, batch2).sum(axis=0, dtype=batch1.dtype), beta, alpha)


def _accumulate(x: Any, product: np.ndarray, beta: Any, alpha: Any) -> np.ndarray:
    """beta x + alpha product, written into the product; beta = 0 ignores x and its NaN. Integers take whole factors."""
    if product.dtype == np.bool_:
        product = product & bool(alpha)
        return product | x if beta else product
    if product.dtype.kind not in "fc":
        beta, alpha = int(beta), int(alpha)
    if alpha != 1:
        product *= alpha
    if beta:
        product += x if beta == 1 else x * beta
    return product


# ---- the public functions

@public(method=True, inplace=True)
def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """y = beta x + alpha A B; x broadcasts, and is ignored where beta = 0.

    dx = beta g, dA = alpha g B^T, dB = alpha A^T g.
    """
    for name, x in (("mat1", mat1), ("mat2", mat2)):
        require_tensor("addmm", name, x)
        if x.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {x.ndim}-D tensor")
    check_mm(mat1, mat2)
    check_summand("addmm", input, (mat1.shape[0], mat2.shape[1]), mat2)
    return _addmm(input, mat1, mat2, beta, alpha)


@public(method=True, inplace=True)
def addmv(input: Any, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """y = beta x + alpha A v. dx = beta g, dA = alpha g v^T, dv = alpha A^T g."""
    require_tensor("addmv", "mat", mat)
    require_tensor("addmv", "vec", vec)
    if mat.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {input.ndim}, {mat.ndim}, {vec.ndim}")
    check_mv(mat, vec)
    check_summand("addmv", input, (mat.shape[0],), vec)
    return _addmv(input, mat, vec, beta, alpha)


@public(method=True, inplace=True)
def addr(input: Any, vec1: Any, vec2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """y = beta x + alpha u v^T. dx = beta g, du = alpha g v, dv = alpha g^T u."""
    for name, x in (("vec1", vec1), ("vec2", vec2)):
        require_tensor("addr", name, x)
        if x.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {x.ndim}-D")
    for name, value in (("beta", beta), ("alpha", alpha)):
        if isinstance(value, float) and dtype_of(input).kind not in "fc":
            raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
    check_summand("addr", input, (vec1.shape[0], vec2.shape[0]), vec2)
    return _addr(input, vec1, vec2, beta, alpha)


@public(method=True, inplace=True)
def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """y_i = beta x_i + alpha A_i B_i for batches of matrices."""
    require_tensor("baddbmm", "batch1", batch1)
    require_tensor("baddbmm", "batch2", batch2)
    check_bmm(batch1, batch2)
    check_summand("baddbmm", input, (*batch1.shape[:2], batch2.shape[2]), batch2)
    return _baddbmm(input, batch1, batch2, beta, alpha)


@public(method=True, inplace=True)
def addbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """y = beta x + alpha sum_i A_i B_i."""
    require_tensor("addbmm", "batch1", batch1)
    require_tensor("addbmm", "batch2", batch2)
    check_bmm(batch1, batch2)
    check_summand("addbmm", input, (batch1.shape[1], batch2.shape[2]), batch2)
    return _addbmm(input, batch1, batch2, beta, alpha)
