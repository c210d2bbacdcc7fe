"""Quantisation in floating point: numbers brought to those that a few bits can hold, with a gradient to train by."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import data_of, primitive, public
from ..core.checks import require_tensor, wrap_dim
from ..core.dtypes import word
from .elementwise import masked, needs_float


def levels(x: Any, scale: Any, zero_point: Any) -> Any:
    """q = round(x / scale) + zero_point as floats, before saturation; halves go to the even neighbour. As in PyTorch, x is
    multiplied by 1 / scale rounded to float32, and a float16 x is brought to float32."""
    return np.rint(x * (np.float32(1) / scale)) + zero_point


def saturated(q: Any, quant_min: int, quant_max: int) -> Any:
    """q within the limits; `quant_min` for NaN."""
    return np.fmin(np.fmax(q, quant_min), quant_max)


def within(x: Any, scale: Any, zero_point: Any, quant_min: int, quant_max: int) -> Any:
    """Where the quantised x is not saturated."""
    q = levels(data_of(x), scale, zero_point)
    return (q >= quant_min) & (q <= quant_max)


def straight_through(g: Any, x: Any, scale: Any, zero_point: Any, quant_min: int, quant_max: int) -> Any:
    return masked(g, within(x, scale, zero_point, quant_min, quant_max))


@primitive(x=straight_through)
def _fake_quantize_per_tensor_affine_cachemask(x: Any, scale: Any, zero_point: Any, quant_min: int, quant_max: int) -> Any:
    q = saturated(levels(x, scale, zero_point), quant_min, quant_max) - zero_point
    return (q.astype(np.float32) * scale).astype(x.dtype)


@primitive(x=straight_through)
def _fake_quantize_per_channel_affine_cachemask(x: Any, scale: Any, zero_point: Any, quant_min: int, quant_max: int) -> Any:
    return ((saturated(levels(x, scale, zero_point), quant_min, quant_max) - zero_point) * scale).astype(x.dtype)


def check(op: str, input: Any, zero_point: Any, quant_min: int, quant_max: int) -> None:
    require_tensor(op, "input", input)
    needs_float(op, input)
    if quant_min > quant_max:
        raise RuntimeError(f"{op}: `quant_min` should be less than or equal to `quant_max`, got {quant_min} and {quant_max}")
    if np.any((zero_point < quant_min) | (zero_point > quant_max)):
        raise RuntimeError(f"{op}: `zero_point` must be between `quant_min` and `quant_max`, got {zero_point} for [{quant_min}, {quant_max}]")


@public
def fake_quantize_per_tensor_affine(input: Any, scale: Any, zero_point: Any, quant_min: int, quant_max: int) -> Any:
    """y = (clamp(round(x / scale) + zero_point, quant_min, quant_max) - zero_point) scale; dL/dx = g where nothing was cut off, else 0.

    The true derivative is 0 nearly everywhere; that of the identity stands in for it (the straight-through estimator: Bengio, Léonard,
    Courville, 2013, arXiv 1308.3432). Halves are rounded to even. The product with `scale` is of float32 for every input.
    """
    op = "fake_quantize_per_tensor_affine"
    scale, zero_point = np.asarray(data_of(scale), np.float32), np.asarray(data_of(zero_point)).astype(np.int32)
    if scale.size != 1 or zero_point.size != 1:
        raise RuntimeError(f"{op}: expected one scale and one zero_point, got {scale.size} and {zero_point.size}")
    check(op, input, zero_point, quant_min, quant_max)
    return _fake_quantize_per_tensor_affine_cachemask(input, scale.reshape(()), np.float32(zero_point.item()), quant_min, quant_max)


@public
def fake_quantize_per_channel_affine(input: Any, scale: Any, zero_point: Any, axis: int, quant_min: int, quant_max: int) -> Any:
    """As `fake_quantize_per_tensor_affine`, with a `scale` (float32) and a `zero_point` (int32) for each index of dimension `axis`.
    An infinity becomes the nearer end of the range (PyTorch's kernel takes both to the lower one here).

    >>> import minidl as torch
    >>> x = torch.tensor([[0.26, 9.], [0.26, 9.]])
    >>> torch.fake_quantize_per_channel_affine(x, torch.tensor([0.1, 0.5]), torch.zeros(2, dtype=torch.int32), 0, -8, 7)
    tensor([[0.3000, 0.7000],
            [0.5000, 3.5000]])
    """
    op = "fake_quantize_per_channel_affine"
    scale, zero_point = data_of(scale), data_of(zero_point)
    if scale.dtype != np.float32:
        raise RuntimeError(f"{op}: Scale must be Float, found {word(scale.dtype)}")
    if zero_point.dtype not in (np.int32, np.float32, np.float16):
        raise RuntimeError(f"{op}: Zero-point must be Int32, Float or Half, found {word(zero_point.dtype)}")
    if scale.ndim != 1 or scale.shape != zero_point.shape:
        raise RuntimeError(f"{op}: expected scale and zero_point of one dimension and size, got {scale.shape} and {zero_point.shape}")
    check(op, input, zero_point, quant_min, quant_max)
    wrap_dim(axis, input.ndim)
    if axis < 0 or input.shape[axis] != len(scale):
        raise RuntimeError(f"{op}: expected an axis of {len(scale)} elements, got {axis} of shape {tuple(input.shape)}")
    shape = [1] * input.ndim
    shape[axis] = -1
    return _fake_quantize_per_channel_affine_cachemask(
        input, scale.reshape(shape), zero_point.astype(np.float32).reshape(shape), quant_min, quant_max)
