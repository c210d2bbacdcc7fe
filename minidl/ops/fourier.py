"""Discrete Fourier transforms: y_k = sum_n x_n e^(-2 pi i k n / N), its inverse, and both for real numbers.

Three primitives over some dimensions: complex to complex, real to the half of the spectrum that says all (the other half is its
conjugate), and back. Each is linear, and the transpose of the first is itself; the other two are each other's, but for a factor 2
of the frequencies that stand for a conjugate too. https://docs.pytorch.org/docs/stable/fft.html
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..core import Tensor, data_of, default_dtype, dtype_of, primitive, public
from ..core.broadcast import convert
from ..core.checks import as_sizes, require_tensor, wrap_dim, wrap_dims
from ..core.dtypes import as_numpy_dtype, word
from .create import arange, tensor
from .index import narrow
from .pad import pad
from .rearrange import roll

OPPOSITE = {"backward": "forward", "forward": "backward", "ortho": "ortho"}
Dims = tuple[int, ...]


# ---- the primitives; `norm` says, as NumPy does, which of the two directions divides by N


@primitive(x=lambda g, dims, inverse, norm: _fft_c2c(g, dims, inverse, norm))
def _fft_c2c(x: Any, dims: Dims, inverse: bool, norm: str) -> Any:
    from scipy import fft as scipy_fft
    return (scipy_fft.ifftn if inverse else scipy_fft.fftn)(x, axes=dims, norm=norm)


@primitive(x=lambda g, x_shape, dims, inverse, norm: _fft_c2r(weighted(g, dims, x_shape[dims[-1]], 0.5), dims, x_shape[dims[-1]], inverse, norm))
def _fft_r2c(x: Any, dims: Dims, inverse: bool, norm: str) -> Any:
    """The frequencies 0, ..., N // 2 of the last of `dims`, all of the others."""
    from scipy import fft as scipy_fft
    return np.conjugate(scipy_fft.rfftn(x, axes=dims, norm=OPPOSITE[norm])) if inverse else scipy_fft.rfftn(x, axes=dims, norm=norm)


@primitive(x=lambda g, dims, size, inverse, norm: weighted(_fft_r2c(g, dims, inverse, norm), dims, size, 2))
def _fft_c2r(x: Any, dims: Dims, size: int, inverse: bool, norm: str) -> Any:
    """The real numbers, `size` along the last of `dims`, of half a spectrum; what must be real there is taken to be."""
    from scipy import fft as scipy_fft
    sizes = [x.shape[d] for d in dims[:-1]] + [size]
    return scipy_fft.irfftn(x, sizes, dims, norm) if inverse else scipy_fft.irfftn(np.conjugate(x), sizes, dims, OPPOSITE[norm])


def weighted(x: Any, dims: Dims, n: int, weight: float) -> Any:
    """Half a spectrum with `weight` at each frequency that stands for its conjugate too: all but 0 and, of an even n, n / 2."""
    weights = np.full(n // 2 + 1, weight, np.promote_types(dtype_of(x), np.complex64).type(0).real.dtype)
    weights[0] = 1
    if n % 2 == 0:
        weights[-1] = 1
    return x * weights.reshape((-1,) + (1,) * (x.ndim - 1 - dims[-1]))


# ---- arguments


def checked(op: str, x: Any, real: bool = False) -> Any:
    """x in a floating-point or complex type; RuntimeError for float16, and with `real` for complex numbers."""
    require_tensor(op, "input", x)
    d = dtype_of(x)
    if real and d.kind == "c":
        raise RuntimeError(f"{op} expects a real input tensor, but got {word(d)}")
    if d == np.float16:
        raise RuntimeError("Unsupported dtype Half")
    return x if d.kind in "fc" else convert(x, default_dtype())


def resized(x: Any, dims: Dims, sizes: list[int]) -> Any:
    """The first `sizes` elements along `dims`, zeros where there are none."""
    for d, n in zip(dims, sizes):
        have = x.shape[d]
        if n < have:
            x = narrow(x, d, 0, n)
        elif n > have:
            x = pad(x, [0, 0] * (x.ndim - 1 - d) + [0, n - have])
    return x


def check_norm(norm: str | None) -> str:
    if norm not in (None, *OPPOSITE):
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    return norm or "backward"


def one_dim(op: str, x: Any, n: Any, dim: int) -> tuple[Dims, list[int] | None]:
    if not x.ndim:
        raise IndexError(f"{op}: Dimension specified as {dim} but tensor has no dimensions")
    return (wrap_dim(dim, x.ndim, op),), None if n is None else [operator.index(n)]


def many_dims(op: str, x: Any, s: Any, dim: Any) -> tuple[Dims, list[int] | None]:
    """The dimensions, by default all or the last of as many as there are sizes, and the sizes."""
    s = None if s is None else list(as_sizes((s,) if isinstance(s, int) else s, op))
    if dim is None:
        if s is not None and len(s) > x.ndim:
            raise RuntimeError(f"{op}: Got shape with {len(s)} values but input tensor only has {x.ndim} dimensions.")
        return tuple(range(x.ndim - len(s), x.ndim)) if s is not None else tuple(range(x.ndim)), s
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    dims = tuple([wrap_dim(d, x.ndim, op) for d in dims])
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"{op}: FFT dims must be unique, got {dim}")
    if s is not None and len(s) != len(dims):
        raise RuntimeError(f"{op}: When given, dim and shape arguments must have the same length, got {len(dims)} and {len(s)}")
    return dims, s


