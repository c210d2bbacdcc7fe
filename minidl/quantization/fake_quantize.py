"""Quantisation that training feels: every number is rounded and cut off as integers will be, and gradients pass straight through."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.modes import no_grad
from ..core.tensor import Tensor, wrap
from ..nn import Module
from ..ops.quantize import fake_quantize_per_channel_affine, fake_quantize_per_tensor_affine
from .affine import QParams
from .observer import MovingAverageMinMaxObserver, Observer, Resizing

__all__ = ["FakeQuantize", "disable_fake_quant", "disable_observer", "enable_fake_quant", "enable_observer"]


class FakeQuantize(Resizing):
    """y = S (clamp(round(x / S) + Z) - Z) with the S and Z of its observer, which sees x first; dL/dx = g where nothing was cut off, else 0.

    The buffers `observer_enabled` and `fake_quant_enabled` (1 or 0) switch the halves, by the methods or by
    ``model.apply(disable_observer)``: freeze the ranges before the last epochs, and before an evaluation, since they follow all data, also in
    eval mode. torch.ao.quantization.FakeQuantize, without ``is_dynamic``. Jacob et al., 2018, arXiv 1712.05877, section 3.

    >>> import minidl as torch
    >>> fake = FakeQuantize(dtype=torch.int8, quant_min=-2, quant_max=1)
    >>> fake(torch.tensor([-1.0, -0.4, 0.1, 0.5]))
    tensor([-1.0000, -0.5000,  0.0000,  0.5000])
    """

    def __init__(self, observer: Callable[..., Observer] = MovingAverageMinMaxObserver, quant_min: int | None = None,
                 quant_max: int | None = None, **observer_kwargs: Any) -> None:
        super().__init__()
        for name in ("fake_quant_enabled", "observer_enabled"):
            self.register_buffer(name, wrap(np.ones(1, np.uint8)))
        self.activation_post_process = observer(quant_min=quant_min, quant_max=quant_max, **observer_kwargs)
        self.register_buffer("scale", wrap(np.ones(1, np.float32)))
        self.register_buffer("zero_point", wrap(np.zeros(1, np.int32)))

    @classmethod
    def with_args(cls, **kwargs: Any) -> Callable[..., Any]:
        """A constructor with these arguments filled in."""
        return functools.partial(cls, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        observer = self.activation_post_process
        if self.observer_enabled[0] == 1:
            with no_grad():
                observer(x)
                self.scale, self.zero_point = observer.calculate_qparams()
        if self.fake_quant_enabled[0] != 1:
            return x
        if observer.axis is None:
            return fake_quantize_per_tensor_affine(x, self.scale, self.zero_point, observer.quant_min, observer.quant_max)
        return fake_quantize_per_channel_affine(x, self.scale, self.zero_point, observer.axis, observer.quant_min, observer.quant_max)

    def qparams(self) -> QParams:
        """The scale and zero point now in use. RuntimeError before any data."""
        observer = self.activation_post_process
        observer.qparams()
        shape = () if observer.axis is None else (-1,)
        return QParams(self.scale.numpy().reshape(shape), self.zero_point.numpy().reshape(shape), observer.quant_min, observer.quant_max,
                       observer.axis)

    def calculate_qparams(self) -> tuple[Tensor, Tensor]:
        """(scale, zero_point) of the observer's range."""
        return self.activation_post_process.calculate_qparams()

    def enable_observer(self, enabled: bool = True) -> None:
        self.observer_enabled = wrap(np.array([enabled], np.uint8))

    def disable_observer(self) -> None:
        self.enable_observer(False)

    def enable_fake_quant(self, enabled: bool = True) -> FakeQuantize:
        self.fake_quant_enabled = wrap(np.array([enabled], np.uint8))
        return self

    def disable_fake_quant(self) -> FakeQuantize:
        return self.enable_fake_quant(False)

    def extra_repr(self) -> str:
        return f"scale={self.scale.tolist()}, zero_point={self.zero_point.tolist()}"


def enable_observer(module: Module) -> None:
    """For ``model.apply``: ranges follow the data."""
    if isinstance(module, FakeQuantize):
        module.enable_observer()


def disable_observer(module: Module) -> None:
    """For ``model.apply``: ranges stay as they are."""
    if isinstance(module, FakeQuantize):
        module.disable_observer()


def enable_fake_quant(module: Module) -> None:
    """For ``model.apply``: numbers are rounded and cut off."""
    if isinstance(module, FakeQuantize):
        module.enable_fake_quant()


def disable_fake_quant(module: Module) -> None:
    """For ``model.apply``: numbers pass unchanged."""
    if isinstance(module, FakeQuantize):
        module.disable_fake_quant()
