"""ASGD: averaged stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .per_parameter import (
    PerParameter,
    add_scaled,
    advance,
    average,
    check_non_negative,
    number,
    scalar,
    zeros_like,
)

__all__ = ["ASGD"]


class ASGD(PerParameter):
    """Gradient descent with a falling learning rate, whose iterates are averaged into the state ``ax``.

    With g the gradient plus `weight_decay` w, in step t::

        w *= 1 - lambd eta;  w -= eta g;  ax += mu (w - ax)
        eta = lr / (1 + lambd lr t)^alpha;  mu = 1 / max(1, t - t0)    for the next step

    ValueError for a negative `lr` or `weight_decay`. Polyak and Juditsky (1992), Acceleration of stochastic approximation by
    averaging; as torch.optim.ASGD.
    """

    def __init__(self, params: Iterable[Any], lr: Any = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
                 weight_decay: float = 0, foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
                 capturable: bool = False) -> None:
        check_non_negative(lr=lr, weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay,
                                  "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
                                  "capturable": capturable})

    def _begin(self, w: np.ndarray, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": scalar(0), "eta": scalar(number(group["lr"])), "mu": scalar(1), "ax": zeros_like(w)}

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        t, lr, lambd = advance(state), number(group["lr"]), group["lambd"]
        eta, mu, ax, s = float(state["eta"]._data), float(state["mu"]._data), state["ax"]._data, self._scratch(w)
        w *= 1 - lambd * eta
        add_scaled(w, g, -eta, s)
        if mu == 1:
            np.copyto(ax, w)
        else:
            average(ax, w, mu, s)
        # Rounded to the default dtype, as in PyTorch, even where loading has made the state float64.
        state["eta"]._data[...] = scalar(lr / (1 + lambd * lr * t) ** group["alpha"])._data
        state["mu"]._data[...] = scalar(1 / max(1, t - group["t0"]))._data