def transform(op: str, x: Any, where: tuple[Dims, list[int] | None], norm: str | None, inverse: bool, kind: str = "c2c") -> Any:
    """Any of the transforms: pads or cuts the input, then computes."""
    norm = check_norm(norm)
    dims, s = where
    if not dims:
        if kind != "c2c":
            raise RuntimeError(f"{op} must transform at least one axis")
        return convert(x, np.promote_types(dtype_of(x), np.complex64))
    shape = tuple(x.shape)
    sizes = [shape[d] if s is None or s[i] == -1 else s[i] for i, d in enumerate(dims)]
    if kind == "c2r" and (s is None or s[-1] == -1):
        sizes[-1] = 2 * (shape[dims[-1]] - 1)
    if min(sizes) < 1:
        raise RuntimeError(f"{op}: Invalid number of data points ({next(n for n in sizes if n < 1)}) specified")
    if kind == "c2r":
        return _fft_c2r(resized(x, dims, [*sizes[:-1], sizes[-1] // 2 + 1]), dims, sizes[-1], inverse, norm)
    return (_fft_c2c if kind == "c2c" else _fft_r2c)(resized(x, dims, sizes), dims, inverse, norm)


# ---- the public functions


@public(where="fft")
def fft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """y_k = sum_j x_j e^(-2 pi i jk / n) along `dim`, of x padded with zeros or cut to n; dL/dx_j = sum_k g_k e^(2 pi i jk / n).

    `norm`: "backward" (the default) as it stands, "forward" divided by n, "ortho" by the root of n.

    >>> import minidl as torch
    >>> torch.fft.fft(torch.tensor([1., 2., 3.])).real
    tensor([ 6.0000, -1.5000, -1.5000])
    """
    x = checked("fft", input)
    return transform("fft", x, one_dim("fft", x, n, dim), norm, False)


@public(where="fft")
def ifft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """y_j = sum_k x_k e^(2 pi i jk / n) / n along `dim`: undoes `fft`."""
    x = checked("ifft", input)
    return transform("ifft", x, one_dim("ifft", x, n, dim), norm, True)


@public(where="fft")
def rfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The results 0, ..., n // 2 of the `fft` of real numbers; the others are their conjugates. RuntimeError for complex ones."""
    x = checked("rfft", input, real=True)
    return transform("rfft", x, one_dim("rfft", x, n, dim), norm, False, "r2c")


@public(where="fft")
def irfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The n real numbers (2 (m - 1) by default, of m given) whose `rfft` is the input: undoes `rfft`."""
    x = checked("irfft", input)
    return transform("irfft", x, one_dim("irfft", x, n, dim), norm, True, "c2r")


@public(where="fft")
def hfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The `fft`, n real numbers, of a signal whose second half is the conjugate of its first, which is given."""
    x = checked("hfft", input)
    return transform("hfft", x, one_dim("hfft", x, n, dim), norm, False, "c2r")


@public(where="fft")
def ihfft(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
    """The first half of the `ifft` of real numbers: undoes `hfft`."""
    x = checked("ihfft", input, real=True)
    return transform("ihfft", x, one_dim("ihfft", x, n, dim), norm, True, "r2c")


@public(where="fft")
def fftn(input: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Any:
    """`fft` along the dimensions `dim`, all by default (or the last ones, as many as `s` has sizes)."""
    x = checked("fftn", input)
    return transform("fftn", x, many_dims("fftn", x, s, dim), norm, False)


@public(where="fft")
def ifftn(input: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Any:
    """`ifft` along the dimensions `dim`: undoes `fftn`."""
    x = checked("ifftn", input)
    return transform("ifftn", x, many_dims("ifftn", x, s, dim), norm, True)


@public(where="fft")
def rfftn(input: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Any:
    """`fftn` of real numbers, of which the last dimension keeps the results 0, ..., n // 2."""
    x = checked("rfftn", input, real=True)
    return transform("rfftn", x, many_dims("rfftn", x, s, dim), norm, False, "r2c")


@public(where="fft")
def irfftn(input: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Any:
    """The real numbers whose `rfftn` is the input: undoes it."""
    x = checked("irfftn", input)
    return transform("irfftn", x, many_dims("irfftn", x, s, dim), norm, True, "c2r")


@public(where="fft")
def hfftn(input: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Any:
    """`hfft` along the last of the dimensions `dim`, `fft` along the others."""
    x = checked("hfftn", input)
    return transform("hfftn", x, many_dims("hfftn", x, s, dim), norm, False, "c2r")


@public(where="fft")
def ihfftn(input: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Any:
    """`ihfft` along the last of the dimensions `dim`, `ifft` along the others: undoes `hfftn`."""
    x = checked("ihfftn", input, real=True)
    return transform("ihfftn", x, many_dims("ihfftn", x, s, dim), norm, True, "r2c")


def _in_two(op: Any) -> Any:
    def function(input: Any, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Any:
        return op(input, s, dim, norm)

    function.__name__ = function.__qualname__ = op.__name__[:-1] + "2"
    function.__doc__ = f"`{op.__name__}` along two dimensions."
    return public(function, where="fft")


fft2, ifft2, rfft2, irfft2, hfft2, ihfft2 = map(_in_two, (fftn, ifftn, rfftn, irfftn, hfftn, ihfftn))


# ---- frequencies


def frequencies(op: str, start: int, stop: int, n: int, d: float, dtype: Any) -> Tensor:
    dtype = tensor(0.0).dtype if dtype is None else dtype
    if as_numpy_dtype(dtype).kind not in "fc":
        raise RuntimeError(f"{op} requires a floating point or complex dtype")
    return arange(start, stop, dtype=dtype) * (1.0 / (n * d) if n * d else math.inf)


@public(where="fft")
def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The frequencies of the n results of `fft` of samples at distance d: 0, 1, ... then the negative ones, over n d."""
    return ifftshift(frequencies("fftfreq", -(n // 2), (n + 1) // 2, n, d, dtype)).requires_grad_(requires_grad)


@public(where="fft")
def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The frequencies of the n // 2 + 1 results of `rfft`: 0, 1, ..., n // 2, over n d."""
    return frequencies("rfftfreq", 0, n // 2 + 1, n, d, dtype).requires_grad_(requires_grad)


@public(where="fft")
def fftshift(input: Any, dim: Any = None) -> Any:
    """Frequency zero in the middle of the dimensions `dim` (all by default): each is rolled by half of its size.

    >>> import minidl as torch
    >>> torch.fft.fftshift(torch.fft.fftfreq(4))
    tensor([-0.5000, -0.2500,  0.0000,  0.2500])
    """
    require_tensor("fftshift", "input", input)
    dims = wrap_dims(dim, input.ndim, "fftshift")
    return roll(input, [data_of(input).shape[d] // 2 for d in dims], dims)


@public(where="fft")
def ifftshift(input: Any, dim: Any = None) -> Any:
    """Undoes `fftshift`."""
    require_tensor("ifftshift", "input", input)
    dims = wrap_dims(dim, input.ndim, "ifftshift")
    return roll(input, [-(data_of(input).shape[d] // 2) for d in dims], dims)
