"""What is made of each proposed region: a class, a better box, and, where there are heads for them, a mask and points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...nn import functional as F
from ...ops.create import arange, zeros
from ...ops.join import cat
from ...ops.select import where
from ..ops import batched_nms, box_iou, clip_boxes_to_image, remove_small_boxes
from ._utils import BalancedPositiveNegativeSampler, BoxCoder, Matcher
from .keypoints import keypointrcnn_inference, keypointrcnn_loss
from .masks import maskrcnn_inference, maskrcnn_loss

__all__ = ["RoIHeads", "fastrcnn_loss"]


def fastrcnn_loss(class_logits: Any, box_regression: Any, labels: Sequence[Any], regression_targets: Sequence[Any]) -> tuple[Any, Any]:
    """Cross-entropy of the classes, and, for regions of an object, the smooth L1 loss of its class's four numbers, by the number of all regions."""
    label, target = cat(labels), cat(regression_targets)
    objects = (label > 0).nonzero()[:, 0]
    found = box_regression.reshape(len(label), -1, 4)[objects, label[objects]]
    box_loss = F.smooth_l1_loss(found, target[objects], beta=1 / 9, reduction="sum") / len(label)
    return F.cross_entropy(class_logits, label), box_loss


class RoIHeads(nn.Module):
    """Called with maps, proposals and the images' sizes: what is found in each image, or, while training, the losses against the targets.

    A pooling takes regions from the maps, a head computes features, a predictor the results; box, mask and keypoint have three of their own each.
    Girshick: Fast R-CNN, 2015; He, Gkioxari, Dollar, Girshick: Mask R-CNN, 2017. Regions that overlap an object by `fg_iou_thresh` are its, those
    below `bg_iou_thresh` are background, class 0; losses are of `batch_size_per_image` of them.
    """

    def __init__(self, box_roi_pool: nn.Module, box_head: nn.Module, box_predictor: nn.Module, fg_iou_thresh: float, bg_iou_thresh: float,
                 batch_size_per_image: int, positive_fraction: float, bbox_reg_weights: Sequence[float] | None, score_thresh: float,
                 nms_thresh: float, detections_per_img: int, mask_roi_pool: nn.Module | None = None, mask_head: nn.Module | None = None,
                 mask_predictor: nn.Module | None = None, keypoint_roi_pool: nn.Module | None = None, keypoint_head: nn.Module | None = None,
                 keypoint_predictor: nn.Module | None = None) -> None:
        super().__init__()
        self.proposal_matcher = Matcher(fg_iou_thresh, bg_iou_thresh)
        self.fg_bg_sampler = BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
        self.box_coder = BoxCoder((10.0, 10.0, 5.0, 5.0) if bbox_reg_weights is None else bbox_reg_weights)
        self.box_roi_pool = box_roi_pool
        self.box_head = box_head
        self.box_predictor = box_predictor
        self.score_thresh = score_thresh
        self.nms_thresh = nms_thresh
        self.detections_per_img = detections_per_img
        self.mask_roi_pool = mask_roi_pool
        self.mask_head = mask_head
        self.mask_predictor = mask_predictor
        self.keypoint_roi_pool = keypoint_roi_pool
        self.keypoint_head = keypoint_head
        self.keypoint_predictor = keypoint_predictor

    def has_mask(self) -> bool:
        return None not in (self.mask_roi_pool, self.mask_head, self.mask_predictor)

    def has_keypoint(self) -> bool:
        return None not in (self.keypoint_roi_pool, self.keypoint_head, self.keypoint_predictor)

    def check_targets(self, targets: Any) -> None:
        """All that a loss needs is there, and of the right type."""
        if targets is None:
            raise ValueError("targets should not be None")
        needed = {"boxes": ("torch.float16", "torch.float32", "torch.float64"), "labels": ("torch.int64",)}
        if self.has_mask():
            needed["masks"] = ()
        if self.has_keypoint():
            needed["keypoints"] = ("torch.float32",)
        for key, dtypes in needed.items():
            for target in targets:
                if key not in target:
                    raise ValueError(f"Every element of targets should have a {key} key")
                if dtypes and str(target[key].dtype) not in dtypes:
                    raise TypeError(f"target {key} must be of {dtypes[-1].removeprefix('torch.')} type, instead got {target[key].dtype}")

    def assign_targets_to_proposals(self, proposals: Sequence[Any], gt_boxes: Sequence[Any],
                                    gt_labels: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """For each image the number of the object that a region belongs to, 0 if to none; and its label, 0 background, -1 neither."""
        matches, labels = [], []
        for regions, boxes, label in zip(proposals, gt_boxes, gt_labels):
            if not boxes.numel():
                own = zeros(len(regions)).long()
                matches.append(own)
                labels.append(own)
                continue
            matched = self.proposal_matcher(box_iou(boxes, regions))
            own = matched.clamp(min=0)
            found = where(matched == Matcher.BELOW_LOW_THRESHOLD, 0, label[own])
            matches.append(own)
            labels.append(where(matched == Matcher.BETWEEN_THRESHOLDS, -1, found))
        return matches, labels

    def select_training_samples(self, proposals: Sequence[Any], targets: Any) -> tuple[list[Any], list[Any], list[Any], Sequence[Any]]:
        """Of the proposals and the true boxes those that are drawn, the objects they belong to, their labels, and the four numbers to be learned."""
        self.check_targets(targets)
        boxes = [target["boxes"].to(proposals[0].dtype) for target in targets]
        regions: list[Any] = [cat(pair) for pair in zip(proposals, boxes)]
        matches, labels = self.assign_targets_to_proposals(regions, boxes, [target["labels"] for target in targets])
        masks: list[Any] = [list(pair) for pair in zip(*self.fg_bg_sampler(labels))]
        drawn = [(positive | negative).nonzero()[:, 0] for positive, negative in masks]
        regions, matches, labels = ([each[own] for each, own in zip(values, drawn)] for values in (regions, matches, labels))
        matched = [(each if each.numel() else zeros(1, 4, dtype=each.dtype))[own] for each, own in zip(boxes, matches)]
        return regions, matches, labels, self.box_coder.encode(matched, regions)

    def postprocess_detections(self, class_logits: Any, box_regression: Any, proposals: Sequence[Any],
                               image_shapes: Sequence[tuple[int, int]]) -> tuple[list[Any], list[Any], list[Any]]:
        """For each image boxes, scores and labels: every class of every region is a candidate of its own."""
        counts = [len(regions) for regions in proposals]
        boxes = self.box_coder.decode(box_regression, proposals)
        found: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
        for box, score, shape in zip(boxes.split(counts), F.softmax(class_logits, -1).split(counts), image_shapes):
            box = clip_boxes_to_image(box, shape)[:, 1:].reshape(-1, 4)
            label = arange(1, score.shape[1]).expand(len(score), -1).reshape(-1)
            score = score[:, 1:].reshape(-1)
            keep = (score > self.score_thresh).nonzero()[:, 0]
            keep = keep[remove_small_boxes(box[keep], 1e-2)]
            keep = keep[batched_nms(box[keep], score[keep], label[keep], self.nms_thresh)[:self.detections_per_img]]
            for into, value in zip(found, (box, score, label)):
                into.append(value[keep])
        return found

    def of_objects(self, roi_pool: Any, head: Any, predictor: Any, features: Any, image_shapes: Any, boxes: Sequence[Any]) -> Any:
        return predictor(head(roi_pool(features, boxes, image_shapes)))

    def forward(self, features: dict[str, Any], proposals: Sequence[Any], image_shapes: Sequence[tuple[int, int]],
                targets: Any = None) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        result: list[dict[str, Any]] = []
        losses: dict[str, Any] = {}
        if self.training:
            proposals, matches, labels, regression_targets = self.select_training_samples(proposals, targets)
        logits, regression = self.box_predictor(self.box_head(self.box_roi_pool(features, proposals, image_shapes)))
        if self.training:
            losses["loss_classifier"], losses["loss_box_reg"] = fastrcnn_loss(logits, regression, labels, regression_targets)
            objects = [(label > 0).nonzero()[:, 0] for label in labels]
            boxes, own = ([each[i] for each, i in zip(values, objects)] for values in (proposals, matches))
        else:
            boxes, scores, labels = self.postprocess_detections(logits, regression, proposals, image_shapes)
            result = [dict(zip(("boxes", "labels", "scores"), found)) for found in zip(boxes, labels, scores)]
        if self.has_mask():
            x = self.of_objects(self.mask_roi_pool, self.mask_head, self.mask_predictor, features, image_shapes, boxes)
            if self.training:
                losses["loss_mask"] = maskrcnn_loss(x, boxes, [t["masks"] for t in targets], [t["labels"] for t in targets], own)
            else:
                for found, masks in zip(result, maskrcnn_inference(x, labels)):
                    found["masks"] = masks
        if self.has_keypoint():
            x = self.of_objects(self.keypoint_roi_pool, self.keypoint_head, self.keypoint_predictor, features, image_shapes, boxes)
            if self.training:
                losses["loss_keypoint"] = keypointrcnn_loss(x, boxes, [t["keypoints"] for t in targets], own)
            else:
                for found, points, brightness in zip(result, *keypointrcnn_inference(x, boxes)):
                    found["keypoints"], found["keypoints_scores"] = points, brightness
        return result, losses
