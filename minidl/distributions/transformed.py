"""Distributions of functions of random values: log-normal, Gumbel, relaxed choices."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..core.dtypes import finfo
from ..core.modes import no_grad
from ..ops.create import full_like, ones_like
from ..ops.random import rand
from . import constraints
from .bernoulli import Bernoulli
from .categorical import Categorical, OverCategorical
from .distribution import Distribution
from .independent import Independent
from .location import Normal, Uniform
from .transforms import AffineTransform, ComposeTransform, ExpTransform, SigmoidTransform, Transform
from .utils import _sum_rightmost, broadcast_all, clamp_probs

__all__ = ["Gumbel", "LogNormal", "RelaxedBernoulli", "RelaxedOneHotCategorical", "TransformedDistribution"]

EULER = 0.57721566490153286060


class TransformedDistribution(Distribution):
    """Of y = f(x), x of a base distribution: log p(y) = log p(x) - log |dy/dx|."""

    def __init__(self, base_distribution: Any, transforms: Any, validate_args: bool | None = None) -> None:
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        if not all(isinstance(t, Transform) for t in self.transforms):
            raise ValueError(f"transforms must be a Transform or a list of Transforms, but was {transforms}")
        whole = ComposeTransform(self.transforms)
        shape, dims = base_distribution.batch_shape + base_distribution.event_shape, len(base_distribution.event_shape)
        if len(shape) < whole.domain.event_dim:
            raise ValueError("base_distribution needs to have shape with size at least "
                             f"{whole.domain.event_dim}, but got {shape}.")
        result = whole.forward_shape(shape)
        wide = whole.inverse_shape(result)
        base = base_distribution if wide == shape else base_distribution.expand(wide[:len(wide) - dims])
        more = whole.domain.event_dim - dims
        self.base_dist: Any = Independent(base, more) if more > 0 else base
        cut = len(result) - max(whole.codomain.event_dim, dims + whole.codomain.event_dim - whole.domain.event_dim)
        super().__init__(result[:cut], result[cut:], validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The distribution of another batch shape."""
        new = super().expand(batch_shape, _instance)
        shape = ComposeTransform(self.transforms).inverse_shape(new._batch_shape + self._event_shape)
        new.base_dist, new.transforms = self.base_dist.expand(shape[:len(shape) - len(self.base_dist.event_shape)]), self.transforms
        return new

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """As the base."""
        return self.base_dist.has_rsample

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        """The values of the last transform."""
        support = self.transforms[-1].codomain if self.transforms else self.base_dist.support
        dims = len(self._event_shape) - support.event_dim
        return constraints.independent(support, dims) if dims > 0 else support

    def _through(self, x: Any) -> Any:
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, sample_shape: Any = ()) -> Any:
        """f of the base's."""
        with no_grad():
            return self._through(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Any = ()) -> Any:
        """f of the base's."""
        return self._through(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Any) -> Any:
        """log p(value)."""
        self._validate_sample(value)
        dims, total = len(self._event_shape), 0.0
        for transform in reversed(self.transforms):
            x = transform.inv(value)
            dims += transform.domain.event_dim - transform.codomain.event_dim
            total = total - _sum_rightmost(transform.log_abs_det_jacobian(x, value), dims - transform.domain.event_dim)
            value = x
        return total + _sum_rightmost(self.base_dist.log_prob(value), dims - len(self.base_dist.event_shape))

    def _risen(self, value: Any) -> Any:
        """`value`, or 1 less it where the transforms together fall."""
        sign: Any = 1.0
        for transform in self.transforms:
            sign = sign * transform.sign
        return sign * (value - 0.5) + 0.5

    def cdf(self, value: Any) -> Any:
        """The base's, at x."""
        self._validate_sample(value)
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        return self._risen(self.base_dist.cdf(value))

    def icdf(self, value: Any) -> Any:
        """The inverse of `cdf`."""
        return self._through(self.base_dist.icdf(self._risen(value)))


class LogNormal(TransformedDistribution):
    """exp of a normal value."""

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args=validate_args), ExpTransform(), validate_args=validate_args)

    @property
    def loc(self) -> Any:
        """Of the logarithm."""
        return self.base_dist.loc

    @property
    def scale(self) -> Any:
        """Of the logarithm."""
        return self.base_dist.scale

    @property
    def mean(self) -> Any:
        """exp(loc + scale^2 / 2)."""
        return (self.loc + self.scale ** 2 / 2).exp()

    @property
    def mode(self) -> Any:
        """exp(loc - scale^2)."""
        return (self.loc - self.scale ** 2).exp()

    @property
    def variance(self) -> Any:
        """(exp(scale^2) - 1) exp(2 loc + scale^2)."""
        square = self.scale ** 2
        return square.expm1() * (2 * self.loc + square).exp()

    def entropy(self) -> Any:
        """The normal's plus loc."""
        return self.base_dist.entropy() + self.loc


