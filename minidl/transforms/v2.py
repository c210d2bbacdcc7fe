"""The names of ``torchvision.transforms.v2``: the transforms of this package, and those that are only there.

A mask is the second argument, not a type of its own. Random numbers are drawn as the first version's; `RandomChoice` and
`RandomOrder` draw from the library's generator, as v2's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Tensor, wrap
from ..core.generator import default_generator
from . import *
from . import functional as functional
from .base import Transform
from .compose import RandomTransforms, in_turn

__all__ = ["RandomChoice", "RandomOrder", "ToDtype", "ToImage"]


class RandomOrder(RandomTransforms):  # type: ignore[no-redef]
    """All of the transforms, in a random order."""

    def __call__(self, img: Any, mask: Any = None) -> Any:
        return in_turn([self.transforms[i] for i in default_generator.randperm(len(self.transforms))], img, mask)


class RandomChoice(RandomTransforms):  # type: ignore[no-redef]
    """One of the transforms, with probabilities in proportion to p."""

    def __init__(self, transforms: Any, p: Any = None) -> None:
        super().__init__(transforms)
        p = [1] * len(transforms) if p is None else p
        if len(p) != len(transforms):
            raise ValueError(f"Length of p doesn't match the number of transforms: {len(p)} != {len(transforms)}")
        self.p = np.array(p, float) / sum(p)

    def __call__(self, img: Any, mask: Any = None) -> Any:
        return in_turn([self.transforms[int(default_generator.multinomial(self.p, 1)[0])]], img, mask)


class ToImage(Transform):
    """A Pillow image or an array (H, W, C) as a tensor (C, H, W) of its own type, without scaling."""

    def transform(self, img: Any) -> Any:
        if isinstance(img, Tensor):
            return img
        if isinstance(img, np.ndarray):
            return wrap(np.ascontiguousarray(img.reshape(*img.shape[:2], -1).transpose(2, 0, 1)))
        return functional.pil_to_tensor(img)

    def transform_mask(self, mask: Any) -> Any:
        return functional.pil_to_tensor(mask)


class ToDtype(Transform):
    """Another type, with `scale` as by `functional.convert_image_dtype`."""

    def __init__(self, dtype: Any, scale: bool = False) -> None:
        super().__init__()
        self.dtype, self.scale = dtype, scale

    def transform(self, img: Any) -> Any:
        return functional.convert_image_dtype(img, self.dtype) if self.scale else img.to(self.dtype)

    def extra_repr(self) -> str:
        return f"scale={self.scale}"
