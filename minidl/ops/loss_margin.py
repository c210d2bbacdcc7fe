"""Losses that ask for a margin: between two scores, two distances, or the right class and the others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import data_of, primitive, public
from ..core.checks import broadcast_shape, require_constant, require_tensor
from .activation import logsigmoid
from .elementwise import exp, sqrt
from .loss import collected, divisor, reduced, reduction_of, share
from .reduce import _mean, _sum
from .select import clamp_min, minimum, where
from .vectors import pairwise_distance


@primitive(x=lambda g, x, target, count: -share(g, count) * target / (1 + exp(x * target)), arrays="target",
           common="x target", grad_name="SoftMarginLossBackward0")
def _soft_margin_loss(x: Any, target: Any, count: Any) -> Any:
    return collected(np.log1p(np.exp(-x * target)), count)


@public(where="nn.functional")
def soft_margin_loss(input: Any, target: Any, size_average: Any = None, reduce: Any = None,
                     reduction: str = "mean") -> Any:
    """log(1 + exp(-t x)) for targets 1 and -1; derivative -t / (1 + exp(t x))."""
    reduction = reduction_of(size_average, reduce, reduction)
    require_tensor("soft_margin_loss", "input", input)
    require_constant("soft_margin_loss", target=target)
    shape = broadcast_shape("soft_margin_loss", tuple(input.shape), tuple(target.shape))
    return _soft_margin_loss(input, target, divisor(reduction, math.prod(shape)))


@public(where="nn.functional")
def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, size_average: Any = None, reduce: Any = None,
                         reduction: str = "mean") -> Any:
    """x where the target is 1, max(0, margin - x) where it is -1."""
    reduction = reduction_of(size_average, reduce, reduction)
    require_tensor("hinge_embedding_loss", "input", input)
    t = data_of(target)
    return reduced(where(t != 1, clamp_min(margin - input, 0), 0.0) + where(t != -1, input, 0.0), reduction)


@public(where="nn.functional")
def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0, size_average: Any = None,
                        reduce: Any = None, reduction: str = "mean") -> Any:
    """max(0, -t (x1 - x2) + margin): x1 should be the higher for target 1, the lower for -1."""
    reduction = reduction_of(size_average, reduce, reduction)
    require_tensor("margin_ranking_loss", "input1", input1)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError("margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
                           f"{list(input1.shape)}, input2: {list(input2.shape)}, target: {list(target.shape)}")
    difference = input1 - input2
    return reduced(clamp_min(-target * difference + margin, 0), reduction)


@public(where="nn.functional")
def cosine_embedding_loss(input1: Any, input2: Any, target: Any, margin: float = 0, size_average: Any = None,
                          reduce: Any = None, reduction: str = "mean") -> Any:
    """1 - cos(x1, x2) where the target is 1, max(0, cos(x1, x2) - margin) where it is -1.

    x1, x2: (N, D) or (D,); target: (N,) or (). The squared lengths get 1e-12 added.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    require_tensor("cosine_embedding_loss", "input1", input1)
    if target.ndim not in (0, 1):
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported (cosine_embedding_loss: got "
                           f"{target.ndim}D)")
    if not input1.ndim == input2.ndim == target.ndim + 1:
        raise RuntimeError(f"{target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found inputs "
                           f"with sizes {list(input1.shape)} and {list(input2.shape)} (cosine_embedding_loss)")
    dims, t = (target.ndim,), data_of(target)
    product = _sum(input1 * input2, dims)
    lengths = (_sum(input1 * input1, dims) + 1e-12) * (_sum(input2 * input2, dims) + 1e-12)
    cos = product / sqrt(lengths)
    return reduced(where(t == 1, 1 - cos, 0.0) + where(t == -1, clamp_min(cos - margin, 0), 0.0), reduction)


def multi_margin_rule(g: Any, x: Any, right: Any, c: Any, margin: Any, p: Any, count: Any) -> Any:
    z = clamp_min(margin - _sum(x * right, (1,), True) + x, 0)
    slopes = (2 * z if p == 2 else where(data_of(z) > 0, 1.0, 0.0 * z)) * (c * (1 - right))
    slopes = slopes * (share(g, count) if count is not None else g.reshape((-1, 1)))
    return slopes - right * _sum(slopes, (1,), True)


@primitive(x=multi_margin_rule, arrays="right c", grad_name="MultiMarginLossBackward0")
def _multi_margin_loss(x: Any, right: Any, c: Any, margin: Any, p: Any, count: Any) -> Any:
    """For x (N, C), the right classes one-hot, c (N, 1): sum over the others of c max(0, margin - x_right + x)^p."""
    z = np.maximum(margin - (x * right).sum(axis=1, keepdims=True) + x, 0)
    return collected((z ** p * (c * (1 - right))).sum(axis=1), count)


def rows(op: str, x: Any) -> tuple[int, int]:
    """The sizes (N, C) of scores (N, C), (C,) or ()."""
    require_tensor(op, "input", x)
    if x.ndim > 2 or 0 in x.shape[-1:]:
        raise RuntimeError("Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
                           f"{list(x.shape)} ({op})")
    return tuple(x.shape) if x.ndim == 2 else (1, *x.shape, 1)[:2]


