"""Distributions of waiting times for several events: gamma, chi-squared, and what is made of them. Samples move with the parameters (`rsample`)."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..core.dtypes import finfo
from ..ops.create import as_tensor
from ..ops.gammas import gammainc
from ..ops.rejection import _standard_gamma
from . import constraints
from .distribution import Distribution, ExponentialFamily
from .pointwise import PowerTransform
from .transformed import TransformedDistribution
from .utils import _standard_normal, broadcast_all

__all__ = ["Chi2", "FisherSnedecor", "Gamma", "InverseGamma", "StudentT"]


class Gamma(ExponentialFamily):
    """p(x) = rate^c x^(c - 1) exp(-rate x) / gamma(c), c the concentration.

    >>> import minidl as torch
    >>> torch.distributions.Gamma(2.0, 1.0).log_prob(torch.tensor(1.0))
    tensor(-1.)
    """

    arg_constraints: ClassVar[Any] = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """c / rate."""
        return self.concentration / self.rate

    @property
    def mode(self) -> Any:
        """(c - 1) / rate, or 0."""
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Any:
        """c / rate^2."""
        return self.concentration / self.rate.pow(2)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """PyTorch's numbers."""
        shape = self._extended_shape(sample_shape)
        value = _standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        value.detach().clamp_(min=finfo(value.dtype).tiny)
        return value

    def log_prob(self, value: Any) -> Any:
        """c log rate + (c - 1) log x - rate x - log gamma(c)."""
        value = as_tensor(value, dtype=self.rate.dtype)
        self._validate_sample(value)
        c = self.concentration
        return c.xlogy(self.rate) + (c - 1).xlogy(value) - self.rate * value - c.lgamma()

    def entropy(self) -> Any:
        """c - log rate + log gamma(c) + (1 - c) digamma(c)."""
        c = self.concentration
        return c - self.rate.log() + c.lgamma() + (1 - c) * c.digamma()

    def cdf(self, value: Any) -> Any:
        """The incomplete gamma function of c at rate x."""
        self._validate_sample(value)
        return gammainc(self.concentration, self.rate * value)


class Chi2(Gamma):
    """Of the sum of df squares of standard normal values: `Gamma` of df / 2 and 1 / 2."""

    arg_constraints: ClassVar[Any] = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The distribution of another batch shape."""
        new = super().expand(batch_shape, _instance)
        new.concentration, new.rate = self.concentration.expand(batch_shape), self.rate.expand(batch_shape)
        return new

    @property
    def df(self) -> Any:
        """Degrees of freedom."""
        return self.concentration * 2


class InverseGamma(TransformedDistribution):
    """1 / x, x of `Gamma`."""

    arg_constraints: ClassVar[Any] = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        base = Gamma(concentration, rate, validate_args=validate_args)
        super().__init__(base, PowerTransform(-base.rate.new_ones(())), validate_args=validate_args)

    @property
    def concentration(self) -> Any:
        """The gamma's."""
        return self.base_dist.concentration

    @property
    def rate(self) -> Any:
        """The gamma's."""
        return self.base_dist.rate

    @property
    def mean(self) -> Any:
        """rate / (c - 1), infinite for c <= 1."""
        return (self.rate / (self.concentration - 1)).masked_fill(self.concentration <= 1, math.inf)

    @property
    def mode(self) -> Any:
        """rate / (c + 1)."""
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Any:
        """rate^2 / ((c - 1)^2 (c - 2)), infinite for c <= 2."""
        c = self.concentration
        return (self.rate.square() / ((c - 1).square() * (c - 2))).masked_fill(c <= 2, math.inf)

    def entropy(self) -> Any:
        """c + log rate + log gamma(c) - (1 + c) digamma(c)."""
        c = self.concentration
        return c + self.rate.log() + c.lgamma() - (1 + c) * c.digamma()


class StudentT(Distribution):
    """loc + scale z / sqrt(s / df), z standard normal and s of `Chi2`."""

    arg_constraints: ClassVar[Any] = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """loc; nan for df <= 1."""
        return self.loc.masked_fill(self.df <= 1, math.nan)

    @property
    def mode(self) -> Any:
        """loc."""
        return self.loc

    @property
    def variance(self) -> Any:
        """scale^2 df / (df - 2); infinite for df <= 2, nan for df <= 1."""
        finite = self.df > 2
        df = self.df.masked_fill(~finite, 3)
        return (self.scale.pow(2) * df / (df - 2)).masked_fill(~finite, math.inf).masked_fill(self.df <= 1, math.nan)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """PyTorch's numbers."""
        z = _standard_normal(self._extended_shape(sample_shape), self.df.dtype, None)
        return self.loc + self.scale * (z * (Chi2(self.df).rsample(sample_shape) / self.df).rsqrt())

    def _log_normalizer(self) -> Any:
        half = 0.5 * self.df
        return self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi) + half.lgamma() - (half + 0.5).lgamma()

    def log_prob(self, value: Any) -> Any:
        """-(df + 1) / 2 log(1 + y^2 / df) - log B, y = (x - loc) / scale."""
        self._validate_sample(value)
        y = (value - self.loc) / self.scale
        return -0.5 * (self.df + 1) * (y ** 2.0 / self.df).log1p() - self._log_normalizer()

    def entropy(self) -> Any:
        """log B + (df + 1) / 2 (digamma((df + 1) / 2) - digamma(df / 2))."""
        half = 0.5 * self.df
        return self._log_normalizer() + (half + 0.5) * ((half + 0.5).digamma() - half.digamma())


class FisherSnedecor(Distribution):
    """(s1 / df1) / (s2 / df2), both s of `Chi2`."""

    arg_constraints: ClassVar[Any] = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = broadcast_all(df1, df2)
        super().__init__(self.df1.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """df2 / (df2 - 2); nan for df2 <= 2."""
        df2 = self.df2.masked_fill(self.df2 <= 2, math.nan)
        return df2 / (df2 - 2)

    @property
    def mode(self) -> Any:
        """(df1 - 2) / df1 df2 / (df2 + 2); nan for df1 <= 2."""
        return ((self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)).masked_fill(self.df1 <= 2, math.nan)

    @property
    def variance(self) -> Any:
        """2 df2^2 (df1 + df2 - 2) / (df1 (df2 - 2)^2 (df2 - 4)); nan for df2 <= 4."""
        df2 = self.df2.masked_fill(self.df2 <= 4, math.nan)
        return 2 * df2.pow(2) * (self.df1 + df2 - 2) / (self.df1 * (df2 - 2).pow(2) * (df2 - 4))

    def rsample(self, sample_shape: Any = ()) -> Any:
        """PyTorch's numbers."""
        shape = self._extended_shape(sample_shape)
        above, below = (Gamma(df * 0.5, df).rsample(sample_shape).view(shape) for df in (self.df1, self.df2))
        tiny = finfo(below.dtype).tiny
        return (above / below.clamp(min=tiny)).clamp(min=tiny)

    def log_prob(self, value: Any) -> Any:
        """The logarithm of x^(a - 1) r^a (1 + r x)^-(a + b) / B(a, b), a = df1 / 2, b = df2 / 2, r = df1 / df2."""
        self._validate_sample(value)
        a, b, ratio = self.df1 * 0.5, self.df2 * 0.5, self.df1 / self.df2
        norm = (a + b).lgamma() - a.lgamma() - b.lgamma()
        return norm + a * ratio.log() + (a - 1) * value.log() - (a + b) * (ratio * value).log1p()
