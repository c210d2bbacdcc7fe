"""Parameters brought to one shape, and the two ways to give probabilities."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Number
from typing import Any

from ..core.dtypes import finfo
from ..core.modes import enable_grad
from ..core.tensor import Tensor
from ..ops.activation import sigmoid
from ..ops.create import tensor
from ..ops.shape import broadcast_tensors
from ..ops.softmax import softmax

__all__ = ["broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits"]


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
