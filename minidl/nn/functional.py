"""The functions behind the layers: those of the ops' table that belong to ``nn.functional``."""

from typing import Any

from ..core.registry import namespace as _namespace

globals().update(_namespace("nn.functional"))


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
