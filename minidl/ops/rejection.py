"""Gamma, Dirichlet and binomial samples, and the derivatives of the first two with respect to their parameters.

A sample of a distribution function F(x; a) moves with the parameter as dx/da = -(dF/da) / (dF/dx) (implicit reparametrisation: Figurnov et al.,
2018). The derivatives of these F have no closed form: as in PyTorch's native/Distributions.h they are a Taylor series for small x, Rice's saddle
point expansion for large parameters, and fitted rational functions between.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ..core import Tensor, data_of, primitive, public, rejection, wrap
from ..core.generator import Generator, default_generator
from .reduce import sum
from .special import scipy_special

GAMMA_P = np.array(((0.16009398, -0.094634809, 0.025146376, -0.0030648343), (0.53487893, 0.1298071, 0.065735949, -0.0015649758),
                    (0.040121004, -0.0065914022, -0.0026286047, -0.0013441777)))
GAMMA_Q = np.array(((1, 0.32668115, 0.10406089, 0.0014179084), (0.16639465, 0.020070113, -0.0035938915, -0.00058392623),
                    (0.017050642, -0.0021309326, 0.00085092367, -1.5247877e-07)))
BETA_P = np.array((((1.003668233, -0.01061107488, -0.0657888334, 0.01201642863), (0.6336835991, -0.3557432599, 0.05486251648, -0.001465281033),
                    (-0.03276231906, 0.004474107445, 0.002429354597, -0.0001557569013)),
                   ((0.221950385, -0.3187676331, 0.01799915743, 0.01074823814), (-0.2951249643, 0.06219954479, 0.01535556598, 0.001550077057),
                    (0.02155310298, 0.004170831599, 0.001292462449, 6.976601077e-05)),
                   ((-0.05980841433, 0.008441916499, 0.01085618172, 0.002319392565), (0.02911413504, 0.01400243777, -0.002721828457, 0.000751041181),
                    (0.005900514878, -0.001936558688, -9.495446725e-06, 5.385558597e-05))))
BETA_Q = np.array((((1, -0.02924021934, -0.04438342661, 0.007285809825), (0.6357567472, -0.3473456711, 0.05454656494, -0.002407477521),
                    (-0.03301322327, 0.004845219414, 0.00231480583, -0.0002307248149)),
                   ((0.5925320577, -0.1757678135, 0.01505928619, 0.000564515273), (0.1014815858, -0.06589186703, 0.01272886114, -0.0007316646956),
                    (-0.007258481865, 0.001096195486, 0.0003934994223, -4.12701925e-05)),
                   ((0.06469649321, -0.0236701437, 0.002902096474, -5.896963079e-05), (0.001925008108, -0.002869809258, 0.0008000589141, -6.063713228e-05),
                    (-0.0003477407336, 6.959756487e-05, 1.097287507e-05, -1.650964693e-06))))


def by_region(regions: Any, *arrays: np.ndarray) -> np.ndarray:
    """At each place the function of the first region that holds it, in float64; NaN becomes 0 where PyTorch makes it so."""
    y = np.empty(arrays[0].shape)
    left = np.ones(y.shape, bool)
    with np.errstate(all="ignore"):
        for holds, function in regions:
            here = left & holds
            y[here] = function(*(a[here].astype(np.float64) for a in arrays))
            left &= ~here
    return y


def powers(x: Any, count: int) -> np.ndarray:
    """1, x, x^2, ... along a new last dimension."""
    return np.stack([x ** i for i in range(count)], -1)


def no_second(g: Any) -> NoReturn:
    """As in PyTorch, the derivatives of samples have none themselves."""
    raise NotImplementedError("the derivative for '_standard_gamma_grad' is not implemented.")


# ---- gamma


def _gamma_small(a: Any, x: Any) -> Any:
    term, series, squares = np.ones_like(x), 1 / a, 1 / (a * a)
    for i in range(1, 6):
        term = term * (-x / i)
        series, squares = series + term / (a + i), squares + term / ((a + i) * (a + i))
    density = x ** (a - 1) * np.exp(-x)
    return np.nan_to_num((x ** a * squares - (np.log(x) - scipy_special("psi", a)) * x ** a * series) / density, nan=0.0, posinf=np.inf, neginf=-np.inf)


def _gamma_near_mean(a: Any, x: Any) -> Any:
    first = 1 + 24 * a * (1 + 12 * a)
    second = 1440 * (a * a) + 6 * x * (53 - 120 * x) - 65 * x * x / a + a * (107 + 3600 * x)
    return first * second / (1244160 * (a * a) * (a * a))


def _gamma_saddle(a: Any, x: Any) -> Any:
    root, away = np.sqrt(8 * a), a - x
    slopes = root / away - np.sign(away) * (-away - a * np.log(x / a)) ** -1.5
    term = np.log(x / a) * slopes - np.sqrt(2 / a) * (a + x) / (away * away)
    return -(1 + 1 / (12 * a) * (1 + 1 / (24 * a))) * x * term / root


def _gamma_fitted(a: Any, x: Any) -> Any:
    u, v = powers(np.log(x / a), 3), powers(np.log(a), 4)
    p, q = (np.einsum("...i,ij,...j->...", u, c, v) for c in (GAMMA_P, GAMMA_Q))
    return np.exp(p / q)


@primitive(alpha=no_second, value=no_second)
def _standard_gamma_grad(alpha: Any, value: Any) -> Any:
    """The derivative of a gamma sample of rate 1 with respect to its shape alpha."""
    a, x = alpha, value
    near = (np.float32(0.9) * a <= x) & (x <= np.float32(1.1) * a)
    return by_region(((x < np.float32(0.8), _gamma_small), ((a > 8) & near, _gamma_near_mean), (a > 8, _gamma_saddle),
                      (np.True_, _gamma_fitted)), a, x).astype(x.dtype)


@primitive(x=lambda g, x, y: g * _standard_gamma_grad(x, y), grad_name="StandardGammaBackward0")
def _gamma_of_shape(x: Any, sample: Any) -> Any:
    return sample


def positive(samples: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """In a type, none below its smallest normal number."""
    return np.maximum(samples.astype(dtype), np.finfo(dtype).tiny)


def _standard_gamma(input: Tensor, generator: Generator | None = None) -> Any:
    """Gamma samples of rate 1 with the shapes in `input`: PyTorch's numbers."""
    shape = data_of(input)
    return _gamma_of_shape(input, positive(rejection.gamma(generator or default_generator, shape), shape.dtype))


