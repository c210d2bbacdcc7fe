"""Products of matrices and vectors.

The primitives are few and closed under differentiation: a matrix product with any leading dimensions on the left
(`_mm`) and its transpose, a sum of outer products (`_gram`); the batched product (`_bmm`); and the products of a matrix
and a vector (`_mv`, `_outer`, `_weigh`), each of which has the other two in its rules.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import dtype_of, primitive, public
from ..core.checks import broadcast_shape, require_tensor
from ..core.dtypes import DTYPES, word
from ..core.threads import alone, get_num_threads, share

# A linear layer multiplies a few rows by a transposed weight. OpenBLAS brings the weight into another order first, unless the product
# is small; with the factors exchanged it need not, which for 8 rows takes half the time, for 64 nine tenths.
FEW, SMALL = 64, 10**6  # rows; multiply-adds
TINY, SHARED = 1 << 18, 1 << 24  # multiply-adds up to which BLAS wakes no other thread; from which sharing pays


def largest(a: np.ndarray) -> int:
    """The largest absolute value of integers."""
    return max(int(a.max()), -int(a.min()))


def gemm(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """np.matmul, with operands that BLAS cannot read in place (repeated or scattered elements) copied first.

    BLAS has no integers. Where no sum can reach 2^53, float64 is exact, and much faster from some 20 rows and columns on.
    """
    work = a.size * b.shape[-1]
    if a.dtype.kind != "f" or a.dtype.itemsize == 2:
        if a.dtype.kind == "f":
            return gemm(a.astype(np.float32), b.astype(np.float32)).astype(np.float16)
        if (a.dtype.kind in "iu" and b.ndim > 1 and work > 8 * (a.size + b.size)
                and largest(a) * largest(b) * a.shape[-1] < 2**53):
            return gemm(a.astype(np.float64), b.astype(np.float64)).astype(np.int64).astype(a.dtype, copy=False)
    if a.ndim > 2 or b.ndim > 2:
        a, b = _blas_ready(a), _blas_ready(b)
        return np.matmul(a, b) if work <= TINY else shared(a, b) if a.shape[:-2] == b.shape[:-2] else alone(np.matmul, a, b)
    if work <= TINY:
        return a.dot(b)  # which copies by itself, and takes half as long to begin
    if b.ndim == 1:
        return alone(a.dot, b)
    if work > SMALL and len(a) <= FEW and not b.flags.c_contiguous and b.flags.f_contiguous:
        return np.ascontiguousarray(shared(b.T, a.T).T)
    return shared(a, b)


def shared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The product of large matrices, or of two batches: the rows, or the batch, are shared among threads."""
    threads = min(get_num_threads(), len(a)) if a.size * b.shape[-1] >= SHARED else 1
    product = np.dot if a.ndim == 2 else np.matmul
    if threads == 1:
        return alone(product, a, b)
    y = np.empty((*a.shape[:-1], b.shape[-1]), np.result_type(a, b))

    def work(part: Sequence[int]) -> None:
        for i in part:
            rows = slice(len(a) * i // threads, len(a) * (i + 1) // threads)
            product(a[rows], b if b.ndim == 2 else b[rows], out=y[rows])

    share(work, range(threads))
    return y


def _blas_ready(a: np.ndarray) -> np.ndarray:
    if a.flags.c_contiguous:
        return a
    strides = a.strides[-2:]
    return np.ascontiguousarray(a) if 0 in strides or a.itemsize not in strides else a


def as_rows(x: np.ndarray) -> np.ndarray:
    """All leading dimensions as one."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


@primitive(a=lambda g, b: _mm(g, b.mT), b=lambda g, a: _gram(a, g))
def _mm(a: Any, b: Any) -> Any:
    """y = a b for a of shape (..., k), b of shape (k, m): one GEMM; da = g b^T, db = a^T g."""
    return gemm(as_rows(a), b).reshape(*a.shape[:-1], b.shape[1])


@primitive(a=lambda g, b: _mm(b, g.mT), b=lambda g, a: _mm(a, g), grad_name="MmBackward0")
def _gram(a: Any, b: Any) -> Any:
    """y = sum of a_i b_i^T over all leading dimensions, a: (..., k), b: (..., m)."""
    return gemm(as_rows(a).T, as_rows(b))


@primitive(a=lambda g, b: _bmm(g, b.mT), b=lambda g, a: _bmm(a.mT, g))
def _bmm(a: Any, b: Any) -> Any:
    """y = a b for each matrix of a batch, with broadcasting over the leading dimensions; da = g b^T, db = a^T g."""
    return gemm(a, b)


@primitive(a=lambda g, b: _outer(g, b), b=lambda g, a: _weigh(g, a))
def _mv(a: Any, b: Any) -> Any:
    """y = a b for a of shape (..., k) and a vector b; da = g b^T, db = a^T g."""
    return gemm(as_rows(a), b).reshape(a.shape[:-1])


@primitive(a=lambda g, b: _mv(g, b), b=lambda g, a: _weigh(a, g), common="a b", grad_name="MulBackward0")
def _outer(a: Any, b: Any) -> Any:
    """y = a b^T for a of shape (...) and a vector b."""
    return np.multiply(a[..., None], b)


@primitive(a=lambda g, b: _mv(b, g), b=lambda g, a: _outer(a, g), grad_name="MvBackward0")
def _weigh(a: Any, b: Any) -> Any:
    """y = sum of a_i b_i over all leading dimensions, a: (...), b: (..., k)."""
    return gemm(a.reshape(-1), as_rows(b))


@primitive(a=lambda g, b: g * b, b=lambda g, a: g * a)
def _dot(a: Any, b: Any) -> Any:
    return gemm(a, b)


def _linear_rule(g: Any, x: Any, w: Any, needs: Any) -> Any:
    return g, _mm(g, w) if needs[1] else None, _gram(g, x) if needs[2] else None


def _linear_rows_rule(g: Any, x: Any, w: Any, needs: Any) -> Any:
    return g, _gram(g, x) if needs[1] else None, _mm(g, w) if needs[2] else None


@primitive(joint=("b x w", _linear_rule), grad_name="AddmmBackward0")
def _linear(x: Any, w: Any, b: Any) -> Any:
    y = gemm(as_rows(x), w.T)
    if b is not None:
        y += b
    return y.reshape(*x.shape[:-1], w.shape[0])


@primitive(joint=("b w x", _linear_rows_rule), grad_name="AddmmBackward0")
def _linear_rows(x: Any, w: Any, b: Any) -> Any:
    """`_linear` of an input that is not a matrix: PyTorch's backward reshapes that input's gradient, so it arrives last."""
    return _linear(x, w, b)


# ---- checks


def same_dtype(a: Any, b: Any, message: str, name: Any = word) -> None:
    """RuntimeError with the names of the two element types in the message, unless they are the same."""
    if dtype_of(a) != dtype_of(b):
        raise RuntimeError(message.format(name(dtype_of(a)), name(dtype_of(b))))


def c_type(d: np.dtype) -> str:
    """An element type as C++ calls it, the way PyTorch's GEMM does in its errors."""
    name = DTYPES[d].name
    return {"float32": "float", "float64": "double", "float16": "c10::Half", "int64": "long"}.get(name, name)


def check_inner(rows: list[int], k: int, inner: int, m: int) -> None:
    """The inner sizes of a product of (*rows, k) and (inner, m) must agree."""
    if k != inner:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({math.prod(rows)}x{k} and {inner}x{m})")


def reject_bool(name: str, x: Any) -> None:
    if dtype_of(x) == np.bool_:
        raise NotImplementedError(f"\"{name}\" not implemented for 'Bool'")


def check_mm(a: Any, b: Any) -> None:
    *rows, k = a.shape
    check_inner(rows, k, *b.shape)
    same_dtype(a, b, "expected m1 and m2 to have the same dtype, but got: {} != {}", c_type)
    reject_bool("addmm_impl_cpu_", a)


def check_bmm(a: Any, b: Any) -> None:
    for name, x in (("batch1", a), ("batch2", b)):
        if x.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise RuntimeError("Expected size for first two dimensions of batch2 tensor to be: "
                           f"[{a.shape[0]}, {a.shape[2]}] but got: [{b.shape[0]}, {b.shape[1]}].")
    same_dtype(a, b, "expected scalar type {} but found {}")
    reject_bool("bmm", a)


def check_mv(a: Any, b: Any) -> None:
    if a.shape[-1] != b.shape[0]:
        rows = math.prod(a.shape[:-1])
        raise RuntimeError(f"size mismatch, got input ({rows}), mat ({rows}x{a.shape[-1]}), vec ({b.shape[0]})")
    same_dtype(a, b, "addmv input tensors must have the same dtype, but got {1}, {0}, and {1}")


def check_summand(op: str, x: Any, shape: tuple[int, ...], operand: Any) -> None:
    """The summand of the add* family: it must expand to the product's shape and have its type."""
    require_tensor(op, "input", x)
    given = tuple(x.shape)
    lead = len(shape) - len(given)
    if lead < 0:
        raise RuntimeError(f"expand(torch.{word(dtype_of(x))}Tensor{{{list(given)}}}, size={list(shape)}): the number "
                           f"of sizes provided ({len(shape)}) must be greater or equal to the number of dimensions in "
                           f"the tensor ({len(given)})")
    for i in reversed(range(len(given))):
        if given[i] != shape[i + lead] and given[i] != 1:
            raise RuntimeError(f"The expanded size of the tensor ({shape[i + lead]}) must match the existing size "
                               f"({given[i]}) at non-singleton dimension {i + lead}.  Target sizes: {list(shape)}.  "
                               f"Tensor sizes: {list(given)}")
    same_dtype(x, operand, "self and mat2 must have the same dtype, but got {} and {}")


# ---- the public functions


@public(where="torch linalg", method=True, operators=("__matmul__", "__rmatmul__"))
def matmul(input: Any, other: Any) -> Any:
    """y = a b: dot product, matrix times vector or matrix product by rank; leading dimensions broadcast.

    da = g b^T, db = a^T g. RuntimeError where the inner sizes or the element types differ.

    >>> import minidl as torch
    >>> torch.matmul(torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([1., 1.]))
    tensor([3., 7.])
    """
    require_tensor("matmul", "input", input)
    require_tensor("matmul", "other", other)
    m, n = input.ndim, other.ndim
    if m == 0 or n == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {m}D and {n}D")
    if n == 2 and m >= 2:
        check_mm(input, other)
        return _mm(input, other)
    if n == 1:
        return dot(input, other) if m == 1 else _checked_mv(input, other)
    if m == 1:
        if input.shape[0] != other.shape[-2]:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied "
                               f"(1x{input.shape[0]} and {other.shape[-2]}x{other.shape[-1]})")
        return _checked_mv(other.mT, input)
    batch = broadcast_shape("matmul", tuple(input.shape[:-2]), tuple(other.shape[:-2]))
    if input.shape[-1] != other.shape[-2]:
        size = math.prod(batch)
        raise RuntimeError("Expected size for first two dimensions of batch2 tensor to be: "
                           f"[{size}, {input.shape[-1]}] but got: [{size}, {other.shape[-2]}].")
    same_dtype(input, other, "expected scalar type {} but found {}")
    reject_bool("bmm", input)
    return _bmm(input, other)


