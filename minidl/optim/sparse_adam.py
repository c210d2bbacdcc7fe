"""SparseAdam."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .optimizer import Optimizer, evaluate
from .per_parameter import check_betas, check_non_negative

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam on the elements of sparse gradients alone. There are none here: all gradients are dense.

    So `step` does what PyTorch's does for a dense gradient: it raises RuntimeError. A dense gradient's zeros do not tell which
    rows were used, which `Adam` would move by their momentum too. As torch.optim.SparseAdam in all else.
    """

    def __init__(self, params: Iterable[Any], lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 maximize: bool = False) -> None:
        check_non_negative(lr=lr)
        if not 0.0 < lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not 0.0 < eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """RuntimeError if any parameter has a gradient; else the closure's loss."""
        loss = evaluate(closure)
        if any(p._grad is not None for group in self.param_groups for p in group["params"]):
            raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
        return loss
