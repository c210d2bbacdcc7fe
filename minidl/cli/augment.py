"""What is done to a batch of images, and to their masks, before the network sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import transforms
from ..core.generator import default_generator
from ..core.tensor import Tensor, wrap
from ..nn import Module
from ..nn import functional as F
from ..ops.join import stack

__all__ = ["AUGMENTATIONS", "Augment", "shifted", "warped"]

# Each for one image of values from 0 to 1. The pixels of a mask that come from outside its image are of no class.
AUGMENTATIONS: dict[str, Callable[[int, int], Any]] = {
    "shift": lambda height, width: shifted,  # of the whole batch, below
    "warp": lambda height, width: warped,
    "flip": lambda height, width: transforms.RandomHorizontalFlip(),
    "rotate": lambda height, width: transforms.RandomRotation(10, transforms.InterpolationMode.BILINEAR),
    "crop": lambda height, width: transforms.RandomResizedCrop((height, width), scale=(0.5, 1.0), antialias=False),
    "color": lambda height, width: transforms.ColorJitter(0.2, 0.2, 0.2),
    "erase": lambda height, width: transforms.RandomErasing(),
}


class Augment:
    """The named augmentations, in the order given; each image draws its own numbers."""

    def __init__(self, names: Sequence[str], size: Sequence[int], ignore_index: int) -> None:
        self.steps: list[Any] = []
        for name in names:
            t = AUGMENTATIONS[name](*size)
            if isinstance(t, Module):
                t.mask_fill = ignore_index
            self.steps.append(t)

    def __call__(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, C, H, W), with labels (N,) that stay, or masks (N, H, W) that go with them."""
        for t in self.steps:
            if not isinstance(t, Module):
                x, labels = t(x, labels)
            elif labels.ndim == 1:
                x = stack([t(x[i]) for i in range(len(x))])
            else:
                pairs = [t(x[i], labels[i:i + 1]) for i in range(len(x))]
                x, labels = stack([image for image, _ in pairs]), stack([mask[0] for _, mask in pairs])
        return x, labels


def shifted(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Every image moved by its own whole number of pixels, up to an eighth of its height, either way; edges are continued."""
    n, _, height, width = x.shape
    most = max(1, height // 8)
    down, right = default_generator.randint((2, n), 0, 2 * most + 1)
    rows = np.clip(down[:, None] + np.arange(height) - most, 0, height - 1)[:, :, None]
    columns = np.clip(right[:, None] + np.arange(width) - most, 0, width - 1)[:, None]
    which = np.arange(n)[:, None, None]
    moved = x.numpy()[which, :, rows, columns].transpose(0, 3, 1, 2)
    return wrap(np.ascontiguousarray(moved)), labels if labels.ndim == 1 else wrap(labels.numpy()[which, rows, columns])


def warped(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Every image turned by its own angle, up to 10 degrees, and drawn smaller or larger by up to a tenth; edges are continued."""
    n, _, height, width = x.shape
    angle, scale = default_generator.uniform((2, n), -1, 1) * [[np.pi / 18], [0.1]]
    cos, sin = np.cos(angle) * (1 + scale), np.sin(angle) * (1 + scale)
    zero = np.zeros(n)
    # In units of half a side, which the turn has to undo where the sides differ.
    theta = np.array([[cos, -sin * height / width, zero], [sin * width / height, cos, zero]]).transpose(2, 0, 1)
    grid = F.affine_grid(wrap(np.ascontiguousarray(theta, np.float32)), x.shape, align_corners=False)

    def sample(image: Tensor, mode: str) -> Tensor:
        return F.grid_sample(image, grid, mode, "border", align_corners=False)

    return sample(x, "bilinear"), labels if labels.ndim == 1 else sample(labels[:, None].float(), "nearest")[:, 0].to(labels.dtype)
