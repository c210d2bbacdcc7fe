"""The distribution on [0, 1] whose log-probability is a Bernoulli's and a constant (Loaiza-Ganem and Cunningham, 2019)."""

from __future__ import annotations

import math
from typing import Any

from ..core.modes import no_grad
from ..ops.loss import binary_cross_entropy_with_logits
from ..ops.random import rand
from ..ops.select import where
from . import constraints
from .bernoulli import Trial
from .distribution import ExponentialFamily
from .utils import broadcast_all, clamp_probs, lazy_property, logits_to_probs

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(Trial, ExponentialFamily):
    """p(x) = C p^x (1 - p)^(1 - x) on [0, 1]; where p lies within `lims`, near 1/2, series take the place of formulas that divide by 0."""

    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, probs: Any = None, logits: Any = None, lims: tuple[float, float] = (0.499, 0.501), validate_args: bool | None = None) -> None:
        super().__init__(probs, logits, validate_args)
        self._lims = lims
        if probs is not None:
            self.probs = clamp_probs(self.probs)

    @lazy_property
    def probs(self) -> Any:
        """sigmoid(logits), kept within (0, 1)."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _outside(self) -> Any:
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _cut(self) -> Any:
        """p, or the lower limit within the limits."""
        return self.probs.masked_fill(~self._outside(), self._lims[0])

    def _log_odds(self) -> Any:
        """log(1 - p) - log p."""
        return (-self._cut()).log1p() - self._cut().log()

    def _cont_bern_log_norm(self) -> Any:
        """log C = log(2 atanh(1 - 2 p) / (1 - 2 p))."""
        p, square = self._cut(), (self.probs - 0.5) ** 2
        low = p <= 0.5
        width = where(low, (-2 * p.masked_fill(~low, 0)).log1p(), (2 * p.masked_fill(low, 1) - 1).log())
        return where(self._outside(), self._log_odds().abs().log() - width, math.log(2.0) + (4 / 3 + 104 / 45 * square) * square)

    @property
    def mean(self) -> Any:
        """p / (2 p - 1) + 1 / (log(1 - p) - log p)."""
        p, away = self._cut(), self.probs - 0.5
        return where(self._outside(), p / (2 * p - 1) + 1 / self._log_odds(), 0.5 + (1 / 3 + 16 / 45 * away ** 2) * away)

    @property
    def variance(self) -> Any:
        """p (p - 1) / (1 - 2 p)^2 + 1 / (log(1 - p) - log p)^2."""
        p, square = self._cut(), (self.probs - 0.5) ** 2
        return where(self._outside(), p * (p - 1) / (1 - 2 * p) ** 2 + 1 / self._log_odds() ** 2, 1 / 12 - (1 / 15 - 128 / 945 * square) * square)

    def sample(self, sample_shape: Any = ()) -> Any:
        """PyTorch's numbers."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """`icdf` of uniform values: PyTorch's numbers."""
        return self.icdf(rand(self._extended_shape(sample_shape), dtype=self.probs.dtype))

    def log_prob(self, value: Any) -> Any:
        """x log p + (1 - x) log(1 - p) + log C."""
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none") + self._cont_bern_log_norm()

    def cdf(self, value: Any) -> Any:
        """(p^x (1 - p)^(1 - x) + p - 1) / (2 p - 1)."""
        self._validate_sample(value)
        p = self._cut()
        inner = where(self._outside(), (p ** value * (1 - p) ** (1 - value) + p - 1) / (2 * p - 1), value)
        return inner.masked_fill(value <= 0, 0).masked_fill(value >= 1, 1)

    def icdf(self, value: Any) -> Any:
        """(log(1 - p + u (2 p - 1)) - log(1 - p)) / (log p - log(1 - p))."""
        p = self._cut()
        return where(self._outside(), ((-p + value * (2 * p - 1)).log1p() - (-p).log1p()) / -self._log_odds(), value)

    def entropy(self) -> Any:
        """mean (log(1 - p) - log p) - log C - log(1 - p)."""
        zero = (-self.probs).log1p()
        return self.mean * (zero - self.probs.log()) - self._cont_bern_log_norm() - zero
