"""Losses that compare numbers or distributions element by element.

A loss is a value for each element, brought together by `reduction`: "mean", "sum" or "none". Primitives take `count`,
what the sum is divided by, or None for no sum: y = sum(f(x, target)) / count and dL/dx = g / count * df/dx.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..core import data_of, primitive, public
from ..core.checks import broadcast_shape, require_constant, require_tensor
from .activation import sigmoid
from .elementwise import exp, log, log1p
from .powers import xlogy
from .reduce import _mean_all, _sum_all
from .relu import _hardtanh
from .rounding import abs as absolute
from .select import clamp_min, where
from .shape import unsqueeze
from .vectors import _at_least


def reduction_of(size_average: Any, reduce: Any, reduction: Any) -> Any:
    """The reduction's name, with PyTorch's two legacy flags taken into account; ValueError for an unknown one."""
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        warnings.warn(f"size_average and reduce args will be deprecated, please use reduction='{reduction}' "
                      "instead.", stacklevel=4)
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def divisor(reduction: str, size: int) -> int | None:
    return {"none": None, "sum": 1}.get(reduction, size)


def collected(y: Any, count: Any) -> Any:
    """The elements' losses, summed and divided by n; as they are for None."""
    return y if count is None else y.sum() / count


def share(g: Any, count: Any) -> Any:
    """Each element's part of the gradient, the transpose of `collected`. (Of an empty mean no element has one.)"""
    return g if not count or count == 1 else g / count


def reduced(y: Any, reduction: str) -> Any:
    """The losses of the elements brought together, recorded."""
    return y if reduction == "none" else _sum_all(y) if reduction == "sum" else _mean_all(y)


def elements(op: str, input: Any, target: Any, reduction: str) -> int | None:
    """`count` for a loss of input and target, whose shapes should be equal, and else are broadcast with a warning."""
    require_tensor(op, "input", input)
    require_tensor(op, "target", target)
    a, b = tuple(input.shape), tuple(target.shape)
    if a != b:
        warnings.warn(f"Using a target size ({list(b)}) that is different to the input size ({list(a)}). This will "
                      "likely lead to incorrect results due to broadcasting. Please ensure they have the same "
                      "size.", stacklevel=4)
    return divisor(reduction, math.prod(broadcast_shape(op, a, b)))


def weighted(y: Any, input: Any, weight: Any, reduction: str, mean_by_weight: bool = True) -> Any:
    """Losses of elements times their weights; the mean is divided by the weights' sum."""
    if tuple(weight.shape) != tuple(input.shape):
        raise ValueError("Weights and input must have the same size.")
    y = y * weight
    return _sum_all(y) / _sum_all(weight) if reduction == "mean" and mean_by_weight else reduced(y, reduction)


@primitive(x=lambda g, x, target, count: (2 * share(g, count)) * (x - target),
           target=lambda g, x, target, count: (2 * share(g, count)) * (target - x), common="x target",
           grad_name="MseLossBackward0", real_only="x")
def _mse_loss(x: Any, target: Any, count: Any) -> Any:
    d = np.subtract(x, target)
    return collected(np.square(d), count)


@public(where="nn.functional")
def mse_loss(input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
             weight: Any = None) -> Any:
    """The squared error (x - t)^2; derivative 2 (x - t). With `weight`, the mean is sum(w (x - t)^2) / sum(w)."""
    reduction = reduction_of(size_average, reduce, reduction)
    count = elements("mse_loss", input, target, reduction)
    if weight is not None:
        return weighted(_mse_loss(input, target, None), input, weight, reduction)
    return _mse_loss(input, target, count)


@public(where="nn.functional")
def l1_loss(input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
            weight: Any = None) -> Any:
    """The absolute error |x - t|; derivative sign(x - t). With `weight`, the mean is sum(w |x - t|) / sum(w)."""
    reduction = reduction_of(size_average, reduce, reduction)
    elements("l1_loss", input, target, reduction)
    y = absolute(input - target)
    return reduced(y, reduction) if weight is None else weighted(y, input, weight, reduction)


@primitive(x=lambda g, x, target, count, beta: share(g, count) * _hardtanh((x - target) / beta, -1, 1),
           target=lambda g, x, target, count, beta: share(g, count) * _hardtanh((target - x) / beta, -1, 1),
           common="x target", grad_name="SmoothL1LossBackward0", real_only="x")
