"""What every learning-rate schedule is: a function of the epoch that `step` writes into the optimizer's groups."""

from __future__ import annotations

import functools
import warnings
import weakref
from typing import Any

from ...core import Tensor, data_of, wrap
from ..optimizer import Optimizer

__all__ = ["FactorLR", "LRScheduler"]

_ORDER = "See https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"


def copied(value: Any) -> Any:
    """A rate or momentum of one's own: a tensor's value may be edited later."""
    return wrap(value._data.copy()) if isinstance(value, Tensor) else value


def rates_of(optimizer: Optimizer, key: str = "lr") -> list[Any]:
    """One option of all groups."""
    return [copied(group[key]) for group in optimizer.param_groups]


def set_option(group: dict[str, Any], key: str, value: Any) -> None:
    """Sets a group's option; into the tensor, where it is one."""
    if isinstance(group[key], Tensor):
        group[key]._data[...] = data_of(value)
        group[key]._counter[0] += 1
    else:
        group[key] = value


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """One value for each group; ValueError for a list of another length."""
    n = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * n
    if len(values) != n:
        raise ValueError(f"{name} must have the same length as optimizer.param_groups. {name} has {len(values)} values, "
                         f"param_groups has {n}.")
    return list(map(copied, values))


def require_optimizer(optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def warn_epoch() -> None:
    warnings.warn("The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please "
                  "use `scheduler.step()` to step the scheduler. If epoch is given, the closed form is used instead of the new "
                  "chainable form, where available.", stacklevel=3)


def observe_steps(optimizer: Any) -> None:
    """Makes the optimizer note its steps, so that a schedule can tell whether it is stepped too early."""
    step = optimizer.step
    if hasattr(step, "_wrapped_by_lr_sched"):
        return
    function, reference = step.__func__, weakref.ref(optimizer)  # a strong reference would be a cycle

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        owner: Any = reference()
        owner._opt_called = True
        return function(owner, *args, **kwargs)

    wrapper._wrapped_by_lr_sched = True  # type: ignore[attr-defined]
    optimizer.step = wrapper


class LRScheduler:
    """The base class of learning-rate schedules. Construction sets the rates of epoch 0, each `step` those of the next.

    A subclass defines `get_lr`, the groups' rates in epoch `last_epoch`; they may follow from the present ones, so that several
    schedules can act on one optimizer. `last_epoch` other than -1 resumes: then each group must have an ``initial_lr``
    (KeyError). TypeError where `optimizer` is none.
    """

    optimizer: Any
    last_epoch: int
    base_lrs: list[Any]
    _last_lr: list[Any]
    _step_count: int
    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        require_optimizer(optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                               "last_epoch >= 0: load the optimizer's state first")
        self.base_lrs = rates_of(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        observe_steps(optimizer)
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count, self._is_initial = 0, True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """All attributes but the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes over the attributes of a `state_dict`, this library's or PyTorch's."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Any]:
        """The rates that this schedule set last."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        """The groups' rates in epoch `last_epoch`."""
        raise NotImplementedError

    def step(self, epoch: int | None = None) -> None:
        """Goes on to the next epoch; to be called after the optimizer's step. `epoch` is deprecated."""
        if self._step_count == 1:
            if not hasattr(self.optimizer.step, "_wrapped_by_lr_sched"):
                warnings.warn("Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. "
                              "Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`. " + _ORDER, stacklevel=2)
            elif not getattr(self.optimizer, "_opt_called", False):
                warnings.warn("Detected call of `lr_scheduler.step()` before `optimizer.step()`. They should be called in the "
                              "opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure to do this will result "
                              "in skipping the first value of the learning rate schedule. " + _ORDER, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warn_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self._get_lr_called_within_step = True
        try:
            self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
            closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
            rates = (closed or self.get_lr)()
        finally:
            self._get_lr_called_within_step = False
        self._set(rates)

    def _set(self, rates: list[Any]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_option(group, "lr", rate)
        self._last_lr = rates_of(self.optimizer)

    def _warn_outside_step(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn("To get the last learning rate computed by the scheduler, please use `get_last_lr()`.", stacklevel=3)


class FactorLR(LRScheduler):
    """A schedule that multiplies all rates by one factor: `_factor` from the epoch before, `_total_factor` from the start."""

    def _factor(self) -> Any:
        raise NotImplementedError

    def _total_factor(self) -> Any:
        raise NotImplementedError

    def get_lr(self) -> list[Any]:
        """The present rates times this epoch's factor."""
        self._warn_outside_step()
        factor = self._factor()
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self) -> list[Any]:
        factor = self._total_factor()
        return [base * factor for base in self.base_lrs]
