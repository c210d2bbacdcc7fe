"""``torch.distributed`` where every program is one process: code that asks whether it is distributed is told no.

>>> import minidl as torch
>>> torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
0
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["all_gather", "all_reduce", "barrier", "broadcast", "get_rank", "get_world_size", "init_process_group", "is_available", "is_initialized"]


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


get_rank = get_world_size = barrier = all_reduce = all_gather = broadcast = _no_group
