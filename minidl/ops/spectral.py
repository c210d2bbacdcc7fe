"""Short-time Fourier transforms: spectra of the stretches of a signal, and the signal again.

https://docs.pytorch.org/docs/stable/generated/torch.stft.html
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..core import data_of, dtype_of, public
from ..core.checks import require_tensor
from .complex import view_as_real
from .fourier import fft, ifft, irfft, rfft
from .index import narrow
from .pad import pad
from .rearrange import _fold, unfold
from .shape import expand, transpose


def window_of(op: str, x: Any, n_fft: int, win_length: int | None, window: Any) -> Any:
    """The window, ones unless one is given, with zeros on both sides up to n_fft values."""
    size = n_fft if win_length is None else win_length
    if not 0 < size <= n_fft:
        raise RuntimeError(f"{op}: expected 0 < win_length <= n_fft, but got win_length={size}")
    if window is None:
        window = np.ones(size, np.empty(0, dtype_of(x)).real.dtype)
    elif tuple(window.shape) != (size,):
        raise RuntimeError(f"{op}: expected a 1D window tensor of size equal to win_length={size}, but got window with size {list(window.shape)}")
    left = (n_fft - size) // 2
    return pad(window, [left, n_fft - size - left]) if size < n_fft else window


def step_of(op: str, n_fft: int, hop_length: int | None) -> int:
    step = n_fft // 4 if hop_length is None else hop_length
    if step <= 0:
        raise RuntimeError(f"{op}: expected hop_length > 0, but got hop_length={step}")
    return step


@public(method=True)
def stft(input: Any, n_fft: int, hop_length: int | None = None, win_length: int | None = None, window: Any = None, center: bool = True,
         pad_mode: str = "reflect", normalized: bool = False, onesided: bool | None = None, return_complex: bool | None = None) -> Any:
    """y_kt = sum_j w_j x_{t hop + j} e^(-2 pi i jk / n_fft), (frequencies, frames), of signals (length) or (batch, length).

    `hop_length` is n_fft // 4 unless given, the window w ones; with `center` the signal is padded by n_fft // 2 at both ends, so that
    frame t is about sample t hop. Of real signals the frequencies 0, ..., n_fft // 2 (`onesided`). `normalized`: over the root of n_fft.
    RuntimeError where `return_complex` is not given for a real signal; False is PyTorch's older form, real and imaginary part as a last dimension.

    >>> import minidl as torch
    >>> torch.stft(torch.ones(8), 4, return_complex=True).shape
    torch.Size([3, 9])
    """
    require_tensor("stft", "input", input)
    is_complex = dtype_of(input).kind == "c" or (window is not None and dtype_of(window).kind == "c")
    if return_complex is None:
        if not is_complex:
            raise RuntimeError("stft requires the return_complex parameter be given for real inputs, and will further require that "
                               "return_complex=True in a future PyTorch release.")
        return_complex = True
    if dtype_of(input).kind not in "fc" or input.ndim not in (1, 2):
        raise RuntimeError(f"stft: expected a 1D or 2D tensor of floating types, got {dtype_of(input).name} of shape {list(input.shape)}")
    x = input if input.ndim == 2 else input[None]
    if center:
        both = [n_fft // 2, n_fft // 2]
        x = pad(x[None], both, pad_mode)[0]
    if not 0 < n_fft <= x.shape[1]:
        raise RuntimeError(f"stft: expected 0 < n_fft <= {x.shape[1]}, but got n_fft={n_fft}")
    step = step_of("stft", n_fft, hop_length)
    frames = unfold(x, 1, n_fft, step) * window_of("stft", x, n_fft, win_length, window)
    if onesided and is_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    y = transpose((fft if is_complex or onesided is False else rfft)(frames, norm="ortho" if normalized else None), 1, 2)
    y = y if input.ndim == 2 else y[0]
    if return_complex:
        return y
    warnings.warn("stft with return_complex=False is deprecated. In a future pytorch release, stft will return complex tensors for all inputs, "
                  "and return_complex=False will raise an error.", stacklevel=2)
    return view_as_real(y)


@public(method=True)
def istft(input: Any, n_fft: int, hop_length: int | None = None, win_length: int | None = None, window: Any = None, center: bool = True,
          normalized: bool = False, onesided: bool | None = None, length: int | None = None, return_complex: bool = False) -> Any:
    """The signal whose `stft` is the input: each frame's inverse transform times the window, added up, over the sum of the windows' squares.

    A real one, from the frequencies 0, ..., n_fft // 2, unless `return_complex`. With `length` it is cut, or goes on with zeros.
    RuntimeError where the windows do not cover the signal, or the input's sizes do not fit.
    """
    require_tensor("istft", "input", input)
    if dtype_of(input).kind != "c":
        raise RuntimeError("istft requires a complex-valued input tensor matching the output from stft with return_complex=True.")
    if input.ndim not in (2, 3) or 0 in input.shape:
        raise RuntimeError(f"istft: expected a tensor with 2 or 3 dimensions and elements, got {list(input.shape)}")
    x = input if input.ndim == 3 else input[None]
    batch, bins, count = x.shape
    onesided = bins != n_fft if onesided is None else onesided
    if bins != (n_fft // 2 + 1 if onesided else n_fft):
        raise RuntimeError(f"istft: expected the frequency dimension (3rd to the last) of the input tensor to match "
                           f"n_fft{' / 2 + 1' if onesided else ''} when onesided={onesided}, but got {bins}")
    if onesided and return_complex:
        raise RuntimeError("istft: cannot have onesided input with return_complex=True")
    step = step_of("istft", n_fft, hop_length)
    if win_length is not None and step > win_length or step > n_fft:
        raise RuntimeError(f"istft: expected 0 < hop_length <= win_length, but got {step}")
    w = window_of("istft", x, n_fft, win_length, window)
    norm = "ortho" if normalized else None
    x = transpose(x, 1, 2)
    frames = ifft(x, norm=norm) if return_complex else irfft(x, n_fft, norm=norm)
    size = n_fft + step * (count - 1)
    y = _fold(frames * w, (batch, size), 1, n_fft, step)
    envelope = _fold(expand(w * w, count, n_fft), (size,), 0, n_fft, step)
    start = n_fft // 2 if center else 0
    end = min(start + length, size) if length is not None else size - start
    y, envelope = narrow(y, 1, start, end - start), narrow(envelope, 0, start, end - start)
    if np.abs(data_of(envelope)).min() < 1e-11:
        raise RuntimeError(f"istft: window overlap add min: {np.abs(data_of(envelope)).min()}; the windows do not cover the signal")
    y = y / envelope
    if length is not None and length > end - start:
        warnings.warn("The length of signal is shorter than the length parameter. Result is being padded with zeros in the tail. "
                      "Please check your center and hop_length settings.", stacklevel=2)
        y = pad(y, [0, length - (end - start)])
    return y if input.ndim == 3 else y[0]
