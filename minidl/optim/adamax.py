"""Adamax."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .per_parameter import (
    PerParameter,
    advance,
    average,
    check_betas,
    check_non_negative,
    number,
    scalar,
    zeros_like,
)

__all__ = ["Adamax"]


class Adamax(PerParameter):
    """Adam with the maximum norm: the denominator is the largest recent gradient.

    With g the gradient plus `weight_decay` w, in step t::

        m = b1 m + (1 - b1) g;  u = max(b2 u, |g| + eps);  w -= lr / (1 - b1^t) m / u

    ValueError for negative options and for betas outside [0, 1). Kingma and Ba (2015), Adam, section 7.1; as
    torch.optim.Adamax.
    """

    def __init__(self, params: Iterable[Any], lr: Any = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, foreach: bool | None = None, *, maximize: bool = False, differentiable: bool = False,
                 capturable: bool = False) -> None:
        check_non_negative(lr=lr, eps=eps)
        check_betas(betas)
        check_non_negative(weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach,
                                  "maximize": maximize, "differentiable": differentiable, "capturable": capturable})

    def _begin(self, w: np.ndarray, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": scalar(0), "exp_avg": zeros_like(w), "exp_inf": zeros_like(w)}

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        t, (beta1, beta2) = advance(state), group["betas"]
        m, u, s = state["exp_avg"]._data, state["exp_inf"]._data, self._scratch(w)
        average(m, g, 1 - beta1, s)
        np.abs(g, out=s)
        s += group["eps"]
        u *= beta2
        np.maximum(u, s, out=u)
        np.divide(m, u, out=s)
        s *= number(group["lr"]) / (1 - beta1 ** t)
        w -= s
