"""``torch.nn.attention``: the choice of a kernel for scaled dot-product attention, of which there is one here.

>>> import minidl as torch
>>> with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
...     torch.nn.functional.scaled_dot_product_attention(*[torch.ones(1, 1, 1)] * 3)
tensor([[[1.]]])
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator
from typing import Any

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(enum.Enum):
    """PyTorch's kernels."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextlib.contextmanager
def sdpa_kernel(backends: Any, set_priority: bool = False) -> Iterator[None]:
    """Inside, PyTorch uses one of these `SDPBackend`s. Here nothing changes: all compute the same."""
    given = backends if isinstance(backends, (list, tuple)) else [backends]
    if not all(isinstance(b, SDPBackend) for b in given):
        raise TypeError(f"sdpa_kernel: expected an SDPBackend or a list of them, got {backends!r}")
    yield
