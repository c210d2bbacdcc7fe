"""Before a detector its images are normalised, resized and batched; after it, what it found is brought back to the images' sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...nn import functional as F
from ...ops.create import empty, tensor
from ...ops.join import stack
from .image_list import ImageList
from .masks import paste_masks_in_image

__all__ = ["GeneralizedRCNNTransform", "resize_boxes", "resize_keypoints"]


def ratios(original_size: Sequence[int], new_size: Sequence[int]) -> list[Any]:
    """Of the heights and of the widths, in single precision."""
    return [tensor(float(new)) / tensor(float(old)) for new, old in zip(new_size, original_size)]


def resize_boxes(boxes: Any, original_size: Sequence[int], new_size: Sequence[int]) -> Tensor:
    """Boxes (N, 4) of an image of `original_size` in the same image at `new_size`; both (height, width)."""
    height, width = ratios(original_size, new_size)
    return boxes * stack([width, height, width, height])


def resize_keypoints(keypoints: Any, original_size: Sequence[int], new_size: Sequence[int]) -> Tensor:
    """Points (N, K, 3), of which the third number is not a place, as `resize_boxes`."""
    height, width = ratios(original_size, new_size)
    return keypoints * stack([width, height, tensor(1.0)])


class GeneralizedRCNNTransform(nn.Module):
    """Called with images (3, H, W) from 0 to 1 and targets: an `ImageList` of normalised images, of one size, and the targets that fit them.

    The shorter side becomes `min_size` (while training, one of several, drawn), or less so that the longer is not above `max_size`; or the size is
    `fixed_size`, (width, height). The batch's sides are multiples of `size_divisible`. ``_skip_resize=True`` leaves sizes alone while training.
    """

    def __init__(self, min_size: Any, max_size: int, image_mean: Sequence[float], image_std: Sequence[float], size_divisible: int = 32,
                 fixed_size: tuple[int, int] | None = None, *, _skip_resize: bool = False) -> None:
        super().__init__()
        self.min_size = min_size if isinstance(min_size, (list, tuple)) else (min_size,)
        self.max_size = max_size
        self.image_mean = image_mean
        self.image_std = image_std
        self.size_divisible = size_divisible
        self.fixed_size = fixed_size
        self._skip_resize = _skip_resize

    def forward(self, images: Sequence[Any], targets: Any = None) -> tuple[ImageList, Any]:
        found, resized = [], []
        for image, target in zip(images, [None] * len(images) if targets is None else targets):
            if image.dim() != 3:
                raise ValueError(f"images is expected to be a list of 3d tensors of shape [C, H, W], got {image.shape}")
            image, target = self.resize(self.normalize(image), target)
            found.append(image)
            resized.append(target)
        sizes = [(image.shape[-2], image.shape[-1]) for image in found]
        return ImageList(self.batch_images(found), sizes), None if targets is None else resized

    def normalize(self, image: Any) -> Tensor:
        if not image.is_floating_point():
            raise TypeError(f"Expected input images to be of floating type (in range [0, 1]), but found type {image.dtype} instead")
        mean, std = (tensor(list(values), dtype=image.dtype)[:, None, None] for values in (self.image_mean, self.image_std))
        return (image - mean) / std

    def resize(self, image: Any, target: dict[str, Any] | None) -> tuple[Any, Any]:
        old = image.shape[-2:]
        if self.training and self._skip_resize:
            return image, target
        if self.training:  # drawn even if there is but one
            side = self.min_size[int(empty(1).uniform_(0.0, float(len(self.min_size))).item())]
        else:
            side = self.min_size[-1]
        if self.fixed_size is not None:
            how: dict[str, Any] = {"size": (self.fixed_size[1], self.fixed_size[0])}
        else:
            how = {"scale_factor": min(side / min(old), self.max_size / max(old)), "recompute_scale_factor": True}
        image = F.interpolate(image[None], mode="bilinear", align_corners=False, **how)[0]
        if target is not None:
            new = image.shape[-2:]
            target = {**target, "boxes": resize_boxes(target["boxes"], old, new)}
            if "masks" in target:
                target["masks"] = F.interpolate(target["masks"][:, None].float(), **how)[:, 0].byte()
            if "keypoints" in target:
                target["keypoints"] = resize_keypoints(target["keypoints"], old, new)
        return image, target

    def batch_images(self, images: Sequence[Any]) -> Tensor:
        channels, height, width = (max(image.shape[i] for image in images) for i in range(3))
        d = self.size_divisible
        batch = images[0].new_full((len(images), channels, math.ceil(height / d) * d, math.ceil(width / d) * d), 0)
        for i, image in enumerate(images):
            batch[i, :image.shape[0], :image.shape[1], :image.shape[2]].copy_(image)
        return batch

    def postprocess(self, result: list[dict[str, Any]], image_shapes: Sequence[Sequence[int]],
                    original_image_sizes: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
        """What was found in the batch's images, in those that were given."""
        if self.training:
            return result
        for found, size, original in zip(result, image_shapes, original_image_sizes):
            found["boxes"] = resize_boxes(found["boxes"], size, original)
            if "masks" in found:
                found["masks"] = paste_masks_in_image(found["masks"], found["boxes"], original)
            if "keypoints" in found:
                found["keypoints"] = resize_keypoints(found["keypoints"], size, original)
        return result

    def __repr__(self) -> str:
        return (f"GeneralizedRCNNTransform(\n    Normalize(mean={self.image_mean}, std={self.image_std})"
                f"\n    Resize(min_size={self.min_size}, max_size={self.max_size}, mode='bilinear')\n)")
