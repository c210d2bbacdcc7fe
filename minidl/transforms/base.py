"""What a transform is, and where its random numbers come from."""

from __future__ import annotations

import copy
from typing import Any

from ..core.generator import default_generator
from ..nn import Module
from .functional import InterpolationMode


class Transform(Module):
    """An image to another: ``t(image)``; or an image and its mask to such a pair: ``t(image, mask)``.

    `draw` draws the parameters, once; `transform` changes the image by them. What only changes colours leaves a mask as it
    is; a `Geometric` transform moves it the same way. (In torchvision pairs are the ``v2`` transforms', whose masks have
    a type of their own; here the second argument is the mask.)
    """

    def draw(self, img: Any) -> tuple[Any, ...]:
        """The parameters for an image."""
        return ()

    def transform(self, img: Any, *params: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no transform")

    def transform_mask(self, mask: Any, *params: Any) -> Any:
        return mask

    def forward(self, img: Any, mask: Any = None) -> Any:
        params = self.draw(img)
        result = self.transform(img, *params)
        return result if mask is None else (result, self.transform_mask(mask, *params))


class Geometric(Transform):
    """Moves pixels: an image by its own interpolation and `fill`, a mask by the nearest pixel and `mask_fill`.

    Set `mask_fill` to the label that the loss ignores to keep out what comes from outside the image.
    """

    mask_fill: int = 0

    def transform_mask(self, mask: Any, *params: Any) -> Any:
        nearest: Any = copy.copy(self)
        nearest.interpolation, nearest.fill = InterpolationMode.NEAREST, self.mask_fill
        return nearest.transform(mask, *params)


def uniform(low: float = 0.0, high: float = 1.0) -> float:
    """One number of U[low, high), as ``torch.empty(1).uniform_(low, high).item()``."""
    return float(default_generator.uniform((1,), low, high)[0])


def randint(low: int, high: int) -> int:
    """One integer of [low, high), as ``torch.randint(low, high, (1,)).item()``."""
    return int(default_generator.randint((1,), low, high)[0])