@public(where="nn.functional")
def multi_margin_loss(input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None,
                      size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> Any:
    """sum over k != t of weight[t] max(0, margin - x[t] + x[k])^p / C, with p 1 or 2.

    x: (N, C) or (C,); target: (N,) or (), class indices.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    require_constant("multi_margin_loss", weight=weight)
    count, classes = rows("multi_margin_loss", input)
    t = data_of(target).reshape(-1)
    if t.size != count or target.ndim > 1:
        raise RuntimeError(f"inconsistent target size, expected {count} but got {list(target.shape)} "
                           "(multi_margin_loss)")
    if weight is not None and weight.shape[0] != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)} "
                           "(multi_margin_loss)")
    if ((t < 0) | (t >= classes)).any():
        raise RuntimeError(f"target out of range (multi_margin_loss: {classes} classes)")
    x = input if input.ndim == 2 else input.reshape((1, classes))
    d = data_of(input).dtype
    right = np.eye(classes, dtype=d)[t]
    c = np.full((count, 1), 1 / classes, d) if weight is None else (data_of(weight)[t] / classes).reshape((count, 1))
    y = _multi_margin_loss(x, right, c, margin, p, divisor(reduction, count))
    return y.reshape(()) if reduction == "none" and input.ndim < 2 else y


def multilabel_margin_rule(g: Any, x: Any, marked: Any, others: Any, count: Any) -> Any:
    shape = x.shape
    z = data_of(1 - x.reshape((*shape, 1)) + x.reshape((shape[0], 1, shape[1])))
    pairs = marked[:, :, None] * others[:, None, :] * (z > 0) / shape[1]
    slope = (pairs.sum(axis=1) - pairs.sum(axis=2)).astype(z.dtype, copy=False)
    return slope * (share(g, count) if count is not None else g.reshape((-1, 1)))


@primitive(x=multilabel_margin_rule, arrays="marked others", grad_name="MultilabelMarginLossBackward0")
def _multilabel_margin_loss(x: Any, marked: Any, others: Any, count: Any) -> Any:
    """For x (N, C): sum over marked j and other k of max(0, 1 - x_j + x_k) / C."""
    z = np.maximum(1 - x[:, :, None] + x[:, None, :], 0) * (marked[:, :, None] * others[:, None, :])
    return collected(z.sum(axis=(1, 2)) / x.shape[1], count)


@public(where="nn.functional")
def multilabel_margin_loss(input: Any, target: Any, size_average: Any = None, reduce: Any = None,
                           reduction: str = "mean") -> Any:
    """sum over target classes j and other classes k of max(0, 1 - x[j] + x[k]) / C.

    x: (N, C) or (C,); target: the same shape, class indices up to the first -1. Takes memory for N C^2 numbers.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    count, classes = rows("multilabel_margin_loss", input)
    if tuple(target.shape) != tuple(input.shape):
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size {list(input.shape)} "
                           "(multilabel_margin_loss)")
    t = data_of(target).reshape((count, classes))
    if ((t < -1) | (t >= classes)).any():
        raise RuntimeError(f"target is out of range (multilabel_margin_loss: {classes} classes)")
    listed = np.logical_and.accumulate(t >= 0, axis=1)
    marked = np.zeros((count, classes), data_of(input).dtype)
    sample, place = np.nonzero(listed)
    np.add.at(marked, (sample, t[sample, place]), 1)
    x = input if input.ndim == 2 else input.reshape((1, classes))
    y = _multilabel_margin_loss(x, marked, (marked == 0).astype(marked.dtype), divisor(reduction, count))
    return y.reshape(()) if reduction == "none" and input.ndim < 2 else y


@public(where="nn.functional")
def multilabel_soft_margin_loss(input: Any, target: Any, weight: Any = None, size_average: Any = None,
                                reduce: Any = None, reduction: str = "mean") -> Any:
    """-(t log s(x) + (1 - t) log s(-x)) times `weight`, averaged over the last dimension; s the sigmoid."""
    reduction = reduction_of(size_average, reduce, reduction)
    require_tensor("multilabel_soft_margin_loss", "input", input)
    y = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    return reduced(_mean(y if weight is None else y * weight, (input.ndim - 1,)), reduction)


@public(where="nn.functional")
def triplet_margin_loss(anchor: Any, positive: Any, negative: Any, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
                        swap: bool = False, size_average: Any = None, reduce: Any = None,
                        reduction: str = "mean") -> Any:
    """max(0, margin + d(anchor, positive) - d(anchor, negative)), d(x, y) = |x - y + eps| in the p-norm.

    `swap` takes d(positive, negative) where that is the smaller. Balntas et al. 2016.
    """
    return triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=lambda a, b: pairwise_distance(a, b, p, eps), margin=margin,
        swap=swap, reduction=reduction_of(size_average, reduce, reduction))


@public(where="nn.functional")
def triplet_margin_with_distance_loss(anchor: Any, positive: Any, negative: Any, *,
                                      distance_function: Callable[..., Any] | None = None, margin: float = 1.0,
                                      swap: bool = False, reduction: str = "mean") -> Any:
    """`triplet_margin_loss` with any function of two tensors as the distance; by default `pairwise_distance`."""
    reduction = reduction_of(None, None, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError("The anchor, positive, and negative tensors are expected to have the same number of "
                           f"dimensions, but got: anchor {anchor.ndim}D, positive {positive.ndim}D, and negative "
                           f"{negative.ndim}D inputs")
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced(clamp_min(margin + near - far, 0), reduction)
