"""Boxes (..., 4), as corners x1, y1, x2, y2 unless a format says otherwise: areas, overlaps, and which of many to keep."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.modes import no_grad
from ...core.tensor import Tensor
from ...ops.create import as_tensor
from ...ops.join import cat, stack
from ...ops.select import maximum, minimum

__all__ = ["batched_nms", "box_area", "box_convert", "box_iou", "clip_boxes_to_image", "complete_box_iou", "distance_box_iou",
           "generalized_box_iou", "masks_to_boxes", "nms", "remove_small_boxes"]

FORMATS = ("xyxy", "xywh", "cxcywh")


def wide(boxes: Any) -> Any:
    """In a type whose products do not overflow: at least float32 or int32."""
    small = boxes.dtype.itemsize < 4
    return boxes.float() if small and boxes.is_floating_point() else boxes.int() if small else boxes


def corners(boxes: Any, fmt: str) -> Any:
    if fmt == "xyxy":
        return boxes
    place, size = boxes[..., :2], boxes[..., 2:]
    first = place if fmt == "xywh" else place - size / 2
    return cat([first, place + (size if fmt == "xywh" else size / 2)], -1)


def check_format(fmt: str, what: str) -> None:
    if fmt not in FORMATS:
        raise ValueError(f"Unsupported Bounding Box {what} for given format {fmt}: expected one of {', '.join(FORMATS)}")


def box_convert(boxes: Any, in_fmt: str, out_fmt: str) -> Tensor:
    """Boxes in another format: corners ``"xyxy"``, corner and size ``"xywh"``, centre and size ``"cxcywh"``. There are no rotated ones here.

    >>> from minidl import tensor
    >>> box_convert(tensor([[1., 2., 5., 4.]]), "xyxy", "cxcywh")
    tensor([[3., 3., 4., 2.]])
    """
    check_format(in_fmt, "Conversions")
    check_format(out_fmt, "Conversions")
    if in_fmt == out_fmt:
        return boxes.clone()
    boxes = corners(boxes, in_fmt)
    if out_fmt == "xyxy":
        return boxes
    first, last = boxes[..., :2], boxes[..., 2:]
    return cat([first if out_fmt == "xywh" else (first + last) / 2, last - first], -1)


def box_area(boxes: Any, fmt: str = "xyxy") -> Tensor:
    """Width times height."""
    check_format(fmt, "area")
    boxes = wide(boxes)
    size = boxes[..., 2:] - boxes[..., :2] if fmt == "xyxy" else boxes[..., 2:]
    return size[..., 0] * size[..., 1]


def pairs(boxes1: Any, boxes2: Any) -> tuple[Any, Any]:
    """Each of (..., N, 4) beside each of (..., M, 4)."""
    return boxes1[..., :, None, :], boxes2[..., None, :, :]


def size_of(first: Any, last: Any) -> Any:
    """Width and height, not below 0, from one corner to the other."""
    return wide(last - first).clamp(min=0)


def inter_union(boxes1: Any, boxes2: Any, fmt: str) -> tuple[Any, Any]:
    areas1, areas2 = box_area(boxes1, fmt), box_area(boxes2, fmt)
    a, b = pairs(corners(boxes1, fmt), corners(boxes2, fmt))
    size = size_of(maximum(a[..., :2], b[..., :2]), minimum(a[..., 2:], b[..., 2:]))
    inter = size[..., 0] * size[..., 1]
    return inter, areas1[..., :, None] + areas2[..., None, :] - inter


def box_iou(boxes1: Any, boxes2: Any, fmt: str = "xyxy") -> Tensor:
    """Intersection over union of each of N boxes with each of M: (N, M).

    >>> from minidl import tensor
    >>> box_iou(tensor([[0., 0., 2., 2.]]), tensor([[0., 0., 2., 2.], [1., 0., 3., 2.], [2., 2., 3., 3.]]))
    tensor([[1.0000, 0.3333, 0.0000]])
    """
    inter, union = inter_union(boxes1, boxes2, fmt)
    return inter / union


def enclosing(a: Any, b: Any) -> Any:
    """Width and height of the smallest box around both."""
    return size_of(minimum(a[..., :2], b[..., :2]), maximum(a[..., 2:], b[..., 2:]))


def generalized_box_iou(boxes1: Any, boxes2: Any) -> Tensor:
    """IoU less the share of the smallest enclosing box that neither covers (Rezatofighi et al., 2019): (N, M), from -1 to 1."""
    inter, union = inter_union(boxes1, boxes2, "xyxy")
    size = enclosing(*pairs(boxes1, boxes2))
    area = size[..., 0] * size[..., 1]
    return inter / union - (area - union) / area


def apart(a: Any, b: Any, eps: float) -> Any:
    """The squared distance of the centres, by the squared diagonal of the enclosing box."""
    between = wide((a[..., :2] + a[..., 2:]) / 2 - (b[..., :2] + b[..., 2:]) / 2)
    return (between ** 2).sum(-1) / ((enclosing(a, b) ** 2).sum(-1) + eps)


def shape_term(a: Any, b: Any, iou: Any, eps: float) -> Any:
    """How different the ratios of width to height are, weighted by the overlap; no gradient goes through the weight."""
    angles = [(wide(x[..., 2] - x[..., 0]) / wide(x[..., 3] - x[..., 1])).atan() for x in (a, b)]
    v = 4 / math.pi ** 2 * (angles[0] - angles[1]) ** 2
    with no_grad():
        weight = v / (1 - iou + v + eps)
    return weight * v


def distance_box_iou(boxes1: Any, boxes2: Any, eps: float = 1e-7) -> Tensor:
    """IoU less the distance of the centres, squared, by the diagonal of the enclosing box (Zheng et al., 2020): (N, M)."""
    boxes1, boxes2 = wide(boxes1), wide(boxes2)
    return box_iou(boxes1, boxes2) - apart(*pairs(boxes1, boxes2), eps)


def complete_box_iou(boxes1: Any, boxes2: Any, eps: float = 1e-7) -> Tensor:
    """`distance_box_iou` less a term for ratios of width to height that differ (Zheng et al., 2020): (N, M)."""
    boxes1, boxes2 = wide(boxes1), wide(boxes2)
    a, b = pairs(boxes1, boxes2)
    iou = box_iou(boxes1, boxes2)
    return iou - apart(a, b, eps) - shape_term(a, b, iou, eps)


def clip_boxes_to_image(boxes: Any, size: tuple[int, int]) -> Tensor:
    """The parts of the boxes within an image of `size`, (height, width)."""
    height, width = size
    clipped = stack([boxes[..., 0::2].clamp(0, width), boxes[..., 1::2].clamp(0, height)], boxes.dim())
    return clipped.reshape(boxes.shape)


def remove_small_boxes(boxes: Any, min_size: float) -> Tensor:
    """The indices of the boxes whose width and height are at least `min_size`."""
    size = boxes[..., 2:] - boxes[..., :2]
    return (size >= min_size).all(-1).nonzero(as_tuple=True)[0]


def masks_to_boxes(masks: Any) -> Tensor:
    """The first and last column and row (x1, y1, x2, y2) of each of N masks (N, H, W); zeros for an empty mask."""
    if not masks.numel():
        return as_tensor(np.zeros((0, 4), np.float32))
    there = masks.detach().numpy().astype(bool)
    sides = []
    for axis in (1, 2):  # x: columns, of which any row; then y
        line = there.any(axis)
        sides.append((line.argmax(1), line.shape[1] - 1 - line[:, ::-1].argmax(1)))
    (x1, x2), (y1, y2) = sides
    return as_tensor((np.stack([x1, y1, x2, y2], 1) * there.any((1, 2))[:, None]).astype(np.float32))


def nms(boxes: Any, scores: Any, iou_threshold: float) -> Tensor:
    """Non-maximum suppression: from the best score down, boxes that overlap one already kept by more than `iou_threshold` are left out.

    Returns the indices of the others, best first. RuntimeError unless boxes are (N, 4) and scores (N,).

    >>> from minidl import tensor
    >>> nms(tensor([[0., 0., 4., 4.], [0., 0., 4., 5.], [6., 6., 7., 7.]]), tensor([0.5, 0.9, 0.1]), 0.5)
    tensor([1, 2])
    """
    if boxes.dim() != 2:
        raise RuntimeError(f"boxes should be a 2d tensor, got {boxes.dim()}D")
    if boxes.shape[1] != 4:
        raise RuntimeError(f"boxes should have 4 elements in dimension 1, got {boxes.shape[1]}")
    if scores.dim() != 1:
        raise RuntimeError(f"scores should be a 1d tensor, got {scores.dim()}D")
    if len(boxes) != len(scores):
        raise RuntimeError(f"boxes and scores should have same number of elements in dimension 0, got {len(boxes)} and {len(scores)}")
    if boxes.dtype != scores.dtype:
        raise RuntimeError(f"dets should have the same type as scores, got {boxes.dtype} and {scores.dtype}")
    x1, y1, x2, y2 = boxes.detach().numpy().T
    areas = (x2 - x1) * (y2 - y1)
    order = scores.detach().sort(stable=True, descending=True)[1].numpy()
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        width = np.minimum(x2[best], x2[order]) - np.maximum(x1[best], x1[order])
        height = np.minimum(y2[best], y2[order]) - np.maximum(y1[best], y1[order])
        inter = np.maximum(width, 0) * np.maximum(height, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            order = order[~((inter / (areas[best] + areas[order] - inter)).astype(np.float64) > iou_threshold)]
    return as_tensor(np.array(kept, np.int64))


def batched_nms(boxes: Any, scores: Any, idxs: Any, iou_threshold: float) -> Tensor:
    """`nms` within each category `idxs`; the indices of what is left of all, best first."""
    classes = idxs.detach().numpy()
    kept = np.zeros(len(boxes), bool)
    for c in np.unique(classes):
        own = np.flatnonzero(classes == c)
        kept[own[nms(boxes[own], scores[own], iou_threshold).numpy()]] = True
    left = np.flatnonzero(kept)
    return as_tensor(left[scores.detach()[left].sort(stable=True, descending=True)[1].numpy()])
