"""RetinaNet: one step, with a loss that gives the many easy anchors little weight."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ..layers import Conv2dNormActivation
from ..ops import sigmoid_focal_loss
from ..ops.feature_pyramid_network import LastLevelP6P7
from ..registry import register_model
from ._utils import BoxCoder, Matcher, average, box_loss, by_place, one_hot_like
from .anchor_utils import AnchorGenerator
from .faster_rcnn import resnet50_pyramid
from .single_stage import SingleStage, check_backbone

__all__ = ["RetinaNet", "RetinaNetClassificationHead", "RetinaNetHead", "RetinaNetRegressionHead", "retinanet_resnet50_fpn",
           "retinanet_resnet50_fpn_v2"]


def _default_anchorgen() -> AnchorGenerator:
    sizes = tuple((x, int(x * 2 ** (1 / 3)), int(x * 2 ** (2 / 3))) for x in (32, 64, 128, 256, 512))
    return AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(sizes))


def tower(channels: int, norm_layer: Callable[..., nn.Module] | None, depth: int = 4) -> nn.Sequential:
    """3 x 3 convolutions."""
    return nn.Sequential(*(Conv2dNormActivation(channels, channels, norm_layer=norm_layer) for _ in range(depth)))


def small(modules: nn.Module) -> None:
    """Weights of standard deviation 0.01, no biases."""
    for m in modules.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.normal_(m.weight, std=0.01)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


class _Head(nn.Module):
    """Reads torchvision's older files, in which a tower was convolutions and ReLUs in turn."""

    _version = 2

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        if f"{prefix}conv.2.weight" in state_dict:
            for i in range(4):
                for kind in ("weight", "bias"):
                    state_dict[f"{prefix}conv.{i}.0.{kind}"] = state_dict.pop(f"{prefix}conv.{2 * i}.{kind}")
        super()._load_from_state_dict(state_dict, prefix, *args)


