"""The normal distribution of vectors."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..ops.create import eye
from ..ops.shape import broadcast_shapes
from ..ops.triangular import cholesky, cholesky_inverse, solve_triangular
from . import constraints
from .distribution import Distribution
from .utils import _standard_normal, lazy_property

__all__ = ["MultivariateNormal"]


class MultivariateNormal(Distribution):
    """p(x) = exp(-(x - loc)^T S^-1 (x - loc) / 2) / sqrt((2 pi)^n det S), with S or S^-1 or the lower L, S = L L^T, given.

    >>> import minidl as torch
    >>> torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2)).log_prob(torch.zeros(2))
    tensor(-1.8379)
    """

    arg_constraints: ClassVar[Any] = {"loc": constraints.real_vector, "covariance_matrix": constraints.positive_definite,
                       "precision_matrix": constraints.positive_definite, "scale_tril": constraints.lower_cholesky}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Any, covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None,
                 validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        found = [(name, value) for name, value in given.items() if value is not None]
        if len(found) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        name, matrix = found[0]
        if matrix.dim() < 2:
            raise ValueError(f"{name} must be at least two-dimensional, with optional leading batch dimensions")
        batch_shape, n = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1]), loc.shape[-1]
        self.loc = loc.expand(*batch_shape, n)
        setattr(self, name, matrix.expand(*batch_shape, *matrix.shape[-2:]))
        super().__init__(batch_shape, (n,), validate_args=validate_args)
        if name == "covariance_matrix":
            self._root = cholesky(matrix)
        elif name == "scale_tril":
            self._root = matrix
        else:  # the inverse of the upper root of the reversed matrix, reversed, is lower
            root = cholesky(matrix.flip(-2, -1)).flip(-2, -1).mT
            self._root = solve_triangular(root, eye(n, dtype=matrix.dtype), upper=False)

    @lazy_property
    def scale_tril(self) -> Any:
        """L."""
        return self._root.expand(*self._batch_shape, *self._root.shape[-2:])

    @lazy_property
    def covariance_matrix(self) -> Any:
        """S = L L^T."""
        return (self._root @ self._root.mT).expand(*self._batch_shape, *self._root.shape[-2:])

    @lazy_property
    def precision_matrix(self) -> Any:
        """S^-1."""
        return cholesky_inverse(self._root).expand(*self._batch_shape, *self._root.shape[-2:])

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
        """The diagonal of S."""
        return self._root.pow(2).sum(-1).expand(self._extended_shape())

    def rsample(self, sample_shape: Any = ()) -> Any:
        """loc + L z, z standard normal."""
        z = _standard_normal(self._extended_shape(sample_shape), self.loc.dtype, None)
        return self.loc + (self._root @ z.unsqueeze(-1)).squeeze(-1)

    def _half_log_det(self) -> Any:
        return self._root.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def log_prob(self, value: Any) -> Any:
        """log p(value)."""
        self._validate_sample(value)
        difference = (value - self.loc).unsqueeze(-1)
        distance = solve_triangular(self._root, difference, upper=False).squeeze(-1).pow(2).sum(-1)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + distance) - self._half_log_det()

    def entropy(self) -> Any:
        """n (1 + log(2 pi)) / 2 + log det L."""
        return (0.5 * self._event_shape[0] * (1 + math.log(2 * math.pi)) + self._half_log_det()).expand(self._batch_shape)
