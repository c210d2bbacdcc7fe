"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from .per_parameter import (
    PerParameter,
    advance,
    average,
    average_square,
    check_betas,
    check_non_negative,
    number,
    scalar,
    zeros_like,
)

__all__ = ["NAdam"]


class NAdam(PerParameter):
    """Adam that looks one momentum step ahead.

    With g the gradient plus `weight_decay` w, in step t::

        mu_t = b1 (1 - 0.96^(t momentum_decay) / 2);  M_t = mu_1 ... mu_t
        m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
        w -= lr (mu_{t+1} m / (1 - M_{t+1}) + (1 - mu_t) g / (1 - M_t)) / (sqrt(v / (1 - b2^t)) + eps)

    `decoupled_weight_decay` does w *= 1 - lr weight_decay before, instead of the addition to g. ValueError for negative options
    and for betas outside [0, 1). Dozat (2016), Incorporating Nesterov momentum into Adam; as torch.optim.NAdam.
    """

    def __init__(self, params: Iterable[Any], lr: Any = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False, *,
                 foreach: bool | None = None, maximize: bool = False, capturable: bool = False,
                 differentiable: bool = False) -> None:
        check_non_negative(lr=lr, eps=eps)
        check_betas(betas)
        check_non_negative(weight_decay=weight_decay, momentum_decay=momentum_decay)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                                  "momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay,
                                  "maximize": maximize, "foreach": foreach, "capturable": capturable,
                                  "differentiable": differentiable})

    def _begin(self, w: np.ndarray, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": scalar(0), "mu_product": scalar(1), "exp_avg": zeros_like(w), "exp_avg_sq": zeros_like(w)}

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        t, lr, (beta1, beta2) = advance(state), number(group["lr"]), group["betas"]
        m, v, s, update = state["exp_avg"]._data, state["exp_avg_sq"]._data, self._scratch(w), self._scratch(w, 2)
        if group["decoupled_weight_decay"] and group["weight_decay"] != 0:
            w *= 1 - lr * group["weight_decay"]
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (i * group["momentum_decay"])) for i in (t, t + 1))
        product = state["mu_product"]._data
        product *= mu
        average(m, g, 1 - beta1, s)
        average_square(v, g, beta2, s)
        np.multiply(m, lr * mu_next / (1 - float(product) * mu_next), out=update)
        np.multiply(g, lr * (1 - mu) / (1 - float(product)), out=s)
        update += s
        np.sqrt(v, out=s)
        s *= 1 / math.sqrt(1 - beta2 ** t)
        s += group["eps"]
        update /= s
        w -= update
