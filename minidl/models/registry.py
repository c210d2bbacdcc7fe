"""Which networks there are, by name, as ``torchvision.models`` has them."""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, TypeVar

__all__ = ["register_model", "list_models", "get_model", "get_model_builder"]

MODELS: dict[str, Callable[..., Any]] = {}

M = TypeVar("M")


def no_weights(what: str, got: str) -> ValueError:
    """The error of what asks for trained weights."""
    return ValueError(f"{what}: no weights are shipped{got}; build the model without, then "
                      "model.load_state_dict(minidl.load(path)) reads a .pth file of torchvision's")


def register_model(build: Callable[..., M]) -> Callable[..., M]:
    """Enters a builder under its own name, and gives it torchvision's `weights`, `progress` and `pretrained`.

    No weights are shipped, so anything but None or False for them is a ValueError that says how to load a file.
    """

    @functools.wraps(build)
    def builder(*, weights: Any = None, progress: bool = True, pretrained: bool = False, **kwargs: Any) -> M:
        if weights is not None or pretrained:
            raise no_weights(build.__name__, f", got weights={weights!r}" if weights is not None else f", got pretrained={pretrained!r}")
        return build(**kwargs)

    MODELS[build.__name__] = builder
    return builder


def list_models(module: ModuleType | None = None, include: Iterable[str] | str | None = None,
                exclude: Iterable[str] | str | None = None) -> list[str]:
    """The names of all networks, or of those in the package `module`; `include` and `exclude` are wildcards.

    >>> from minidl import models
    >>> models.list_models(include="resnet*", exclude=["*8", "*20"])
    ['resnet101', 'resnet152', 'resnet34', 'resnet50']
    >>> models.list_models(models.segmentation, include="fcn*")
    ['fcn_resnet101', 'fcn_resnet50']
    """
    def matches(name: str, patterns: Iterable[str] | str) -> bool:
        return any(fnmatch.fnmatch(name, p) for p in ([patterns] if isinstance(patterns, str) else patterns))

    names = (name for name, build in MODELS.items() if module is None or build.__module__.rpartition(".")[0] == module.__name__)
    return sorted(name for name in names if (not include or matches(name, include)) and not (exclude and matches(name, exclude)))


def get_model_builder(name: str) -> Callable[..., Any]:
    """The function that builds the network of that name; ValueError for an unknown one."""
    if name.lower() not in MODELS:
        raise ValueError(f"Unknown model {name}; there are {', '.join(list_models())}")
    return MODELS[name.lower()]


def get_model(name: str, **config: Any) -> Any:
    """The network of that name, freshly initialised; ValueError for an unknown one.

    >>> from minidl import models
    >>> models.get_model("squeezenet1_1", num_classes=10).num_classes
    10
    """
    return get_model_builder(name)(**config)
