"""Adagrad."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core import wrap
from .per_parameter import PerParameter, advance, check_non_negative, number, scalar

__all__ = ["Adagrad"]


class Adagrad(PerParameter):
    """Steps that shrink with all gradients so far.

    With g the gradient plus `weight_decay` w, in step t::

        G += g^2  (from `initial_accumulator_value`);  w -= lr / (1 + (t - 1) lr_decay) g / (sqrt(G) + eps)

    ValueError for negative options. Duchi, Hazan and Singer (2011), Adaptive subgradient methods; as torch.optim.Adagrad.
    """

    def __init__(self, params: Iterable[Any], lr: Any = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
                 initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *,
                 maximize: bool = False, differentiable: bool = False, fused: bool | None = None) -> None:
        check_non_negative(lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
                           initial_accumulator_value=initial_accumulator_value, eps=eps)
        super().__init__(params, {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
                                  "initial_accumulator_value": initial_accumulator_value, "foreach": foreach,
                                  "maximize": maximize, "differentiable": differentiable, "fused": fused})
        for group in self.param_groups:
            for p in group["params"]:
                self._state(p, group)

    def _begin(self, w: np.ndarray, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": scalar(0), "sum": wrap(np.full_like(w, self.defaults["initial_accumulator_value"]))}

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        t, total, s = advance(state), state["sum"]._data, self._scratch(w)
        total += np.multiply(g, g, out=s)
        np.sqrt(total, out=s)
        s += group["eps"]
        np.divide(g, s, out=s)
        s *= number(group["lr"]) / (1 + (t - 1) * group["lr_decay"])
        w -= s
