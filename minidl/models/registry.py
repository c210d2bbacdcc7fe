"""Which networks there are, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["register_model", "list_models", "get_model"]

MODELS: dict[str, Callable[..., Any]] = {}


def register_model(build: Callable[..., Any]) -> Callable[..., Any]:
    """Enters a builder under its own name."""
    MODELS[build.__name__] = build
    return build


def list_models() -> list[str]:
    """The names of all networks."""
    return sorted(MODELS)


def get_model(name: str, **config: Any) -> Any:
    """The network of that name, freshly initialised; ValueError for an unknown one."""
    if name not in MODELS:
        raise ValueError(f"Unknown model {name}; there are {', '.join(list_models())}")
    return MODELS[name](**config)
