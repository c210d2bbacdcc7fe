"""Regions taken from that map of a pyramid which fits their size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...core.tensor import Tensor
from ...nn import Module
from ...ops.join import cat
from .boxes import box_area
from .regions import roi_align, two

__all__ = ["LevelMapper", "MultiScaleRoIAlign"]


class LevelMapper:
    """The map, counted from `k_min`, for boxes of side s = sqrt(area): floor(k0 + log2(s / s0)), kept within the maps that there are.

    Equation 1 of Lin et al.: Feature pyramid networks for object detection, 2017.
    """

    def __init__(self, k_min: int, k_max: int, canonical_scale: int = 224, canonical_level: int = 4, eps: float = 1e-6) -> None:
        self.k_min, self.k_max, self.s0, self.lvl0, self.eps = k_min, k_max, canonical_scale, canonical_level, eps

    def __call__(self, boxlists: Sequence[Tensor]) -> Tensor:
        s: Any = cat([box_area(boxes) for boxes in boxlists]).sqrt()
        return (self.lvl0 + (s / self.s0).log2() + self.eps).floor().clamp(self.k_min, self.k_max).long() - self.k_min


def power_of_two(length: int, of: int) -> float:
    return 2.0 ** round(math.log2(length / of))


class MultiScaleRoIAlign(Module):
    """`roi_align` of boxes, in pixels of the images, from that of the maps `featmap_names` which fits a box's size.

    A map's scale is the power of two nearest to its height by that of the largest image; it is found at the first call.

    >>> from minidl import rand, tensor
    >>> pool = MultiScaleRoIAlign(["a", "b"], output_size=3, sampling_ratio=2)
    >>> pool({"a": rand(1, 5, 64, 64), "b": rand(1, 5, 32, 32)}, [tensor([[0., 0., 60., 90.], [10., 10., 250., 250.]])], [(256, 256)]).shape
    torch.Size([2, 5, 3, 3])
    """

    def __init__(self, featmap_names: Sequence[str], output_size: Any, sampling_ratio: int, *, canonical_scale: int = 224,
                 canonical_level: int = 4) -> None:
        super().__init__()
        self.featmap_names = featmap_names
        self.sampling_ratio = sampling_ratio
        self.output_size = two(output_size)
        self.scales: list[float] | None = None
        self.map_levels: LevelMapper | None = None
        self.canonical_scale = canonical_scale
        self.canonical_level = canonical_level

    def forward(self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: Sequence[tuple[int, int]]) -> Tensor:
        maps: list[Any] = [feature for name, feature in x.items() if name in self.featmap_names]
        if self.scales is None or self.map_levels is None:
            if not image_shapes:
                raise ValueError("images list should not be empty")
            height = max(shape[0] for shape in image_shapes)
            self.scales = [power_of_two(feature.shape[-2], height) for feature in maps]
            coarse, fine = -math.log2(self.scales[-1]), -math.log2(self.scales[0])
            self.map_levels = LevelMapper(int(fine), int(coarse), self.canonical_scale, self.canonical_level)
        numbered: Any = cat([cat([each[:, :1] * 0 + i, each], 1) for i, each in enumerate(boxes)])
        if len(maps) == 1:
            return roi_align(maps[0], numbered, self.output_size, self.scales[0], self.sampling_ratio)
        level: Any = self.map_levels(boxes)
        pieces = [roi_align(feature, numbered[level == i], self.output_size, scale, self.sampling_ratio)
                  for i, (feature, scale) in enumerate(zip(maps, self.scales))]
        # The pieces are in the order of a stable sort by level; its inverse brings them back.
        return cat(pieces)[level.sort(stable=True)[1].argsort()]

    def extra_repr(self) -> str:
        return f"featmap_names={self.featmap_names}, output_size={self.output_size}, sampling_ratio={self.sampling_ratio}"
