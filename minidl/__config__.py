"""``torch.__config__``: how the library computes, in words.

>>> import minidl as torch
>>> torch.__config__.show().startswith("minidl")
True
"""

from __future__ import annotations

import platform

import numpy as np

from .core.threads import get_num_threads
from .torch_version import __version__

__all__ = ["parallel_info", "show"]


def show() -> str:
    """What PyTorch's build would be described as."""
    return f"minidl {__version__}\n  - NumPy {np.__version__}\n  - Python {platform.python_version()} on {platform.machine()}\n  - USE_CUDA=0, USE_MKL=OFF\n"


def parallel_info() -> str:
    """How many threads compute."""
    return f"get_num_threads() : {get_num_threads()}\n"
