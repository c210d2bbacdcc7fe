"""``torch.multiprocessing``: Python's multiprocessing. A tensor that is sent is copied, so processes do not share it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing import *
from typing import Any

__all__ = ["get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy", "spawn"]
__all__ += multiprocessing.__all__


def spawn(fn: Callable[..., Any], args: tuple[Any, ...] = (), nprocs: int = 1, join: bool = True, daemon: bool = False,
          start_method: str = "spawn") -> Any:
    """Runs ``fn(i, *args)`` for i below `nprocs`, each in a process of its own; RuntimeError if one of them failed.

    Without `join` the list of processes is returned.
    """
    context: Any = multiprocessing.get_context(start_method)
    processes = [context.Process(target=fn, args=(i, *args), daemon=daemon) for i in range(nprocs)]
    for process in processes:
        process.start()
    if not join:
        return processes
    for process in processes:
        process.join()
    failed = [i for i, process in enumerate(processes) if process.exitcode]
    if failed:
        raise RuntimeError(f"spawn: process {failed[0]} terminated with exit code {processes[failed[0]].exitcode}")
    return None


def get_all_sharing_strategies() -> set[str]:
    """The one name that code asks for."""
    return {"file_system"}


def get_sharing_strategy() -> str:
    """The one name that code asks for."""
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """Nothing: memory is not shared."""