class Gumbel(TransformedDistribution):
    """-log(-log u) scale + loc, u uniform."""

    arg_constraints: ClassVar[Any] = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        info, log = finfo(self.loc.dtype), ExpTransform().inv
        base = Uniform(full_like(self.loc, info.tiny), full_like(self.loc, 1 - info.eps), validate_args=validate_args)
        transforms = [log, AffineTransform(0, -ones_like(self.scale)), log, AffineTransform(self.loc, -self.scale)]
        super().__init__(base, transforms, validate_args=validate_args)

    def log_prob(self, value: Any) -> Any:
        """z - exp(z) - log scale, z = (loc - x) / scale."""
        self._validate_sample(value)
        z = (self.loc - value) / self.scale
        return (z - z.exp()) - self.scale.log()

    @property
    def mean(self) -> Any:
        """loc + 0.5772 scale."""
        return self.loc + self.scale * EULER

    @property
    def mode(self) -> Any:
        """loc."""
        return self.loc

    @property
    def stddev(self) -> Any:
        """pi scale / sqrt 6."""
        return (math.pi / math.sqrt(6)) * self.scale

    @property
    def variance(self) -> Any:
        """pi^2 scale^2 / 6."""
        return self.stddev.pow(2)

    def entropy(self) -> Any:
        """log scale + 1.5772."""
        return self.scale.log() + (1 + EULER)


class LogitRelaxedBernoulli(Distribution):
    """The logit of a relaxed trial: (logit p + logit u) / temperature, u uniform (Maddison et al., 2017)."""

    arg_constraints = Bernoulli.arg_constraints
    support = constraints.real
    has_rsample = True

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self.temperature, self._trial = temperature, Bernoulli(probs, logits, validate_args=validate_args)
        super().__init__(self._trial.batch_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The distribution of another batch shape."""
        new = super().expand(batch_shape, _instance)
        new._trial = self._trial.expand(batch_shape)
        return new

    @property
    def probs(self) -> Any:
        """P(1) as the temperature goes to 0."""
        return self._trial.probs

    @property
    def logits(self) -> Any:
        """Their logits."""
        return self._trial.logits

    def rsample(self, sample_shape: Any = ()) -> Any:
        """PyTorch's numbers."""
        shape = self._extended_shape(sample_shape)
        p, u = clamp_probs(self.probs.expand(shape)), clamp_probs(rand(shape, dtype=self.probs.dtype))
        return (u.log() - (-u).log1p() + p.log() - (-p).log1p()) / self.temperature

    def log_prob(self, value: Any) -> Any:
        """log t + d - 2 log(1 + exp(d)), d = logits - t x."""
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        d = logits - value * self.temperature
        return self.temperature.log() + d - 2 * d.exp().log1p()


class ExpRelaxedCategorical(OverCategorical):
    """The logarithm of a relaxed one-hot vector: log softmax((logits + Gumbel) / temperature)."""

    support = constraints.real_vector
    has_rsample = True

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        self.temperature = temperature
        super().__init__(probs, logits, validate_args)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """PyTorch's numbers."""
        u = clamp_probs(rand(self._extended_shape(sample_shape), dtype=self.logits.dtype))
        scores = (self.logits - (-u.log()).log()) / self.temperature
        return scores - scores.logsumexp(-1, keepdim=True)

    def log_prob(self, value: Any) -> Any:
        """log (n - 1)! + (n - 1) log t + sum(log softmax(logits - t x))."""
        n = self._event_shape[0]
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        scale = full_like(self.temperature, float(n)).lgamma() + self.temperature.log() * (n - 1)
        score = logits - value * self.temperature
        return (score - score.logsumexp(-1, keepdim=True)).sum(-1) + scale


class _Relaxed(TransformedDistribution):
    has_rsample = True

    @property
    def temperature(self) -> Any:
        """The smaller, the nearer to a choice."""
        return self.base_dist.temperature

    @property
    def probs(self) -> Any:
        """The probabilities of the choice."""
        return self.base_dist.probs

    @property
    def logits(self) -> Any:
        """Their logits."""
        return self.base_dist.logits


class RelaxedBernoulli(_Relaxed):
    """A value in (0, 1) that comes near to 0 or 1 as the temperature goes to 0, with a gradient to `probs`."""

    arg_constraints = Bernoulli.arg_constraints
    support = constraints.unit_interval

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(LogitRelaxedBernoulli(temperature, probs, logits), SigmoidTransform(), validate_args=validate_args)


class RelaxedOneHotCategorical(_Relaxed):
    """A vector of sum 1 that comes near to a one-hot one as the temperature goes to 0 (Jang et al., 2017, Gumbel-softmax)."""

    arg_constraints = Categorical.arg_constraints
    support = constraints.simplex

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        super().__init__(ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args), ExpTransform(),
                         validate_args=validate_args)
