"""Adadelta."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .per_parameter import (
    PerParameter,
    add_scaled,
    advance,
    average_square,
    check_non_negative,
    number,
    scalar,
    zeros_like,
)

__all__ = ["Adadelta"]


class Adadelta(PerParameter):
    """Steps in the units of the parameter: the ratio of the sizes of recent steps and recent gradients.

    With g the gradient plus `weight_decay` w::

        v = rho v + (1 - rho) g^2;  d = sqrt(u + eps) / sqrt(v + eps) g;  u = rho u + (1 - rho) d^2;  w -= lr d

    ValueError for negative options and for `rho` above 1. Zeiler (2012), Adadelta; as torch.optim.Adadelta.
    """

    def __init__(self, params: Iterable[Any], lr: Any = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0,
                 foreach: bool | None = None, *, capturable: bool = False, maximize: bool = False,
                 differentiable: bool = False) -> None:
        check_non_negative(lr=lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_non_negative(eps=eps, weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
                                  "capturable": capturable, "foreach": foreach, "differentiable": differentiable})

    def _begin(self, w: np.ndarray, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": scalar(0), "square_avg": zeros_like(w), "acc_delta": zeros_like(w)}

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        advance(state)
        v, u, s, d = state["square_avg"]._data, state["acc_delta"]._data, self._scratch(w), self._scratch(w, 2)
        average_square(v, g, group["rho"], s)
        np.add(v, group["eps"], out=s)
        np.add(u, group["eps"], out=d)
        d /= s
        np.sqrt(d, out=d)
        d *= g
        average_square(u, d, group["rho"], s)
        add_scaled(w, d, -number(group["lr"]), s)
