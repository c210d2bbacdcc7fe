"""Names of torchvision's trained weights, none of which are shipped: code that only names them runs.

>>> from minidl import models
>>> models.ResNet18_Weights.DEFAULT
'ResNet18_Weights.DEFAULT'
"""

from __future__ import annotations

__all__ = ["WeightsEnum"]


class _Names(type):
    def __getattr__(cls, name: str) -> str:
        """The name itself, which a builder refuses with a word on how to load a file."""
        if name.startswith("_"):
            raise AttributeError(name)
        return f"{cls.__name__}.{name}"


class WeightsEnum(metaclass=_Names):
    """What torchvision's enumerations of weights are: here no weights are one."""


def weights_named(name: str) -> type:
    """The enumeration of a network's weights; AttributeError for a name that is none."""
    if not name.endswith("_Weights"):
        raise AttributeError(f"module 'minidl.models' has no attribute {name!r}")
    return _Names(name, (WeightsEnum,), {})
