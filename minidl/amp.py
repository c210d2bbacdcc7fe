"""``torch.amp``: automatic mixed precision, which on the CPU of this library is none, and the scaling of gradients for float16."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .core.tensor import Tensor

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]


def enabled_here(what: str, device_type: str, enabled: bool) -> bool:
    """Whether it is enabled: with a warning not for devices that are not there."""
    if enabled and device_type != "cpu":
        warnings.warn(f"{what}: there is no device {device_type!r}, disabling", stacklevel=3)
        return False
    return enabled


class autocast:
    """A context, or a decorator, inside which PyTorch computes some ops in 16 bits. Here every op keeps the types of its tensors.

    Disabled, and for a device that is not there, it is the same in both libraries; enabled for the CPU it warns of the difference.
    """

    def __init__(self, device_type: str = "cuda", dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None) -> None:
        self.device, self.fast_dtype, self._enabled = device_type, dtype, enabled_here("autocast", device_type, enabled)
        if self._enabled:
            warnings.warn("autocast: there is no arithmetic of 16 bits that is faster here, ops keep the types of their tensors", stacklevel=2)

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return call


def custom_fwd(fwd: Any = None, *, device_type: str, cast_inputs: Any = None) -> Any:
    """The forward of a `minidl.autograd.Function` as it is, outside of mixed precision as PyTorch's; also a decorator with options."""
    return fwd if fwd is not None else (lambda function: function)


custom_bwd = custom_fwd


def is_autocast_available(device_type: str) -> bool:
    """Whether code may ask for `autocast` of the device: the CPU."""
    return device_type == "cpu"


class GradScaler:
    """Multiplies a loss, so that small gradients of float16 do not become 0, and divides the gradients before the step.

    A step whose gradients are not finite is left out, and the scale multiplied by `backoff_factor`; after `growth_interval` steps
    without, by `growth_factor` (Micikevicius et al., 2018, Mixed precision training). As torch.amp.GradScaler.

    >>> import minidl as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> scaler, sgd = GradScaler("cpu", init_scale=8.0), torch.optim.SGD([w], lr=0.5)
    >>> scaler.scale(w.sum()).backward()
    >>> w.grad
    tensor([8., 8.])
    >>> scaler.step(sgd); scaler.update(); w.detach()
    tensor([0.5000, 0.5000])
    """

    def __init__(self, device: str = "cuda", init_scale: float = 2.0 ** 16, growth_factor: float = 2.0, backoff_factor: float = 0.5,
                 growth_interval: int = 2000, enabled: bool = True) -> None:
        self._enabled = enabled_here("GradScaler", device, enabled)
        if self._enabled and growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if self._enabled and backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._scale, self._growth_factor, self._backoff_factor = init_scale, growth_factor, backoff_factor
        self._growth_interval, self._growth_tracker = growth_interval, 0
        self._seen: dict[int, bool] = {}  # optimizers whose gradients were divided, and whether any was not finite

    def scale(self, outputs: Any) -> Any:
        """A tensor, or those in lists and tuples, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, (list, tuple)):
            return type(outputs)([self.scale(v) for v in outputs])
        if not isinstance(outputs, Tensor):
            raise ValueError("outputs must be a Tensor or an iterable of Tensors")
        scaled: Any = outputs
        return scaled * self._scale

    def unscale_(self, optimizer: Any) -> None:
        """Divides an optimizer's gradients, as before clipping them; RuntimeError the second time in a step."""
        if not self._enabled:
            return
        if id(optimizer) in self._seen:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        grads = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        for g in grads:
            if g._data.dtype == np.float16:
                raise ValueError("Attempting to unscale FP16 gradients.")
            g.mul_(1.0 / self._scale)
        self._seen[id(optimizer)] = not all(np.isfinite(g._data).all() for g in grads)

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """The optimizer's step, unless a gradient isn't finite."""
        if self._enabled and id(optimizer) not in self._seen:
            self.unscale_(optimizer)
        return None if self._seen.get(id(optimizer), False) else optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Ends a step: adapts the scale, or sets it."""
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not self._seen:
            raise AssertionError("No inf checks were recorded prior to update.")
        elif any(self._seen.values()):
            self._scale, self._growth_tracker = self._scale * self._backoff_factor, 0
        else:
            self._growth_tracker += 1
            if self._growth_tracker == self._growth_interval:
                self._scale, self._growth_tracker = self._scale * self._growth_factor, 0
        self._seen.clear()

    def get_scale(self) -> float:
        """The scale; 1 if disabled."""
        return self._scale if self._enabled else 1.0

    def is_enabled(self) -> bool:
        """Whether it scales."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs; empty if disabled."""
        return {"scale": self.get_scale(), "growth_factor": self._growth_factor, "backoff_factor": self._backoff_factor,
                "growth_interval": self._growth_interval, "_growth_tracker": self._growth_tracker} if self._enabled else {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes a state back; RuntimeError for an empty one."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError("The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler.")
        self._scale, self._growth_tracker = state_dict["scale"], state_dict["_growth_tracker"]
        self._growth_factor, self._backoff_factor = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
