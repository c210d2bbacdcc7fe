"""``Variable``: PyTorch's old name of a tensor that takes part in derivatives."""

from __future__ import annotations

from typing import Any

from ..core.tensor import Tensor

__all__ = ["Variable"]


class _Variable(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)

    def __call__(cls, data: Any = None, requires_grad: bool = False, volatile: Any = None) -> Any:
        if data is None:
            return Tensor()
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        detached: Any = data.detach()
        return detached.requires_grad_(requires_grad)


class Variable(metaclass=_Variable):
    """``Variable(tensor, requires_grad=False)``: a tensor of the same memory and no history; every tensor is a Variable.

    >>> import minidl as torch
    >>> torch.autograd.Variable(torch.ones(2), requires_grad=True)
    tensor([1., 1.], requires_grad=True)
    """
