"""Observers: modules that let data through, remember its range, and choose a scale and a zero point for it.

They follow torch.ao.quantization.observer: same names, buffers and numbers (its quint8 and qint8 are uint8 and int8 here). What differs: NaN and
infinity are errors, and so is `calculate_qparams` before any data.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.dtypes import as_numpy_dtype, uint8
from ..core.tensor import Tensor, wrap
from ..nn import Module
from .affine import QParams, choose_qparams, finite_float, integer_range, qscheme

__all__ = ["MinMaxObserver", "MovingAverageMinMaxObserver", "MovingAveragePerChannelMinMaxObserver", "Observer", "PerChannelMinMaxObserver"]

F32_EPS = float(np.finfo(np.float32).eps)


class Resizing(Module):
    """A module whose buffers take the shapes of the state that is loaded: one number before any data, one for each channel after."""

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        for name, own in self._buffers.items():
            given = state_dict.get(prefix + name)
            if isinstance(given, Tensor) and isinstance(own, Tensor) and given.ndim <= 1:
                self._buffers[name] = wrap(np.zeros(given.shape, own.numpy().dtype))
        super()._load_from_state_dict(state_dict, prefix, *args)


class Observer(Resizing):
    """What all observers share. `dtype`, or `quant_min` and `quant_max`, give the integers to be used; `qscheme` says how; `eps` is the
    least scale. A subclass gives `_observe` and, unless it keeps `min_val` and `max_val`, `_limits`."""

    axis: int | None = None

    def __init__(self, dtype: Any = uint8, qscheme: qscheme = qscheme.per_tensor_affine, quant_min: int | None = None,
                 quant_max: int | None = None, eps: float = F32_EPS) -> None:
        super().__init__()
        if qscheme.per_channel != (self.axis is not None):
            raise ValueError(f"{type(self).__name__}: expected a scheme per {'tensor' if self.axis is None else 'channel'}, got {qscheme}")
        self.dtype, self.qscheme, self.eps = dtype, qscheme, eps
        self.quant_min, self.quant_max = integer_range(dtype, quant_min, quant_max)
        middle = 128 if quant_min is None and quant_max is None else (self.quant_min + self.quant_max) // 2
        self.symmetric_zero_point = middle if as_numpy_dtype(dtype) == np.uint8 else 0
        self.register_buffer("min_val", wrap(np.array(np.inf, np.float32)))
        self.register_buffer("max_val", wrap(np.array(-np.inf, np.float32)))

    @classmethod
    def with_args(cls, **kwargs: Any) -> Callable[..., Any]:
        """A constructor with these arguments filled in."""
        return functools.partial(cls, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        """x itself, once seen. TypeError for integers; ValueError for NaN and infinity."""
        data = finite_float(type(self).__name__, x)
        if data.size:
            self._observe(data)
        return x

    def _observe(self, x: np.ndarray) -> None:
        raise NotImplementedError

    def _limits(self) -> tuple[Any, Any]:
        """The range to be spread over the integers."""
        return self.min_val.numpy(), self.max_val.numpy()

    def _keep(self, low: Any, high: Any) -> None:
        self.min_val, self.max_val = wrap(np.array(low, np.float32)), wrap(np.array(high, np.float32))

    @property
    def observed(self) -> bool:
        """Whether there has been data."""
        return bool(np.isfinite(self.min_val.numpy()).all())

    def reset_min_max_vals(self) -> None:
        """Forgets all data."""
        self._keep(np.inf, -np.inf)

    def qparams(self) -> QParams:
        """The scale and zero point, with all that is needed to use them. RuntimeError before any data."""
        if not self.observed:
            raise RuntimeError(f"{type(self).__name__}: it has seen no data; run the calibration data through the model first")
        return QParams(*choose_qparams(*self._limits(), self.quant_min, self.quant_max, self.qscheme,
                                       symmetric_zero_point=self.symmetric_zero_point, eps=self.eps),
                       self.quant_min, self.quant_max, self.axis)

    def calculate_qparams(self) -> tuple[Tensor, Tensor]:
        """(scale, zero_point), one-dimensional. RuntimeError before any data (PyTorch warns and gives 1 and 0)."""
        params = self.qparams()
        return wrap(np.atleast_1d(params.scale)), wrap(np.atleast_1d(params.zero_point))

    def extra_repr(self) -> str:
        return f"min_val={self.min_val.tolist()}, max_val={self.max_val.tolist()}"


class MinMaxObserver(Observer):
    """The smallest and the largest number of all data.

    >>> import minidl as torch
    >>> observer = MinMaxObserver()
    >>> _ = observer(torch.tensor([-1.0, 0.0, 2.0]))
    >>> observer.calculate_qparams()
    (tensor([0.0118]), tensor([85], dtype=torch.int32))
    """

    def _observe(self, x: np.ndarray) -> None:
        low, high = self._range(x.astype(np.float32, copy=False))
        self._keep(*(self._merged(low, high) if self.observed else (low, high)))

    def _range(self, x: np.ndarray) -> tuple[Any, Any]:
        if self.axis is None:
            return x.min(), x.max()
        if not -x.ndim <= self.axis < x.ndim:
            raise IndexError(f"{type(self).__name__}: expected data with a dimension {self.axis}, got shape {x.shape}")
        others = tuple(d for d in range(x.ndim) if d != self.axis % x.ndim)
        return x.min(others), x.max(others)

    def _merged(self, low: Any, high: Any) -> tuple[Any, Any]:
        return np.minimum(self.min_val.numpy(), low), np.maximum(self.max_val.numpy(), high)


class MovingAverageMinMaxObserver(MinMaxObserver):
    """Moving averages of each batch's smallest and largest number: ``m += c (batch - m)``, c the `averaging_constant`; the first batch's
    own are the start."""

    def __init__(self, averaging_constant: float = 0.01, dtype: Any = uint8, qscheme: qscheme = qscheme.per_tensor_affine, **kwargs: Any) -> None:
        super().__init__(dtype, qscheme, **kwargs)
        self.averaging_constant = averaging_constant

    def _merged(self, low: Any, high: Any) -> tuple[Any, Any]:
        c, old_low, old_high = np.float32(self.averaging_constant), self.min_val.numpy(), self.max_val.numpy()
        return old_low + c * (low - old_low), old_high + c * (high - old_high)


class PerChannelMinMaxObserver(MinMaxObserver):
    """As `MinMaxObserver`, for each index of dimension `ch_axis`."""

    def __init__(self, ch_axis: int = 0, dtype: Any = uint8, qscheme: qscheme = qscheme.per_channel_affine, **kwargs: Any) -> None:
        self.axis = ch_axis
        super().__init__(dtype, qscheme, **kwargs)


class MovingAveragePerChannelMinMaxObserver(MovingAverageMinMaxObserver):
    """As `MovingAverageMinMaxObserver`, for each index of dimension `ch_axis`."""

    def __init__(self, averaging_constant: float = 0.01, ch_axis: int = 0, dtype: Any = uint8,
                 qscheme: qscheme = qscheme.per_channel_affine, **kwargs: Any) -> None:
        self.axis = ch_axis
        super().__init__(averaging_constant, dtype, qscheme, **kwargs)
