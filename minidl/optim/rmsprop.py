"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .per_parameter import (
    PerParameter,
    add_scaled,
    advance,
    average,
    average_square,
    check_non_negative,
    number,
    scalar,
    zeros_like,
)

__all__ = ["RMSprop"]


class RMSprop(PerParameter):
    """Gradients divided by their recent root mean square.

    With g the gradient plus `weight_decay` w::

        v = alpha v + (1 - alpha) g^2
        a = alpha a + (1 - alpha) g;  d = sqrt(v - a^2) + eps     with centered, else  d = sqrt(v) + eps
        b = momentum b + g / d;  w -= lr b

    ValueError for negative options. Hinton, Neural networks for machine learning (2012), lecture 6e; centered by Graves
    (2013), Generating sequences with recurrent neural networks; as torch.optim.RMSprop.
    """

    def __init__(self, params: Iterable[Any], lr: Any = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
                 momentum: float = 0, centered: bool = False, capturable: bool = False, foreach: bool | None = None,
                 maximize: bool = False, differentiable: bool = False) -> None:
        check_non_negative(lr=lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(params, {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
                                  "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach,
                                  "maximize": maximize, "differentiable": differentiable})

    def _begin(self, w: np.ndarray, group: dict[str, Any]) -> dict[str, Any]:
        state = {"step": scalar(0), "square_avg": zeros_like(w)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = zeros_like(w)
        if group["centered"]:
            state["grad_avg"] = zeros_like(w)
        return state

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        advance(state)
        alpha, v, s = group["alpha"], state["square_avg"]._data, self._scratch(w)
        average_square(v, g, alpha, s)
        if group["centered"]:
            a = state["grad_avg"]._data
            average(a, g, 1 - alpha, s)
            np.multiply(a, a, out=s)
            np.subtract(v, s, out=s)
            np.sqrt(s, out=s)
        else:
            np.sqrt(v, out=s)
        s += group["eps"]
        step = np.divide(g, s, out=s)
        if group["momentum"] > 0:
            b = state["momentum_buffer"]._data
            b *= group["momentum"]
            b += step
            step = b
        add_scaled(w, step, -number(group["lr"]), s)
