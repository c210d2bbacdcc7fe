"""Complex numbers: made of their parts, taken apart, conjugated.

PyTorch's gradient for z = a + ib is dL/da + i dL/db. The rules here are, as all rules, written for its conjugate, which is what
travels (`minidl.core.engine`). https://docs.pytorch.org/docs/stable/notes/autograd.html#autograd-for-complex-numbers
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Tensor, dtype_of, primitive, public
from ..core.checks import require_tensor
from ..core.dtypes import word
from .elementwise import cos, masked, sin, zeros_like
from .index import select


def check_parts(op: str, a: Any, b: Any) -> None:
    """RuntimeError unless both parts are float32 or both float64."""
    d, e = dtype_of(a), dtype_of(b)
    if d.kind != "f" or e.kind != "f" or 2 in (d.itemsize, e.itemsize):
        raise RuntimeError(f"{op}: Expected both inputs to be Float or Double tensors but got {word(d)} and {word(e)}")
    if d != e:
        raise RuntimeError(f"{op}: Expected object of scalar type {word(d)} but got scalar type {word(e)} for second argument")


def joined(real: Any, imag: Any) -> np.ndarray:
    y = np.empty(np.shape(real), np.promote_types(real.dtype, np.complex64))
    y.real, y.imag = real, imag
    return y


# ---- from parts


@primitive(real=lambda g: g.real, imag=lambda g: -g.imag, common="real imag")
def _complex(real: Any, imag: Any) -> Any:
    return joined(*np.broadcast_arrays(real, imag))


@public
def complex(real: Any, imag: Any) -> Any:
    """y = real + i imag: complex64 of float32, complex128 of float64. RuntimeError for other or different types.

    >>> import minidl as torch
    >>> torch.complex(torch.tensor([1., 2.]), torch.tensor([3., 4.]))
    tensor([1.+3.j, 2.+4.j])
    """
    require_tensor("complex", "real", real)
    require_tensor("complex", "imag", imag)
    check_parts("complex", real, imag)
    return _complex(real, imag)


@primitive(abs=lambda g, angle: g.real * cos(angle) - g.imag * sin(angle), angle=lambda g, y: -(g * y).imag, common="abs angle")
def _polar(abs: Any, angle: Any) -> Any:
    return joined(abs * np.cos(angle), abs * np.sin(angle))


@public
def polar(abs: Any, angle: Any) -> Any:
    """y = abs e^(i angle) = abs cos(angle) + i abs sin(angle); dy/dabs = e^(i angle), dy/dangle = i y.

    >>> import minidl as torch
    >>> torch.polar(torch.tensor([1., 2.]), torch.tensor([0., 1.]))
    tensor([1.0000+0.0000j, 1.0806+1.6829j])
    """
    require_tensor("polar", "abs", abs)
    require_tensor("polar", "angle", angle)
    check_parts("polar", abs, angle)
    return _polar(abs, angle)


# ---- views


@primitive(x=lambda g: _complex(g[..., 0], -g[..., 1]), view=True)
def _view_as_real(x: Any) -> Any:
    return x[..., None].view(np.empty(0, x.dtype).real.dtype)


@public
def view_as_real(input: Any) -> Any:
    """The real and imaginary parts of complex numbers in a last dimension of size 2, sharing their memory.

    >>> import minidl as torch
    >>> torch.view_as_real(torch.tensor([1+2j, 3-4j]))
    tensor([[ 1.,  2.],
            [ 3., -4.]])
    """
    require_tensor("view_as_real", "input", input)
    if dtype_of(input).kind != "c":
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return _view_as_real(input)


@primitive(x=lambda g: _view_as_real(g.conj()), view=True)
def _view_as_complex(x: Any) -> Any:
    return x.view(np.promote_types(x.dtype, np.complex64))[..., 0]


@public
def view_as_complex(input: Any) -> Any:
    """Complex numbers from their parts in a last dimension of size 2, sharing the memory; the inverse of `view_as_real`.

    RuntimeError for other types than float32 and float64, and where the two parts are not neighbours in memory.
    """
    require_tensor("view_as_complex", "input", input)
    d, shape = dtype_of(input), tuple(input.shape)
    if d.kind != "f" or d.itemsize == 2:
        raise RuntimeError(f"view_as_complex is only supported for float and double tensors, but got a tensor of scalar type: {word(d)}")
    if not shape:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    *steps, last = input.stride() if isinstance(input, Tensor) else [s // d.itemsize for s in input.strides]
    if last != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(step % 2 for step in steps):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return _view_as_complex(input)


@public
def real(input: Any) -> Any:
    """The real parts, a view; of real numbers the tensor itself."""
    require_tensor("real", "input", input)
    return select(_view_as_real(input), -1, 0) if dtype_of(input).kind == "c" else input


@public
def imag(input: Any) -> Any:
    """The imaginary parts, a view; RuntimeError for real numbers."""
    require_tensor("imag", "input", input)
    if dtype_of(input).kind != "c":
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return select(_view_as_real(input), -1, 1)


# ---- conjugates and angles


@primitive(x=lambda g: g.conj(), grad_name="ConjBackward0")
def _conj(x: Any) -> Any:
    return np.conjugate(x)


@public(method=True)
def conj(input: Any) -> Any:
    """y = a - ib for a + ib, computed at once (PyTorch waits until it is needed); real numbers as they are."""
    require_tensor("conj", "input", input)
    return _conj(input) if dtype_of(input).kind == "c" else input


@public(method=True, inplace=True)
def conj_physical(input: Any) -> Any:
    """y = a - ib for a + ib; see `conj`."""
    return conj(input)


@public(method=True)
def resolve_conj(input: Any) -> Any:
    """The tensor itself: no conjugate waits to be computed."""
    require_tensor("resolve_conj", "input", input)
    return input


@public(method=True)
def is_conj(input: Any) -> bool:
    """False: no conjugate waits to be computed."""
    require_tensor("is_conj", "input", input)
    return False


def angle_gradient(g: Any, x: Any) -> Any:
    """-i g / x, and 0 at 0: the imaginary part of d log x."""
    return masked(g * -1j / x, x != 0) if dtype_of(x).kind == "c" else zeros_like(g)


@public(method=True)
@primitive(x=lambda g, x: angle_gradient(g, x), floating="x")
def angle(x: Any) -> Any:
    """y = the angle of a complex number, on [-pi, pi]; of a real one 0 or, where it is negative, pi."""
    if x.dtype.kind == "c":
        return np.angle(x)
    return np.where(np.isnan(x), x, np.where(x < 0, x.dtype.type(np.pi), x.dtype.type(0)))


def _set_part(part: Any) -> Any:
    def setter(self: Tensor, value: Any) -> None:
        part(self)[...] = value

    return property(part, setter)


Tensor.real, Tensor.imag = _set_part(real), _set_part(imag)  # type: ignore[attr-defined]
