"""Adafactor."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core import Tensor
from .per_parameter import (
    PerParameter,
    add_scaled,
    advance,
    average,
    number,
    scalar,
    zeros_like,
)

__all__ = ["Adafactor"]


def root_mean_square(x: np.ndarray) -> float:
    return float(np.linalg.norm(x.ravel(order="K"))) / math.sqrt(x.size)


class Adafactor(PerParameter):
    """Adam without momentum, whose second moments of a matrix are kept as one row and one column.

    In step t, with b = t^beta2_decay and rms the root mean square of all elements::

        r += b (mean over columns of g^2 - r);  c += b (mean over rows of g^2 - c);  v = r c / mean(r)
        v += b (g^2 - v)                                        for vectors
        a = max(eps[1], rms(w)) min(lr, 1 / sqrt(t));  w *= 1 - lr weight_decay
        u = g / sqrt(max(v, eps[0]^2));  w -= a u / max(1, rms(u) / d)

    ``eps[0]`` is by default the dtype's machine epsilon. ValueError for options outside their range. Shazeer and Stern (2018),
    Adafactor: adaptive learning rates with sublinear memory cost; as torch.optim.Adafactor.
    """

    def __init__(self, params: Iterable[Any], lr: Any = 1e-2, beta2_decay: float = -0.8,
                 eps: tuple[float | None, float] = (None, 1e-3), d: float = 1.0, weight_decay: float = 0.0, *,
                 foreach: bool | None = None, maximize: bool = False) -> None:
        if isinstance(lr, Tensor) and lr._data.size != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        for i in (0, 1):
            if eps[i] is not None and not eps[i] >= 0.0:  # type: ignore[operator]
                raise ValueError(f"epsilon{i + 1} should be >= 0 but is: {eps[i]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        super().__init__(params, {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay,
                                  "foreach": foreach, "maximize": maximize})

    def _penalty(self, group: dict[str, Any]) -> Any:
        return 0

    def _begin(self, w: np.ndarray, group: dict[str, Any]) -> dict[str, Any]:
        if w.ndim < 2:
            return {"step": scalar(0), "variance": zeros_like(w)}
        return {"step": scalar(0), "row_var": zeros_like(w[..., :1]), "col_var": zeros_like(w[..., :1, :])}

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        t, lr, (eps1, eps2) = advance(state), number(group["lr"]), group["eps"]
        eps1 = float(np.finfo(w.dtype).eps) if eps1 is None else eps1
        weight, s = t ** group["beta2_decay"], self._scratch(w)
        size = max(eps2, root_mean_square(w)) * min(lr, 1 / math.sqrt(t))
        if group["weight_decay"] != 0:
            w *= 1 - lr * group["weight_decay"]
        np.multiply(g, g, out=s)
        if g.ndim < 2:
            v = state["variance"]._data
            average(v, s, weight, self._scratch(w, 2))
            np.copyto(s, v)
        else:
            rows, columns = state["row_var"]._data, state["col_var"]._data
            for v, axis in ((rows, -1), (columns, -2)):
                mean = s.mean(axis, keepdims=True)
                average(v, mean, weight, mean)
            np.multiply(rows, columns, out=s)
            s /= np.maximum(rows.mean(-2, keepdims=True), eps1)
        np.maximum(s, eps1 * eps1, out=s)
        np.sqrt(s, out=s)
        np.divide(g, s, out=s)
        add_scaled(w, s, -size / max(1.0, root_mean_square(s) / group["d"]), s)
