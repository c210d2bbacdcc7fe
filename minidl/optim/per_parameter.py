"""Optimizers that update each parameter by itself, and the array arithmetic that they share.

All arithmetic is in place: into the parameter, its state, or scratch arrays. Several threads share the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import numpy as np

from ..core import Tensor, default_dtype, wrap
from ..core.dtypes import F4, F8
from ..core.threads import get_num_threads, pays, share
from ..core.workspace import buffer
from .optimizer import Optimizer, evaluate

# Options that came after PyTorch's first checkpoints, and what a checkpoint without them means.
_LATER_OPTIONS = {"amsgrad": False, "capturable": False, "centered": False, "decoupled_weight_decay": False,
                  "differentiable": False, "foreach": None, "fused": None, "maximize": False, "momentum": 0, "nesterov": False}
_NAMES = {"lr": "learning rate", "eps": "epsilon value"}


def check_non_negative(**options: Any) -> None:
    """ValueError for the first option below zero; a learning rate given as a tensor must have one element."""
    for name, value in options.items():
        if name == "lr" and isinstance(value, Tensor) and value._data.size != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= value:
            raise ValueError(f"Invalid {_NAMES.get(name, name + ' value')}: {value}")


def check_betas(betas: tuple[Any, Any]) -> None:
    """ValueError unless both decay rates lie in [0, 1)."""
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def number(value: Any) -> Any:
    """A Python number, for an option that may be a tensor of one element."""
    return value._data.item() if isinstance(value, Tensor) else value


def scalar(value: float) -> Tensor:
    """A number kept as state: float32, or float64 if that is the default dtype."""
    return wrap(np.array(value, F8 if default_dtype() == F8 else F4))


def zeros_like(x: np.ndarray) -> Tensor:
    return wrap(np.zeros_like(x))


def in_parts(x: np.ndarray) -> np.ndarray:
    """Complex numbers as pairs of real ones in a last dimension, in the same memory."""
    return x[..., None].view(x.real.dtype)


def advance(state: dict[str, Any]) -> float:
    """Counts a step and returns its number, from 1."""
    step = state["step"]._data
    step += 1
    return float(step)


def add_scaled(w: np.ndarray, x: np.ndarray, scale: float, scratch: np.ndarray) -> None:
    """w += scale x"""
    np.multiply(x, scale, out=scratch)
    w += scratch


def average(m: np.ndarray, x: np.ndarray, weight: float, scratch: np.ndarray) -> None:
    """m += weight (x - m)"""
    np.subtract(x, m, out=scratch)
    scratch *= weight
    m += scratch


def average_square(v: np.ndarray, x: np.ndarray, beta: float, scratch: np.ndarray) -> None:
    """v = beta v + (1 - beta) x^2"""
    v *= beta
    np.multiply(x, x, out=scratch)
    scratch *= 1 - beta
    v += scratch


def balanced(updates: list[Any]) -> list[list[Any]]:
    """The updates in one list for each thread, of about as many numbers, if that pays."""
    sizes = [p._data.size for p, *_ in updates]
    if not pays(4 * sum(sizes)):
        return [updates]
    lists: list[list[Any]] = [[] for _ in range(get_num_threads())]
    loads = [0] * len(lists)
    for i in sorted(range(len(updates)), key=sizes.__getitem__, reverse=True):
        least = loads.index(min(loads))
        lists[least].append(updates[i])
        loads[least] += sizes[i]
    return lists


class PerParameter(Optimizer):
    """An optimizer whose step is one rule, applied to each parameter that has a gradient.

    A subclass says what it keeps (`_begin`) and how it updates (`_update`); maximizing and the penalty are done here.
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        super().__init__(params, defaults)
        if defaults.get("fused"):
            if defaults["differentiable"]:
                raise RuntimeError("`fused` does not support `differentiable`")
            if defaults["foreach"]:
                raise RuntimeError("`fused` and `foreach` cannot be `True` together.")

    def _begin(self, w: np.ndarray, group: dict[str, Any]) -> dict[str, Any]:
        """The state of a parameter before its first update."""
        raise NotImplementedError

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Updates the array `w` by its gradient `g`, and the state, in place."""
        raise NotImplementedError

    def _penalty(self, group: dict[str, Any]) -> Any:
        """The factor c of the penalty c |w|^2 / 2, whose gradient c w is added to g."""
        return 0 if group.get("decoupled_weight_decay") else group.get("weight_decay", 0)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates every parameter that has a gradient; returns the loss if a `closure` computes it."""
        loss = evaluate(closure)
        updates = [(p, self._state(p, group), group) for group in self.param_groups for p in group["params"] if p._grad is not None]
        with np.errstate(all="ignore"):
            share(self._apply, balanced(updates))
        return loss

    def _apply(self, parts: list[list[Any]]) -> None:
        for p, state, group in chain(*parts):
            w, g = p._data, p._grad._data
            if w.dtype.kind == "c":
                self._apply_to_parts(w, g, state, group)
            else:
                self._apply_to(w, g, state, group)
            p._counter[0] += 1

    def _apply_to(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        maximize, c = group.get("maximize", False), number(self._penalty(group))
        if maximize or c != 0:
            g = self._objective(w, g, maximize, c)
        self._update(w, g, state, group)

    def _apply_to_parts(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        """The real and imaginary part of a complex parameter are parameters of their own, as in PyTorch."""
        parts = {k: wrap(in_parts(v._data)) if isinstance(v, Tensor) and v._data.dtype == w.dtype else v for k, v in state.items()}
        self._apply_to(in_parts(w), in_parts(g), parts, group)
        state.update(self._of_parts(parts, w))

    @staticmethod
    def _of_parts(state: dict[str, Any], w: np.ndarray) -> dict[str, Any]:
        """A state of the parts, with the parameter's own sizes and type."""
        return {k: wrap(v._data.view(w.dtype)[..., 0]) if isinstance(v, Tensor) and v._data.shape == (*w.shape, 2) else v for k, v in state.items()}

    def _state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state: dict[str, Any] = self.state[p]
        if not state:
            w = p._data
            state.update(self._of_parts(self._begin(in_parts(w), group), w) if w.dtype.kind == "c" else self._begin(w, group))
        return state

    def _objective(self, w: np.ndarray, g: np.ndarray, maximize: bool, c: float) -> np.ndarray:
        """The gradient of what is to be minimized, the penalty included; only to be read."""
        total = self._scratch(w, 1)
        if maximize:
            g = np.negative(g, out=total)
        if c != 0:
            g = np.add(g, np.multiply(w, c, out=self._scratch(w)), out=total)
        return g

    def _scratch(self, like: np.ndarray, which: int = 0) -> np.ndarray:
        """Uninitialised memory of the shape and dtype of `like`: 0 and 2 are free in `_update`, 1 may hold the gradient."""
        return buffer(f"optimizer {which}", like.shape, like.dtype)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in _LATER_OPTIONS.items():
                if name in self.defaults:
                    group.setdefault(name, value)
            for p in group["params"]:
                kept = self.state.get(p, {})
                for name in ("step", "mu_product", "eta", "mu"):
                    if name in kept and not isinstance(kept[name], Tensor):
                        kept[name] = scalar(float(kept[name]))