def _checked_mv(a: Any, b: Any) -> Any:
    check_mv(a, b)
    reject_bool("addmv_impl_cpu", a)
    return _mv(a, b)


@public(method=True)
def mm(input: Any, mat2: Any) -> Any:
    """y = a b for two matrices, without broadcasting; da = g b^T, db = a^T g."""
    require_tensor("mm", "input", input)
    require_tensor("mm", "mat2", mat2)
    for name, x in (("self", input), ("mat2", mat2)):
        if x.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix")
    check_mm(input, mat2)
    return _mm(input, mat2)


@public(method=True)
def bmm(input: Any, mat2: Any) -> Any:
    """y_i = a_i b_i for two batches of matrices, (b, n, k) and (b, k, m), without broadcasting."""
    require_tensor("bmm", "input", input)
    require_tensor("bmm", "mat2", mat2)
    check_bmm(input, mat2)
    return _bmm(input, mat2)


@public(method=True)
def mv(input: Any, vec: Any) -> Any:
    """y = A v for a matrix and a vector; dA = g v^T, dv = A^T g."""
    require_tensor("mv", "input", input)
    require_tensor("mv", "vec", vec)
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {input.ndim}, {vec.ndim}")
    return _checked_mv(input, vec)


@public(method=True)
def dot(input: Any, tensor: Any) -> Any:
    """y = sum_i a_i b_i for two vectors; da = g b, db = g a."""
    require_tensor("dot", "input", input)
    require_tensor("dot", "tensor", tensor)
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    same_dtype(input, tensor, "dot : expected both vectors to have same dtype, but found {} and {}")
    m, n = input.shape[0], tensor.shape[0]
    if m != n:
        raise RuntimeError(f"inconsistent tensor size, expected tensor [{m}] and src [{n}] to have the same number of "
                           f"elements, but got {m} and {n} elements respectively")
    reject_bool("dot", input)
    return _dot(input, tensor)


