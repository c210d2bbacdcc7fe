"""Losses of classification: the negative log-likelihood of the right class, from log-probabilities or from scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core import data_of, dtype_of, primitive, public
from ..core.broadcast import expand_to
from ..core.checks import all_below, require_constant, require_tensor
from ..core.dtypes import word
from .index import _pick, open_grid, put_zeros
from .loss import collected, reduced, reduction_of, share
from .matmul import linear
from .reduce import _sum, _sum_all
from .select import where
from .shape import reshape
from .softmax import _log_softmax, _softmax, _softmax_backward, shifted
from .sums import sums


def column(x: Any) -> Any:
    """(N, *S) as (N, 1, *S); one number for all as it is."""
    return reshape(x, (x.shape[0], 1, *x.shape[1:])) if x.ndim else x


def likelihoods(y: Any, c: Any, count: Any) -> Any:
    """The losses y of the targets times their factors, collected; 0, even of an infinite y, where the factor is."""
    return collected(y if c is None else np.where(c == 0, c, c * y), count)


def at_class(index: np.ndarray) -> tuple[Any, ...]:
    """The key of x[i, index[i, j], j] for every sample i and position j."""
    samples, *positions = open_grid(index.shape)
    return (samples, index, *positions)


def part(g: Any, c: Any, count: Any) -> Any:
    """Each target's share of the gradient: 0, as in PyTorch, where no target counts and the mean is undefined."""
    g = share(g, math.inf if count == 0 else count)
    return g if c is None else g * c


def nll_rule(g: Any, x_shape: Any, index: Any, c: Any, count: Any) -> Any:
    return put_zeros(expand_to(-part(g, c, count), index.shape), x_shape, at_class(index))


def nll(x: Any, index: Any, c: Any, count: Any) -> Any:
    """y = -c x[i, index[i]] for each sample and position, collected."""
    return likelihoods(-x[at_class(index)], c, count)


def cross_entropy_rule(g: Any, x: Any, index: Any, c: Any, count: Any) -> Any:
    return _cross_entropy_backward(part(g, c, count), x, index)


def scores_nll(x: Any, index: Any, c: Any, count: Any) -> Any:
    """y = c (log sum_k exp(x[i, k]) - x[i, index[i]]): softmax, logarithm and likelihood in one."""
    z = shifted(x, (1,))
    right = z[at_class(index)]
    return likelihoods(np.log(sums(np.exp(z, z), (1,)).reshape(right.shape)) - right, c, count)


# PyTorch's node has another name where there are positions besides samples and classes.
NODES = ("NllLossBackward0", "NllLoss2DBackward0")
_nll_loss = [primitive(nll, x=nll_rule, arrays="index c", grad_name=name) for name in NODES]
_cross_entropy = [primitive(scores_nll, x=cross_entropy_rule, arrays="index c", grad_name=name) for name in NODES]


@primitive(c=lambda g, x, index: _sum(g * _softmax(x, (1,)), (1,)) - _pick(g, at_class(data_of(index))),
           x=lambda g, c, x: _softmax_backward(g * column(c), _softmax(x, (1,)), (1,)), arrays="index")
def _cross_entropy_backward(c: Any, x: Any, index: Any) -> Any:
    """c (softmax(x) - onehot(index))."""
    y = shifted(x, (1,))
    np.exp(y, y)
    y /= sums(y, (1,))
    y[at_class(index)] -= 1
    y *= column(c)
    return y


