"""Adam and AdamW."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core import Tensor
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

__all__ = ["Adam", "AdamW"]


class Adam(PerParameter):
    """Adaptive moments: steps of the size lr, less where the gradient is noisy.

    With g the gradient plus `weight_decay` w, in step t::

        m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
        w -= lr m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)

    `amsgrad` takes the largest v so far in place of v; `decoupled_weight_decay` does w *= 1 - lr weight_decay before,
    instead of the addition to g. ValueError for negative options and for betas outside [0, 1). Kingma and Ba (2015), Adam;
    Reddi et al. (2018), On the convergence of Adam; as torch.optim.Adam.
    """

    def __init__(self, params: Iterable[Any], lr: Any = 1e-3, betas: tuple[Any, Any] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None, maximize: bool = False,
                 capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
                 decoupled_weight_decay: bool = False) -> None:
        if isinstance(lr, Tensor) and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        check_non_negative(lr=lr, eps=eps)
        check_betas(betas)
        check_non_negative(weight_decay=weight_decay)
        if not (all(isinstance(b, float) for b in betas) or all(isinstance(b, Tensor) for b in betas)):
            raise ValueError("betas must be either both floats or both Tensors")
        super().__init__(params, {"lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
                                  "maximize": maximize, "foreach": foreach, "capturable": capturable,
                                  "differentiable": differentiable, "fused": fused,
                                  "decoupled_weight_decay": decoupled_weight_decay})

    def _begin(self, w: np.ndarray, group: dict[str, Any]) -> dict[str, Any]:
        state = {"step": scalar(0), "exp_avg": zeros_like(w), "exp_avg_sq": zeros_like(w)}
        return state | {"max_exp_avg_sq": zeros_like(w)} if group["amsgrad"] else state

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        t, lr, (beta1, beta2) = advance(state), number(group["lr"]), map(number, group["betas"])
        m, v, s = state["exp_avg"]._data, state["exp_avg_sq"]._data, self._scratch(w)
        if group["decoupled_weight_decay"] and group["weight_decay"] != 0:
            w *= 1 - lr * group["weight_decay"]
        average(m, g, 1 - beta1, s)
        average_square(v, g, beta2, s)
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]._data
            v = np.maximum(largest, v, out=largest)
        np.sqrt(v, out=s)
        s *= 1 / math.sqrt(1 - beta2 ** t)
        s += group["eps"]
        np.divide(m, s, out=s)
        s *= lr / (1 - beta1 ** t)
        w -= s


class AdamW(Adam):
    """`Adam` with weight decay apart from the gradient: w *= 1 - lr weight_decay, then Adam's step.

    Loshchilov and Hutter (2019), Decoupled weight decay regularization; as torch.optim.AdamW.
    """

    def __init__(self, params: Iterable[Any], lr: Any = 1e-3, betas: tuple[Any, Any] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False, foreach: bool | None = None,
                 capturable: bool = False, differentiable: bool = False, fused: bool | None = None) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize,
                         capturable=capturable, differentiable=differentiable, fused=fused, decoupled_weight_decay=True)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:  # PyTorch's older checkpoints of AdamW do not say so
            group["decoupled_weight_decay"] = True
