"""Masks of objects: learned as small squares within boxes, and brought back to the size of the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.tensor import Tensor
from ...nn import functional as F
from ...ops.create import arange
from ...ops.join import cat, stack
from ..ops import roi_align

__all__ = ["maskrcnn_inference", "maskrcnn_loss", "paste_masks_in_image"]


def maskrcnn_loss(mask_logits: Any, proposals: Sequence[Any], gt_masks: Sequence[Any], gt_labels: Sequence[Any],
                  mask_matched_idxs: Sequence[Any]) -> Any:
    """Binary cross-entropy of the squares (boxes, classes, M, M) for the true classes, with the true masks cut out by the boxes."""
    labels = cat([labels[own] for labels, own in zip(gt_labels, mask_matched_idxs)])
    if not len(labels):
        return mask_logits.sum() * 0
    truth = []
    for masks, boxes, own in zip(gt_masks, proposals, mask_matched_idxs):
        numbered = cat([own.to(boxes.dtype)[:, None], boxes], 1)  # a mask is an image of one channel
        truth.append(roi_align(masks[:, None].to(boxes.dtype), numbered, mask_logits.shape[-1])[:, 0])
    return F.binary_cross_entropy_with_logits(mask_logits[arange(len(labels)), labels], cat(truth))


def maskrcnn_inference(x: Any, labels: Sequence[Any]) -> Sequence[Tensor]:
    """For each image the probabilities (boxes, 1, M, M) of its boxes' classes."""
    found = x.sigmoid()[arange(len(x)), cat(labels)][:, None]
    return found.split([len(own) for own in labels])


def paste_masks_in_image(masks: Any, boxes: Any, img_shape: Sequence[int], padding: int = 1) -> Tensor:
    """Squares (N, 1, M, M) as masks (N, 1, height, width), each within its box.

    A square gets a border of zeros, and its box grows by as much, so that the mask fades towards its sides.
    """
    side = masks.shape[-1]
    scale = (side + 2 * padding) / side
    masks = F.pad(masks, (padding,) * 4)
    centre, half = (boxes[:, 2:] + boxes[:, :2]) * 0.5, (boxes[:, 2:] - boxes[:, :2]) * 0.5 * scale
    grown = cat([centre - half, centre + half], 1).long().tolist()
    height, width = img_shape
    if not len(grown):
        return masks.new_empty((0, 1, height, width))
    return stack([pasted(mask[None], box, height, width) for mask, box in zip(masks, grown)])


def pasted(mask: Any, box: Sequence[int], height: int, width: int) -> Any:
    """One of (1, 1, M, M) within its box, in whole pixels."""
    x0, y0, x1, y1 = box
    mask = F.interpolate(mask, size=(max(y1 - y0 + 1, 1), max(x1 - x0 + 1, 1)), mode="bilinear", align_corners=False)[0, 0]
    rows, columns = slice(max(y0, 0), min(y1 + 1, height)), slice(max(x0, 0), min(x1 + 1, width))
    image = mask.new_zeros((1, height, width))
    image[0, rows, columns] = mask[rows.start - y0:rows.stop - y0, columns.start - x0:columns.stop - x0]
    return image
