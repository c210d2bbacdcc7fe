"""Muon."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core import Tensor
from .per_parameter import PerParameter, add_scaled, average, number, zeros_like

__all__ = ["Muon"]


def to_bfloat16(x: Any) -> np.ndarray:
    """x in float32, rounded to the nearest bfloat16: half of the bits, and of two as near that whose last is 0."""
    bits = np.asarray(x, np.float32, order="C").view(np.uint32)
    return ((bits + (0x7FFF + (bits >> 16 & 1))) & np.uint32(0xFFFF0000)).view(np.float32)


def combined(beta: float, x: np.ndarray, alpha: float, y: np.ndarray) -> np.ndarray:
    """beta x + alpha y in bfloat16, where beta x is not rounded before it is added: as PyTorch's product with a sum, which is a fused one."""
    return to_bfloat16(float(np.float32(beta)) * x.astype(np.float64) + np.float32(alpha) * y)


def orthogonalized(g: np.ndarray, coefficients: tuple[float, float, float], steps: int, eps: float) -> np.ndarray:
    """U S' V^T for g = U S V^T, S' near 1: iterates x = a x + (b A + c A A) x, A = x x^T, with bfloat16 results as PyTorch."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = g.shape[0] > g.shape[1]
    x = to_bfloat16(g.T if tall else g)
    x = to_bfloat16(x / to_bfloat16(max(np.linalg.norm(x), eps)))
    for _ in range(steps):
        gram = to_bfloat16(x @ x.T)
        x = combined(a, x, 1.0, combined(b, gram, c, gram @ gram) @ x)
    return x.T if tall else x


class Muon(PerParameter):
    """Momentum, orthogonalized, for the matrices of hidden layers. In each step, O as `orthogonalized`::

        m += (1 - momentum) (g - m);  u = O(g + momentum (m - g) or, without nesterov, m)
        w *= 1 - lr weight_decay;  w -= lr r u

    with r = sqrt(max(1, rows / columns)), or for ``adjust_lr_fn="match_rms_adamw"`` 0.2 sqrt(max(rows, columns)). ValueError for
    parameters that are not 2D and for options out of range. Jordan et al. (2024), Muon: an optimizer for hidden layers in
    neural networks; Liu et al. (2025), Muon is scalable for LLM training, arXiv:2502.16982; as torch.optim.Muon.
    """

    def __init__(self, params: Iterable[Any], lr: Any = 1e-3, weight_decay: float = 0.1, momentum: float = 0.95, nesterov: bool = True,
                 ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315), eps: float = 1e-7, ns_steps: int = 5,
                 adjust_lr_fn: str | None = None) -> None:
        if isinstance(lr, Tensor) and lr._data.size != 1:
            raise ValueError("Tensor lr must be 1-element")
        for name, value in (("Learning rate", lr), ("momentum", momentum), ("weight decay", weight_decay)):
            if not 0.0 <= value:
                raise ValueError(f"{name} should be >= 0 but is: {value}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
                                  "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn})
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise ValueError(f"Muon only supports 2D parameters whereas we found a parameter with size: {p.shape}")

    def _penalty(self, group: dict[str, Any]) -> Any:
        return 0

    def _begin(self, w: np.ndarray, group: dict[str, Any]) -> dict[str, Any]:
        return {"momentum_buffer": zeros_like(w)}

    def _update(self, w: np.ndarray, g: np.ndarray, state: dict[str, Any], group: dict[str, Any]) -> None:
        m, lr, momentum, s = state["momentum_buffer"]._data, number(group["lr"]), group["momentum"], self._scratch(w)
        average(m, g, 1 - momentum, s)
        u = g + momentum * (m - g) if group["nesterov"] else m
        u = orthogonalized(u, group["ns_coefficients"], group["ns_steps"], group["eps"]).astype(w.dtype)
        rows, columns = w.shape
        ratio = 0.2 * math.sqrt(max(rows, columns)) if group["adjust_lr_fn"] == "match_rms_adamw" else math.sqrt(max(1, rows / columns))
        w *= 1 - lr * group["weight_decay"]
        add_scaled(w, u, -lr * ratio, s)
