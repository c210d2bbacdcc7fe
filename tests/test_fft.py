"""Fourier transforms against PyTorch: sizes, norms, gradients of every order, spectrograms and back, the networks that are made of them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minidl

from .complex_numbers import SIDES, both, complexes, reals, same

NORMS = st.sampled_from([None, "backward", "ortho", "forward"])


def inputs(data: st.DataObject, name: str, shape: Any) -> np.ndarray:
    """Real numbers for what takes no others, for the rest either kind."""
    real = name.startswith(("rfft", "ihfft")) or data.draw(st.booleans())
    x: np.ndarray = data.draw(reals(shape) if real else complexes(shape))
    return x


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
@given(data=st.data())
def test_along_one_dimension(name: str, data: st.DataObject) -> None:
    x = inputs(data, name, data.draw(st.sampled_from([(2,), (5,), (6,), (2, 3), (3, 1, 4)])))
    n, dim, norm = data.draw(st.none() | st.integers(1, 7)), data.draw(st.integers(-x.ndim, x.ndim - 1)), data.draw(NORMS)
    if name in ("irfft", "hfft") and x.shape[dim] == 1 and n is None:
        n = 3
    same(lambda T, x: getattr(T.fft, name)(x, n, dim, norm), x)


@pytest.mark.parametrize("name", ["fft2", "ifft2", "rfft2", "irfft2", "hfft2", "ihfft2", "fftn", "ifftn", "rfftn", "irfftn", "hfftn", "ihfftn"])
@given(data=st.data())
def test_along_several_dimensions(name: str, data: st.DataObject) -> None:
    x = inputs(data, name, data.draw(st.sampled_from([(2, 3), (4, 5), (2, 3, 2), (3, 2, 4)])))
    kwargs: dict[str, Any] = {"norm": data.draw(NORMS)}
    dims = tuple(data.draw(st.permutations(range(x.ndim)))[:data.draw(st.integers(1, x.ndim))])
    if data.draw(st.booleans()):
        kwargs["dim"] = dims
    elif name.endswith("2"):
        dims = (-2, -1)
    elif not data.draw(st.booleans()):
        dims = tuple(range(x.ndim))
    else:
        dims = tuple(range(x.ndim))[-len(dims):]
        kwargs["s"] = [0] * len(dims)
    if data.draw(st.booleans()) or "s" in kwargs:
        kwargs["s"] = [data.draw(st.integers(1, 5) | st.just(-1)) for _ in dims]
    same(lambda T, x: getattr(T.fft, name)(x, **kwargs), x)


@pytest.mark.parametrize("name", [name for name in torch.fft.__all__ if "fft" in name and "freq" not in name and "shift" not in name and name.islower()])
def test_types(name: str) -> None:
    for dtype in ("bool", "int64", "float32", "float64", "complex64", "complex128", "float16"):
        both(lambda T, dtype=dtype: (y := getattr(T.fft, name)(T.ones((2, 4), dtype=getattr(T, dtype)))).dtype and (y.dtype, y.shape))


@given(x=complexes((3, 4)), r=reals((3, 5)))
def test_each_undoes_the_other(x: np.ndarray, r: np.ndarray) -> None:
    F, z, y = minidl.fft, minidl.tensor(x), minidl.tensor(r)
    for norm in (None, "ortho", "forward"):
        for there, back in ((F.fft, F.ifft), (F.fft2, F.ifft2), (F.fftn, F.ifftn)):
            np.testing.assert_allclose(back(there(z, norm=norm), norm=norm).numpy(), x, atol=1e-12)
        for there, back in ((F.rfft, F.irfft), (F.ihfft, F.hfft)):
            np.testing.assert_allclose(back(there(y, norm=norm), 5, norm=norm).numpy(), r, atol=1e-12)
        for there, back in ((F.rfft2, F.irfft2), (F.rfftn, F.irfftn), (F.ihfftn, F.hfftn)):
            np.testing.assert_allclose(back(there(y, norm=norm), (3, 5), norm=norm).numpy(), r, atol=1e-12)
    matrix = np.exp(-2j * np.pi * np.outer(np.arange(4), np.arange(4)) / 4)  # the definition
    np.testing.assert_allclose(F.fft(z).numpy(), x @ matrix, atol=1e-12)


@pytest.mark.parametrize("expression", """
fft(T.tensor(1.)); fft(x, 0); fft(x, -2); fft(x, norm='x'); rfft(z); ihfft(z); irfft(x); fftn(x, s=(2, 2)); fftn(T.ones(3, 3), s=(2, 2), dim=(0,)); fft2(x); rfftn(z)
rfftn(T.ones(3, 3), dim=()); irfftn(T.ones(3, 3), dim=()); fftn(T.ones(3, 3), dim=(0, 0)); fft(x.half()); fft(T.ones(0)); rfft(T.ones(3, 0)); fft(3.0); fft(x, 2.5); fft(x, dim=2)
fft2(T.ones(3, 3), s=5); rfftn(T.tensor(1.)); fftshift(T.ones(3, 3), dim=5); fftfreq(3, dtype=T.int32); ihfftn(z); irfft2(T.ones(3, 1))
""".replace("\n", ";").strip(" ;").split(";"))
def test_what_is_refused(expression: str) -> None:
    for T in SIDES:
        with pytest.raises((RuntimeError, TypeError, IndexError)):
            eval(f"T.fft.{expression.strip()}", {"T": T, "x": T.ones(1), "z": T.ones(3) * 1j})


def test_frequencies() -> None:
    both(lambda T: [f(n, d) for f in (T.fft.fftfreq, T.fft.rfftfreq) for n in (0, 1, 4, 5) for d in (1.0, 0.5)])
    both(lambda T: [T.fft.fftshift(T.arange(5)), T.fft.ifftshift(T.arange(5)), T.fft.fftshift(T.arange(6).reshape(2, 3), 1), T.fft.fftn(T.tensor(1.0))])
    both(lambda T: T.fft.fft(T.arange(4.0), out=(y := T.empty(4, dtype=T.cfloat))) is y and y.abs())


# ---- spectrograms


@given(data=st.data())
def test_spectrograms_and_back(data: st.DataObject) -> None:
    n_fft = data.draw(st.integers(2, 7))
    shape = data.draw(st.sampled_from([(12,), (2, 13)]))
    is_complex, windowed = data.draw(st.booleans()), data.draw(st.booleans())
    x = data.draw(complexes(shape) if is_complex else reals(shape))
    size = data.draw(st.integers((n_fft + 1) // 2, n_fft))
    kwargs = {"hop_length": data.draw(st.integers(1, (size + 1) // 2)), "win_length": size, "center": data.draw(st.booleans()), "normalized": data.draw(st.booleans())}
    onesided = not is_complex and data.draw(st.booleans())
    mode = data.draw(st.sampled_from(["reflect", "constant", "replicate"]))

    def there(T: ModuleType, x: Any) -> Any:
        window = 0.5 + T.hann_window(size, dtype=x.real.dtype) if windowed else None
        return T.stft(x, n_fft, window=window, onesided=onesided, return_complex=True, pad_mode=mode, **kwargs)

    def and_back(T: ModuleType, x: Any) -> Any:
        window = 0.5 + T.hann_window(size, dtype=x.real.dtype) if windowed else None
        return there(T, x).istft(n_fft, window=window, onesided=onesided, return_complex=is_complex, length=10 if kwargs["center"] else None, **kwargs)

    same(there, x)
    if kwargs["center"]:  # else the first samples have no window with their own weight
        same(and_back, x)
        np.testing.assert_allclose(and_back(minidl, minidl.tensor(x)).numpy(), x[..., :10], atol=1e-9)


@pytest.mark.parametrize("expression", """
stft(x, 4); stft(x, 20, return_complex=True); stft(x, 4, 0, return_complex=True); stft(x, 4, win_length=5, return_complex=True); stft(x.long(), 4, return_complex=True)
stft(x, 4, window=T.ones(3), return_complex=True); stft(T.ones(1, 1, 8), 4, return_complex=True); stft(z, 4, onesided=True); istft(x, 4); istft(s, 6); istft(s, 4, 5)
istft(s, 4, window=T.zeros(4)); istft(s, 4, return_complex=True); istft(T.ones(4, 4) * 1j, 4, onesided=True); istft(T.ones(0, 4) * 1j, 4); stft(x, 20, center=False, return_complex=True)
istft(s, 4, window=T.ones(5))
""".replace("\n", ";").strip(" ;").split(";"))
def test_spectrograms_that_are_refused(expression: str) -> None:
    for T in SIDES:
        with pytest.raises(RuntimeError):
            eval(f"T.{expression.strip()}", {"T": T, "x": T.ones(8), "z": T.ones(8) * 1j, "s": T.ones(3, 4) * 1j})


def test_older_forms() -> None:
    both(lambda T: T.stft(T.arange(10.0), 4, 2, return_complex=False))
    both(lambda T: T.stft(T.ones(8) * 1j, 4).shape)
    both(lambda T: T.istft(T.ones(3, 4) * 1j, 4, length=30))


# ---- networks


def fourier_net(T: ModuleType, x: Any) -> Any:
    """FNet's mixing of tokens: the real part of a transform along both dimensions."""
    return T.nn.functional.gelu(T.fft.fft(T.fft.fft(x, dim=-1), dim=-2).real)


