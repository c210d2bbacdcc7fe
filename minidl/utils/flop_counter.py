"""``torch.utils.flop_counter``: a name; counts of networks are in `minidl.analysis`."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["FlopCounterMode"]


class FlopCounterMode:
    """NotImplementedError where it is entered: see `minidl.analysis.summary`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.options = kwargs

    def __enter__(self) -> NoReturn:
        raise NotImplementedError("FlopCounterMode: operations are not counted as they run; analysis.summary(model, shape) counts those of layers")

    def __exit__(self, *error: object) -> None:
        """Nothing."""
