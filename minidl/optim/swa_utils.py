"""Averages of weights over training: stochastic weight averaging and exponential moving averages.

Izmailov et al. (2018), Averaging weights leads to wider optima and better generalization; as torch.optim.swa_utils.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..core import Tensor, wrap
from ..core.modes import no_grad
from ..nn.modules.module import Module
from .lr_scheduler.base import LRScheduler, per_group

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def _move(average: Tensor, current: Tensor, weight: float) -> None:
    """average += weight (current - average), in place."""
    np.copyto(average._data, average._data + (current._data - average._data) * weight, casting="unsafe")
    average._counter[0] += 1


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[Any, Any, Any], None]:
    """A function that moves a list of averages in place: average = decay average + (1 - decay) current."""
    _check_decay(decay)

    def ema_update(averages: Iterable[Tensor], currents: Iterable[Tensor], num_averaged: Any) -> None:
        for average, current in zip(averages, currents):
            _move(average, current, 1 - decay)

    return ema_update


def get_swa_multi_avg_fn() -> Callable[[Any, Any, Any], None]:
    """A function that moves a list of averages in place: average += (current - average) / (num_averaged + 1)."""
    def swa_update(averages: Iterable[Tensor], currents: Iterable[Tensor], num_averaged: Any) -> None:
        for average, current in zip(averages, currents):
            _move(average, current, float(1 / (num_averaged + 1)))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Any, Any, Any], Any]:
    """A function that gives decay average + (1 - decay) current."""
    _check_decay(decay)

    def ema_update(average: Any, current: Any, num_averaged: Any) -> Any:
        with no_grad():
            return decay * average + (1 - decay) * current

    return ema_update


def get_swa_avg_fn() -> Callable[[Any, Any, Any], Any]:
    """A function that gives average + (current - average) / (num_averaged + 1)."""
    def swa_update(average: Any, current: Any, num_averaged: Any) -> Any:
        with no_grad():
            return average + (current - average) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of a model whose parameters are an average of the model's at every `update_parameters`.

    The average is that of `avg_fn` (of one pair of tensors) or of `multi_avg_fn` (in place, of two lists), by default the equal
    average of all updates. Buffers are copied, or averaged too with `use_buffers`.

    >>> from minidl import nn, ones
    >>> model = nn.ParameterList([ones(2)])
    >>> average = AveragedModel(model)
    >>> for _ in range(3):
    ...     average.update_parameters(model)
    ...     model[0].data += 1
    >>> average.module[0].data
    tensor([2., 2.])
    """

    def __init__(self, model: Module, device: Any = None, avg_fn: Callable[..., Any] | None = None,
                 multi_avg_fn: Callable[..., Any] | None = None, use_buffers: bool = False) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        self.register_buffer("n_averaged", wrap(np.array(0)))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Takes the model's present parameters into the average."""
        pairs: list[Any] = list(zip(self.module.parameters(), model.parameters()))
        buffers: list[Any] = list(zip(self.module.buffers(), model.buffers()))
        if self.use_buffers:
            pairs, buffers = pairs + buffers, []
        copied = buffers if self.n_averaged._data > 0 else buffers + pairs
        for average, current in copied:
            average._data[...] = current._data
            average._counter[0] += 1
        if self.n_averaged._data > 0:
            self._average([(average.detach(), current.detach()) for average, current in pairs])
        self.n_averaged._data[...] += 1

    def _average(self, pairs: list[Any]) -> None:
        if self.avg_fn is not None:
            for average, current in pairs:
                average._data[...] = self.avg_fn(average, current, self.n_averaged)._data
                average._counter[0] += 1
            return
        # PyTorch hands a tensor to a given function, but its default divides by the number.
        n: Any = self.n_averaged if self.multi_avg_fn else int(self.n_averaged._data)
        move = self.multi_avg_fn or get_swa_multi_avg_fn()
        for kind in dict.fromkeys(average._data.dtype for average, _ in pairs):
            averages, currents = zip(*(pair for pair in pairs if pair[0]._data.dtype == kind))
            move(list(averages), list(currents), n)


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Computes the running statistics of all batch normalizations anew, over one pass of `loader`.

    A batch that is a list or tuple has its input first. The mean is the plain average over the batches.
    """
    layers = [m for m in model.modules() if hasattr(m, "reset_running_stats") and hasattr(m, "momentum")]
    if not layers:
        return
    momenta, was_training = [layer.momentum for layer in layers], model.training
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    with no_grad():
        for batch in loader:
            model(batch[0] if isinstance(batch, (list, tuple)) else batch)
    for layer, momentum in zip(layers, momenta):
        layer.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Anneals each group's rate to `swa_lr` within `anneal_epochs` and keeps it there.

    With a = (1 - cos(pi t)) / 2 (``"cos"``) or a = t (``"linear"``), t = epoch / anneal_epochs: lr = a swa_lr + (1 - a) lr_0.
    """

    def __init__(self, optimizer: Any, swa_lr: Any, anneal_epochs: int = 10, anneal_strategy: str = "cos",
                 last_epoch: int = -1) -> None:
        for rate, group in zip(per_group("swa_lr", optimizer, swa_lr), optimizer.param_groups):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """The share of `swa_lr` in the rate."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self) -> list[Any]:
        """The rates of this epoch, from those of the epoch before."""
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            goal = group["swa_lr"]
            initial = goal if before == 1 else (group["lr"] - before * goal) / (1 - before)
            rates.append(goal * now + initial * (1 - now))
        return rates