def coefficients(op: str, x: Any, target: Any, weight: Any, ignore_index: int) -> tuple[np.ndarray, np.ndarray | None]:
    """The targets, 0 where ignored, and the factor of each: its class's weight, 0 where ignored; after the checks.

    None for the factors if all are 1.
    """
    require_constant(op, weight=weight)
    shape, index = data_of(x).shape, data_of(target)
    if index.dtype.char not in "lB":
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {word(index.dtype)} ({op})")
    if len(shape) > 1 and index.ndim and shape[0] != index.shape[0]:
        raise ValueError(f"Expected input batch_size ({shape[0]}) to match target batch_size ({index.shape[0]}). ({op})")
    if shape[:1] + shape[2:] != index.shape:
        raise RuntimeError(f"{op}: expected target of size {list(shape[:1] + shape[2:])} for input of size "
                           f"{list(shape)}, got {list(index.shape)}")
    if weight is not None and tuple(weight.shape) != shape[1:2]:
        raise RuntimeError(f"weight tensor should be defined either for all {shape[1]} classes or no classes but got "
                           f"weight tensor of shape: {list(weight.shape)} ({op})")
    all_count = weight is None and not 0 <= ignore_index < shape[1] and index.dtype.itemsize == 8 and index.size
    if all_count and all_below(index, shape[1]):
        return index.copy(), None
    keep = index != ignore_index
    outside = keep & ((index < 0) | (index >= shape[1]))
    if outside.any():
        raise IndexError(f"Target {index[outside][0]} is out of bounds. ({op}: {shape[1]} classes)")
    index = np.where(keep, index, 0).astype(np.int64, copy=False)
    c = keep.astype(dtype_of(x))
    return index, c if weight is None else np.where(keep, data_of(weight)[index], c)


def likelihood(kinds: Any, op: str, input: Any, target: Any, weight: Any, ignore_index: int, reduction: str) -> Any:
    """One of the two primitives on x of shape (N, C, *S), or (C,), and targets (N, *S) or ()."""
    batched = input.ndim != 1
    x = input if batched else reshape(input, (1, input.shape[0]))
    t = data_of(target) if batched else data_of(target).reshape((1,) if target.ndim == 0 else target.shape)
    index, c = coefficients(op, x, t, weight, ignore_index)
    count = None if reduction == "none" else 1 if reduction == "sum" else index.size if c is None else c.sum()
    y = kinds[x.ndim > 2](x, index, c, count)
    return y if batched or reduction != "none" else reshape(y, ())


@public(where="nn.functional")
def nll_loss(input: Any, target: Any, weight: Any = None, size_average: Any = None, ignore_index: int = -100,
             reduce: Any = None, reduction: str = "mean") -> Any:
    """-weight[t] x[t] for log-probabilities x; the mean is divided by the sum of the targets' weights.

    x: (C,), (N, C) or (N, C, *S); target: (), (N,) or (N, *S), class indices. Targets equal to `ignore_index` do not
    count. IndexError for any other target outside [0, C).
    """
    reduction = reduction_of(size_average, reduce, reduction)
    require_tensor("nll_loss", "input", input)
    if input.ndim == 0:
        raise RuntimeError("nll_loss: expected input with 1 or more dimensions, got 0")
    return likelihood(_nll_loss, "nll_loss", input, target, weight, ignore_index, reduction)


@public(where="nn.functional")
def cross_entropy(input: Any, target: Any, weight: Any = None, size_average: Any = None, ignore_index: int = -100,
                  reduce: Any = None, reduction: str = "mean", label_smoothing: float = 0.0) -> Any:
    """-weight[t] log softmax(x)[t] for scores x; derivative weight[t] (softmax(x) - onehot(t)).

    x: (C,), (N, C) or (N, C, *S). target: class indices, as in `nll_loss`, or the probabilities of all classes, in
    x's shape: then -sum_k weight[k] t_k log softmax(x)_k, whose mean is over N and S. `label_smoothing` e replaces
    the target's distribution by (1 - e) t + e / C (Szegedy et al. 2016, arXiv:1512.00567).
    """
    reduction = reduction_of(size_average, reduce, reduction)
    require_tensor("cross_entropy", "input", input)
    require_tensor("cross_entropy", "target", target)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing} (cross_entropy)")
    if input.ndim == 0:
        raise RuntimeError("cross_entropy: expected input with 1 or more dimensions, got 0")
    if data_of(input).shape == data_of(target).shape:
        return soft_cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)
    if label_smoothing:
        return smoothed_cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)
    return likelihood(_cross_entropy, "cross_entropy", input, target, weight, ignore_index, reduction)


