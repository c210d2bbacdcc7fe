"""Distributions of a place and a width: normal, Laplace, Cauchy; and of two ends: uniform."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..core.dtypes import finfo
from ..core.modes import no_grad
from ..ops.random import normal, rand
from . import constraints
from .distribution import Distribution, ExponentialFamily
from .utils import _standard_normal, broadcast_all

__all__ = ["Cauchy", "HalfNormal", "Laplace", "Normal", "Uniform"]


class LocScale(Distribution):
    """Base of distributions of (x - loc) / scale."""

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """loc."""
        return self.loc

    @property
    def mode(self) -> Any:
        """loc."""
        return self.loc

    def _standard(self, value: Any) -> Any:
        self._validate_sample(value)
        return (value - self.loc) / self.scale


class Normal(LocScale, ExponentialFamily):
    """p(x) = exp(-(x - loc)^2 / (2 scale^2)) / (scale sqrt(2 pi)).

    >>> import minidl as torch
    >>> torch.distributions.Normal(0.0, 1.0).log_prob(torch.tensor(0.0))
    tensor(-0.9189)
    """

    @property
    def stddev(self) -> Any:
        """scale."""
        return self.scale

    @property
    def variance(self) -> Any:
        """scale^2."""
        return self.scale ** 2

    def sample(self, sample_shape: Any = ()) -> Any:
        """PyTorch's numbers."""
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return normal(self.loc.expand(shape), self.scale.expand(shape))

    def rsample(self, sample_shape: Any = ()) -> Any:
        """loc + scale z, z standard normal."""
        return self.loc + _standard_normal(self._extended_shape(sample_shape), self.loc.dtype, None) * self.scale

    def log_prob(self, value: Any) -> Any:
        """log p(value)."""
        self._validate_sample(value)
        return -((value - self.loc) ** 2) / (2 * self.scale ** 2) - self.scale.log() - math.log(math.sqrt(2 * math.pi))

    def cdf(self, value: Any) -> Any:
        """(1 + erf((x - loc) / (scale sqrt 2))) / 2."""
        return 0.5 * (1 + (self._standard(value) / math.sqrt(2)).erf())

    def icdf(self, value: Any) -> Any:
        """The inverse of `cdf`."""
        return self.loc + self.scale * (2 * value - 1).erfinv() * math.sqrt(2)

    def entropy(self) -> Any:
        """(1 + log(2 pi)) / 2 + log scale."""
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()


class HalfNormal(Distribution):
    """\\|x| of a normal x around 0."""

    arg_constraints: ClassVar[Any] = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        (self.scale,) = broadcast_all(scale)
        super().__init__(self.scale.shape, validate_args=validate_args)

    def _normal(self) -> Normal:
        return Normal(self.scale * 0, self.scale, validate_args=False)

    @property
    def mean(self) -> Any:
        """scale sqrt(2 / pi)."""
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def mode(self) -> Any:
        """0."""
        return self.scale.detach() * 0

    @property
    def variance(self) -> Any:
        """scale^2 (1 - 2 / pi)."""
        return self.scale ** 2 * (1 - 2 / math.pi)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """abs of the normal's."""
        return self._normal().rsample(sample_shape).abs()

    def log_prob(self, value: Any) -> Any:
        """log 2 p(value), -inf below 0."""
        self._validate_sample(value)
        log_prob = self._normal().log_prob(value) + math.log(2)
        return log_prob.masked_fill(value < 0, -math.inf)

    def cdf(self, value: Any) -> Any:
        """erf(x / (scale sqrt 2))."""
        self._validate_sample(value)
        return 2 * self._normal().cdf(value) - 1

    def icdf(self, value: Any) -> Any:
        """The inverse of `cdf`."""
        return self._normal().icdf((value + 1) / 2)

    def entropy(self) -> Any:
        """The normal's less log 2."""
        return self._normal().entropy() - math.log(2)


