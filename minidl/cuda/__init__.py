"""``torch.cuda`` where there is no GPU: code that asks for one is told so and goes on on the CPU.

>>> import minidl as torch
>>> torch.device("cuda" if torch.cuda.is_available() else "cpu")
device(type='cpu')
"""

from __future__ import annotations

from typing import Any, NoReturn

from . import amp as amp

__all__ = ["current_device", "device_count", "empty_cache", "get_device_name", "init", "is_available", "is_bf16_supported", "is_initialized",
           "manual_seed", "manual_seed_all", "max_memory_allocated", "memory_allocated", "set_device", "synchronize"]


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


def _absent(*args: Any, **kwargs: Any) -> NoReturn:
    """AssertionError: there is no GPU here."""
    raise AssertionError("cuda: this library computes on the CPU only; ask torch.cuda.is_available() first")


init = current_device = set_device = synchronize = get_device_name = _absent
