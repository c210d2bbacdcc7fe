"""``torch.cuda`` where there is no GPU: code that asks for one is told so and goes on on the CPU.

>>> import minidl as torch
>>> torch.device("cuda" if torch.cuda.is_available() else "cpu")
device(type='cpu')
"""

from __future__ import annotations

from typing import Any, NoReturn

from ..compat import OutOfMemoryError as OutOfMemoryError
from . import amp as amp

__all__ = ["CUDAGraph", "Event", "OutOfMemoryError", "Stream", "current_device", "current_stream", "device_count", "empty_cache", "get_device_capability",
           "get_device_name", "get_device_properties", "get_rng_state", "get_rng_state_all", "init", "ipc_collect", "is_available",
           "is_bf16_supported", "is_initialized", "manual_seed", "manual_seed_all", "max_memory_allocated", "max_memory_reserved", "mem_get_info",
           "memory_allocated", "memory_reserved", "reset_peak_memory_stats", "set_device", "set_rng_state", "set_rng_state_all", "synchronize"]


_initialized = False


def is_available() -> bool:
    """False."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there is no generator of a GPU's."""


def manual_seed_all(seed: int) -> None:
    """Nothing: there is no generator of a GPU's."""


def empty_cache() -> None:
    """Nothing: there is no cache of a GPU's."""


def memory_allocated(device: Any = None) -> int:
    """0 bytes."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """0 bytes."""
    return 0


memory_reserved = max_memory_reserved = memory_allocated


def reset_peak_memory_stats(device: Any = None) -> None:
    """Nothing: no memory of a GPU's is counted."""


def get_rng_state_all() -> list[Any]:
    """The states of no generator."""
    return []


def set_rng_state_all(new_states: Any) -> None:
    """Nothing: there is no generator of a GPU's."""


def _absent(*args: Any, **kwargs: Any) -> NoReturn:
    """AssertionError: there is no GPU here."""
    raise AssertionError("cuda: this library computes on the CPU only; ask torch.cuda.is_available() first")


init = current_device = set_device = synchronize = get_device_name = get_device_properties = get_device_capability = _absent
current_stream = get_rng_state = set_rng_state = mem_get_info = ipc_collect = _absent


class Stream:
    """AssertionError: there is no GPU here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _absent()


class Event(Stream):
    """AssertionError: there is no GPU here."""


class CUDAGraph(Stream):
    """AssertionError: there is no GPU here."""


class StreamContext(Stream):
    """AssertionError: there is no GPU here."""


class graph(Stream):
    """AssertionError: there is no GPU here."""


from . import random as random
