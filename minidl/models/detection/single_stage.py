"""Detectors in one step: a head on the maps tells for each anchor its classes and its box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...ops.join import cat
from ..ops import batched_nms, box_iou, clip_boxes_to_image
from ._utils import check_boxes, check_targets, maps_of
from .transform import GeneralizedRCNNTransform

__all__ = ["SingleStage"]


class SingleStage(nn.Module):
    """Called as `GeneralizedRCNN`: with images, and targets while training; returns what is found in each, or losses.

    `head` turns the maps into a dict of outputs (N, anchors, ...), and has `compute_loss`.
    """

    def __init__(self, backbone: Any, anchor_generator: nn.Module, head: nn.Module, size: tuple[Any, int], image_mean: Sequence[float] | None,
                 image_std: Sequence[float] | None, score_thresh: float, nms_thresh: float, detections_per_img: int, topk_candidates: int,
                 **kwargs: Any) -> None:
        super().__init__()
        self.backbone = backbone
        self.anchor_generator = anchor_generator
        self.head = head
        self.transform = GeneralizedRCNNTransform(*size, image_mean or [0.485, 0.456, 0.406], image_std or [0.229, 0.224, 0.225], **kwargs)
        self.score_thresh = score_thresh
        self.nms_thresh = nms_thresh
        self.detections_per_img = detections_per_img
        self.topk_candidates = topk_candidates

    def forward(self, images: Sequence[Any], targets: Any = None) -> Any:
        check_targets(targets, self.training)
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        batch, targets = self.transform(images, targets)
        check_boxes(targets)
        maps: list[Any] = list(maps_of(self.backbone, batch.tensors).values())
        outputs = self.head(maps)
        anchors = self.anchor_generator(batch, maps)
        counts = [x.shape[-2] * x.shape[-1] for x in maps]
        each = len(anchors[0]) // sum(counts)  # anchors at a place, if all maps have as many
        levels = [count * each for count in counts]
        if self.training:
            return self.compute_loss(targets, outputs, anchors, levels)
        return self.transform.postprocess(self.postprocess_detections(outputs, anchors, batch.image_sizes, levels), batch.image_sizes, sizes)

    def matches(self, targets: Sequence[dict[str, Any]], anchors: Sequence[Any], matcher: Any) -> list[Any]:
        """For each image's anchors the number of their object; below 0 of none."""
        return [matcher(box_iou(target["boxes"], own)) if target["boxes"].numel() else own[:, 0].long() * 0 - 1
                for target, own in zip(targets, anchors)]

    def compute_loss(self, targets: Sequence[dict[str, Any]], head_outputs: dict[str, Any], anchors: Sequence[Any],
                     levels: Sequence[int]) -> dict[str, Tensor]:
        raise NotImplementedError

    def scores(self, outputs: dict[str, Any]) -> Any:
        """The probability of each class, for each anchor."""
        return outputs["cls_logits"].sigmoid()

    def decoded(self, codes: Any, anchors: Any) -> Any:
        """The boxes that the head's numbers make of the anchors."""
        raise NotImplementedError

    def postprocess_detections(self, head_outputs: dict[str, Any], anchors: Sequence[Any], image_shapes: Sequence[tuple[int, int]],
                               levels: Sequence[int]) -> list[dict[str, Any]]:
        """For each image the best boxes of each map, every class of every anchor a candidate, that do not overlap better ones of their class."""
        scores = self.scores(head_outputs)
        found = []
        for score, codes, own, shape in zip(scores, head_outputs["bbox_regression"], anchors, image_shapes):
            parts = []
            for s, c, a in zip(*(values.split(list(levels)) for values in (score, codes, own))):
                flat = s.flatten()
                keep = (flat > self.score_thresh).nonzero()[:, 0]
                best, index = flat[keep].topk(min(len(keep), self.topk_candidates))
                keep = keep[index]
                anchor, label = keep // s.shape[1], keep % s.shape[1]
                parts.append((clip_boxes_to_image(self.decoded(c[anchor], a[anchor]), shape), best, label))
            boxes, best, label = (cat(values) for values in zip(*parts))
            keep = batched_nms(boxes, best, label, self.nms_thresh)[:self.detections_per_img]
            found.append({"boxes": boxes[keep], "scores": best[keep], "labels": label[keep]})
        return found


def check_backbone(backbone: Any, anchor_generator: Any, kind: type) -> None:
    """The backbone says how wide its maps are; the anchors' generator is of the right class, or None."""
    if not hasattr(backbone, "out_channels"):
        raise ValueError("backbone should contain an attribute out_channels specifying the number of output channels "
                         "(assumed to be the same for all the levels)")
    if not isinstance(anchor_generator, (kind, type(None))):
        raise TypeError(f"anchor_generator should be of type {kind.__name__} or None instead of {type(anchor_generator)}")
