"""Embeddings: rows of a matrix looked up by index, alone or summed in bags; and the one-hot vectors they stand for."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ..core import Tensor, data_of, dtype_of, primitive, public, wrap
from ..core.checks import require_tensor
from ..core.dtypes import word
from .index import _pick, put_zeros
from .shape import reshape


def row_factors(index: np.ndarray, padding: int | None, by_freq: bool, dtype: np.dtype) -> Any:
    """The factor of each looked-up row's gradient: 0 for the padding row, with `by_freq` 1 / count of its index."""
    f = np.ones((*index.shape, 1), dtype)
    if by_freq and index.size:
        f[..., 0] /= np.bincount(index.ravel())[index]
    f[index == padding] = 0
    return f


def embedding_rule(g: Any, w_shape: Any, index: Any, padding: Any, by_freq: Any) -> Any:
    if padding is not None or by_freq:
        g = g * row_factors(index, padding, by_freq, dtype_of(g))
    return put_zeros(g, w_shape, (index,))


@primitive(w=embedding_rule)
def _embedding(w: Any, index: Any, padding: Any, by_freq: Any) -> Any:
    return w[index]


def checked_index(op: str, input: Any, rows: int) -> Any:
    require_tensor(op, "input", input)
    index = data_of(input)
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError("Expected tensor for argument #1 'indices' to have one of the following scalar types: "
                           f"Long, Int; but got torch.{word(index.dtype)}Tensor instead (while checking arguments for "
                           f"{op})")
    outside = (index < 0) | (index >= rows)
    if outside.any():
        raise IndexError(f"index out of range in self ({op}: {index[outside][0]} is not among {rows} rows)")
    return index


def row_of(padding_idx: int | None, rows: int) -> int | None:
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise AssertionError(f"Padding_idx must be within num_embeddings, got {padding_idx} for {rows}")
    return padding_idx % rows


def renormalise(weight: Any, index: np.ndarray, max_norm: float, norm_type: float) -> None:
    """Scales the rows looked up down to `max_norm`, in place and unrecorded."""
    w, used = data_of(weight), np.unique(index)
    norms = np.linalg.norm(w[used], ord=norm_type, axis=1, keepdims=True)
    w[used] *= np.where(norms > max_norm, max_norm / (norms + 1e-7), 1).astype(w.dtype)
    if isinstance(weight, Tensor):
        weight._counter[0] += 1


@public(where="nn.functional")
def embedding(input: Any, weight: Any, padding_idx: int | None = None, max_norm: float | None = None,
              norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False) -> Any:
    """y = weight[input]: the rows of `weight` (V, D) at indices of any shape.

    The row `padding_idx` gets no gradient. `max_norm` first scales longer rows among those used down to that length,
    in place. `scale_grad_by_freq` divides a row's gradient by how often it occurs. IndexError for an index outside
    [0, V). Gradients are dense; `sparse` is accepted without effect.

    >>> import minidl as torch
    >>> torch.nn.functional.embedding(torch.tensor([1, 0]), torch.tensor([[1., 2.], [3., 4.]]))
    tensor([[3., 4.],
            [1., 2.]])
    """
    require_tensor("embedding", "weight", weight)
    if weight.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D (embedding: got {weight.ndim}-D)")
    padding = row_of(padding_idx, weight.shape[0])
    index = checked_index("embedding", input, weight.shape[0])
    if max_norm is not None:
        renormalise(weight, index, max_norm, norm_type)
    return _embedding(weight, index, padding, scale_grad_by_freq)


def bag_starts(input: Any, offsets: Any, include_last_offset: bool) -> Any:
    """Where the bags begin, and after them the end of the last."""
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError("if input is 2D, then offsets has to be None, as input is treated is a mini-batch of "
                             f"fixed length sequences. However, found offsets of type {type(offsets)}")
        return np.arange(input.shape[0] + 1) * input.shape[1]
    if input.ndim != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.ndim != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    starts, length = data_of(offsets), input.shape[0]
    if starts.size and starts[0] != 0:
        raise RuntimeError("offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
                           f"position 0. However, got {starts[0]}")
    if starts.size and starts[-1] > length:
        raise RuntimeError(f"offsets[-1] can not be greater than input's length({length}), but got offsets[-1] of "
                           f"{starts[-1]}")
    return starts if include_last_offset else np.append(starts, length)


