"""``torch.distributed.optim``: optimizers that share their state over processes."""

from __future__ import annotations

from typing import Any, NoReturn

from . import get_rank

__all__ = ["ZeroRedundancyOptimizer"]


class ZeroRedundancyOptimizer:
    """ValueError, as PyTorch's where there is no group of processes: no optimizer is one."""

    def __init__(self, *args: Any, **kwargs: Any) -> NoReturn:
        get_rank()
