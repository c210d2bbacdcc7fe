"""Attention: softmax(q k^T / sqrt(d)) v, alone and with several heads between projections.

Vaswani et al. 2017, arXiv:1706.03762.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..core import data_of, dtype_of, public
from ..core.checks import require_tensor
from ..core.dtypes import word
from .dropout import dropout
from .join import cat
from .matmul import linear, matmul
from .reduce import _mean
from .select import where
from .shape import expand, reshape, transpose
from .softmax import _softmax


def additive(mask: Any, dtype: np.dtype, keep: bool) -> Any:
    """A bool mask as numbers to add to the scores: minus infinity where it is not `keep`; a float mask as it is."""
    if dtype_of(mask) != np.bool_:
        return mask
    return np.where(data_of(mask) == keep, 0, -np.inf).astype(dtype)


def grouped(x: Any, heads: int) -> Any:
    """(*, h, L, E) with each head repeated, to `heads` heads."""
    *lead, h, length, size = x.shape
    x = expand(reshape(x, (*lead, h, 1, length, size)), (*lead, h, heads // h, length, size))
    return reshape(x, (*lead, heads, length, size))


@public(where="nn.functional")
def scaled_dot_product_attention(query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0,
                                 is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False) -> Any:
    """y = dropout(softmax(scale q k^T + mask)) v, with scale = 1 / sqrt(E) by default.

    query: (*, L, E); key: (*, S, E); value: (*, S, F); y: (*, L, F). attn_mask broadcasts to (*, L, S): bool, True
    where attention is allowed, or numbers to add. `is_causal` allows key j for query i where j <= i. A query that may
    attend to nothing yields zeros. `enable_gqa`: heads (dimension -3) of key and value are repeated to those of the
    query. `dropout_p` acts always.
    """
    for name, x in (("query", query), ("key", key), ("value", value)):
        require_tensor("scaled_dot_product_attention", name, x)
        if x.ndim < 2:
            raise RuntimeError("scaled_dot_product_attention: Expected query, key, and value to all be at least 2 "
                               f"dimensional, but got {name} with {x.ndim}")
        if dtype_of(x) != dtype_of(query):
            raise RuntimeError("Expected query, key, and value to have the same dtype, but got query.dtype: "
                               f"{word(dtype_of(query))} and {name}.dtype: {word(dtype_of(x))} "
                               "(scaled_dot_product_attention)")
    if is_causal and attn_mask is not None:
        raise RuntimeError("scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    if attn_mask is not None and dtype_of(attn_mask) not in (np.bool_, dtype_of(query)):
        raise RuntimeError("Expected attn_mask dtype to be bool or float or to match query dtype, but got "
                           f"attn_mask.dtype: {word(dtype_of(attn_mask))} and query.dtype: {word(dtype_of(query))} "
                           "(scaled_dot_product_attention)")
    if enable_gqa:
        heads = query.shape[-3]
        if heads % key.shape[-3] or heads % value.shape[-3]:
            raise RuntimeError("scaled_dot_product_attention: number of heads in key and value must divide the "
                               f"number of heads in query, got {key.shape[-3]}, {value.shape[-3]} and {heads}")
        key, value = grouped(key, heads), grouped(value, heads)
    length, sources = query.shape[-2], key.shape[-2]
    if is_causal:
        attn_mask = np.tri(length, sources, dtype=bool)
    scale = 1 / math.sqrt(query.shape[-1] or 1) if scale is None else scale
    weights = attend(query * scale, key, None if attn_mask is None else additive(attn_mask, dtype_of(query), keep=True))
    return matmul(dropout(weights, dropout_p) if dropout_p else weights, value)


def attend(query: Any, key: Any, mask: Any) -> Any:
    """softmax(q k^T + mask) along the last dimension, with zeros where all scores are minus infinity."""
    scores = matmul(query, transpose(key, -2, -1))
    last = (scores.ndim - 1,)
    if mask is None:
        return _softmax(scores, last)
    scores = scores + mask
    allowed = (data_of(scores) != -np.inf).any(axis=-1, keepdims=True)
    if allowed.all():
        return _softmax(scores, last)
    return where(allowed, _softmax(where(allowed, scores, 0.0), last), 0.0)


def check_ranks(query: Any, key: Any, value: Any, padding: Any, mask: Any, heads: int) -> Any:
    """Whether the input is batched; AssertionError where the ranks do not fit together."""
    if query.ndim not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D query "
                             "tensor")
    n, kind = query.ndim, ("unbatched (2-D)", "batched (3-D)")[query.ndim - 2]
    if key.ndim != n or value.ndim != n:
        raise AssertionError(f"For {kind} `query`, expected `key` and `value` to be {n}-D but found {key.ndim}-D and "
                             f"{value.ndim}-D tensors respectively")
    if padding is not None and padding.ndim != n - 1:
        raise AssertionError(f"For {kind} `query`, expected `key_padding_mask` to be `None` or {n - 1}-D but found "
                             f"{padding.ndim}-D tensor instead")
    if mask is not None:
        if mask.ndim not in (2, 3):
            raise AssertionError(f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found "
                                 f"{mask.ndim}-D tensor instead")
        length, batch = query.shape[0], query.shape[1] if n == 3 else 1
        expected = (length, key.shape[0]) if mask.ndim == 2 else (batch * heads, length, key.shape[0])
        if tuple(mask.shape) != expected:
            error = AssertionError if n == 2 and mask.ndim == 3 else RuntimeError
            raise error(f"The shape of the {mask.ndim}D attn_mask is {tuple(mask.shape)}, but should be {expected}.")
    return n == 3


def project(query: Any, key: Any, value: Any, weights: Any, bias: Any) -> tuple[Any, Any, Any]:
    """The projected query, key and value; by one product where `weights` is packed and all three are one tensor."""
    size = query.shape[-1]
    if not isinstance(weights, tuple):
        if query is key is value:
            packed = linear(query, weights, bias)
            return packed[..., :size], packed[..., size:2 * size], packed[..., 2 * size:]
        weights = tuple([weights[i * size:(i + 1) * size] for i in range(3)])
    biases = [None] * 3 if bias is None else [bias[i * size:(i + 1) * size] for i in range(3)]
    q, k, v = [linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases)]
    return q, k, v


def by_head(x: Any, batch_heads: int) -> Any:
    """(L, B, H D) as (B H, L, D)."""
    return transpose(reshape(x, (x.shape[0], batch_heads, -1)), 0, 1)


def widened(mask: Any) -> Any:
    """A mask with a column of zeros for one more source, to which attention is allowed."""
    return None if mask is None else cat([mask, np.zeros((*mask.shape[:-1], 1), dtype_of(mask))], -1)


@public(where="nn.functional")
def multi_head_attention_forward(
        query: Any, key: Any, value: Any, embed_dim_to_check: int, num_heads: int, in_proj_weight: Any,
        in_proj_bias: Any, bias_k: Any, bias_v: Any, add_zero_attn: bool, dropout_p: float, out_proj_weight: Any,
        out_proj_bias: Any, training: bool = True, key_padding_mask: Any = None, need_weights: bool = True,
        attn_mask: Any = None, use_separate_proj_weight: bool = False, q_proj_weight: Any = None,
        k_proj_weight: Any = None, v_proj_weight: Any = None, static_k: Any = None, static_v: Any = None,
        average_attn_weights: bool = True, is_causal: bool = False) -> tuple[Any, Any]:
    """Multi-head attention: heads of projections of q, k and v, attention in each, joined and projected again.

    query: (L, E) or (L, B, E); key, value: (S, E) or (S, B, E). The output in the query's shape, and with
    `need_weights` the attention weights (B, L, S), averaged over the heads by default, else (B, H, L, S). A bool mask
    is True where attention is *not* allowed; `attn_mask`: (L, S) or (B H, L, S); `key_padding_mask`: (B, S).
    `is_causal` is a hint that `attn_mask` is causal. AssertionError and RuntimeError for shapes that do not fit, as
    in PyTorch.
    """
    batched = check_ranks(query, key, value, key_padding_mask, attn_mask, num_heads)
    for name, mask in (("key_padding_mask", key_padding_mask), ("attn_mask", attn_mask)):
        if mask is not None and dtype_of(mask) != np.bool_ and dtype_of(mask).kind != "f":
            raise AssertionError(f"only bool and floating types of {name} are supported")
    if key_padding_mask is not None and attn_mask is not None and dtype_of(key_padding_mask) != dtype_of(attn_mask):
        warnings.warn("Support for mismatched key_padding_mask and attn_mask is deprecated. Use same type for both "
                      "instead.", stacklevel=3)
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
                           "`generate_square_subsequent_mask` to create this mask.")
    if not batched:
        alike = query is key is value
        query = reshape(query, (query.shape[0], 1, query.shape[1]))
        key, value = (query, query) if alike else [reshape(x, (x.shape[0], 1, x.shape[1])) for x in (key, value)]
    length, batch, size = query.shape
    if size != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {size}")
    if size % num_heads:
        raise AssertionError(f"embed_dim {size} not divisible by num_heads {num_heads}")
    same = 2 if use_separate_proj_weight else 3  # key and value may then differ in their last size
    if tuple(key.shape[:same]) != tuple(value.shape[:same]):
        raise AssertionError(f"key shape {tuple(key.shape)} does not match value shape {tuple(value.shape)}")
    weights = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight
    q, k, v = project(query, key, value, weights, in_proj_bias)
    d, count = dtype_of(q), batch * num_heads
    mask = None if attn_mask is None else additive(attn_mask, d, keep=False)
    padding = None if key_padding_mask is None else reshape(additive(key_padding_mask, d, keep=False), (batch, -1))

    if (bias_k is None) != (bias_v is None):
        raise AssertionError("bias_k and bias_v must be given together")
    if bias_k is not None:
        if static_k is not None or static_v is not None:
            raise AssertionError("bias cannot be added to static key or value.")
        k, v = [cat([x, expand(b, (1, batch, size))], 0) for x, b in ((k, bias_k), (v, bias_v))]
        mask, padding = widened(mask), widened(padding)
    q = by_head(q, count)
    k = by_head(k, count) if static_k is None else static_k
    v = by_head(v, count) if static_v is None else static_v
    head = size // num_heads
    for name, x in (("static_k", static_k), ("static_v", static_v)):
        if x is not None and (x.shape[0], x.shape[2]) != (count, head):
            raise AssertionError(f"expecting {name} of size ({count}, S, {head}), but got {tuple(x.shape)}")
    if add_zero_attn:
        k, v = [cat([x, np.zeros((count, 1, head), d)], 1) for x in (k, v)]
        mask, padding = widened(mask), widened(padding)
    sources = k.shape[1]
    if padding is not None:
        if tuple(padding.shape) != (batch, sources):
            raise RuntimeError(f"key_padding_mask: expected shape {(batch, sources)}, got {tuple(padding.shape)}")
        padding = expand(reshape(padding, (batch, 1, 1, sources)), (batch, num_heads, 1, sources))
        padding = reshape(padding, (count, 1, sources))
        mask = padding if mask is None else mask + padding

    scores = q * (1 / math.sqrt(head))
    if need_weights:  # where nothing may be attended to, these show it as NaN
        scores = matmul(scores, transpose(k, -2, -1))
        attention = _softmax(scores if mask is None else scores + mask, (2,))
    else:
        attention = attend(scores, k, mask)
    if training and dropout_p:
        attention = dropout(attention, dropout_p)
    y = reshape(transpose(matmul(attention, v), 0, 1), (length * batch, size))
    y = linear(y, out_proj_weight, out_proj_bias)
    y = reshape(y, (length, batch, y.shape[1]) if batched else (length, y.shape[1]))
    if not need_weights:
        return y, None
    attention = reshape(attention, (batch, num_heads, length, sources))
    if average_attn_weights:
        attention = _mean(attention, (1,))
    return y, attention if batched else reshape(attention, attention.shape[1:])