def _smooth_l1_loss(x: Any, target: Any, count: Any, beta: Any) -> Any:
    d = np.subtract(x, target)
    c = np.clip(d, -beta, beta)  # with which one formula holds on both sides: np.where takes several times as long
    return collected((d - 0.5 * c) * (c / beta), count)


@public(where="nn.functional")
def smooth_l1_loss(input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
                   beta: float = 1.0) -> Any:
    """(x - t)^2 / (2 beta) where |x - t| < beta, else |x - t| - beta / 2; Girshick 2015, arXiv:1504.08083."""
    reduction = reduction_of(size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return _smooth_l1_loss(input, target, elements("smooth_l1_loss", input, target, reduction), beta)


@primitive(x=lambda g, x, target, count, delta: share(g, count) * _hardtanh(x - target, -delta, delta),
           target=lambda g, x, target, count, delta: share(g, count) * _hardtanh(target - x, -delta, delta),
           common="x target", grad_name="HuberLossBackward0", real_only="x")
def _huber_loss(x: Any, target: Any, count: Any, delta: Any) -> Any:
    d = np.subtract(x, target)
    c = np.clip(d, -delta, delta)
    return collected((d - 0.5 * c) * c, count)


@public(where="nn.functional")
def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    """(x - t)^2 / 2 where |x - t| <= delta, else delta (|x - t| - delta / 2). Huber 1964.

    With `weight`, each element's loss is multiplied by it before the plain mean or sum.
    """
    reduction = reduction_of(None, None, reduction)
    count = elements("huber_loss", input, target, reduction)
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    if weight is not None:
        return weighted(_huber_loss(input, target, None, delta), input, weight, reduction, mean_by_weight=False)
    return _huber_loss(input, target, count, delta)


# ---- probabilities

@primitive(x=lambda g, x, target, w, count: share(g, count) * w * (x - target) / clamp_min((1 - x) * x, 1e-12),
           target=lambda g, x, target, w, count: share(g, count) * w * (
               clamp_min(log1p(-x), -100) - clamp_min(log(x), -100)),
           arrays="w", grad_name="BinaryCrossEntropyBackward0", real_only="x")
def _binary_cross_entropy(x: Any, target: Any, w: Any, count: Any) -> Any:
    y = (target - 1) * np.maximum(np.log1p(-x), -100) - target * np.maximum(np.log(x), -100)
    return collected(y * w, count)


@public(where="nn.functional")
def binary_cross_entropy(input: Any, target: Any, weight: Any = None, size_average: Any = None, reduce: Any = None,
                         reduction: str = "mean") -> Any:
    """-(t log x + (1 - t) log(1 - x)) times `weight`, for probabilities x; logarithms are kept above -100.

    Derivative (x - t) / (x (1 - x)). RuntimeError for an x or t outside [0, 1].
    """
    reduction = reduction_of(size_average, reduce, reduction)
    require_tensor("binary_cross_entropy", "input", input)
    require_constant("binary_cross_entropy", weight=weight)
    if tuple(target.shape) != tuple(input.shape):
        raise ValueError(f"Using a target size ({list(target.shape)}) that is different to the input size "
                         f"({list(input.shape)}) is deprecated. Please ensure they have the same size.")
    for name, values in (("input", data_of(input)), ("target", data_of(target))):
        if not np.all((values >= 0) & (values <= 1)):
            raise RuntimeError(f"all elements of {name} should be between 0 and 1 (binary_cross_entropy)")
    shape = tuple(input.shape)
    if weight is not None:
        broadcast_shape("binary_cross_entropy", shape, tuple(weight.shape))
    return _binary_cross_entropy(input, target, 1.0 if weight is None else weight, divisor(reduction, math.prod(shape)))


def slope(x: Any, t: Any, p: Any) -> Any:
    """The derivative of the binary cross entropy of logits, 1 - t - (1 + (p - 1) t) sigmoid(-x)."""
    return sigmoid(x) - t if p is None else (1 - t) - (1 + (p - 1) * t) * sigmoid(-x)


def slope_by_target(x: Any, p: Any) -> Any:
    """The same by the target: (p - 1) log(1 + exp(-x)) - x."""
    return -x if p is None else (p - 1) * (log1p(exp(-absolute(x))) + clamp_min(-x, 0)) - x


@primitive(x=lambda g, x, target, w, p, count: share(g, count) * w * slope(x, target, p),
           target=lambda g, x, w, p, count: share(g, count) * w * slope_by_target(x, p),
           arrays="w p", common="x target", grad_name="BinaryCrossEntropyWithLogitsBackward0", real_only="x")
def _bce_with_logits(x: Any, target: Any, w: Any, p: Any, count: Any) -> Any:
    softplus = np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, 0)  # of -x
    y = (1 - target) * x + (softplus if p is None else (1 + (p - 1) * target) * softplus)
    return collected(y * w, count)