def per_class(weight: Any, x: Any) -> Any:
    """The weights of the classes in a shape that broadcasts with x."""
    return weight if x.ndim == 1 else reshape(weight, (x.shape[1],) + (1,) * (x.ndim - 2))


def soft_cross_entropy(x: Any, target: Any, weight: Any, ignore_index: int, reduction: str, smoothing: float) -> Any:
    if dtype_of(target).kind != "f":
        raise RuntimeError("Expected floating point type for target with class probabilities, got "
                           f"{word(dtype_of(target))} (cross_entropy)")
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target (cross_entropy)")
    dim = min(x.ndim - 1, 1)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / x.shape[dim]
    y = _log_softmax(x, (dim,)) * target
    y = -_sum(y if weight is None else y * per_class(weight, x), (dim,))
    if reduction == "mean":
        return _sum_all(y) / (math.prod(x.shape) / x.shape[dim])
    return reduced(y, reduction)


def smoothed_cross_entropy(x: Any, target: Any, weight: Any, ignore_index: int, reduction: str,
                           smoothing: float) -> Any:
    log_p = _log_softmax(x, (min(x.ndim - 1, 1),))
    y = likelihood(_nll_loss, "cross_entropy", log_p, target, weight, ignore_index, reduction)
    keep = data_of(target) != ignore_index
    uniform = -_sum(log_p if weight is None else log_p * per_class(weight, x), (min(x.ndim - 1, 1),))
    uniform = where(keep, uniform, 0.0)
    if reduction != "none":
        uniform = _sum_all(uniform)
    if reduction == "mean":
        count = keep.sum() if weight is None else data_of(weight)[data_of(target)[keep]].sum()
        if count == 0:
            return y
        uniform = uniform / count
    return y * (1 - smoothing) + uniform * (smoothing / x.shape[min(x.ndim - 1, 1)])


@public(where="nn.functional")
def linear_cross_entropy(input: Any, linear_weight: Any, target: Any, *, linear_bias: Any = None, weight: Any = None,
                         reduction: str = "mean", ignore_index: int | None = None, label_smoothing: float = 0.0,
                         options: Any = None) -> Any:
    """cross_entropy(linear(x, linear_weight, linear_bias), target).

    x: (F,) or (N, F); linear_weight: (C, F), or (C, *S, F) for scores of shape (N, C, *S). `options`, which lets
    PyTorch compute in chunks, changes no result and is accepted without effect.
    """
    require_tensor("linear_cross_entropy", "input", input)
    if input.ndim not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.ndim} (linear_cross_entropy)")
    if linear_weight.ndim < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {linear_weight.ndim} "
                           "(linear_cross_entropy)")
    *batch, features = input.shape
    classes, *positions, expected = linear_weight.shape
    if features != expected:
        raise RuntimeError("expected equal input and linear_weight last dimensions (in_features), got "
                           f"{features} and {expected}, respectively (linear_cross_entropy)")
    if linear_bias is not None and tuple(linear_bias.shape) != (classes, *positions):
        raise RuntimeError(f"expected linear_bias shape {(classes, *positions)}, got {tuple(linear_bias.shape)} "
                           "(linear_cross_entropy)")
    if positions and not batch:
        raise RuntimeError(f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires "
                           f"batched input, (N, {features}), got unbatched input with shape {tuple(input.shape)} "
                           "(linear_cross_entropy)")
    if tuple(target.shape) == (*batch, classes, *positions) and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities (linear_cross_entropy)")
    if positions:
        linear_weight = reshape(linear_weight, (-1, features))
        linear_bias = None if linear_bias is None else reshape(linear_bias, (-1,))
    scores = linear(input, linear_weight, linear_bias)
    if positions:
        scores = reshape(scores, (*batch, classes, *positions))
    return cross_entropy(scores, target, weight, None, -100 if ignore_index is None else ignore_index, None, reduction,
                         label_smoothing)
