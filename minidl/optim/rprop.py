"""Rprop: resilient backpropagation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core import wrap
from .per_parameter import (
    PerParameter,
    advance,
    check_non_negative,
    number,
    scalar,
    zeros_like,
)

__all__ = ["Rprop"]


class Rprop(PerParameter):
    """Steps by the sign of the gradient alone, with a step size for each element.

    A step size grows by ``etas[1]`` while its gradient keeps its sign, and shrinks by ``etas[0]`` when the sign has changed (that
    element then rests for one step); it stays within `step_sizes` and begins at `lr`. For whole batches, not for
    mini-batches. ValueError for a negative `lr` or etas not around 1. Riedmiller and Braun (1993), A direct adaptive method
    for faster backpropagation learning; as torch.optim.Rprop.
    """

    def __init__(self, params: Iterable[Any], lr: Any = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
                 step_sizes: tuple[float, float] = (1e-6, 50), *, capturable: bool = False, foreach: bool | None = None,
                 maximize: bool = False, differentiable: bool = False) -> None:
        check_non_negative(lr=lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize,
                                  "differentiable": differentiable, "capturable": capturable})

    def _begin(self, w: np.ndarray, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": scalar(0), "prev": zeros_like(w), "step_size": wrap(np.full_like(w, number(group["lr"])))}

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        advance(state)
        previous, size, s = state["prev"]._data, state["step_size"]._data, self._scratch(w)
        np.multiply(g, previous, out=s)
        turned = s < 0
        np.multiply(size, group["etas"][0], out=size, where=turned)
        np.multiply(size, group["etas"][1], out=size, where=s > 0)
        np.clip(size, *group["step_sizes"], out=size)
        np.copyto(previous, g)
        np.copyto(previous, 0, where=turned)
        np.sign(previous, out=s)
        s *= size
        w -= s
