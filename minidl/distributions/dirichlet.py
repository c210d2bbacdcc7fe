"""Distributions of shares of a whole: Dirichlet, and beta for two of them. Samples move with the parameters (`rsample`)."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..core.dtypes import finfo
from ..ops.create import arange
from ..ops.embedding import one_hot
from ..ops.gammas import mvlgamma
from ..ops.join import cat, stack
from ..ops.random import randn
from ..ops.rejection import _sample_dirichlet
from . import constraints
from .distribution import Distribution, ExponentialFamily
from .utils import broadcast_all

__all__ = ["Beta", "Dirichlet", "LKJCholesky"]


class Dirichlet(ExponentialFamily):
    """p(x) = prod x_i^(c_i - 1) / B(c) on x >= 0, sum x = 1.

    >>> import minidl as torch
    >>> torch.distributions.Dirichlet(torch.tensor([1.0, 3.0])).mean
    tensor([0.2500, 0.7500])
    """

    arg_constraints: ClassVar[Any] = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """c / sum c."""
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Any:
        """(c - 1) / sum(c - 1), none below 0; the largest share alone where all c are below 1."""
        more = (self.concentration - 1).clamp(min=0.0)
        share = more / more.sum(-1, True)
        corner = one_hot(share.argmax(-1), share.shape[-1]).to(share.dtype)
        return share.where(~(self.concentration < 1).all(-1, keepdim=True), corner)

    @property
    def variance(self) -> Any:
        """c (s - c) / (s^2 (s + 1)), s = sum c."""
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Any:
        """PyTorch's numbers."""
        return _sample_dirichlet(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Any) -> Any:
        """sum (c - 1) log x - log B(c)."""
        self._validate_sample(value)
        c = self.concentration
        return (c - 1).xlogy(value).sum(-1) + c.sum(-1).lgamma() - c.lgamma().sum(-1)

    def entropy(self) -> Any:
        """log B(c) + (s - n) digamma(s) - sum (c - 1) digamma(c)."""
        c, total = self.concentration, self.concentration.sum(-1)
        return c.lgamma().sum(-1) - total.lgamma() - (c.shape[-1] - total) * total.digamma() - ((c - 1) * c.digamma()).sum(-1)


class Beta(ExponentialFamily):
    """p(x) = x^(a - 1) (1 - x)^(b - 1) / B(a, b), a = concentration1 and b = concentration0.

    >>> import minidl as torch
    >>> torch.distributions.Beta(1.0, 3.0).mean
    tensor(0.2500)
    """

    arg_constraints: ClassVar[Any] = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        self._dirichlet = Dirichlet(stack(broadcast_all(concentration1, concentration0), -1), validate_args=validate_args)
        super().__init__(self._dirichlet.batch_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The distribution of another batch shape."""
        new = super().expand(batch_shape, _instance)
        new._dirichlet = self._dirichlet.expand(batch_shape)
        return new

    @property
    def concentration1(self) -> Any:
        """a."""
        return self._dirichlet.concentration[..., 0]

    @property
    def concentration0(self) -> Any:
        """b."""
        return self._dirichlet.concentration[..., 1]

    @property
    def mean(self) -> Any:
        """a / (a + b)."""
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Any:
        """(a - 1) / (a + b - 2)."""
        return self._dirichlet.mode[..., 0]

    @property
    def variance(self) -> Any:
        """a b / ((a + b)^2 (a + b + 1))."""
        return self._dirichlet.variance[..., 0]

    def rsample(self, sample_shape: Any = ()) -> Any:
        """PyTorch's numbers."""
        return self._dirichlet.rsample(sample_shape).select(-1, 0)

    def log_prob(self, value: Any) -> Any:
        """(a - 1) log x + (b - 1) log(1 - x) - log B(a, b)."""
        self._validate_sample(value)
        return self._dirichlet.log_prob(stack([value, 1.0 - value], -1))

    def entropy(self) -> Any:
        """As of a `Dirichlet` of two."""
        return self._dirichlet.entropy()


class LKJCholesky(Distribution):
    """Of lower Cholesky factors L of correlation matrices: p(L L^T) is proportional to det(L L^T)^(concentration - 1) (Lewandowski et al., 2009)."""

    arg_constraints: ClassVar[Any] = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args)

    def sample(self, sample_shape: Any = ()) -> Any:
        """PyTorch's numbers: rows of a beta squared length in a direction drawn evenly, and what is left on the diagonal (the onion method)."""
        c = self.concentration.detach()
        offset = arange(self.dim - 1, dtype=c.dtype)
        offset = cat([offset.new_zeros((1,)), offset])
        square = Beta(offset + 0.5, (c + 0.5 * (self.dim - 2)).unsqueeze(-1) - 0.5 * offset).sample(sample_shape).unsqueeze(-1)
        z = randn(self._extended_shape(sample_shape), dtype=square.dtype).tril(-1)
        direction = (z / z.norm(dim=-1, keepdim=True)).nan_to_num(0.0)
        rows = square.sqrt() * direction
        return rows + (1 - rows.pow(2).sum(-1)).clamp(min=finfo(rows.dtype).tiny).sqrt().diag_embed()

    def log_prob(self, value: Any) -> Any:
        """sum_i (2 (concentration - 1) + n - i) log L_ii, i = 2 ... n, less the logarithm of the normaliser."""
        self._validate_sample(value)
        last, c = self.dim - 1, self.concentration
        order = 2 * (c - 1).unsqueeze(-1) + self.dim - arange(2, self.dim + 1)
        alpha = c + 0.5 * last
        norm = 0.5 * last * math.log(math.pi) + mvlgamma(alpha - 0.5, last) - alpha.lgamma() * last
        return (order * value.diagonal(dim1=-1, dim2=-2)[..., 1:].log()).sum(-1) - norm
