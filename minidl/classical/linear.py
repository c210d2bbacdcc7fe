"""Linear regression, plain and with a penalty."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .base import Regressor
from .checks import check_real, check_same_length, check_targets, check_weights

Array = NDArray[Any]


class LinearModel(Regressor):
    """y = X coef^T + intercept by weighted least squares: what differs is the solution of the centred problem."""

    fit_intercept: bool

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LinearModel:
        """Learns from `y` of shape (n_samples,) or (n_samples, n_targets), with a weight for each sample's squared error."""
        self._check_arguments()
        x, target = self._learn_features(X), check_targets(y, type(self).__name__)
        check_same_length(X=x, y=target)
        t = target.reshape(len(x), -1).astype(x.dtype)
        w = check_weights(sample_weight, x)
        x_mean, t_mean = np.zeros(x.shape[1], x.dtype), np.zeros(t.shape[1], x.dtype)
        if self.fit_intercept:  # which is where the plane passes through the means, so that centred data need none
            x_mean, t_mean = np.average(x, axis=0, weights=w), np.average(t, axis=0, weights=w)
        root = np.sqrt(w)[:, None]
        coef = self._solve((x - x_mean) * root, (t - t_mean) * root).T
        intercept = t_mean - coef @ x_mean
        self.coef_ = coef if target.ndim == 2 else coef[0]
        self.intercept_ = (intercept if target.ndim == 2 else intercept[0]) if self.fit_intercept else 0.0
        return self

    def predict(self, X: ArrayLike) -> Array:
        """X coef^T + intercept, (n_samples,) or (n_samples, n_targets)."""
        return self._check_features(X) @ self.coef_.T + self.intercept_

    def _check_arguments(self) -> None:
        """ValueError for bad arguments of the constructor."""

    def _solve(self, x: Array, t: Array) -> Array:
        raise NotImplementedError


class LinearRegression(LinearModel):
    """The coefficients that minimise sum_i w_i (y_i - x_i.coef - intercept)^2: where the gradient is zero, X^T X coef = X^T y.

    Solved by the singular value decomposition of X, without forming X^T X, which would square its condition number; of many solutions
    the one of least norm.

    Learns `coef_` (features,) or (targets, features), `intercept_`, `rank_` and `singular_` of the centred X, `n_features_in_`,
    `feature_names_in_` of data frames. Follows sklearn.linear_model.LinearRegression.

    >>> line = LinearRegression().fit([[0.], [1.], [2.]], [1., 3., 5.])
    >>> line.coef_.round(6), round(float(line.intercept_), 6)
    (array([2.]), 1.0)
    """

    def __init__(self, *, fit_intercept: bool = True) -> None:
        self.fit_intercept = fit_intercept

    def _solve(self, x: Array, t: Array) -> Array:
        from scipy.linalg import lstsq

        coef, _, self.rank_, self.singular_ = lstsq(x, t, cond=max(x.shape) * np.finfo(x.dtype).eps)
        return coef


class Ridge(LinearModel):
    """The coefficients that minimise sum_i w_i (y_i - x_i.coef - intercept)^2 + alpha ||coef||^2: (X^T X + alpha I) coef = X^T y.

    With X = U diag(s) V^T this is coef = V diag(s / (s^2 + alpha)) U^T y: along each axis of the data the solution of least squares, shrunk by
    s^2 / (s^2 + alpha), the more the less the data vary. alpha = 0 is LinearRegression. The intercept is not penalised.

    Learns `coef_`, `intercept_`, `n_features_in_`, `feature_names_in_` of data frames. ValueError for a negative alpha.
    Follows sklearn.linear_model.Ridge with solver='svd'.

    >>> Ridge(alpha=2.).fit([[0.], [1.], [2.]], [1., 3., 5.]).coef_.round(6)
    array([1.])
    """

    def __init__(self, alpha: float = 1.0, *, fit_intercept: bool = True) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept

    def _check_arguments(self) -> None:
        check_real("Ridge", "alpha", self.alpha)

    def _solve(self, x: Array, t: Array) -> Array:
        from scipy.linalg import svd

        u, s, vt = svd(x, full_matrices=False)
        kept = s > np.finfo(x.dtype).eps * max(x.shape) * s[0]
        shrunk = np.divide(s, s * s + self.alpha, out=np.zeros_like(s), where=kept)
        return vt.T @ (shrunk[:, None] * (u.T @ t))