class Laplace(LocScale):
    """p(x) = exp(-|x - loc| / scale) / (2 scale)."""

    @property
    def variance(self) -> Any:
        """2 scale^2."""
        return 2 * self.scale ** 2

    @property
    def stddev(self) -> Any:
        """scale sqrt 2."""
        return 2 ** 0.5 * self.scale

    def rsample(self, sample_shape: Any = ()) -> Any:
        """PyTorch's numbers."""
        shape = self._extended_shape(sample_shape)
        u = self.loc.new_empty(shape).uniform_(finfo(self.loc.dtype).eps - 1, 1)
        return self.loc - self.scale * u.sign() * (-u.abs()).log1p()

    def log_prob(self, value: Any) -> Any:
        """log p(value)."""
        self._validate_sample(value)
        return -(2 * self.scale).log() - (value - self.loc).abs() / self.scale

    def cdf(self, value: Any) -> Any:
        """(1 + sign(z) (1 - exp(-|z|))) / 2, z = (x - loc) / scale."""
        z = self._standard(value)
        return 0.5 - 0.5 * z.sign() * (-z.abs()).expm1()

    def icdf(self, value: Any) -> Any:
        """The inverse of `cdf`."""
        term = value - 0.5
        return self.loc - self.scale * term.sign() * (-2 * term.abs()).log1p()

    def entropy(self) -> Any:
        """1 + log(2 scale)."""
        return 1 + (2 * self.scale).log()


class Cauchy(LocScale):
    """p(x) = 1 / (pi scale (1 + ((x - loc) / scale)^2)); no mean, no variance."""

    @property
    def mean(self) -> Any:
        """nan."""
        return self.loc.detach() * math.nan

    @property
    def variance(self) -> Any:
        """inf."""
        return self.scale.detach() * math.inf

    def rsample(self, sample_shape: Any = ()) -> Any:
        """loc + scale z, z of PyTorch's numbers."""
        return self.loc + self.loc.new_empty(self._extended_shape(sample_shape)).cauchy_() * self.scale

    def log_prob(self, value: Any) -> Any:
        """log p(value)."""
        z = self._standard(value)
        return -math.log(math.pi) - self.scale.log() - (z ** 2).log1p()

    def cdf(self, value: Any) -> Any:
        """atan(z) / pi + 1 / 2."""
        return self._standard(value).atan() / math.pi + 0.5

    def icdf(self, value: Any) -> Any:
        """The inverse of `cdf`."""
        return (math.pi * (value - 0.5)).tan() * self.scale + self.loc

    def entropy(self) -> Any:
        """log(4 pi scale)."""
        return math.log(4 * math.pi) + self.scale.log()


class Uniform(Distribution):
    """p(x) = 1 / (high - low) for low <= x < high."""

    has_rsample = True

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast_all(low, high)
        super().__init__(self.low.shape, validate_args=validate_args)

    @property
    def arg_constraints(self) -> Any:
        """low below high."""
        return {"low": constraints.less_than(self.high), "high": constraints.greater_than(self.low)}

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        """[low, high]."""
        return constraints.interval(self.low, self.high)

    @property
    def mean(self) -> Any:
        """(high + low) / 2."""
        return (self.high + self.low) / 2

    @property
    def mode(self) -> Any:
        """nan: every value is as likely."""
        return math.nan * self.high

    @property
    def variance(self) -> Any:
        """(high - low)^2 / 12."""
        return (self.high - self.low) ** 2 / 12

    @property
    def stddev(self) -> Any:
        """(high - low) / sqrt 12."""
        return (self.high - self.low) / 12 ** 0.5

    def rsample(self, sample_shape: Any = ()) -> Any:
        """low + u (high - low), u uniform on [0, 1)."""
        return self.low + rand(self._extended_shape(sample_shape), dtype=self.low.dtype) * (self.high - self.low)

    def log_prob(self, value: Any) -> Any:
        """-log(high - low), -inf outside."""
        self._validate_sample(value)
        inside = (self.low <= value).type_as(self.low) * (self.high > value).type_as(self.low)
        return inside.log() - (self.high - self.low).log()

    def cdf(self, value: Any) -> Any:
        """(x - low) / (high - low), within [0, 1]."""
        self._validate_sample(value)
        return ((value - self.low) / (self.high - self.low)).clamp(min=0, max=1)

    def icdf(self, value: Any) -> Any:
        """The inverse of `cdf`."""
        return value * (self.high - self.low) + self.low

    def entropy(self) -> Any:
        """log(high - low)."""
        return (self.high - self.low).log()
