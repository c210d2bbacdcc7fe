"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core import Tensor, wrap
from .per_parameter import PerParameter, add_scaled, check_non_negative, number

__all__ = ["SGD"]


class SGD(PerParameter):
    """Stochastic gradient descent, with momentum if wanted.

    With g the gradient plus `weight_decay` w::

        w -= lr g                                                     without momentum
        b = momentum b + (1 - dampening) g   (b = g at first);  w -= lr b
        w -= lr (g + momentum b)                                      with nesterov

    ValueError for negative options, and for `nesterov` without momentum or with dampening. Sutskever et al. (2013), On the
    importance of initialization and momentum in deep learning; as torch.optim.SGD.

    >>> import minidl as torch
    >>> w = torch.ones(2, requires_grad=True)
    >>> optimizer = SGD([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0., 0.], requires_grad=True)
    """

    def __init__(self, params: Iterable[Any], lr: Any = 1e-3, momentum: float = 0, dampening: float = 0, weight_decay: Any = 0,
                 nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None, differentiable: bool = False,
                 fused: bool | None = None) -> None:
        check_non_negative(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
                                  "nesterov": nesterov, "maximize": maximize, "foreach": foreach,
                                  "differentiable": differentiable, "fused": fused})

    def _state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return self.state[p] if group["momentum"] != 0 else {}

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        momentum, s = group["momentum"], self._scratch(w)
        if momentum != 0:
            if state.get("momentum_buffer") is None:
                state["momentum_buffer"] = wrap(g.copy(order="K"))
                b = state["momentum_buffer"]._data
            else:
                b = state["momentum_buffer"]._data
                b *= momentum
                if group["dampening"] == 0:
                    b += g
                else:
                    add_scaled(b, g, 1 - group["dampening"], s)
            if group["nesterov"]:
                g = np.add(g, np.multiply(b, momentum, out=s), out=s)
            else:
                g = b
        add_scaled(w, g, -number(group["lr"]), s)