class RetinaNetClassificationHead(_Head):
    """Four 3 x 3 convolutions, and one to a number for each class of each anchor; at first all have the probability `prior_probability`."""

    def __init__(self, in_channels: int, num_anchors: int, num_classes: int, prior_probability: float = 0.01,
                 norm_layer: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        self.conv = tower(in_channels, norm_layer)
        small(self.conv)
        self.cls_logits = nn.Conv2d(in_channels, num_anchors * num_classes, 3, padding=1)
        nn.init.normal_(self.cls_logits.weight, std=0.01)
        nn.init.constant_(self.cls_logits.bias, -math.log((1 - prior_probability) / prior_probability))
        self.num_classes = num_classes
        self.num_anchors = num_anchors

    def compute_loss(self, targets: Sequence[dict[str, Any]], head_outputs: dict[str, Any], matched_idxs: Sequence[Any]) -> Tensor:
        """The focal loss of all anchors but those that overlap an object neither much nor little, by the number of those of objects."""
        losses = []
        for target, logits, matched in zip(targets, head_outputs["cls_logits"], matched_idxs):
            objects, valid = (matched >= 0).nonzero()[:, 0], matched != Matcher.BETWEEN_THRESHOLDS
            truth = one_hot_like(logits, objects, target["labels"][matched[objects]])
            losses.append(sigmoid_focal_loss(logits[valid], truth[valid], reduction="sum") / max(1, len(objects)))
        return average(losses)

    def forward(self, x: Sequence[Any]) -> Tensor:
        return by_place([self.cls_logits(self.conv(feature)) for feature in x], self.num_classes)


class RetinaNetRegressionHead(_Head):
    """Four 3 x 3 convolutions, and one to four numbers for each anchor."""

    def __init__(self, in_channels: int, num_anchors: int, norm_layer: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        self.conv = tower(in_channels, norm_layer)
        self.bbox_reg = nn.Conv2d(in_channels, num_anchors * 4, 3, padding=1)
        small(self.bbox_reg)
        small(self.conv)
        self.box_coder = BoxCoder((1.0, 1.0, 1.0, 1.0))
        self._loss_type = "l1"

    def compute_loss(self, targets: Sequence[dict[str, Any]], head_outputs: dict[str, Any], anchors: Sequence[Any],
                     matched_idxs: Sequence[Any]) -> Tensor:
        """`box_loss` of the anchors of objects, by their number."""
        losses = []
        for target, regression, own, matched in zip(targets, head_outputs["bbox_regression"], anchors, matched_idxs):
            objects = (matched >= 0).nonzero()[:, 0]
            loss = box_loss(self._loss_type, self.box_coder, own[objects], target["boxes"][matched[objects]], regression[objects])
            losses.append(loss / max(1, len(objects)))
        return average(losses)

    def forward(self, x: Sequence[Any]) -> Tensor:
        return by_place([self.bbox_reg(self.conv(feature)) for feature in x], 4)


class RetinaNetHead(nn.Module):
    """Both heads, which share no weights."""

    def __init__(self, in_channels: int, num_anchors: int, num_classes: int, norm_layer: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        self.classification_head = RetinaNetClassificationHead(in_channels, num_anchors, num_classes, norm_layer=norm_layer)
        self.regression_head = RetinaNetRegressionHead(in_channels, num_anchors, norm_layer)

    def compute_loss(self, targets: Sequence[dict[str, Any]], head_outputs: dict[str, Any], anchors: Sequence[Any],
                     matched_idxs: Sequence[Any]) -> dict[str, Tensor]:
        return {"classification": self.classification_head.compute_loss(targets, head_outputs, matched_idxs),
                "bbox_regression": self.regression_head.compute_loss(targets, head_outputs, anchors, matched_idxs)}

    def forward(self, x: Sequence[Any]) -> dict[str, Tensor]:
        return {"cls_logits": self.classification_head(x), "bbox_regression": self.regression_head(x)}


class RetinaNet(SingleStage):
    """Lin, Goyal, Girshick, He, Dollar: Focal loss for dense object detection, 2017. All `num_classes` are of objects.

    Anchors that overlap an object by `fg_iou_thresh`, or more than all others do, are its; those below `bg_iou_thresh` are of none.
    """

    def __init__(self, backbone: Any, num_classes: int, min_size: Any = 800, max_size: int = 1333, image_mean: Sequence[float] | None = None,
                 image_std: Sequence[float] | None = None, anchor_generator: Any = None, head: nn.Module | None = None, proposal_matcher: Any = None,
                 score_thresh: float = 0.05, nms_thresh: float = 0.5, detections_per_img: int = 300, fg_iou_thresh: float = 0.5,
                 bg_iou_thresh: float = 0.4, topk_candidates: int = 1000, **kwargs: Any) -> None:
        check_backbone(backbone, anchor_generator, AnchorGenerator)
        anchors = anchor_generator or _default_anchorgen()
        if head is None:
            head = RetinaNetHead(backbone.out_channels, anchors.num_anchors_per_location()[0], num_classes)
        super().__init__(backbone, anchors, head, (min_size, max_size), image_mean, image_std, score_thresh, nms_thresh, detections_per_img,
                         topk_candidates, **kwargs)
        self.proposal_matcher = proposal_matcher or Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True)
        self.box_coder = BoxCoder((1.0, 1.0, 1.0, 1.0))

    def compute_loss(self, targets: Sequence[dict[str, Any]], head_outputs: dict[str, Any], anchors: Sequence[Any],
                     levels: Sequence[int]) -> dict[str, Tensor]:
        return self.head.compute_loss(targets, head_outputs, anchors, self.matches(targets, anchors, self.proposal_matcher))

    def decoded(self, codes: Any, anchors: Any) -> Any:
        return self.box_coder.decode_single(codes, anchors)


@register_model
def retinanet_resnet50_fpn(num_classes: int | None = None, weights_backbone: Any = None, trainable_backbone_layers: int | None = None,
                           **kwargs: Any) -> RetinaNet:
    """RetinaNet on a ResNet-50 with a pyramid; takes `num_classes` (91), `weights_backbone` (None, unlike torchvision's), and `RetinaNet`'s."""
    backbone = resnet50_pyramid(weights_backbone, trainable_backbone_layers, returned_layers=[2, 3, 4], extra_blocks=partial(LastLevelP6P7, 256, 256))
    return RetinaNet(backbone, 91 if num_classes is None else num_classes, **kwargs)


@register_model
def retinanet_resnet50_fpn_v2(num_classes: int | None = None, weights_backbone: Any = None, trainable_backbone_layers: int | None = None,
                              **kwargs: Any) -> RetinaNet:
    """RetinaNet with group normalisation and a loss of the boxes' overlap: Zhang et al.: Bridging the gap between anchor-based and anchor-free
    detection via adaptive training sample selection, 2020."""
    classes = 91 if num_classes is None else num_classes
    backbone = resnet50_pyramid(weights_backbone, trainable_backbone_layers, frozen=False, returned_layers=[2, 3, 4],
                                extra_blocks=partial(LastLevelP6P7, 2048, 256))
    anchors = _default_anchorgen()
    head = RetinaNetHead(backbone.out_channels, anchors.num_anchors_per_location()[0], classes, partial(nn.GroupNorm, 32))
    head.regression_head._loss_type = "giou"
    return RetinaNet(backbone, classes, anchor_generator=anchors, head=head, **kwargs)
