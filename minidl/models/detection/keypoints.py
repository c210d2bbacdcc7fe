"""Points of objects: learned as the brightest place of a map within a box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.tensor import Tensor
from ...nn import functional as F
from ...ops.create import arange, ones, zeros
from ...ops.join import cat, stack
from ...ops.select import where

__all__ = ["heatmaps_to_keypoints", "keypointrcnn_inference", "keypointrcnn_loss", "keypoints_to_heatmap"]


def keypoints_to_heatmap(keypoints: Any, rois: Any, heatmap_size: int) -> tuple[Any, Any]:
    """For points (N, K, 3) and boxes (N, 4) the number of the place in the box's map, and 1 if the point is visible and in the box (else 0, 0)."""
    first, last = rois[:, None, :2], rois[:, None, 2:]
    point = keypoints[..., :2]
    place = ((point - first) * (heatmap_size / (last - first))).floor().long()
    place = where(point == last, heatmap_size - 1, place)  # on the very side
    inside = ((place >= 0) & (place < heatmap_size)).all(-1)
    valid = (inside & (keypoints[..., 2] > 0)).long()
    return (place[..., 1] * heatmap_size + place[..., 0]) * valid, valid


def keypointrcnn_loss(keypoint_logits: Any, proposals: Sequence[Any], gt_keypoints: Sequence[Any], keypoint_matched_idxs: Sequence[Any]) -> Any:
    """Cross-entropy over the places of the maps (boxes, K, M, M), for the points that are visible and in the boxes."""
    height, width = keypoint_logits.shape[2:]
    if height != width:
        raise ValueError("keypoint_logits height and width (last two elements of shape) should be equal. "
                         f"Instead got H = {height} and W = {width}")
    pairs = [keypoints_to_heatmap(points[own], boxes, height) for points, boxes, own in zip(gt_keypoints, proposals, keypoint_matched_idxs)]
    truth, valid = (cat([part.reshape(-1) for part in parts]) for parts in zip(*pairs))
    if not valid.any():
        return keypoint_logits.sum() * 0
    return F.cross_entropy(keypoint_logits.reshape(-1, height * width)[valid > 0], truth[valid > 0])


def heatmaps_to_keypoints(maps: Any, rois: Any) -> tuple[Tensor, Tensor]:
    """For maps (N, K, M, M) and boxes (N, 4) the brightest places, at the size of the boxes, as points (N, K, 3), the third number 1; and how bright."""
    points, scores = zeros(len(rois), maps.shape[1], 3), zeros(len(rois), maps.shape[1])
    for i, (image, box) in enumerate(zip(maps, rois)):
        size = (box[2:] - box[:2]).clamp(min=1)
        width, height = size.ceil().int().tolist()
        image = F.interpolate(image[:, None], size=(height, width), mode="bicubic", align_corners=False)[:, 0]
        place = image.reshape(len(image), -1).argmax(1)
        x, y = place % width, place // width
        # A pixel's middle, in the box, of which the map covers a little more.
        at = (stack([x, y], 1).float() + 0.5) * (size / size.ceil()) + box[:2]
        points[i] = cat([at.float(), ones(len(at), 1)], 1)
        scores[i] = image[arange(len(image)), y, x].float()
    return points, scores


def keypointrcnn_inference(x: Any, boxes: Sequence[Any]) -> tuple[list[Tensor], list[Tensor]]:
    """`heatmaps_to_keypoints` for each image."""
    found = [heatmaps_to_keypoints(maps, own) for maps, own in zip(x.split([len(own) for own in boxes]), boxes)]
    return [points for points, _ in found], [scores for _, scores in found]