# ---- Dirichlet, whose every place is a beta sample


def _beta_small(x: Any, a: Any, b: Any) -> Any:
    """By a, for small x."""
    factor = scipy_special("psi", a) - scipy_special("psi", a + b) - np.log(x)
    term, series = np.ones_like(x), 1 / a * (factor + 1 / a)
    for i in range(1, 11):
        term = term * (i - b) * x / i
        series = series + term / (a + i) * (factor + 1 / (a + i))
    return np.nan_to_num(x * (1 - x) ** -b * series, nan=0.0, posinf=np.inf, neginf=-np.inf)


def _beta_small_by_b(x: Any, a: Any, b: Any) -> Any:
    """By b, for small x."""
    factor = scipy_special("psi", a + b) - scipy_special("psi", b)
    term, betas, slopes, series = np.ones_like(x), np.ones_like(x), np.zeros_like(x), factor / a
    for i in range(1, 9):
        term = term * (-x / i)
        slopes, betas = slopes * (b - i) + betas, betas * (b - i)
        series = series + term / (a + i) * (slopes + factor * betas)
    return np.nan_to_num(-(1 - x) ** (1 - b) * series, nan=0.0, posinf=np.inf, neginf=-np.inf)


def _beta_near_mean(x: Any, a: Any, b: Any) -> Any:
    total = a + b
    inner = 3 * (59 + 180 * b - 90 * x) * b ** 2 + a * ((453 + 1620 * b * (1 - x) - 455 * x) * b + a * (8 * (1 - x) * (135 * b - 11)))
    poly = 47 * x * b ** 4 + a * ((43 + 20 * (16 + 27 * b) * x) * b ** 3 + a * inner)
    return (1 + 12 * a) * (1 + 12 * b) / (total * total) / (1 - x) * poly / (12960 * a ** 3 * b ** 2 * (1 + 12 * total))


