"""The distribution of the sums of squares and products of normal vectors."""

from __future__ import annotations

import math
from typing import Any

from ..core.dtypes import finfo
from ..ops.create import arange
from ..ops.gammas import mvlgamma
from ..ops.linalg import slogdet
from ..ops.random import randn
from ..ops.shape import broadcast_shapes
from . import constraints
from .distribution import ExponentialFamily
from .gamma import Chi2
from .multivariate_normal import MultivariateNormal
from .utils import lazy_property, vec_to_tril_matrix

__all__ = ["Wishart"]


class Wishart(ExponentialFamily):
    """Of sum z z^T, z of df normal vectors with mean 0 and the covariance S, which or whose inverse or lower root is given.

    Samples are Bartlett's, drawn once; PyTorch 2.13 draws again all that are positive definite (its test of that is turned round).
    """

    support = constraints.positive_definite
    has_rsample = True

    def __init__(self, df: Any, covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None,
                 validate_args: bool | None = None) -> None:
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        found = [(name, value) for name, value in given.items() if value is not None]
        if len(found) != 1:
            raise AssertionError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        name, matrix = found[0]
        if matrix.dim() < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        df = df if hasattr(df, "shape") else matrix.new_full((), df)
        batch, n = broadcast_shapes(matrix.shape[:-2], df.shape), matrix.shape[-1]
        self.df = df.expand(batch)
        if (self.df <= n - 1).any():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        setattr(self, name, matrix.expand(*batch, n, n))
        super().__init__(batch, (n, n), validate_args=validate_args)
        self._normal = MultivariateNormal(matrix.new_zeros(n), **{name: matrix}, validate_args=False)

    @property
    def arg_constraints(self) -> Any:
        """df is greater than n - 1."""
        return {"covariance_matrix": constraints.positive_definite, "precision_matrix": constraints.positive_definite,
                "scale_tril": constraints.lower_cholesky, "df": constraints.greater_than(self._event_shape[-1] - 1)}

    @lazy_property
    def scale_tril(self) -> Any:
        """L, S = L L^T."""
        return self._normal.scale_tril.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self) -> Any:
        """S."""
        return self._normal.covariance_matrix.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def precision_matrix(self) -> Any:
        """S^-1."""
        return self._normal.precision_matrix.expand(self._batch_shape + self._event_shape)

    @property
    def mean(self) -> Any:
        """df S."""
        return self.df[..., None, None] * self.covariance_matrix

    @property
    def mode(self) -> Any:
        """(df - n - 1) S; nan where that is not positive."""
        factor = self.df - self._event_shape[-1] - 1
        return factor.masked_fill(factor <= 0, math.nan)[..., None, None] * self.covariance_matrix

    @property
    def variance(self) -> Any:
        """df (S_ij^2 + S_ii S_jj)."""
        s = self.covariance_matrix
        diagonal = s.diagonal(dim1=-2, dim2=-1)
        return self.df[..., None, None] * (s.pow(2) + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def rsample(self, sample_shape: Any = ()) -> Any:
        """L A A^T L^T, A lower with roots of chi-squared values of df, df - 1, ... on its diagonal and normal values below (Bartlett, 1933)."""
        n = self._event_shape[-1]
        roots = Chi2(self.df.unsqueeze(-1) - arange(n, dtype=self.df.dtype)).rsample(sample_shape).sqrt()
        below = randn((*sample_shape, *self._batch_shape, n * (n - 1) // 2), dtype=self.df.dtype)
        root = self.scale_tril @ (roots.clamp(min=finfo(roots.dtype).eps).diag_embed() + vec_to_tril_matrix(below, diag=-1))
        return root @ root.mT

    def log_prob(self, value: Any) -> Any:
        """(df - n - 1) / 2 log det X - tr(S^-1 X) / 2 - df n / 2 log 2 - df log det L - log gamma_n(df / 2)."""
        self._validate_sample(value)
        n, df = self._event_shape[-1], self.df
        trace = (self.precision_matrix * value.mT).sum((-2, -1))
        norm = df * (n * math.log(2) / 2 + self._normal._half_log_det()) + mvlgamma(df / 2, n)
        return (df - n - 1) / 2 * slogdet(value)[1] - trace / 2 - norm

    def entropy(self) -> Any:
        """(n + 1) (n / 2 log 2 + log det L) + log gamma_n(df / 2) - (df - n - 1) / 2 digamma_n(df / 2) + df n / 2."""
        n, df = self._event_shape[-1], self.df
        slope = (df.unsqueeze(-1) / 2 - arange(n, dtype=df.dtype) / 2).digamma().sum(-1)
        half = n * math.log(2) / 2 + self._normal._half_log_det()
        return (n + 1) * half + mvlgamma(df / 2, n) - (df - n - 1) / 2 * slope + df * n / 2
