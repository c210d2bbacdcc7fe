"""``torch.functional``: operations under an older place."""

from typing import Any

from .core.registry import namespace


def __getattr__(name: str) -> Any:
    found = namespace("torch").get(name)
    if found is None:
        raise AttributeError(f"module 'minidl.functional' has no attribute {name!r}")
    return found