def global_filter(T: ModuleType, x: Any, weight: Any) -> Any:
    """GFNet's filter: an elementwise product in the frequency domain, with a weight kept as pairs of real numbers."""
    y = T.fft.rfft2(x.to(weight.dtype), dim=(1, 2), norm="ortho") * T.view_as_complex(weight)
    return T.fft.irfft2(y, s=(4, 4), dim=(1, 2), norm="ortho")


def adaptive_operator(T: ModuleType, x: Any, w: Any) -> Any:
    """AFNO's block: frequencies mixed by a small complex network of real weights, shrunk, and transformed back."""
    y = T.fft.rfft2(x, dim=(1, 2), norm="ortho")
    real = T.nn.functional.relu(T.einsum("bxyc,cd->bxyd", y.real, w[0]) - T.einsum("bxyc,cd->bxyd", y.imag, w[1]))
    imag = T.nn.functional.relu(T.einsum("bxyc,cd->bxyd", y.imag, w[0]) + T.einsum("bxyc,cd->bxyd", y.real, w[1]))
    y = T.view_as_complex(T.nn.functional.softshrink(T.stack([real, imag], dim=-1), 0.01))
    return T.fft.irfft2(y, s=(4, 4), dim=(1, 2), norm="ortho") + x


def spectral_convolution(T: ModuleType, x: Any, w: Any) -> Any:
    """FNO's layer: the lowest frequencies times complex weights, the others zero."""
    y = T.fft.rfft2(x.permute(0, 3, 1, 2))
    out = T.zeros(*y.shape, dtype=y.dtype)
    out[:, :, :2, :2] = T.einsum("bixy,ioxy->boxy", y[:, :, :2, :2], w)
    out[:, :, -2:, :2] = T.einsum("bixy,ioxy->boxy", y[:, :, -2:, :2], w.conj())
    return T.fft.irfft2(out, s=(4, 4))


