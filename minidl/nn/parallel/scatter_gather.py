"""``torch.nn.parallel.scatter_gather``: splitting a batch over GPUs, of which there are none."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["gather", "scatter", "scatter_kwargs"]


def scatter(inputs: Any, target_gpus: Any, dim: int = 0) -> NoReturn:
    """RuntimeError: the CPU is the only device."""
    raise RuntimeError(f"scatter: the CPU is the only device, got target_gpus={target_gpus!r}")


gather = scatter_kwargs = scatter
