"""Regions of feature maps brought to one size: by interpolation (RoI align), by the maxima or means of their parts (RoI pool)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...autograd import Function
from ...core.tensor import Tensor
from ...nn import Module
from ...ops.create import as_tensor

__all__ = ["PSRoIAlign", "PSRoIPool", "RoIAlign", "RoIPool", "ps_roi_align", "ps_roi_pool", "roi_align", "roi_pool"]


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


class Plan:
    """How K regions come from their images, numbered `images`: Y_k = A_k X B_k^T with A (K, height, H) and B (K, width, W).

    Sampling along y and along x are linear and separate. A region covers a part of its image, and only there the weights are not zero.
    """

    def __init__(self, images: np.ndarray, a: np.ndarray, b: np.ndarray, shape: Any) -> None:
        self.images, self.a, self.b, self.shape = images, a, b, tuple(shape)

    def parts(self, dtype: Any) -> Iterator[tuple[tuple[Any, ...], np.ndarray, np.ndarray]]:
        """For each region, where in the images it lies, and its weights there."""
        a, b = self.a.astype(dtype), self.b.astype(dtype)
        for image, down, across, rows, columns in zip(self.images, a, b, *(map(covered, w) for w in (self.a, self.b))):
            yield (image, slice(None), rows, columns), down[:, rows], across[:, columns]


def covered(weights: np.ndarray) -> slice:
    """From the first to the last of the places that have a weight."""
    places = np.flatnonzero(weights.any(0))
    return slice(places[0], places[-1] + 1) if len(places) else slice(0, 0)


class Sampled(Function):
    """(N, C, H, W) to (K, C, height, width), as a `Plan` says; linear, so its derivative is its transpose, `Spread`."""

    @staticmethod
    def forward(ctx: Any, input: Any, plan: Plan) -> Any:
        ctx.plan = plan
        x = input.detach().numpy()
        y = np.empty((len(plan.images), x.shape[1], plan.a.shape[1], plan.b.shape[1]), x.dtype)
        for out, (part, a, b) in zip(y, plan.parts(x.dtype)):
            np.matmul(a @ x[part], b.T, out=out)
        return as_tensor(y)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return Spread.apply(g, ctx.plan), None


class Spread(Function):
    """The transpose of `Sampled`: X = sum of A_k^T Y_k B_k over the regions of an image."""

    @staticmethod
    def forward(ctx: Any, input: Any, plan: Plan) -> Any:
        ctx.plan = plan
        y = input.detach().numpy()
        x = np.zeros(plan.shape, y.dtype)
        for g, (part, a, b) in zip(y, plan.parts(y.dtype)):
            x[part] += a.T @ g @ b
        return as_tensor(x)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return Sampled.apply(g, ctx.plan), None


def interpolation(starts: np.ndarray, lengths: np.ndarray, bins: int, samples: int, size: int) -> np.ndarray:
    """For each region the weights (K, bins, size) with which the places along one axis make up a bin: the mean of `samples` interpolations."""
    weights = np.zeros((len(starts), bins, size))
    rows = np.arange(bins)[:, None]
    for w, start, length in zip(weights, starts, lengths):
        n = samples if samples > 0 else math.ceil(length / bins)
        place = start + length / bins * (rows + (np.arange(n) + 0.5) / max(n, 1))
        inside = ((place >= -1) & (place <= size)) / max(n, 1)
        place = np.clip(place, 0, size - 1)
        low = np.floor(place).astype(int)
        np.add.at(w, (rows, low), inside * (1 - place + low))
        np.add.at(w, (rows, np.minimum(low + 1, size - 1)), inside * (place - low))
    return weights


def align_plan(shape: Any, rois: np.ndarray, size: tuple[int, int], scale: float, samples: int, aligned: bool) -> Plan:
    corner = rois[:, 1:] * scale - (0.5 if aligned else 0.0)
    sides = corner[:, 2:] - corner[:, :2]
    if not aligned:
        sides = np.maximum(sides, 1)
    a, b = (interpolation(corner[:, i], sides[:, i], bins, samples, length) for i, bins, length in ((1, size[0], shape[2]), (0, size[1], shape[3])))
    return Plan(rois[:, 0].astype(int), a, b, shape)


def roi_align(input: Any, boxes: Any, output_size: Any, spatial_scale: float = 1.0, sampling_ratio: int = -1, aligned: bool = False) -> Tensor:
    """Each region as a map of `output_size`, of which a place is the mean of bilinear samples of its part of the region.

    `sampling_ratio` samples each way, or as many as a part has pixels; `aligned` has pixels' centres at whole numbers, and regions may then be
    smaller than a pixel. He et al.: Mask R-CNN, 2017. Shape: (N, C, H, W) and boxes (K, 5), with the image's number first, or a list of (L, 4) to
    (K, C, *output_size). No gradient goes to the boxes.

    >>> from minidl import arange, tensor
    >>> x = arange(16.0).reshape(1, 1, 4, 4)
    >>> roi_align(x, [tensor([[0.0, 0.0, 2.0, 2.0]])], 2)
    tensor([[[[2.5000, 3.5000],
              [6.5000, 7.5000]]]])
    """
    rois = regions(boxes)
    return Sampled.apply(input, align_plan(input.shape, rois, two(output_size), spatial_scale, sampling_ratio, aligned))


def own_channels(y: Any) -> Any:
    """Of (K, C height width, height, width), for each place the C channels that are its own: (K, C, height, width)."""
    k, channels, height, width = y.shape
    y = y.reshape(k, channels // (height * width), height * width, height * width)
    return y.diagonal(0, 2, 3).reshape(k, -1, height, width)


def ps_roi_align(input: Any, boxes: Any, output_size: Any, spatial_scale: float = 1.0, sampling_ratio: int = -1) -> Tensor:
    """`roi_align`, aligned, where each place of a region's map has channels of its own: position-sensitive.

    Li et al.: Light-head R-CNN, 2017. Shape: (N, C height width, H, W) to (K, C, height, width). RuntimeError if the channels don't divide so.
    """
    rois, size = divided("ps_roi_align", input, boxes, output_size)
    return own_channels(Sampled.apply(input, align_plan(input.shape, rois, size, spatial_scale, sampling_ratio, True)))


def divided(op: str, input: Any, boxes: Any, output_size: Any) -> tuple[np.ndarray, tuple[int, int]]:
    """The regions and the size; RuntimeError unless the channels are a multiple of the places."""
    height, width = two(output_size)
    if input.shape[1] % (height * width):
        raise RuntimeError(f"{op}: input channels must be a multiple of pooling height * pooling width, got {input.shape[1]} and {height} * {width}")
    return regions(boxes), (height, width)


def ps_roi_pool(input: Any, boxes: Any, output_size: Any, spatial_scale: float = 1.0) -> Tensor:
    """Each region, rounded to pixels, as a map of which a place is the mean, in channels of its own, of its part of the region; 0 of an empty part.

    Dai, Li, He, Sun: R-FCN, 2016. As in torchvision, the last row and column of an image are in no region; unlike there, they get no gradient
    either. Shapes as `ps_roi_align`'s.
    """
    rois, size = divided("ps_roi_pool", input, boxes, output_size)
    real = input.detach().numpy().dtype.type
    first, last = (half_away(rois[:, 1:] * spatial_scale)[:, i:i + 2] for i in (0, 2))
    a, b = (means(first[:, i], np.maximum(last - first, 1)[:, i], bins, length, real)
            for i, bins, length in ((1, size[0], input.shape[2]), (0, size[1], input.shape[3])))
    return own_channels(Sampled.apply(input, Plan(rois[:, 0].astype(int), a, b, input.shape)))


def half_away(x: np.ndarray) -> np.ndarray:
    """Rounded as C does."""
    return np.trunc(x + np.copysign(0.5, x)).astype(int)


def means(starts: np.ndarray, lengths: np.ndarray, bins: int, size: int, real: Any) -> np.ndarray:
    """For each region the weights (K, bins, size) that make each bin the mean of its pixels."""
    weights = np.zeros((len(starts), bins, size))
    for w, start, length in zip(weights, starts, lengths):
        for row, (low, high) in zip(w, parts(start, length, bins, size - 1, real)):
            row[low:high] = 1 / max(high - low, 1)
    return weights


def roi_pool(input: Any, boxes: Any, output_size: Any, spatial_scale: float = 1.0) -> Tensor:
    """Each region, rounded to pixels, as a map of `output_size` of which a place is the maximum of its part of the region; 0 of an empty part.

    Girshick: Fast R-CNN, 2015. Shapes as `roi_align`'s.
    """
    rois = regions(boxes)
    x, (height, width) = input.detach().numpy(), two(output_size)
    channels, h, w = x.shape[1:]
    found = np.full((len(rois), channels, height, width), -1)
    for index, roi in zip(found, rois):
        image, (left, top, right, bottom) = int(roi[0]), half_away(roi[1:] * spatial_scale)
        for i, (y0, y1) in enumerate(parts(top, max(bottom - top + 1, 1), height, h, x.dtype.type)):
            for j, (x0, x1) in enumerate(parts(left, max(right - left + 1, 1), width, w, x.dtype.type)):
                if y1 > y0 and x1 > x0:
                    down, across = np.divmod(x[image, :, y0:y1, x0:x1].reshape(channels, -1).argmax(1), x1 - x0)
                    index[:, i, j] = ((image * channels + np.arange(channels)) * h + y0 + down) * w + x0 + across
    return input.reshape(-1)[as_tensor(np.maximum(found, 0))] * as_tensor((found >= 0).astype(x.dtype))


def parts(first: int, length: int, bins: int, size: int, real: Any) -> list[tuple[int, int]]:
    """So many pixels from the first on, of `size`, in parts, which overlap where they share a pixel; as numbers of type `real` have it."""
    each = real(length) / real(bins)
    ends = [(math.floor(i * each), math.ceil((i + 1) * each)) for i in range(bins)]
    return [(min(max(first + a, 0), size), min(max(first + b, 0), size)) for a, b in ends]


class RoIPool(Module):
    """`roi_pool` of one size."""

    def __init__(self, output_size: Any, spatial_scale: float) -> None:
        super().__init__()
        self.output_size, self.spatial_scale = output_size, spatial_scale

    def forward(self, input: Any, rois: Any) -> Tensor:
        return roi_pool(input, rois, self.output_size, self.spatial_scale)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}, spatial_scale={self.spatial_scale}"


class PSRoIPool(RoIPool):
    """`ps_roi_pool` of one size."""

    def forward(self, input: Any, rois: Any) -> Tensor:
        return ps_roi_pool(input, rois, self.output_size, self.spatial_scale)


class PSRoIAlign(RoIPool):
    """`ps_roi_align` of one size."""

    def __init__(self, output_size: Any, spatial_scale: float, sampling_ratio: int) -> None:
        super().__init__(output_size, spatial_scale)
        self.sampling_ratio = sampling_ratio

    def forward(self, input: Any, rois: Any) -> Tensor:
        return ps_roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, sampling_ratio={self.sampling_ratio}"


class RoIAlign(PSRoIAlign):
    """`roi_align` of one size."""

    def __init__(self, output_size: Any, spatial_scale: float, sampling_ratio: int, aligned: bool = False) -> None:
        super().__init__(output_size, spatial_scale, sampling_ratio)
        self.aligned = aligned

    def forward(self, input: Any, rois: Any) -> Tensor:
        return roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, aligned={self.aligned}"
