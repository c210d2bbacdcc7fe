"""Scores of predicted numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_same_length, check_weights, numeric

Array = NDArray[Any]


def _checked(y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None) -> tuple[Array, Array, Array]:
    """Float64 (samples, outputs) twice, and weights (samples, 1)."""
    true, predicted = numeric(y_true, "y_true").astype(np.float64), numeric(y_pred, "y_pred").astype(np.float64)
    check_same_length(y_true=true, y_pred=predicted)
    if not len(true):
        raise ValueError(f"Found array with 0 sample(s) (shape={true.shape}) while a minimum of 1 is required.")
    true, predicted = true.reshape(len(true), -1), predicted.reshape(len(predicted), -1)
    if true.shape != predicted.shape:
        raise ValueError(f"y_true and y_pred have different number of output ({true.shape[1]}!={predicted.shape[1]})")
    return true, predicted, check_weights(sample_weight, true)[:, None]


def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """sum_i w_i (y_i - p_i)^2 / sum_i w_i, averaged over outputs; in squared units of y.

    >>> mean_squared_error([3., -0.5, 2., 7.], [2.5, 0., 2., 8.])
    0.375
    """
    true, predicted, w = _checked(y_true, y_pred, sample_weight)
    return float(np.average((true - predicted) ** 2, axis=0, weights=w[:, 0]).mean())


def r2_score(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """1 - sum w (y - p)^2 / sum w (y - mean y)^2, averaged over outputs.

    1 is exact, 0 is as good as the mean. For constant y 1 if exact, else 0; for fewer than two samples NaN.

    >>> r2_score([1., 2., 3.], [1., 2., 2.])
    0.5
    """
    true, predicted, w = _checked(y_true, y_pred, sample_weight)
    if len(true) < 2:
        return float("nan")
    error = (w * (true - predicted) ** 2).sum(axis=0)
    spread = (w * (true - np.average(true, axis=0, weights=w[:, 0])) ** 2).sum(axis=0)
    flat = spread == 0
    return float(np.where(flat, np.where(error == 0, 1.0, 0.0), 1 - error / np.where(flat, 1, spread)).mean())
