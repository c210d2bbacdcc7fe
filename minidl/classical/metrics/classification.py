"""Scores of predicted classes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_choice, check_labels, check_same_length, check_weights, numeric
from ..errors import UndefinedMetricWarning, akin

Array = NDArray[Any]


def _checked(y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None) -> tuple[Array, Array, Array]:
    true, predicted = check_labels(y_true, "y_true"), check_labels(y_pred, "y_pred")
    check_same_length(y_true=true, y_pred=predicted)
    if not len(true):
        raise ValueError(f"Found array with 0 sample(s) (shape={true.shape}) while a minimum of 1 is required.")
    if (true.dtype.kind in "OU") != (predicted.dtype.kind in "OU"):
        raise ValueError("Labels in y_true and y_pred should be of the same type: got strings and numbers")
    return true, predicted, check_weights(sample_weight, np.empty(len(true)))


def accuracy_score(y_true: ArrayLike, y_pred: ArrayLike, *, normalize: bool = True, sample_weight: ArrayLike | None = None) -> float:
    """The weight of the samples whose class is right, as a share of all unless `normalize` is False.

    >>> accuracy_score([0, 1, 2, 3], [0, 2, 2, 3])
    0.75
    """
    true, predicted, w = _checked(y_true, y_pred, sample_weight)
    right = float(w[true == predicted].sum())
    return right / float(w.sum()) if normalize else right


def confusion_matrix(y_true: ArrayLike, y_pred: ArrayLike, *, labels: ArrayLike | None = None, sample_weight: ArrayLike | None = None,
                     normalize: str | None = None) -> Array:
    """C[i, j]: how many samples of class i were predicted as j, in the order of `labels` or sorted.

    Integers, or floats with weights. `normalize`: 'true' divides by the sums of rows, 'pred' of columns, 'all' by the total.

    >>> confusion_matrix([2, 0, 2, 2, 0, 1], [0, 0, 2, 2, 0, 2])
    array([[2, 0, 0],
           [0, 0, 1],
           [1, 0, 2]])
    """
    check_choice("confusion_matrix", "normalize", normalize, ("true", "pred", "all", None))
    true, predicted, w = _checked(y_true, y_pred, sample_weight)
    present = np.unique(np.concatenate([true, predicted]))
    names = present if labels is None else np.asarray(labels)
    if not np.isin(names, true).any():
        raise ValueError(f"At least one label specified must be in y_true, got {names}")
    order = np.argsort(names)
    inside = np.isin(true, names) & np.isin(predicted, names)
    rows, columns = (order[np.searchsorted(names, a[inside], sorter=order)] for a in (true, predicted))
    matrix = np.bincount(rows * len(names) + columns, w[inside], len(names) ** 2).reshape(len(names), -1)
    if normalize is not None:
        total = matrix.sum(axis={"true": 1, "pred": 0, "all": None}[normalize], keepdims=True)
        return np.divide(matrix, total, out=np.zeros_like(matrix), where=total > 0)
    return matrix if sample_weight is not None else matrix.astype(np.int64)


def precision_recall_fscore_support(y_true: ArrayLike, y_pred: ArrayLike, *, labels: ArrayLike | None = None, pos_label: Any = 1,
                                    average: str | None = None, sample_weight: ArrayLike | None = None,
                                    zero_division: Any = "warn") -> tuple[Any, Any, Any, Any]:
    """Precision tp / (tp + fp), recall tp / (tp + fn), their harmonic mean F1 = 2 tp / (2 tp + fp + fn), and the number of samples of each class.

    tp counts samples of the class that were found, fp those falsely taken for it, fn those missed. `average`: None for one value a class; 'binary' for that
    of `pos_label`; 'micro' sums the counts over classes; 'macro' is the mean over classes; 'weighted' is weighted by their numbers of
    samples (the support is None for all but None). What would be 0 / 0 is `zero_division`, 0 with a warning by default.

    >>> precision_recall_fscore_support([0, 1, 1, 1], [0, 0, 1, 1], average="binary")
    (1.0, 0.6666666666666666, 0.8, None)
    """
    check_choice("precision_recall_fscore_support", "average", average, (None, "binary", "micro", "macro", "weighted"))
    true, predicted, w = _checked(y_true, y_pred, sample_weight)
    present = np.unique(np.concatenate([true, predicted]))
    names = present if labels is None else np.asarray(labels)
    if average == "binary":
        if len(present) > 2:
            raise ValueError("Target is multiclass but average='binary'. Please choose another average setting, "
                             "one of [None, 'micro', 'macro', 'weighted'].")
        if pos_label not in present and len(present) == 2:
            raise ValueError(f"pos_label={pos_label} is not a valid label. It should be one of {present.tolist()}")
        names = np.array([pos_label])

    def count(chosen: Array, classes: Array) -> Array:
        return np.array([w[chosen & (classes == name)].sum() for name in names])

    everything = np.ones(len(true), bool)
    hit, found, support = count(true == predicted, true), count(everything, predicted), count(everything, true)
    if average == "micro":
        hit, found, support = hit.sum(keepdims=True), found.sum(keepdims=True), support.sum(keepdims=True)
    precision = _ratio(hit, found, "Precision", zero_division)
    recall = _ratio(hit, support, "Recall", zero_division)
    f1 = _ratio(2 * hit, found + support, "F-score", zero_division)
    if average is None:
        return precision, recall, f1, support if sample_weight is not None else support.astype(np.int64)
    weights = support if average == "weighted" and support.any() else None
    p, r, f = (float(np.average(score, weights=weights)) for score in (precision, recall, f1))
    return p, r, f, None


def _ratio(a: Array, b: Array, name: str, zero_division: Any) -> Array:
    if not b.all() and zero_division == "warn":
        warnings.warn(f"{name} is ill-defined and being set to 0.0 where its divisor is 0. Use `zero_division` to control this.",
                      akin(UndefinedMetricWarning), stacklevel=4)
    return np.divide(a, b, out=np.full(len(a), 0.0 if zero_division == "warn" else float(zero_division)), where=b != 0)


def precision_score(y_true: ArrayLike, y_pred: ArrayLike, *, average: str | None = "binary", **options: Any) -> Any:
    """tp / (tp + fp): of those taken for the class, the share that is of it. Options of `precision_recall_fscore_support`.

    >>> precision_score([0, 1, 0, 1], [1, 1, 0, 1])
    0.6666666666666666
    """
    return _one("Precision", 0, y_true, y_pred, average, options)


def recall_score(y_true: ArrayLike, y_pred: ArrayLike, *, average: str | None = "binary", **options: Any) -> Any:
    """tp / (tp + fn): of those of the class, the share that is found. Options of `precision_recall_fscore_support`.

    >>> recall_score([0, 1, 0, 1], [1, 1, 0, 1])
    1.0
    """
    return _one("Recall", 1, y_true, y_pred, average, options)


def f1_score(y_true: ArrayLike, y_pred: ArrayLike, *, average: str | None = "binary", **options: Any) -> Any:
    """2 tp / (2 tp + fp + fn), the harmonic mean of precision and recall. Options of `precision_recall_fscore_support`.

    >>> f1_score([0, 1, 0, 1], [1, 1, 0, 1])
    0.8
    """
    return _one("F-score", 2, y_true, y_pred, average, options)


def _one(name: str, index: int, y_true: ArrayLike, y_pred: ArrayLike, average: str | None, options: dict[str, Any]) -> Any:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UndefinedMetricWarning)
        result = precision_recall_fscore_support(y_true, y_pred, average=average, **options)[index]
    for warning in caught:
        if str(warning.message).startswith(name):
            warnings.warn(warning.message, stacklevel=3)
    return result


def log_loss(y_true: ArrayLike, y_pred: ArrayLike, *, normalize: bool = True, sample_weight: ArrayLike | None = None,
             labels: ArrayLike | None = None) -> float:
    """-sum_i w_i log p_i[y_i] / sum_i w_i, in nats (not divided unless `normalize`): the cross-entropy of the predicted probabilities.

    `y_pred`: (n, classes) in the sorted order of `labels`, or of the classes of `y_true`; or (n,), the probability of the second of two.
    Probabilities are clipped to [eps, 1 - eps] of their type, so that a certain error costs about 36 and not infinity.

    >>> round(log_loss(["spam", "ham", "ham", "spam"], [[.1, .9], [.9, .1], [.8, .2], [.35, .65]]), 5)
    0.21616
    """
    true, p = check_labels(y_true, "y_true"), numeric(y_pred, "y_pred")
    check_same_length(y_true=true, y_pred=p)
    names = np.unique(true if labels is None else np.asarray(labels))
    if len(names) < 2:
        raise ValueError(f"y_true contains only one label ({names}). Please provide the list of all expected labels explicitly through labels.")
    if not np.isin(true, names).all():
        raise ValueError(f"y_true contains values {np.setdiff1d(true, names)} not belonging to the passed labels {names}.")
    if ((p < 0) | (p > 1)).any():
        raise ValueError(f"y_pred should be probabilities in [0, 1], got {p.min()} to {p.max()}")
    if p.ndim == 1 or p.shape[1] == 1:
        p = np.stack([1 - p.ravel(), p.ravel()], axis=1)
    if p.shape[1] != len(names):
        raise ValueError(f"The number of classes in labels is different from that in y_pred. Classes found in labels: {names}, columns: {p.shape[1]}")
    eps = np.finfo(p.dtype).eps
    loss = -np.log(np.clip(p, eps, 1 - eps)[np.arange(len(p)), np.searchsorted(names, true)].astype(np.float64))
    w = check_weights(sample_weight, np.empty(len(true)))
    return float(np.average(loss, weights=w) if normalize else (loss * w).sum())
