"""Regions of feature maps brought to one size: by interpolation (RoI align), or by the maxima of their parts (RoI pool)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core import Tensor, wrap
from ...nn import Module

__all__ = ["RoIAlign", "RoIPool", "roi_align", "roi_pool"]


def regions(boxes: Any) -> np.ndarray:
    """(K, 5): the number of the image, then the corners; from that, or from a list with the boxes (L, 4) of each image."""
    if isinstance(boxes, (list, tuple)):
        if not all(b.dim() == 2 and b.shape[1] == 4 for b in boxes):
            raise AssertionError("The shape of the tensor in the boxes list is not correct as List[Tensor[L, 4]]")
        return np.concatenate([np.insert(b.detach().numpy(), 0, i, 1) for i, b in enumerate(boxes)])
    if not isinstance(boxes, Tensor):
        raise AssertionError("boxes is expected to be a Tensor[L, 5] or a List[Tensor[K, 4]]")
    if boxes.dim() != 2 or boxes.shape[1] != 5:
        raise AssertionError("The boxes tensor shape is not correct as Tensor[K, 5]")
    return boxes.detach().numpy()


def two(size: Any) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    return height, width


def spread(starts: np.ndarray, lengths: np.ndarray, bins: int, samples: int, size: int) -> np.ndarray:
    """For each region the weights (K, bins, size) with which the places along one axis make up a bin: the mean of `samples` interpolations."""
    weights = np.zeros((len(starts), bins, size))
    for w, start, length in zip(weights, starts, lengths):
        n = samples if samples > 0 else math.ceil(length / bins)
        place = start + length / bins * (np.arange(bins)[:, None] + (np.arange(n) + 0.5) / max(n, 1))
        inside = ((place >= -1) & (place <= size)) / max(n, 1)
        place = np.clip(place, 0, size - 1)
        low = np.floor(place).astype(int)
        rows = np.arange(bins)[:, None]
        np.add.at(w, (rows, low), inside * (1 - place + low))
        np.add.at(w, (rows, np.minimum(low + 1, size - 1)), inside * (place - low))
    return weights


def roi_align(input: Any, boxes: Any, output_size: Any, spatial_scale: float = 1.0, sampling_ratio: int = -1, aligned: bool = False) -> Tensor:
    """Each region as a map of `output_size`, of which a place is the mean of bilinear samples of its part of the region.

    Y_k = A_k X B_k^T: sampling along y and along x are linear, and separate. `sampling_ratio` samples each way, or as many as a part has pixels;
    `aligned` has pixels' centres at whole numbers, and regions may then be smaller than a pixel. He et al.: Mask R-CNN, 2017. Shape: (N, C, H, W) and
    boxes (K, 5), with the image's number first, or a list of (L, 4) to (K, C, *output_size). No gradient goes to the boxes.
    """
    rois = regions(boxes)
    height, width = two(output_size)
    corner = rois[:, 1:] * spatial_scale - (0.5 if aligned else 0.0)
    sides = corner[:, 2:] - corner[:, :2]
    if not aligned:
        sides = np.maximum(sides, 1)
    x, y = (spread(corner[:, i], sides[:, i], bins, sampling_ratio, size)
            for i, (bins, size) in enumerate([(width, input.shape[3]), (height, input.shape[2])]))
    a, b = (wrap(w[:, None].astype(input.detach().numpy().dtype)) for w in (y, x))
    return a @ input[rois[:, 0].astype(int)] @ b.mT


def roi_pool(input: Any, boxes: Any, output_size: Any, spatial_scale: float = 1.0) -> Tensor:
    """Each region, rounded to pixels, as a map of `output_size` of which a place is the maximum of its part of the region; 0 of an empty part.

    Girshick: Fast R-CNN, 2015. Shapes as `roi_align`'s.
    """
    rois = regions(boxes)
    x, (height, width) = input.detach().numpy(), two(output_size)
    channels, h, w = x.shape[1:]
    found = np.full((len(rois), channels, height, width), -1)
    for index, roi in zip(found, rois):
        image, scaled = int(roi[0]), roi[1:] * spatial_scale
        left, top, right, bottom = np.trunc(scaled + np.copysign(0.5, scaled)).astype(int)
        for i, (y0, y1) in enumerate(parts(top, bottom, height, h, x.dtype.type)):
            for j, (x0, x1) in enumerate(parts(left, right, width, w, x.dtype.type)):
                if y1 > y0 and x1 > x0:
                    down, across = np.divmod(x[image, :, y0:y1, x0:x1].reshape(channels, -1).argmax(1), x1 - x0)
                    index[:, i, j] = ((image * channels + np.arange(channels)) * h + y0 + down) * w + x0 + across
    return input.reshape(-1)[np.maximum(found, 0)] * wrap((found >= 0).astype(x.dtype))


def parts(first: int, last: int, bins: int, size: int, real: Any) -> list[tuple[int, int]]:
    """The pixels first to last, of `size`, in so many parts, which overlap where they share a pixel; as numbers of type `real` have it."""
    each = real(max(last - first + 1, 1)) / real(bins)
    ends = [(math.floor(i * each), math.ceil((i + 1) * each)) for i in range(bins)]
    return [(min(max(first + a, 0), size), min(max(first + b, 0), size)) for a, b in ends]


class RoIAlign(Module):
    """`roi_align` of one size."""

    def __init__(self, output_size: Any, spatial_scale: float, sampling_ratio: int, aligned: bool = False) -> None:
        super().__init__()
        self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned = output_size, spatial_scale, sampling_ratio, aligned

    def forward(self, input: Any, rois: Any) -> Tensor:
        return roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned)

    def extra_repr(self) -> str:
        return (f"output_size={self.output_size}, spatial_scale={self.spatial_scale}, sampling_ratio={self.sampling_ratio}, "
                f"aligned={self.aligned}")


class RoIPool(Module):
    """`roi_pool` of one size."""

    def __init__(self, output_size: Any, spatial_scale: float) -> None:
        super().__init__()
        self.output_size, self.spatial_scale = output_size, spatial_scale

    def forward(self, input: Any, rois: Any) -> Tensor:
        return roi_pool(input, rois, self.output_size, self.spatial_scale)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}, spatial_scale={self.spatial_scale}"
