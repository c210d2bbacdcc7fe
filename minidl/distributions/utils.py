"""Parameters brought to one shape, and the two ways to give probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Number
from typing import Any

from ..core.dtypes import finfo
from ..core.modes import enable_grad
from ..core.tensor import Tensor
from ..ops.activation import sigmoid
from ..ops.create import tensor
from ..ops.gather import tril_indices
from ..ops.random import randn
from ..ops.shape import broadcast_tensors
from ..ops.softmax import softmax

__all__ = ["broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits", "tril_matrix_to_vec", "vec_to_tril_matrix"]


def broadcast_all(*values: Any) -> tuple[Any, ...]:
    """Tensors of one shape; numbers get the type of the first tensor. ValueError for anything else."""
    if not all(isinstance(v, (Number, Tensor)) for v in values):
        raise ValueError("Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__.")
    dtype = next((v.dtype for v in values if isinstance(v, Tensor)), None)
    return broadcast_tensors(*[v if isinstance(v, Tensor) else tensor(float(v), dtype=dtype) for v in values])


def clamp_probs(probs: Any) -> Any:
    """Probabilities kept one rounding step away from 0 and 1."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def logits_to_probs(logits: Any, is_binary: bool = False) -> Any:
    """sigmoid(logits), or their softmax."""
    return sigmoid(logits) if is_binary else softmax(logits, -1)


def probs_to_logits(probs: Any, is_binary: bool = False) -> Any:
    """log(p / (1 - p)), or log p, of p clamped away from 0 and 1."""
    p = clamp_probs(probs)
    return p.log() - (-p).log1p() if is_binary else p.log()


class lazy_property:
    """A property that is computed when it is first asked for, and then an attribute."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self.compute, self.__doc__ = compute, compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        with enable_grad():  # it may first be asked for by a sample, which has no gradient
            value = instance.__dict__[self.name] = self.compute(instance)
        return value


def _standard_normal(shape: Any, dtype: Any, device: Any) -> Any:
    return randn(shape, dtype=dtype, device=device)


def _sum_rightmost(value: Any, dim: int) -> Any:
    """The sum over the last `dim` dimensions."""
    return value if dim == 0 else value.reshape(*value.shape[:-dim], -1).sum(-1)


def tril_matrix_to_vec(mat: Any, diag: int = 0) -> Any:
    """The lower triangle of matrices, row by row."""
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = tril_indices(n, n, diag)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec: Any, diag: int = 0) -> Any:
    """Matrices with such a lower triangle, and 0 elsewhere."""
    count = vec.shape[-1]
    n = (-(1 + 2 * diag) + math.sqrt((1 + 2 * diag) ** 2 + 8 * count + 4 * abs(diag) * (diag + 1))) / 2
    if round(n) - n > finfo(vec.dtype).eps:
        raise ValueError(f"The size of last dimension is {count} which cannot be expressed as the lower triangular part of a square D x D matrix.")
    size = round(n)
    mat = vec.new_zeros((*vec.shape[:-1], size, size))
    rows, columns = tril_indices(size, size, diag)
    mat[..., rows, columns] = vec
    return mat