@public(where="nn.functional")
def binary_cross_entropy_with_logits(input: Any, target: Any, weight: Any = None, size_average: Any = None,
                                     reduce: Any = None, reduction: str = "mean", pos_weight: Any = None) -> Any:
    """-(p t log s(x) + (1 - t) log(1 - s(x))) times `weight`, s the sigmoid and p `pos_weight`, without overflow for
    any x.

    Derivative for p = 1: s(x) - t.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    require_tensor("binary_cross_entropy_with_logits", "input", input)
    require_constant("binary_cross_entropy_with_logits", weight=weight, pos_weight=pos_weight)
    if tuple(target.shape) != tuple(input.shape):
        raise ValueError(f"Target size ({list(target.shape)}) must be the same as input size ({list(input.shape)})")
    shape = tuple(input.shape)
    for w in (weight, pos_weight):
        if w is not None:
            broadcast_shape("binary_cross_entropy_with_logits", shape, tuple(w.shape))
    count = divisor(reduction, math.prod(shape))
    return _bce_with_logits(input, target, 1.0 if weight is None else weight, pos_weight, count)


@public(where="nn.functional")
def kl_div(input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
           log_target: bool = False) -> Any:
    """t (log t - x), the pointwise Kullback-Leibler divergence, for log-probabilities x; `target` may be a logarithm
    too.

    reduction "batchmean" divides the sum by the batch size, and is the divergence of the definition.
    """
    batchmean = reduction == "batchmean" and size_average is None and reduce is None
    if reduction == "mean" and size_average is None and reduce is None:
        warnings.warn("reduction: 'mean' divides the total loss by both the batch size and the support size. "
                      "'batchmean' divides only by the batch size, and aligns with the KL div math "
                      "definition.", stacklevel=3)
    reduction = "sum" if batchmean else reduction_of(size_average, reduce, reduction)
    require_tensor("kl_div", "input", input)
    if log_target:
        difference = target - input
        y = exp(target) * difference
    else:
        product = target * input
        y = xlogy(target, target) - product
    y = reduced(y, reduction)
    return y / input.shape[0] if batchmean and input.ndim else y


@public(where="nn.functional")
def poisson_nll_loss(input: Any, target: Any, log_input: bool = True, full: bool = False, size_average: Any = None,
                     eps: float = 1e-8, reduce: Any = None, reduction: str = "mean") -> Any:
    """exp(x) - t x, the negative log-likelihood of a Poisson rate exp(x); for a rate x itself, x - t log(x + eps).

    `full` adds Stirling's term t log t - t + log(2 pi t) / 2 where t > 1.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    require_tensor("poisson_nll_loss", "input", input)
    y = exp(input) - target * input if log_input else input - target * log(input + eps)
    if full:
        stirling = target * log(target) - target + 0.5 * log(2 * math.pi * target)
        y = y + where(target <= 1, 0.0, stirling)
    return reduced(y, reduction)


@public(where="nn.functional")
def gaussian_nll_loss(input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6,
                      reduction: str = "mean") -> Any:
    """(log v + (x - t)^2 / v) / 2, the negative log-likelihood of a normal distribution, with v = max(var, eps).

    The gradient takes no notice of that bound. `full` adds log(2 pi) / 2. var: the shape of x, or 1 in one of its
    dimensions, or the last dimension missing; ValueError otherwise and for a negative value. Nix and Weigend 1994.
    """
    reduction = reduction_of(None, None, reduction)
    require_tensor("gaussian_nll_loss", "input", input)
    if isinstance(var, (int, float)):
        var = np.full(tuple(input.shape), var, data_of(input).dtype)
    if np.any(data_of(var) < 0):
        raise ValueError("var has negative entry/entries")
    shape, given = tuple(input.shape), tuple(var.shape)
    if given != shape:
        if given == shape[:-1]:
            var = unsqueeze(var, -1)
        elif len(given) != len(shape) or sum(v for x, v in zip(shape, given) if x != v) != 1:
            raise ValueError(f"var is of incorrect size (gaussian_nll_loss: {list(given)} for input {list(shape)})")
    v, d = _at_least(var, eps), input - target
    y = 0.5 * (log(v) + d * d / v)
    return reduced(y + 0.5 * math.log(2 * math.pi) if full else y, reduction)
