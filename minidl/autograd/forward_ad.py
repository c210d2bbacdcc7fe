"""``torch.autograd.forward_ad`` without dual tensors: code that asks whether a tensor is one runs. Products with a Jacobian are in `minidl.func`."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

__all__ = ["UnpackedDualTensor", "make_dual", "unpack_dual"]


class UnpackedDualTensor(NamedTuple):
    """A tensor and its tangent."""

    primal: Any
    tangent: Any


def unpack_dual(tensor: Any, *, level: Any = None) -> UnpackedDualTensor:
    """The tensor, and None: no tensor has a tangent."""
    return UnpackedDualTensor(tensor, None)


def make_dual(tensor: Any, tangent: Any, *, level: Any = None) -> NoReturn:
    """NotImplementedError."""
    raise NotImplementedError("forward_ad: there are no dual tensors here; `minidl.func.jvp` gives a Jacobian times a vector")
