"""Losses of detection: boxes by their overlap, and the focal loss."""

from __future__ import annotations

from typing import Any

from ...core.tensor import Tensor
from ...nn import functional as F
from ...ops.select import maximum, minimum, where
from .boxes import apart, enclosing, shape_term

__all__ = ["complete_box_iou_loss", "distance_box_iou_loss", "generalized_box_iou_loss", "sigmoid_focal_loss"]


def reduced(loss: Any, reduction: str) -> Tensor:
    """Of no boxes, the mean is 0."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"Invalid Value for arg 'reduction': '{reduction}'; supported reduction modes: 'none', 'mean', 'sum'")
    if reduction == "mean":
        return loss.mean() if loss.numel() else loss.sum()
    return loss if reduction == "none" else loss.sum()


def overlap(boxes1: Any, boxes2: Any) -> tuple[Any, Any, Any, Any]:
    """Both as floating boxes, and the intersection and union of each pair."""
    a, b = (x if x.is_floating_point() else x.float() for x in (boxes1, boxes2))
    size = minimum(a[..., 2:], b[..., 2:]) - maximum(a[..., :2], b[..., :2])
    inter = where((size > 0).all(-1), size[..., 0] * size[..., 1], 0.0)
    areas = [(x[..., 2] - x[..., 0]) * (x[..., 3] - x[..., 1]) for x in (a, b)]
    return a, b, inter, areas[0] + areas[1] - inter


def generalized_box_iou_loss(boxes1: Any, boxes2: Any, reduction: str = "none", eps: float = 1e-7) -> Any:
    """1 - generalised IoU of the pairs (N, 4) and (N, 4): see `generalized_box_iou`."""
    a, b, inter, union = overlap(boxes1, boxes2)
    size = enclosing(a, b)
    area = size[..., 0] * size[..., 1]
    return reduced(1 - (inter / (union + eps) - (area - union) / (area + eps)), reduction)


def distance_box_iou_loss(boxes1: Any, boxes2: Any, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """1 - distance IoU of the pairs: see `distance_box_iou`."""
    a, b, inter, union = overlap(boxes1, boxes2)
    return reduced(1 - inter / (union + eps) + apart(a, b, eps), reduction)


def complete_box_iou_loss(boxes1: Any, boxes2: Any, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """1 - complete IoU of the pairs: see `complete_box_iou`."""
    a, b, inter, union = overlap(boxes1, boxes2)
    iou = inter / (union + 1e-7)
    return reduced(1 - iou + apart(a, b, 1e-7) + shape_term(b, a, iou, eps), reduction)


def sigmoid_focal_loss(inputs: Any, targets: Any, alpha: float = 0.25, gamma: float = 2, reduction: str = "none") -> Any:
    """Binary cross-entropy, less of what is already well told: a (1 - p)^gamma times -log p, for p the probability of what is true.

    a is `alpha` for targets of 1 and 1 - `alpha` for those of 0; no factor for -1. Lin et al.: Focal loss for dense object detection, 2017.
    """
    if not 0 <= alpha <= 1 and alpha != -1:
        raise ValueError(f"Invalid alpha value: {alpha}. alpha must be in the range [0,1] or -1 for ignore.")
    p = inputs.sigmoid()
    right = p * targets + (1 - p) * (1 - targets)
    loss = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none") * (1 - right) ** gamma
    return reduced(loss if alpha < 0 else (alpha * targets + (1 - alpha) * (1 - targets)) * loss, reduction)