@public(where="nn.functional")
def embedding_bag(input: Any, weight: Any, offsets: Any = None, max_norm: float | None = None, norm_type: float = 2,
                  scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
                  per_sample_weights: Any = None, include_last_offset: bool = False,
                  padding_idx: int | None = None) -> Any:
    """The sum, mean or maximum of the rows weight[i], over the indices i in each bag; zeros for an empty bag.

    input: (B, n), a bag in each row, or (L,) with the bags' starts in `offsets` (B,) (and their end, with
    `include_last_offset`). Entries equal to `padding_idx` do not count. `per_sample_weights`, in the shape of
    `input`, multiply the rows of a sum.
    """
    require_tensor("embedding_bag", "input", input)
    require_tensor("embedding_bag", "weight", weight)
    if per_sample_weights is not None and tuple(input.shape) != tuple(per_sample_weights.shape):
        raise ValueError(f"embedding_bag: If per_sample_weights ({list(per_sample_weights.shape)}) is not None, then "
                         f"it must have the same shape as the input ({list(input.shape)})")
    if weight.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    starts = bag_starts(input, offsets, include_last_offset)
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError("embedding_bag: per_sample_weights was not None. per_sample_weights is only "
                                  f"supported for mode='sum' (got mode='{mode}').")
    padding = row_of(padding_idx, weight.shape[0])
    index = checked_index("embedding_bag", input, weight.shape[0]).reshape(-1)
    if max_norm is not None:
        renormalise(weight, index, max_norm, norm_type)
    bags = len(starts) - 1
    if mode == "max":
        return bag_maximum(weight, index, starts, padding)
    bag = np.repeat(np.arange(bags), np.diff(starts))
    counts = index != padding
    f = counts.astype(dtype_of(weight))[:, None]
    if mode == "mean":
        f /= np.maximum(np.bincount(bag[counts], minlength=bags), 1)[bag, None]
    rows = _embedding(weight, index, padding, scale_grad_by_freq)
    if per_sample_weights is not None:
        rows = rows * reshape(per_sample_weights, (-1, 1))
    return put_zeros(rows * f, (bags, weight.shape[1]), (bag,))


def bag_maximum(weight: Any, index: np.ndarray, starts: np.ndarray, padding: int | None) -> Any:
    """The maximum over each bag, as elements picked from `weight`."""
    w = data_of(weight)
    pick, filled = np.zeros((len(starts) - 1, w.shape[1]), np.int64), np.zeros((len(starts) - 1, 1), w.dtype)
    for bag, (start, stop) in enumerate(itertools.pairwise(starts.tolist())):
        members = index[start:stop]
        members = members[members != padding]
        if members.size:
            pick[bag], filled[bag] = members[w[members].argmax(axis=0)], 1
    return _pick(weight, (pick, np.arange(w.shape[1]))) * filled


@public(where="nn.functional")
def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """y[..., k] = 1 where k is the class index, else 0, int64; the number of classes is by default the largest index
    plus 1.

    >>> import minidl as torch
    >>> torch.nn.functional.one_hot(torch.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    require_tensor("one_hot", "tensor", tensor)
    index = data_of(tensor)
    if index.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor, got "
                           f"{word(index.dtype)}Tensor.")
    if index.size == 0 and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if index.size and index.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(index.max()) + 1
    elif index.size and index.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    y = np.zeros((*index.shape, num_classes), np.int64)
    y.reshape(-1)[np.arange(index.size) * num_classes + index.reshape(-1)] = 1
    return wrap(y) if isinstance(tensor, Tensor) else y
