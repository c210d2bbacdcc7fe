"""The names of ``torchvision.transforms.v2``: the transforms of this package, and those that are only there.

A mask is the second argument, not a type of its own. Random numbers are drawn as the first version's; `RandomChoice` and
`RandomOrder` draw from the library's generator, as v2's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.generator import default_generator
from ..autoaugment import *
from ..color import *
from ..compose import *
from ..compose import RandomTransforms, in_turn
from ..convert import *
from ..functional import InterpolationMode as InterpolationMode
from ..geometry import *
from ..mix import *
from ..tensor import *
from ..warp import *
from . import functional as functional
from .only import *

__all__ = ["RandomChoice", "RandomOrder"]


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
