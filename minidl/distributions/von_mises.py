"""The distribution of angles that the normal one is on a line."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ..core.dtypes import float64
from ..core.modes import no_grad
from ..core.tensor import wrap
from ..ops.random import rand
from ..ops.select import where
from . import constraints
from .distribution import Distribution
from .utils import broadcast_all

__all__ = ["VonMises"]

# Polynomials of Abramowitz and Stegun (9.8.1 to 9.8.4) for the Bessel functions I0 and I1: below 3.75 and above.
SMALL = ((1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813),
         (0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411))
LARGE = ((0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281, -0.02057706, 0.02635537, -0.01647633, 0.00392377),
         (0.39894228, -0.03988024, -0.00362018, 0.00163801, -0.01031555, 0.02282967, -0.02895312, 0.01787654, -0.00420059))


def polynomial(x: Any, coefficients: tuple[float, ...]) -> Any:
    y: Any = coefficients[-1]
    for c in coefficients[-2::-1]:
        y = c + x * y
    return y


def log_bessel(x: Any, order: int) -> Any:
    """log I_order(x), of order 0 or 1."""
    small = polynomial((x / 3.75) ** 2, SMALL[order])
    large = x - 0.5 * x.log() + polynomial(3.75 / x, LARGE[order]).log()
    return where(x < 3.75, (x.abs() * small if order else small).log(), large)


class VonMises(Distribution):
    """p(x) = exp(c cos(x - loc)) / (2 pi I0(c)) of angles x in radians, c the concentration."""

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, (), validate_args)

    @property
    def mean(self) -> Any:
        """loc."""
        return self.loc

    @property
    def mode(self) -> Any:
        """loc."""
        return self.loc

    @property
    def variance(self) -> Any:
        """1 - I1(c) / I0(c), the circular one."""
        return 1 - (log_bessel(self.concentration, 1) - log_bessel(self.concentration, 0)).exp()

    def log_prob(self, value: Any) -> Any:
        """c cos(x - loc) - log(2 pi) - log I0(c)."""
        self._validate_sample(value)
        return self.concentration * (value - self.loc).cos() - math.log(2 * math.pi) - log_bessel(self.concentration, 0)

    def sample(self, sample_shape: Any = ()) -> Any:
        """PyTorch's numbers: by rejection from a wrapped Cauchy distribution (Best and Fisher, 1979), in float64."""
        shape = self._extended_shape(sample_shape)
        with no_grad():
            c, loc = self.concentration.double(), self.loc.double()
            tau = 1 + (1 + 4 * c ** 2).sqrt()
            rho = (tau - (2 * tau).sqrt()) / (2 * c)
            r = where(c < 1e-5, 1 / c + c, (1 + rho ** 2) / (2 * rho))
            x: Any = wrap(np.zeros(shape))
            done: Any = wrap(np.zeros(shape, bool))
            while not done.all():
                u = rand((3, *shape), dtype=float64)
                z = (math.pi * u[0]).cos()
                f = (1 + r * z) / (r + z)
                level = c * (r - f)
                good = (level * (2 - level) - u[1] > 0) | ((level / u[1]).log() + 1 - level >= 0)
                x, done = where(good, (u[2] - 0.5).sign() * f.acos(), x), done | good
            return ((x + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)
