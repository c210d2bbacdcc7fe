"""``torch.distributed`` where every program is one process: code that asks whether it is distributed is told no.

>>> import minidl as torch
>>> torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
0
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["ProcessGroup", "ReduceOp", "all_gather", "all_gather_object", "all_reduce", "barrier", "broadcast", "broadcast_object_list", "destroy_process_group",
           "get_backend", "get_rank", "get_world_size", "init_process_group", "is_available", "is_gloo_available", "is_initialized", "is_mpi_available",
           "is_nccl_available", "is_torchelastic_launched", "new_group", "reduce"]


def is_available() -> bool:
    """False."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def init_process_group(*args: Any, **kwargs: Any) -> NoReturn:
    """RuntimeError: there are no groups of processes."""
    raise RuntimeError("init_process_group: this library computes in one process; ask torch.distributed.is_available() first")


def _no_group(*args: Any, **kwargs: Any) -> NoReturn:
    """ValueError: there is no group of processes."""
    raise ValueError("Default process group has not been initialized, please make sure to call init_process_group.")


get_rank = get_world_size = get_backend = barrier = destroy_process_group = new_group = _no_group
all_reduce = all_gather = all_gather_object = broadcast = broadcast_object_list = reduce = _no_group
is_nccl_available = is_gloo_available = is_mpi_available = is_torchelastic_launched = is_available


class ProcessGroup:
    """What a group of processes would be: a name for annotations."""


class ReduceOp:
    """How `all_reduce` would put values together."""

    SUM, AVG, PRODUCT, MIN, MAX = "SUM", "AVG", "PRODUCT", "MIN", "MAX"
