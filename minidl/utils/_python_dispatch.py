"""``torch.utils._python_dispatch``: a base for code that wants to see every ATen operation, which are not what this library is made of."""

from __future__ import annotations

from typing import NoReturn

__all__ = ["TorchDispatchMode"]


class TorchDispatchMode:
    """A base for modes that are only defined: NotImplementedError where one is entered."""

    def __enter__(self) -> NoReturn:
        raise NotImplementedError(f"{type(self).__name__}: this library has no ATen operations to dispatch; use hooks, or `profiler.profile`")

    def __exit__(self, *error: object) -> None:
        """Nothing."""