def frequency_loss(T: ModuleType, x: Any) -> Any:
    """Kornia's and others' loss of spectra: log magnitudes and phases, shifted."""
    y = T.fft.fftshift(T.fft.fft2(x, dim=(1, 2)), dim=(1, 2))
    return T.log1p(y.abs()).mean() + (y.real ** 2 + y.imag ** 2 + 1e-8).sqrt().mean() + T.view_as_real(y).abs().mean()


@given(x=reals((2, 4, 4, 3), "finite"), weight=reals((4, 3, 3, 2), "finite"), w=reals((2, 3, 3)), c=complexes((3, 3, 2, 2)))
def test_networks(x: np.ndarray, weight: np.ndarray, w: np.ndarray, c: np.ndarray) -> None:
    x = x + np.linspace(0, 0.7, x.size).reshape(x.shape) ** 2  # no frequency exactly 0, where absolute values and thresholds have their kinks
    same(fourier_net, x)
    same(global_filter, x, weight)
    same(adaptive_operator, x, w)
    same(spectral_convolution, x, c)
    same(frequency_loss, x)


# ---- windows


WINDOWS = [("bartlett", {}), ("blackman", {}), ("cosine", {}), ("exponential", {"tau": 2.0}), ("exponential", {"center": 1.0, "sym": False}), ("gaussian", {"std": 0.7}),
           ("general_cosine", {"a": [0.4, 0.3, 0.2, 0.1]}), ("general_hamming", {"alpha": 0.6}), ("hamming", {}), ("hann", {}), ("kaiser", {"beta": 5.0}), ("nuttall", {})]


@pytest.mark.parametrize(("name", "options"), WINDOWS)
def test_windows(name: str, options: dict[str, Any]) -> None:
    for n in (0, 1, 2, 5, 8):
        for sym in (True, False) if "sym" not in options else (False,):
            for dtype, tolerance in (("float32", 2e-6), ("float64", 1e-12)):
                have, want = [getattr(T.signal.windows, name)(n, **{**options, "sym": sym, "dtype": getattr(T, dtype)}) for T in SIDES]
                assert repr(have.dtype) == repr(want.dtype)
                np.testing.assert_allclose(have.numpy(), want.numpy(), rtol=0, atol=tolerance)
    assert getattr(minidl.signal.windows, name)(3, requires_grad=True, **options).requires_grad


def test_every_window_is_compared() -> None:
    assert {name for name, _ in WINDOWS} == set(torch.signal.windows.__all__) == set(minidl.signal.windows.__all__)


@pytest.mark.parametrize("expression", ["hann(-1)", "hann(3, dtype=T.int32)", "hann(3, dtype=T.float16)", "exponential(3, tau=-1)", "exponential(3, center=1.0)",
                                        "gaussian(3, std=0)", "kaiser(3, beta=-1)", "general_cosine(3, a=[])", "general_cosine(3, a=3)", "hann(2.5)", "hann(3, foo=1)"])
def test_windows_that_are_refused(expression: str) -> None:
    both(lambda T: eval(f"T.signal.windows.{expression}", {"T": T}))
    with pytest.raises((ValueError, TypeError)):
        eval(f"minidl.signal.windows.{expression}", {"minidl": minidl, "T": minidl})
