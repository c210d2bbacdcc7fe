"""FCOS: one step without anchors' shapes: each place of the maps tells how far the sides of its object are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...nn import functional as F
from ...ops.create import full
from ...ops.join import cat
from ...ops.select import where
from ..ops import box_area, generalized_box_iou_loss, sigmoid_focal_loss
from ..ops.feature_pyramid_network import LastLevelP6P7
from ..registry import register_model
from ._utils import BoxLinearCoder, by_place, one_hot_like
from .anchor_utils import AnchorGenerator
from .faster_rcnn import resnet50_pyramid
from .retinanet import small
from .single_stage import SingleStage, check_backbone

__all__ = ["FCOS", "FCOSClassificationHead", "FCOSHead", "FCOSRegressionHead", "fcos_resnet50_fpn"]


def tower(channels: int, depth: int, norm_layer: Callable[..., nn.Module] | None) -> nn.Sequential:
    """3 x 3 convolutions, normalised in groups."""
    norm = norm_layer or partial(nn.GroupNorm, 32)
    return nn.Sequential(*(m for _ in range(depth) for m in (nn.Conv2d(channels, channels, 3, padding=1), norm(channels), nn.ReLU())))


class FCOSClassificationHead(nn.Module):
    """`num_convs` 3 x 3 convolutions, and one to a number for each class; at first all have the probability `prior_probability`."""

    def __init__(self, in_channels: int, num_anchors: int, num_classes: int, num_convs: int = 4, prior_probability: float = 0.01,
                 norm_layer: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.num_anchors = num_anchors
        self.conv = tower(in_channels, num_convs, norm_layer)
        small(self.conv)
        self.cls_logits = nn.Conv2d(in_channels, num_anchors * num_classes, 3, padding=1)
        nn.init.normal_(self.cls_logits.weight, std=0.01)
        nn.init.constant_(self.cls_logits.bias, -math.log((1 - prior_probability) / prior_probability))

    def forward(self, x: Sequence[Any]) -> Tensor:
        return by_place([self.cls_logits(self.conv(feature)) for feature in x], self.num_classes)


class FCOSRegressionHead(nn.Module):
    """`num_convs` 3 x 3 convolutions, and one each to the four distances, not below 0, and to how central the place is in its object."""

    def __init__(self, in_channels: int, num_anchors: int, num_convs: int = 4, norm_layer: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        self.conv = tower(in_channels, num_convs, norm_layer)
        self.bbox_reg = nn.Conv2d(in_channels, num_anchors * 4, 3, padding=1)
        self.bbox_ctrness = nn.Conv2d(in_channels, num_anchors, 3, padding=1)
        for m in (self.bbox_reg, self.bbox_ctrness, self.conv):
            small(m)

    def forward(self, x: Sequence[Any]) -> tuple[Tensor, Tensor]:
        hidden = [self.conv(feature) for feature in x]
        return by_place([F.relu(self.bbox_reg(h)) for h in hidden], 4), by_place([self.bbox_ctrness(h) for h in hidden], 1)


class FCOSHead(nn.Module):
    """Both heads, which share no weights."""

    def __init__(self, in_channels: int, num_anchors: int, num_classes: int, num_convs: int = 4) -> None:
        super().__init__()
        self.box_coder = BoxLinearCoder(normalize_by_size=True)
        self.classification_head = FCOSClassificationHead(in_channels, num_anchors, num_classes, num_convs)
        self.regression_head = FCOSRegressionHead(in_channels, num_anchors, num_convs)

    def compute_loss(self, targets: Sequence[dict[str, Any]], head_outputs: dict[str, Any], anchors: Sequence[Any],
                     matched_idxs: Sequence[Any]) -> dict[str, Tensor]:
        """The focal loss of all places; of those of objects the boxes' overlap and the centrality, all by the number of the latter.

        Centrality: sqrt(min(l, r) / max(l, r) min(t, b) / max(t, b)), 1 in the middle.
        """
        logits, codes, central = (head_outputs[key].flatten(0, 1) for key in ("cls_logits", "bbox_regression", "bbox_ctrness"))
        matched = cat(matched_idxs)
        objects = (matched >= 0).nonzero()[:, 0]
        pairs = [(own, target) for own, target in zip(matched_idxs, targets)]
        labels, boxes = (cat([target[key][own[own >= 0]] for own, target in pairs]) for key in ("labels", "boxes"))
        own = cat(anchors)[objects]
        away = self.box_coder.encode(own, boxes)
        truth = ((away.reshape(-1, 2, 2).amin(1) / away.reshape(-1, 2, 2).amax(1)).prod(1)).sqrt()
        n = max(1, len(objects))
        return {"classification": sigmoid_focal_loss(logits, one_hot_like(logits, objects, labels), reduction="sum") / n,
                "bbox_regression": generalized_box_iou_loss(self.box_coder.decode(codes[objects], own), boxes, reduction="sum") / n,
                "bbox_ctrness": F.binary_cross_entropy_with_logits(central[objects, 0], truth, reduction="sum") / n}

    def forward(self, x: Sequence[Any]) -> dict[str, Tensor]:
        logits = self.classification_head(x)
        codes, central = self.regression_head(x)
        return {"cls_logits": logits, "bbox_regression": codes, "bbox_ctrness": central}


class FCOS(SingleStage):
    """Tian, Shen, Chen, He: FCOS: fully convolutional one-stage object detection, 2019. All `num_classes` are of objects.

    An anchor, one for each place, of the size of the place's step, stands for the place. It belongs to the smallest of the objects that it is in, near
    the centre (`center_sampling_radius` steps), and of which the farthest side is as far as its map is for: from 4 to 8 steps.
    """

    def __init__(self, backbone: Any, num_classes: int, min_size: Any = 800, max_size: int = 1333, image_mean: Sequence[float] | None = None,
                 image_std: Sequence[float] | None = None, anchor_generator: Any = None, head: nn.Module | None = None,
                 center_sampling_radius: float = 1.5, score_thresh: float = 0.2, nms_thresh: float = 0.6, detections_per_img: int = 100,
                 topk_candidates: int = 1000, **kwargs: Any) -> None:
        check_backbone(backbone, anchor_generator, AnchorGenerator)
        anchors = anchor_generator or AnchorGenerator(((8,), (16,), (32,), (64,), (128,)), ((1.0,),) * 5)
        each = anchors.num_anchors_per_location()[0]
        if each != 1:
            raise ValueError(f"anchor_generator.num_anchors_per_location()[0] should be 1 instead of {each}")
        if head is None:
            head = FCOSHead(backbone.out_channels, each, num_classes)
        super().__init__(backbone, anchors, head, (min_size, max_size), image_mean, image_std, score_thresh, nms_thresh, detections_per_img,
                         topk_candidates, **kwargs)
        self.box_coder = BoxLinearCoder(normalize_by_size=True)
        self.center_sampling_radius = center_sampling_radius

    def matched(self, boxes: Any, anchors: Any, levels: Sequence[int]) -> Any:
        """The number of each anchor's object, or -1."""
        if not boxes.numel():
            return full((len(anchors),), -1)
        place, step = (anchors[:, :2] + anchors[:, 2:]) / 2, anchors[:, 2] - anchors[:, 0]
        near = (place[:, None] - (boxes[:, :2] + boxes[:, 2:]) / 2).abs().amax(-1) < self.center_sampling_radius * step[:, None]
        sides = cat([place[:, None] - boxes[:, :2], boxes[:, 2:] - place[:, None]], -1)
        least, most = step * 4, step * 8
        least[:levels[0]] = 0
        most[-levels[-1]:] = math.inf
        far = sides.amax(-1)
        fits = near & (sides.amin(-1) > 0) & (far > least[:, None]) & (far < most[:, None])
        area: Any = box_area(boxes)
        value, index = (fits.to(boxes.dtype) * (1e8 - area)).max(1)
        return where(value < 1e-5, -1, index)

    def compute_loss(self, targets: Sequence[dict[str, Any]], head_outputs: dict[str, Any], anchors: Sequence[Any],
                     levels: Sequence[int]) -> dict[str, Tensor]:
        matched = [self.matched(target["boxes"], own, levels) for target, own in zip(targets, anchors)]
        return self.head.compute_loss(targets, head_outputs, anchors, matched)

    def scores(self, outputs: dict[str, Any]) -> Any:
        """The geometric mean of the probability of the class and the centrality."""
        return (outputs["cls_logits"].sigmoid() * outputs["bbox_ctrness"].sigmoid()).sqrt()

    def decoded(self, codes: Any, anchors: Any) -> Any:
        return self.box_coder.decode(codes, anchors)


@register_model
def fcos_resnet50_fpn(num_classes: int | None = None, weights_backbone: Any = None, trainable_backbone_layers: int | None = None,
                      **kwargs: Any) -> FCOS:
    """FCOS on a ResNet-50 with a pyramid; takes `num_classes` (91), `weights_backbone` (None, unlike torchvision's), and `FCOS`'s."""
    backbone = resnet50_pyramid(weights_backbone, trainable_backbone_layers, returned_layers=[2, 3, 4], extra_blocks=partial(LastLevelP6P7, 256, 256))
    return FCOS(backbone, 91 if num_classes is None else num_classes, **kwargs)
