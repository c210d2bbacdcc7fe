"""Real numbers as small integers on a line: r = S (q - Z).

S, the scale, is a positive real number; Z, the zero point, is the integer that stands for 0, which therefore has no error (padding and
ReLU need that). Jacob et al., Quantization and training of neural networks for efficient integer-arithmetic-only inference, 2018,
arXiv 1712.05877, section 2.1.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.dtypes import as_numpy_dtype, word
from ..core.tensor import data_of
from ..ops.quantize import levels, saturated

__all__ = ["QParams", "choose_qparams", "per_channel_affine", "per_channel_symmetric", "per_tensor_affine", "per_tensor_symmetric", "qscheme"]


class qscheme(enum.Enum):
    """What has a scale of its own (the tensor, or each channel), and whether 0 lies anywhere (affine) or in the middle (symmetric)."""

    per_tensor_affine = "per_tensor_affine"
    per_tensor_symmetric = "per_tensor_symmetric"
    per_channel_affine = "per_channel_affine"
    per_channel_symmetric = "per_channel_symmetric"

    @property
    def symmetric(self) -> bool:
        return self.value.endswith("symmetric")

    @property
    def per_channel(self) -> bool:
        return self.value.startswith("per_channel")

    def __repr__(self) -> str:
        return f"minidl.quantization.{self.value}"


per_tensor_affine, per_tensor_symmetric = qscheme.per_tensor_affine, qscheme.per_tensor_symmetric
per_channel_affine, per_channel_symmetric = qscheme.per_channel_affine, qscheme.per_channel_symmetric


def finite_float(op: str, x: Any) -> np.ndarray:
    """The ndarray of a tensor (or array) of finite floating-point numbers; TypeError or ValueError for anything else."""
    array = np.asarray(data_of(x))
    if array.dtype.kind != "f":
        raise TypeError(f"{op}: expected a floating-point tensor, got {word(array.dtype)}")
    if not np.isfinite(array).all():
        raise ValueError(f"{op}: expected finite numbers, got NaN or infinity")
    return array


def integer_range(dtype: Any, quant_min: int | None, quant_max: int | None) -> tuple[int, int]:
    """The limits that are given, or those of an integer type of 8, 16 or 32 bits."""
    kind = as_numpy_dtype(dtype)
    if kind not in (np.int8, np.uint8, np.int16, np.int32):
        raise ValueError(f"expected a dtype among int8, uint8, int16 and int32, got {word(kind)}")
    info = np.iinfo(kind)
    low, high = (info.min if quant_min is None else quant_min), (info.max if quant_max is None else quant_max)
    if not info.min <= low < high <= info.max:
        raise ValueError(f"expected {info.min} <= quant_min < quant_max <= {info.max} for {word(kind)}, got {low} and {high}")
    return low, high


@dataclass(frozen=True)
class QParams:
    """A scale (float32) and a zero point (int32), for the whole tensor or for each index of dimension `axis`, and the range of integers.

    >>> import numpy as np
    >>> params = QParams(np.float32(0.5), np.int32(10), 0, 255)
    >>> q = params.quantize(np.array([-9.0, 0.0, 1.25, 1.75, 500.0]))
    >>> q, params.dequantize(q)
    (array([  0,  10,  12,  14, 255], dtype=int32), array([ -5. ,   0. ,   1. ,   2. , 122.5], dtype=float32))
    """

    scale: Any
    zero_point: Any
    quant_min: int
    quant_max: int
    axis: int | None = None

    def _shaped(self, values: Any, ndim: int) -> np.ndarray:
        return np.asarray(values).reshape(() if self.axis is None else [-1 if i == self.axis % ndim else 1 for i in range(ndim)])

    def quantize(self, x: Any) -> np.ndarray:
        """q = clamp(round(x / S) + Z, quant_min, quant_max) as int32; halves go to even. The numbers are those of PyTorch's
        fake quantisation (x / S is x times 1 / S in float32); its quantised tensors round some halves otherwise. TypeError for
        integers, ValueError for NaN and infinity."""
        x = finite_float("quantize", x)
        q = levels(x, self._shaped(self.scale, x.ndim), self._shaped(self.zero_point, x.ndim))
        return saturated(q, self.quant_min, self.quant_max).astype(np.int32)

    def dequantize(self, q: Any) -> np.ndarray:
        """r = S (q - Z) in float32."""
        q = np.asarray(q, np.int32)
        return (q - self._shaped(self.zero_point, q.ndim)).astype(np.float32) * self._shaped(self.scale, q.ndim)


def choose_qparams(min_val: Any, max_val: Any, quant_min: int, quant_max: int, scheme: qscheme = per_tensor_affine, *,
                   symmetric_zero_point: int = 0, eps: float = float(np.finfo(np.float32).eps)) -> tuple[np.ndarray, np.ndarray]:
    """The scale and zero point that spread [min_val, max_val], widened to hold 0, over the integers from quant_min to quant_max.

    Affine: S = (max - min) / (quant_max - quant_min), Z = quant_min - round(min / S), clamped.
    Symmetric: S = max(-min, max) / ((quant_max - quant_min) / 2), Z = `symmetric_zero_point`.
    S is at least `eps`, which is what a range of zero gets. In float32, as PyTorch's observers compute; arrays give one pair each.

    >>> choose_qparams(-1.0, 2.0, 0, 255)
    (array(0.01176471, dtype=float32), array(85, dtype=int32))
    """
    low = np.minimum(np.asarray(min_val, np.float32), np.float32(0))
    high = np.maximum(np.asarray(max_val, np.float32), np.float32(0))
    if not (np.isfinite(low) & np.isfinite(high)).all():
        raise ValueError(f"choose_qparams: expected a finite range, got [{min_val}, {max_val}]")
    span = np.float32(quant_max - quant_min)
    if scheme.symmetric:
        scale = np.maximum(np.maximum(-low, high) / (span / 2), np.float32(eps))
        return np.asarray(scale), np.full(scale.shape, symmetric_zero_point, np.int32)
    scale = np.maximum((high - low) / span, np.float32(eps))
    return np.asarray(scale), np.asarray(np.clip(quant_min - np.rint(low / scale).astype(np.int32), quant_min, quant_max)).astype(np.int32)