def _beta_saddle(x: Any, a: Any, b: Any) -> Any:
    total = a + b
    away = a * (x - 1) + b * x
    stirling = _stirling(a) * _stirling(b) / _stirling(total)
    flat = (2 * (a * a) * (x - 1) + a * b * (x - 1) - x * (b * b)) / (np.sqrt(2 * a / b) * total ** 1.5 * away * away)
    distance = b * np.log(b / (total * (1 - x))) + a * np.log(a / (total * x))
    bent = np.sqrt(8 * a * b / total) / away + np.where(x < a / total, 1, -1) * distance ** -1.5
    return -stirling * x / np.sqrt(2 * a * b / total) * (flat + 0.5 * np.log(a / (total * x)) * bent)


def _stirling(a: Any) -> Any:
    return 1 + 1 / (12 * a) + 1 / (288 * a * a)


def _beta_fitted(x: Any, a: Any, b: Any) -> Any:
    total, u = a + b, np.log(x)
    v = np.log(a) - u
    factors = powers(u, 3), powers(v, 3), powers(np.log(total) - v, 4)
    p, q = (np.einsum("...i,...j,...k,ijk->...", *factors, c) for c in (BETA_P, BETA_Q))
    return p / q * x * (scipy_special("psi", total) - scipy_special("psi", a)) / b


@primitive(value=no_second, alpha=no_second, total=no_second)
def _dirichlet_grad(value: Any, alpha: Any, total: Any) -> Any:
    """-(dF/da) / (dF/dx) / (1 - x) of a beta sample x of parameters a = alpha and total - a."""
    x, a = value, alpha
    b, boundary = total - a, total * x * (1 - x)
    mean = a / total
    near = abs(x - mean) <= 0.1 * np.sqrt(a * b / (total + 1)) / total
    large = (a > 6) & (b > 6)
    return by_region((((x <= 0.5) & (boundary < 2.5), _beta_small), ((x >= 0.5) & (boundary < 0.75), lambda x, a, b: -_beta_small_by_b(1 - x, b, a)),
                      (large & near, _beta_near_mean), (large, _beta_saddle), (np.True_, _beta_fitted)), x, a, b).astype(x.dtype)


def dirichlet_gradient(g: Any, a: Any, y: Any) -> Any:
    return _dirichlet_grad(y, a, sum(a, -1, keepdim=True) + a * 0) * (g - sum(y * g, -1, keepdim=True))


@primitive(x=lambda g, x, y: dirichlet_gradient(g, x, y))
def _dirichlet_of_concentration(x: Any, sample: Any) -> Any:
    return sample


def _sample_dirichlet(input: Tensor, generator: Generator | None = None) -> Any:
    """Vectors of sum 1 with the concentrations in the last dimension of `input`: gamma samples over their sum, PyTorch's numbers."""
    concentration = data_of(input)
    samples = positive(rejection.gamma(generator or default_generator, concentration.astype(np.float64)), np.dtype(np.float64))
    share = (samples / samples.sum(-1, keepdims=True)).astype(concentration.dtype)
    one = concentration.dtype.type(1)
    return _dirichlet_of_concentration(input, np.clip(share, np.finfo(share.dtype).tiny, np.nextafter(one, 0 * one)))


@public
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of `count` trials succeed with probability `prob`: PyTorch's numbers, in the type of `count`.

    >>> import minidl as torch
    >>> torch.binomial(torch.tensor([3., 5.]), torch.tensor([0., 1.]))
    tensor([0., 5.])
    """
    n, p = data_of(count), data_of(prob)
    return wrap(rejection.binomial(generator or default_generator, n, p).astype(n.dtype))
