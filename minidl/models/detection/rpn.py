"""The region proposal network: for each anchor whether there is an object, and how to move the anchor onto it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...nn import functional as F
from ...ops.create import arange, full, zeros, zeros_like
from ...ops.join import cat
from ...ops.select import where
from ..layers import Conv2dNormActivation
from ..ops import batched_nms, box_iou, clip_boxes_to_image, remove_small_boxes
from ._utils import BalancedPositiveNegativeSampler, BoxCoder, Matcher, by_place
from .anchor_utils import AnchorGenerator as AnchorGenerator
from .image_list import ImageList

__all__ = ["RPNHead", "RegionProposalNetwork"]


class RPNHead(nn.Module):
    """On each map `conv_depth` 3 x 3 convolutions, and 1 x 1 to a number for each anchor, and to four."""

    _version = 2

    def __init__(self, in_channels: int, num_anchors: int, conv_depth: int = 1) -> None:
        super().__init__()
        self.conv = nn.Sequential(*(Conv2dNormActivation(in_channels, in_channels, 3, norm_layer=None) for _ in range(conv_depth)))
        self.cls_logits = nn.Conv2d(in_channels, num_anchors, 1)
        self.bbox_pred = nn.Conv2d(in_channels, num_anchors * 4, 1)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.normal_(m.weight, std=0.01)
                nn.init.zeros_(m.bias)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        for kind in ("weight", "bias"):  # was a convolution alone in torchvision's older files
            if f"{prefix}conv.{kind}" in state_dict:
                state_dict[f"{prefix}conv.0.0.{kind}"] = state_dict.pop(f"{prefix}conv.{kind}")
        super()._load_from_state_dict(state_dict, prefix, *args)

    def forward(self, x: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        hidden = [self.conv(feature) for feature in x]
        return [self.cls_logits(h) for h in hidden], [self.bbox_pred(h) for h in hidden]


class RegionProposalNetwork(nn.Module):
    """Called with an `ImageList`, maps and targets: for each image the boxes (N, 4) that look most like an object; while training, losses too.

    Ren, He, Girshick, Sun: Faster R-CNN, 2015. Anchors that overlap an object by `fg_iou_thresh`, or more than all others do, are its; those that
    overlap all by less than `bg_iou_thresh` are background; losses are of `batch_size_per_image` of them. Of each map the `pre_nms_top_n` best are
    decoded, of which `post_nms_top_n` are left; the numbers differ between ``"training"`` and ``"testing"``. No gradient goes through the boxes.
    """

    def __init__(self, anchor_generator: nn.Module, head: nn.Module, fg_iou_thresh: float, bg_iou_thresh: float, batch_size_per_image: int,
                 positive_fraction: float, pre_nms_top_n: dict[str, int], post_nms_top_n: dict[str, int], nms_thresh: float,
                 score_thresh: float = 0.0) -> None:
        super().__init__()
        self.anchor_generator = anchor_generator
        self.head = head
        self.box_coder = BoxCoder((1.0, 1.0, 1.0, 1.0))
        self.proposal_matcher = Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True)
        self.fg_bg_sampler = BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
        self._pre_nms_top_n = pre_nms_top_n
        self._post_nms_top_n = post_nms_top_n
        self.nms_thresh = nms_thresh
        self.score_thresh = score_thresh
        self.min_size = 1e-3

    def pre_nms_top_n(self) -> int:
        return self._pre_nms_top_n["training" if self.training else "testing"]

    def post_nms_top_n(self) -> int:
        return self._post_nms_top_n["training" if self.training else "testing"]

    def assign_targets_to_anchors(self, anchors: Sequence[Any], targets: Sequence[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
        """For each image the anchors' labels, 1 an object, 0 background, -1 neither; and their boxes, those of no object being any."""
        labels, boxes = [], []
        for own, target in zip(anchors, targets):
            if not target["boxes"].numel():
                labels.append(zeros(len(own)))
                boxes.append(zeros_like(own))
                continue
            matched = self.proposal_matcher(box_iou(target["boxes"], own))
            labels.append(where(matched == Matcher.BETWEEN_THRESHOLDS, -1.0, (matched >= 0).float()))
            boxes.append(target["boxes"][matched.clamp(min=0)])
        return labels, boxes

    def filter_proposals(self, proposals: Any, objectness: Any, image_shapes: Sequence[tuple[int, int]],
                         num_anchors_per_level: Sequence[int]) -> tuple[list[Tensor], list[Tensor]]:
        """Of boxes (N, anchors, 4) the best of each map, within the image, that do not overlap better ones of the same map; and their scores."""
        objectness = objectness.detach().reshape(len(proposals), -1)
        best, start = [], 0
        for level in objectness.split(list(num_anchors_per_level), 1):
            best.append(level.topk(min(self.pre_nms_top_n(), level.shape[1]), 1)[1] + start)
            start += level.shape[1]
        levels: Any = cat([full((each.shape[1],), i) for i, each in enumerate(best)])
        index = cat(best, 1)
        rows = arange(len(proposals))[:, None]
        boxes, scores = [], []
        for box, score, shape in zip(proposals[rows, index], objectness[rows, index].sigmoid(), image_shapes):
            box = clip_boxes_to_image(box, shape)
            keep: Any = remove_small_boxes(box, self.min_size)
            keep = keep[score[keep] >= self.score_thresh]
            keep = keep[batched_nms(box[keep], score[keep], levels[keep], self.nms_thresh)[:self.post_nms_top_n()]]
            boxes.append(box[keep])
            scores.append(score[keep])
        return boxes, scores

    def compute_loss(self, objectness: Any, pred_bbox_deltas: Any, labels: Sequence[Any], regression_targets: Sequence[Any]) -> tuple[Any, Any]:
        """Of drawn anchors the binary cross-entropy, and of those of objects the smooth L1 loss of the four numbers, by the number of all drawn."""
        positive, negative = (cat(masks).nonzero()[:, 0] for masks in self.fg_bg_sampler(labels))
        drawn = cat([positive, negative])
        box = F.smooth_l1_loss(pred_bbox_deltas[positive], cat(regression_targets)[positive], beta=1 / 9, reduction="sum") / len(drawn)
        truth = cat(labels)[drawn].to(objectness.dtype)
        return F.binary_cross_entropy_with_logits(objectness.flatten()[drawn], truth), box

    def forward(self, images: ImageList, features: dict[str, Any], targets: Any = None) -> tuple[list[Tensor], dict[str, Tensor]]:
        maps = list(features.values())
        logits, deltas = self.head(maps)
        anchors = self.anchor_generator(images, maps)
        levels = [x[0].numel() for x in logits]
        objectness, regression = by_place(logits, 1).flatten(), by_place(deltas, 4).reshape(-1, 4)
        proposals = self.box_coder.decode(regression.detach(), anchors).reshape(len(anchors), -1, 4)
        boxes, _ = self.filter_proposals(proposals, objectness, images.image_sizes, levels)
        if not self.training:
            return boxes, {}
        if targets is None:
            raise ValueError("targets should not be None")
        labels, matched = self.assign_targets_to_anchors(anchors, targets)
        loss, box_loss = self.compute_loss(objectness, regression, labels, self.box_coder.encode(matched, anchors))
        return boxes, {"loss_objectness": loss, "loss_rpn_box_reg": box_loss}
