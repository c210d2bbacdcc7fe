"""Anchors: the boxes, of several sizes and shapes at every place of the feature maps, that a detector starts from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...ops.create import arange, as_tensor, tensor
from ...ops.join import cat, stack
from .image_list import ImageList

__all__ = ["AnchorGenerator", "DefaultBoxGenerator"]


def places(height: int, width: int, down: Any, across: Any) -> Any:
    """For each place of a map, row by row, its (x, y) by the steps `down` and `across`: (height width, 2)."""
    y, x = arange(height) * down, arange(width) * across
    return stack([x.expand(height, -1), y[:, None].expand(-1, width)], -1).reshape(-1, 2)


class AnchorGenerator(nn.Module):
    """For each map boxes of each of its `sizes` (the root of the area) and `aspect_ratios` (height by width), around every place.

    Sides are rounded to whole pixels; places are as many whole pixels apart as the image has for one. As in torchvision, boxes are around the first
    pixel of a place. Called with an `ImageList` and the maps; returns for each image (places x boxes, 4), the maps one after the other.

    >>> AnchorGenerator(((4, 8),), ((1.0,),)).num_anchors_per_location()
    [2]
    """

    def __init__(self, sizes: Sequence[Any] = ((128, 256, 512),), aspect_ratios: Sequence[Any] = ((0.5, 1.0, 2.0),)) -> None:
        super().__init__()
        if not isinstance(sizes[0], (list, tuple)):
            sizes = tuple((size,) for size in sizes)
        if not isinstance(aspect_ratios[0], (list, tuple)):
            aspect_ratios = (aspect_ratios,) * len(sizes)
        self.sizes = sizes
        self.aspect_ratios = aspect_ratios
        self.cell_anchors = [self.generate_anchors(*pair) for pair in zip(sizes, aspect_ratios)]

    def generate_anchors(self, scales: Sequence[float], aspect_ratios: Sequence[float]) -> Tensor:
        """The boxes around (0, 0), a ratio after the other: (boxes, 4)."""
        scale, ratio = tensor([float(s) for s in scales]), tensor([float(r) for r in aspect_ratios]).sqrt()
        width, height = ((1 / ratio)[:, None] * scale).reshape(-1), (ratio[:, None] * scale).reshape(-1)
        return (stack([-width, -height, width, height], 1) / 2).round()

    def num_anchors_per_location(self) -> list[int]:
        """The number of boxes at each place, for each map."""
        return [len(sizes) * len(ratios) for sizes, ratios in zip(self.sizes, self.aspect_ratios)]

    def forward(self, image_list: ImageList, feature_maps: Sequence[Any]) -> list[Tensor]:
        if len(feature_maps) != len(self.cell_anchors):
            raise AssertionError(f"There needs to be a match between the number of feature maps passed and the number of sizes / aspect ratios "
                                 f"specified, got {len(feature_maps)} and {len(self.cell_anchors)}")
        height, width = image_list.tensors.shape[-2:]
        anchors = []
        for feature, cell in zip(feature_maps, self.cell_anchors):
            h, w = feature.shape[-2:]
            at = places(h, w, height // h, width // w)
            anchors.append((cat([at, at], 1)[:, None] + cell.to(feature_maps[0].dtype)).reshape(-1, 4))
        return [cat(anchors) for _ in image_list.image_sizes]


class DefaultBoxGenerator(nn.Module):
    """SSD's boxes: at each place of map k two squares, of sides s_k and sqrt(s_k s_(k+1)), and for each of its ratios one lying and one standing.

    `scales` are shares of the image; by default from `min_ratio` to `max_ratio`, then 1. Places are `steps` pixels apart, by default an even share of
    the image. `clip` keeps sides within the image. Liu et al.: SSD, 2016, section 2.2.
    """

    def __init__(self, aspect_ratios: Sequence[Sequence[float]], min_ratio: float = 0.15, max_ratio: float = 0.9,
                 scales: Sequence[float] | None = None, steps: Sequence[int] | None = None, clip: bool = True) -> None:
        super().__init__()
        if steps is not None and len(aspect_ratios) != len(steps):
            raise ValueError(f"aspect_ratios and steps should have the same length, got {len(aspect_ratios)} and {len(steps)}")
        self.aspect_ratios = aspect_ratios
        self.steps = steps
        self.clip = clip
        maps = len(aspect_ratios)
        if scales is not None:
            self.scales = list(scales)
        elif maps > 1:
            self.scales = [*(min_ratio + (max_ratio - min_ratio) * k / (maps - 1.0) for k in range(maps)), 1.0]
        else:
            self.scales = [min_ratio, max_ratio]
        self._wh_pairs = [as_tensor(self.sides(k)) for k in range(maps)]

    def sides(self, k: int) -> list[list[float]]:
        """(width, height) of map k's boxes."""
        s, between = self.scales[k], math.sqrt(self.scales[k] * self.scales[k + 1])
        lying = [[s * math.sqrt(ratio), s / math.sqrt(ratio)] for ratio in self.aspect_ratios[k]]
        return [[s, s], [between, between], *(side for pair in lying for side in (pair, pair[::-1]))]

    def num_anchors_per_location(self) -> list[int]:
        """The number of boxes at each place, for each map."""
        return [2 + 2 * len(ratios) for ratios in self.aspect_ratios]

    def forward(self, image_list: ImageList, feature_maps: Sequence[Any]) -> list[Tensor]:
        height, width = image_list.tensors.shape[-2:]
        dtype = feature_maps[0].dtype
        boxes = []
        for k, (feature, side) in enumerate(zip(feature_maps, self._wh_pairs)):
            h, w = feature.shape[-2:]
            rows, columns = (h, w) if self.steps is None else (height / self.steps[k], width / self.steps[k])
            y, x = (((arange(n) + 0.5) / of).to(dtype) for n, of in ((h, rows), (w, columns)))
            centre = stack([x.expand(h, -1), y[:, None].expand(-1, w)], -1).reshape(-1, 1, 2).expand(-1, len(side), -1)
            half = 0.5 * (side.clamp(0, 1) if self.clip else side).to(dtype)
            boxes.append(cat([centre - half, centre + half], -1).reshape(-1, 4) * tensor([width, height, width, height]))
        return [cat(boxes) for _ in image_list.image_sizes]

    def __repr__(self) -> str:
        return f"DefaultBoxGenerator(aspect_ratios={self.aspect_ratios}, clip={self.clip}, scales={self.scales}, steps={self.steps})"