@public(where="torch", method=True)
def vdot(input: Any, other: Any) -> Any:
    """y = sum_i conj(a_i) b_i for two vectors: `dot` of the conjugate."""
    require_tensor("vdot", "input", input)
    return dot(input.conj(), other)


@public(method=True, aliases="ger")
def outer(input: Any, vec2: Any) -> Any:
    """y = a b^T for two vectors: y_ij = a_i b_j, in their common type."""
    require_tensor("outer", "input", input)
    require_tensor("outer", "vec2", vec2)
    for name, x in (("self", input), ("vec2", vec2)):
        if x.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x.ndim}-D")
    return _outer(input, vec2)


@public(where="nn.functional")
def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """y = x W^T + b for x of shape (..., in) and W of shape (out, in): one GEMM over all leading dimensions.

    dx = g W, dW = sum over rows of g^T x, db = sum of g.
    """
    require_tensor("linear", "input", input)
    require_tensor("linear", "weight", weight)
    if weight.ndim == 1 and bias is None:
        return matmul(input, weight)
    if weight.ndim != 2:
        raise RuntimeError(f"linear: weight must be a matrix, got {weight.ndim}-D tensor")
    if input.ndim == 0:
        raise RuntimeError("both arguments to linear need to be at least 1D, but they are 0D and 2D")
    *rows, k = input.shape
    m, inner = weight.shape
    check_inner(rows, k, inner, m)
    if bias is None:
        same_dtype(input, weight, "expected m1 and m2 to have the same dtype, but got: {} != {}", c_type)
    else:
        same_dtype(input, weight, "mat1 and mat2 must have the same dtype, but got {} and {}")
        check_summand("linear", bias, (math.prod(rows), m), weight)
    return (_linear if len(rows) == 1 or bias is None else _linear_rows)(input, weight, bias)
