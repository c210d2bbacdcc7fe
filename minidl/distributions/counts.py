"""Distributions of counts in several trials: binomial, negative binomial, multinomial."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..core.modes import no_grad
from ..ops.activation import logsigmoid, sigmoid
from ..ops.create import arange, tensor
from ..ops.embedding import one_hot
from ..ops.random import poisson
from ..ops.rejection import binomial
from . import constraints
from .bernoulli import Trial
from .categorical import OverCategorical
from .gamma import Gamma
from .utils import broadcast_all

__all__ = ["Binomial", "Multinomial", "NegativeBinomial"]


class Trials(Trial):
    """Base of distributions of several trials of one probability."""

    def __init__(self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        given = logits if probs is None else probs
        count, given = broadcast_all(total_count, given)
        self.total_count = count.type_as(given)
        super().__init__(**{"logits" if probs is None else "probs": given}, validate_args=validate_args)


class Binomial(Trials):
    """P(k) = n! / (k! (n - k)!) p^k (1 - p)^(n - k), n = total_count.

    >>> import minidl as torch
    >>> torch.distributions.Binomial(2, torch.tensor(0.5)).log_prob(torch.tensor(1.0)).exp()
    tensor(0.5000)
    """

    arg_constraints: ClassVar[Any] = {"total_count": constraints.nonnegative_integer, **Trial.arg_constraints}
    has_enumerate_support = True

    def __init__(self, total_count: Any = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(total_count, probs, logits, validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        """0 ... n."""
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Any:
        """n p."""
        return self.total_count * self.probs

    @property
    def mode(self) -> Any:
        """The integer part of (n + 1) p, at most n."""
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Any:
        """n p (1 - p)."""
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        """PyTorch's numbers."""
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Any) -> Any:
        """log P(k)."""
        self._validate_sample(value)
        n, logits = self.total_count, self.logits
        positive = (logits.clamp(min=0) + logits - logits.clamp(max=0)) / 2  # max(logits, 0), of slope 1/2 at 0
        norm = n * positive + n * (-logits.abs()).exp().log1p() - (n + 1).lgamma()
        return value * logits - (value + 1).lgamma() - (n - value + 1).lgamma() - norm

    def _count(self, what: str) -> int:
        count = int(self.total_count.max())
        if self.total_count.min() != count:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{what}`.")
        return count

    def entropy(self) -> Any:
        """-sum P log P; NotImplementedError for several n."""
        self._count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Any:
        """0 ... n along a new first dimension; NotImplementedError for several n."""
        values = arange(1 + self._count("enumerate_support"), dtype=self.total_count.dtype).view(-1, *[1] * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values


class NegativeBinomial(Trials):
    """P(k) = gamma(n + k) / (k! gamma(n)) (1 - p)^n p^k: k successes before n failures, n = total_count."""

    arg_constraints: ClassVar[Any] = {"total_count": constraints.greater_than_eq(0), "probs": constraints.half_open_interval(0.0, 1.0),
                                      "logits": constraints.real}
    support = constraints.nonnegative_integer

    @property
    def mean(self) -> Any:
        """n p / (1 - p)."""
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Any:
        """The integer part of (n - 1) p / (1 - p), or 0."""
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Any:
        """n p / (1 - p)^2."""
        return self.mean / sigmoid(-self.logits)

    def sample(self, sample_shape: Any = ()) -> Any:
        """PyTorch's numbers: counts of a rate that is a gamma sample."""
        with no_grad():
            return poisson(Gamma(self.total_count, (-self.logits).exp(), validate_args=False).sample(sample_shape))

    def log_prob(self, value: Any) -> Any:
        """log P(k)."""
        self._validate_sample(value)
        n = self.total_count
        norm = (-(n + value).lgamma() + (1.0 + value).lgamma() + n.lgamma()).masked_fill(n + value == 0.0, 0.0)
        return n * logsigmoid(-self.logits) + value * logsigmoid(self.logits) - norm


class Multinomial(OverCategorical):
    """P(k) = n! prod p_i^k_i / k_i!: how often each of the choices of a `Categorical` is drawn in n = total_count draws."""

    def __init__(self, total_count: int = 1, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        super().__init__(probs, logits, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The distribution of another batch shape."""
        new = super().expand(batch_shape, _instance)
        new.total_count = self.total_count
        return new

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        """Counts of sum n at most."""
        return constraints.multinomial(self.total_count)

    @property
    def mean(self) -> Any:
        """n p."""
        return self.probs * self.total_count

    @property
    def variance(self) -> Any:
        """n p (1 - p)."""
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Any:
        """PyTorch's numbers."""
        drawn = self._categorical.sample((self.total_count, *sample_shape))
        return one_hot(drawn, self._event_shape[0]).sum(0).type_as(self.probs)

    def log_prob(self, value: Any) -> Any:
        """log P(k)."""
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        logits = logits.masked_fill((value == 0) & (logits == -math.inf), 0)
        return (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1) + (logits * value).sum(-1)

    def entropy(self) -> Any:
        """n H(p) - log n! + the sum of the means of log k_i!."""
        n = Binomial(self.total_count, self.probs)
        some = n.enumerate_support(expand=False)[1:]
        factorials = (n.log_prob(some).exp() * (some + 1).lgamma()).sum((0, -1))
        return self.total_count * self._categorical.entropy() - tensor(self.total_count + 1).lgamma() + factorials
