"""Norms of vectors and matrices, and the condition number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core import data_of, dtype_of, primitive, public
from ..core.checks import require_tensor, wrap_dim, wrap_dims
from ..core.dtypes import as_numpy_dtype, word
from .complex import view_as_real
from .decompose import svdvals
from .elementwise import masked
from .extrema import amax, amin
from .linalg import inv_ex, require_matrix, require_square
from .reduce import cast_to, kept_shape, total
from .reduce import sum as sum_over
from .rounding import abs, sign
from .select import where
from .shape import movedim, reshape


def _norm_rule(g: Any, x: Any, y: Any, ord: float, dims: tuple[int, ...]) -> Any:
    """dy/dx = sign(x) (|x| / y)^(p - 1); 0 where y = 0, and x = 0 for p < 1; shared by all maxima for p = inf."""
    if ord == 0:
        return None
    shape = kept_shape(x.shape, dims)
    g, y = reshape(g, shape), reshape(y, shape)
    if ord == 1:
        return g * sign(x)
    if ord == 2:
        return g * masked(x / y, data_of(y) != 0)
    size = abs(x)
    if math.isinf(ord):
        chosen = data_of(size) == data_of(y)
        return masked(sign(x) * (g / chosen.sum(axis=dims, keepdims=True, dtype=dtype_of(x))), chosen)
    if ord < 1:
        return masked(sign(x) * size ** (ord - 1), data_of(x) != 0) * g * y ** (1 - ord)
    scale = masked(g / y ** (ord - 1), data_of(y) != 0)
    return sign(x) * size ** (ord - 1) * scale if ord < 2 else x * size ** (ord - 2) * scale


@primitive(x=_norm_rule, grad_name="LinalgVectorNormBackward0")
def _vector_norm(x: Any, ord: float, dims: tuple[int, ...], keepdim: bool) -> Any:
    """y = (sum |x|^p)^(1/p), its limits for p = inf and -inf, and the number of x != 0 for p = 0."""
    if ord == 2:
        if x.dtype == np.float16:
            return _vector_norm(x.astype(np.float32), ord, dims, keepdim).astype(x.dtype)
        return np.sqrt(total(x * x, dims, keepdim))
    if ord == 0:
        return (x != 0).sum(axis=dims, keepdims=keepdim, dtype=x.dtype)
    size = np.abs(x)
    if ord == 1:
        return total(size, dims, keepdim)
    if math.isinf(ord):
        return (size.max if ord > 0 else size.min)(axis=dims, keepdims=keepdim)
    return total(size ** ord, dims, keepdim) ** (1 / ord)


def p_norm(x: Any, ord: float, dims: tuple[int, ...], keepdim: bool) -> Any:
    """`_vector_norm`; of complex numbers that of their lengths, for p = 2 of all their parts, which is smooth where a length is 0."""
    if dtype_of(x).kind != "c":
        return _vector_norm(x, ord, dims, keepdim)
    if ord != 2:
        return _vector_norm(abs(x), ord, dims, keepdim)
    y = _vector_norm(view_as_real(x), 2, (*dims, x.ndim), keepdim)
    return y[..., 0] if keepdim else y


def norm_input(op: str, x: Any, dtype: Any) -> Any:
    """x in the wanted type, which must be floating-point and not narrower than its own."""
    require_tensor(op, "input", x)
    if dtype is not None:
        d = as_numpy_dtype(dtype)
        if d.kind not in "fc":
            raise RuntimeError(f"{op}: dtype should be floating point or complex, but got {word(d)}")
        if (d.kind == "c") != (dtype_of(x).kind == "c"):
            raise RuntimeError(f"{op}: dtype should be {'complex for complex' if dtype_of(x).kind == 'c' else 'floating point for real'} inputs, "
                               f"but got {word(d)}")
        if d.itemsize < dtype_of(x).itemsize and dtype_of(x).kind in "fc":
            raise RuntimeError(f"{op}: the dtype of the input ({word(dtype_of(x))}) should be convertible without "
                               f"narrowing to the specified dtype ({word(d)})")
    elif dtype_of(x).kind not in "fc":
        raise RuntimeError(f"{op}: Expected a floating point or complex tensor as input. Got {word(dtype_of(x))}")
    return cast_to(x, dtype)


@public(where="linalg")
def vector_norm(x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """y = (sum |x|^p)^(1/p) over `dim`, or over all elements.

    p = inf, -inf: the largest, the least |x|; p = 0: the count of nonzeros.

    dy/dx = sign(x) (|x| / y)^(p - 1).

    >>> import minidl as torch
    >>> torch.linalg.vector_norm(torch.tensor([3., 4.]))
    tensor(5.)
    """
    if not isinstance(ord, (int, float)):
        raise TypeError(f"linalg_vector_norm(): argument 'ord' must be Number, not {type(ord).__name__}")
    x = norm_input("linalg.vector_norm", x, dtype)
    dims = wrap_dims(dim, x.ndim, "linalg.vector_norm")
    if 0 in x.shape and (ord < 0 or ord == math.inf):
        empty = [d for d in dims if x.shape[d] == 0]
        if empty:
            place = "an empty tensor" if dim is None else f"the dimension {empty[0]}"
            raise RuntimeError(f"linalg.vector_norm cannot compute the {ord} norm on {place} because the operation "
                               "does not have an identity")
    return p_norm(x, ord, dims, keepdim)


@public(where="linalg")
def matrix_norm(A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None) -> Any:
    """A norm of the matrices in the two dimensions `dim`.

    "fro": sqrt(sum a^2); "nuc": the sum of the singular values; 2, -2: the largest, the least of them; 1, -1: the
    largest, the least column sum of |a|; inf, -inf: of the rows.
    """
    require_matrix("linalg.matrix_norm", A)
    A = norm_input("linalg.matrix_norm", A, dtype)
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    if len(dims) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {' '.join(map(str, dims))}")
    if ord not in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    rows, columns = [wrap_dim(d, A.ndim, "linalg.matrix_norm") for d in dims]
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dims[0]}, {dims[1]})")
    if ord == "fro":
        return p_norm(A, 2, (rows, columns), keepdim)
    matrices = movedim(A, (rows, columns), (-2, -1))
    if ord in ("nuc", 2, -2):
        s = svdvals(matrices)
        y = sum_over(s, -1) if ord == "nuc" else extreme(s, -1, ord > 0)
    else:
        by_row = math.isinf(ord)
        y = extreme(sum_over(abs(matrices), -1 if by_row else -2), -1, ord > 0)
    return reshape(y, kept_shape(A.shape, (rows, columns))) if keepdim else y


def extreme(x: Any, dim: int, largest: bool) -> Any:
    """The largest (0 if there is none) or the least value."""
    if not largest:
        return amin(x, dim)
    return amax(x, dim) if x.shape[dim] else sum_over(x, dim)


@public(where="linalg")
def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """A vector norm if `dim` is one dimension (or `ord` is None, or A a vector), else a matrix norm.

    See `vector_norm` and `matrix_norm`.
    """
    require_tensor("linalg_norm", "A", A)
    dims = None if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if dims is not None and len(dims) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}")
    if dims is None and ord is not None and A.ndim not in (1, 2):
        raise RuntimeError("linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
                           f"{A.ndim}D.")
    if isinstance(ord, str) or (ord is not None and (A.ndim if dims is None else len(dims)) == 2):
        return matrix_norm(A, ord, (-2, -1) if dims is None else dims, keepdim, dtype=dtype)
    return vector_norm(A, 2 if ord is None else ord, dims, keepdim, dtype=dtype)


def _torch_norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """The p-norm over `dim` or all elements ("fro" is 2), or the nuclear norm ("nuc") of matrices.

    >>> import minidl as torch
    >>> torch.norm(torch.tensor([[3., 0.], [0., 4.]]))
    tensor(5.)
    """
    require_tensor("norm", "input", input)
    dims = (dim,) if isinstance(dim, int) else dim
    if not isinstance(p, str):
        return vector_norm(input, 2 if p is None else p, dims, keepdim, dtype=dtype)
    if p == "fro" and (dims is None or len(dims) <= 2):
        return vector_norm(input, 2, dims, keepdim, dtype=dtype)
    return matrix_norm(input, p, tuple(range(input.ndim)) if dims is None else dims, keepdim, dtype=dtype)


_torch_norm.__name__ = "norm"
public(_torch_norm, method=True)


@public(where="linalg")
def cond(A: Any, p: Any = None) -> Any:
    """The condition number: the ratio of the extreme singular values (p None, 2 or -2), else norm(A) norm(A^-1)."""
    if A.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    if p in (None, 2, -2):
        s = svdvals(A)
        if 0 in A.shape[-2:]:
            return sum_over(s, -1)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    if p not in ("fro", "nuc", 1, -1, math.inf, -math.inf):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    require_square(f"linalg.cond(ord={p})", A)
    if A.shape[-1] == 0:
        return sum_over(A, (-2, -1))
    inverse, info = inv_ex(A)
    singular = info != 0
    if p == "nuc":  # infinite singular values have no sum
        inverse = where(singular[..., None, None], 0.0, inverse)
        return matrix_norm(A, p) * where(singular, math.inf, matrix_norm(inverse, p))
    return where(singular, math.inf, matrix_norm(A, p) * matrix_norm(inverse, p))
