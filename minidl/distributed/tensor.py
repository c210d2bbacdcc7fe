"""``torch.distributed.tensor``: tensors spread over processes, of which there are none."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["DTensor"]


class DTensor:
    """A tensor spread over processes: no tensor is one."""

    def __init__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RuntimeError("DTensor: this library computes in one process; ask torch.distributed.is_available() first")
