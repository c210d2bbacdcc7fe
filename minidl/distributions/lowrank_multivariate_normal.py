"""The normal distribution of vectors whose covariance is a product of narrow matrices and a diagonal."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..ops.shape import broadcast_tensors
from ..ops.triangular import cholesky, solve_triangular
from . import constraints
from .distribution import Distribution
from .utils import _standard_normal, lazy_property

__all__ = ["LowRankMultivariateNormal"]


def with_diagonal(matrix: Any) -> Any:
    """matrix + I."""
    return matrix + matrix.new_ones(matrix.shape[-1]).diag_embed()


class LowRankMultivariateNormal(Distribution):
    """Normal with the covariance W W^T + D, W = cov_factor of shape (n, m) and D diagonal: what is solved has m unknowns."""

    arg_constraints: ClassVar[Any] = {"loc": constraints.real_vector, "cov_factor": constraints.independent(constraints.real, 2),
                                      "cov_diag": constraints.independent(constraints.positive, 1)}
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        n = loc.shape[-1]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        if cov_factor.shape[-2] != n:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {n} x m")
        if cov_diag.shape[-1:] != loc.shape[-1:]:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {loc.shape[-1:]}")
        try:
            loc_, self.cov_factor, diag_ = broadcast_tensors(loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1))
        except RuntimeError as error:
            raise ValueError(f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}") from error
        self.loc, self.cov_diag = loc_[..., 0], diag_[..., 0]
        super().__init__(self.loc.shape[:-1], (n,), validate_args=validate_args)

    @property
    def _weighted(self) -> Any:
        """W^T D^-1."""
        return self.cov_factor.mT / self.cov_diag.unsqueeze(-2)

    @lazy_property
    def _capacitance_tril(self) -> Any:
        """The root of I + W^T D^-1 W."""
        return cholesky(with_diagonal(self._weighted @ self.cov_factor))

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
        """The diagonal of the covariance."""
        return self.cov_factor.pow(2).sum(-1) + self.cov_diag

    @lazy_property
    def scale_tril(self) -> Any:
        """The lower root of the covariance."""
        root = self.cov_diag.sqrt().unsqueeze(-1)
        scaled = self.cov_factor / root
        return root * cholesky(with_diagonal(scaled @ scaled.mT))

    @lazy_property
    def covariance_matrix(self) -> Any:
        """W W^T + D."""
        return self.cov_factor @ self.cov_factor.mT + self.cov_diag.diag_embed()

    @lazy_property
    def precision_matrix(self) -> Any:
        """D^-1 - A^T A, A = L^-1 W^T D^-1 (Woodbury's formula)."""
        a = solve_triangular(self._capacitance_tril, self._weighted, upper=False)
        return self.cov_diag.reciprocal().diag_embed() - a.mT @ a

    def rsample(self, sample_shape: Any = ()) -> Any:
        """loc + W z + sqrt(D) z', both z standard normal: PyTorch's numbers."""
        shape = self._extended_shape(sample_shape)
        z = _standard_normal((*shape[:-1], self.cov_factor.shape[-1]), self.loc.dtype, None)
        own = _standard_normal(shape, self.loc.dtype, None)
        return self.loc + (self.cov_factor @ z.unsqueeze(-1)).squeeze(-1) + self.cov_diag.sqrt() * own

    def _log_det(self) -> Any:
        return 2 * self._capacitance_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1) + self.cov_diag.log().sum(-1)

    def log_prob(self, value: Any) -> Any:
        """log p(value)."""
        self._validate_sample(value)
        away = value - self.loc
        inner = solve_triangular(self._capacitance_tril, self._weighted @ away.unsqueeze(-1), upper=False).squeeze(-1).pow(2).sum(-1)
        distance = (away.pow(2) / self.cov_diag).sum(-1) - inner
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + self._log_det() + distance)

    def entropy(self) -> Any:
        """(n (1 + log(2 pi)) + log det S) / 2."""
        return 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._log_det()).expand(self._batch_shape)
