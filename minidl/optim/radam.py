"""RAdam: Adam with a rectified variance."""

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

__all__ = ["RAdam"]


class RAdam(PerParameter):
    """Adam that does without its denominator while the variance of that cannot be told yet.

    With g the gradient plus `weight_decay` w, in step t::

        m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
        R = 2 / (1 - b2) - 1;  r = R - 2 t b2^t / (1 - b2^t)
        w -= lr m / (1 - b1^t) c,  where c = 1 if r <= 5, else
        c = sqrt((r - 4) (r - 2) R / ((R - 4) (R - 2) r)) sqrt(1 - b2^t) / (sqrt(v) + eps)

    `decoupled_weight_decay` does w *= 1 - lr weight_decay before, instead of the addition to g. ValueError for negative options
    and for betas outside [0, 1). Liu et al. (2020), On the variance of the adaptive learning rate and beyond; as torch.optim.RAdam.
    """

    def __init__(self, params: Iterable[Any], lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, decoupled_weight_decay: bool = False, *, foreach: bool | None = None,
                 maximize: bool = False, capturable: bool = False, differentiable: bool = False) -> None:
        check_non_negative(lr=lr, eps=eps)
        check_betas(betas)
        check_non_negative(weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
                                  "foreach": foreach, "capturable": capturable,
                                  "decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable})

    def _begin(self, w: np.ndarray, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": scalar(0), "exp_avg": zeros_like(w), "exp_avg_sq": zeros_like(w)}

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        t, lr, (beta1, beta2) = advance(state), number(group["lr"]), group["betas"]
        m, v, s = state["exp_avg"]._data, state["exp_avg_sq"]._data, self._scratch(w)
        if group["decoupled_weight_decay"] and group["weight_decay"] != 0:
            w *= 1 - lr * group["weight_decay"]
        average(m, g, 1 - beta1, s)
        average_square(v, g, beta2, s)
        correction = 1 - beta2 ** t
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2 ** t / correction
        scale = lr / (1 - beta1 ** t)
        if length > 5:
            rectified = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            np.sqrt(v, out=s)
            s += group["eps"]
            np.divide(m, s, out=s)
            s *= scale * math.sqrt(rectified * correction)
        else:
            np.multiply(m, scale, out=s)
        w -= s
