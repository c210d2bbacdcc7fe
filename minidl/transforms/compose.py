"""Transforms of transforms: in a row, some of them, in any order."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from .base import Transform, uniform

__all__ = ["Compose", "Lambda", "RandomApply", "RandomChoice", "RandomOrder"]


class Compose:
    """One transform after the other.

    For a network on crops of 224 it is usual to resize the short side to 224 / 0.875 = 256 first, so that the crop keeps
    the middle 0.875 of it:

    >>> from minidl import transforms
    >>> transforms.Compose([transforms.Resize(int(224 / 0.875)), transforms.CenterCrop(224), transforms.ToTensor()])
    Compose(
        Resize(size=256, interpolation=bilinear, max_size=None, antialias=True)
        CenterCrop(size=(224, 224))
        ToTensor()
    )
    """

    def __init__(self, transforms: Sequence[Callable[..., Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any, mask: Any = None) -> Any:
        return in_turn(self.transforms, img, mask)

    def __repr__(self) -> str:
        return listed(self)


def in_turn(transforms: Any, img: Any, mask: Any) -> Any:
    if mask is None:
        for transform in transforms:
            img = transform(img)
        return img
    for transform in transforms:
        img, mask = transform(img, mask)
    return img, mask


def listed(self: Any, *first: str) -> str:
    lines = [*first, *map(str, self.transforms)]
    return "\n    ".join([f"{type(self).__name__}(", *lines]) + "\n)"


class Lambda(Transform):
    """A function of the image, such as `functional.rgb_to_bgr`; a mask stays. TypeError if it cannot be called."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        super().__init__()
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def transform(self, img: Any) -> Any:
        return self.lambd(img)


class RandomApply(Transform):
    """All of the transforms, in turn, with probability p; otherwise none."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__()
        self.transforms, self.p = transforms, p

    def forward(self, img: Any, mask: Any = None) -> Any:
        return in_turn([] if self.p < uniform() else self.transforms, img, mask)

    def __repr__(self) -> str:
        return listed(self, f"p={self.p}")


class RandomTransforms:
    def __init__(self, transforms: Sequence[Callable[..., Any]]) -> None:
        if not isinstance(transforms, Sequence):
            raise TypeError(f"Argument transforms should be a sequence, got {type(transforms).__name__}")
        self.transforms = transforms

    def __repr__(self) -> str:
        return listed(self)


class RandomOrder(RandomTransforms):
    """All of the transforms, in a random order: of Python's `random`, as torchvision's."""

    def __call__(self, img: Any, mask: Any = None) -> Any:
        order = list(range(len(self.transforms)))
        random.shuffle(order)
        return in_turn([self.transforms[i] for i in order], img, mask)


class RandomChoice(RandomTransforms):
    """One of the transforms, with probabilities in proportion to p: of Python's `random`, as torchvision's."""

    def __init__(self, transforms: Sequence[Callable[..., Any]], p: Sequence[float] | None = None) -> None:
        super().__init__(transforms)
        if p is not None and not isinstance(p, Sequence):
            raise TypeError(f"Argument p should be a sequence, got {type(p).__name__}")
        self.p = p

    def __call__(self, img: Any, mask: Any = None) -> Any:
        return in_turn(random.choices(self.transforms, weights=self.p), img, mask)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"
