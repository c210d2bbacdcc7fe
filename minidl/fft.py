"""``torch.fft`` without complex tensors: frequencies and shifts; the transforms say that they are not here.

>>> import minidl as torch
>>> torch.fft.fftshift(torch.fft.fftfreq(4))
tensor([-0.5000, -0.2500,  0.0000,  0.2500])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from .core.checks import wrap_dims
from .core.tensor import Tensor
from .ops.create import arange, tensor
from .ops.rearrange import roll

__all__ = ["fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "ihfft2", "ihfftn",
           "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn"]


def _absent(name: str) -> Callable[..., NoReturn]:
    def transform(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"fft.{name}: there are no complex tensors here; numpy.fft.{name} takes x.numpy(), without gradients")

    transform.__name__, transform.__doc__ = name, "NotImplementedError: there are no complex tensors."
    return transform


fft, fft2, fftn, ifft, ifft2, ifftn = (_absent(name) for name in ("fft", "fft2", "fftn", "ifft", "ifft2", "ifftn"))
rfft, rfft2, rfftn, irfft, irfft2, irfftn = (_absent(name) for name in ("rfft", "rfft2", "rfftn", "irfft", "irfft2", "irfftn"))
hfft, hfft2, hfftn, ihfft, ihfft2, ihfftn = (_absent(name) for name in ("hfft", "hfft2", "hfftn", "ihfft", "ihfft2", "ihfftn"))


def _frequencies(op: str, start: int, stop: int, n: int, d: float, dtype: Any, requires_grad: bool) -> Tensor:
    dtype = tensor(0.0).dtype if dtype is None else dtype
    if not dtype.is_floating_point:
        raise RuntimeError(f"{op} requires a floating point or complex dtype")
    y = arange(start, stop, dtype=dtype) * (1.0 / (n * d))
    return y.requires_grad_(requires_grad)


def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The frequencies of the n results of `fft` of samples at distance d: 0, 1, ... then the negative ones, over n d."""
    return ifftshift(_frequencies("fftfreq", -(n // 2), (n + 1) // 2, n, d, dtype, False)).requires_grad_(requires_grad)


def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The frequencies of the n // 2 + 1 results of `rfft`: 0, 1, ..., n // 2, over n d."""
    return _frequencies("rfftfreq", 0, n // 2 + 1, n, d, dtype, requires_grad)


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Frequency zero in the middle of the dimensions `dim` (all by default): each is rolled by half of its size."""
    dims = wrap_dims(dim, input.ndim, "fftshift")
    return roll(input, [input.shape[d] // 2 for d in dims], dims)


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Undoes `fftshift`."""
    dims = wrap_dims(dim, input.ndim, "ifftshift")
    return roll(input, [-(input.shape[d] // 2) for d in dims], dims)
