"""SSD: one step on maps of ever smaller size, each with a convolution of its own to the classes and boxes of its anchors."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...nn import functional as F
from ...ops.create import full_like, ones, zeros
from ...ops.join import cat, stack
from ..layers import initialise
from ..ops import batched_nms, clip_boxes_to_image
from ..registry import register_model
from ..vgg import vgg16
from ._utils import BoxCoder, SSDMatcher, by_place, retrieve_out_channels
from .anchor_utils import DefaultBoxGenerator
from .backbone_utils import _validate_trainable_layers
from .single_stage import SingleStage

__all__ = ["SSD", "SSDClassificationHead", "SSDFeatureExtractorVGG", "SSDHead", "SSDRegressionHead", "SSDScoringHead", "ssd300_vgg16"]


def _xavier(modules: nn.Module) -> None:
    initialise(modules, nn.init.xavier_uniform_, nn.init.xavier_uniform_)


class SSDScoringHead(nn.Module):
    """A module of its own for each map, to `num_columns` numbers for each anchor."""

    def __init__(self, module_list: nn.ModuleList, num_columns: int) -> None:
        super().__init__()
        self.module_list = module_list
        self.num_columns = num_columns

    def forward(self, x: Sequence[Any]) -> Tensor:
        return by_place([module(feature) for module, feature in zip(self.module_list, x)], self.num_columns)


class SSDClassificationHead(SSDScoringHead):
    """3 x 3 convolutions to a number for each class."""

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int], num_classes: int) -> None:
        convs = nn.ModuleList(nn.Conv2d(channels, num_classes * n, 3, padding=1) for channels, n in zip(in_channels, num_anchors))
        _xavier(convs)
        super().__init__(convs, num_classes)


class SSDRegressionHead(SSDScoringHead):
    """3 x 3 convolutions to four numbers."""

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int]) -> None:
        convs = nn.ModuleList(nn.Conv2d(channels, 4 * n, 3, padding=1) for channels, n in zip(in_channels, num_anchors))
        _xavier(convs)
        super().__init__(convs, 4)


class SSDHead(nn.Module):
    """Both heads."""

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int], num_classes: int) -> None:
        super().__init__()
        self.classification_head: nn.Module = SSDClassificationHead(in_channels, num_anchors, num_classes)
        self.regression_head: nn.Module = SSDRegressionHead(in_channels, num_anchors)

    def forward(self, x: Sequence[Any]) -> dict[str, Tensor]:
        return {"bbox_regression": self.regression_head(x), "cls_logits": self.classification_head(x)}


class SSD(SingleStage):
    """Liu et al.: SSD: single shot multibox detector, 2016. Images become `size`, (width, height); class 0 is the background.

    Anchors that overlap an object by `iou_thresh` are its, and the one that overlaps it most. Of the others, as many count in the loss as leave the
    former a share of `positive_fraction`: those with the greatest loss. `backbone` has a list `out_channels`, or is run once to find it.
    """

    def __init__(self, backbone: Any, anchor_generator: DefaultBoxGenerator, size: tuple[int, int], num_classes: int,
                 image_mean: Sequence[float] | None = None, image_std: Sequence[float] | None = None, head: nn.Module | None = None,
                 score_thresh: float = 0.01, nms_thresh: float = 0.45, detections_per_img: int = 200, iou_thresh: float = 0.5,
                 topk_candidates: int = 400, positive_fraction: float = 0.25, **kwargs: Any) -> None:
        if head is None:
            widths = backbone.out_channels if hasattr(backbone, "out_channels") else retrieve_out_channels(backbone, size)
            if len(widths) != len(anchor_generator.aspect_ratios):
                raise ValueError(f"The length of the output channels from the backbone ({len(widths)}) do not match the length of the anchor "
                                 f"generator aspect ratios ({len(anchor_generator.aspect_ratios)})")
            head = SSDHead(widths, anchor_generator.num_anchors_per_location(), num_classes)
        super().__init__(backbone, anchor_generator, head, (min(size), max(size)), image_mean, image_std, score_thresh, nms_thresh,
                         detections_per_img, topk_candidates, size_divisible=1, fixed_size=size, **kwargs)
        self.box_coder = BoxCoder((10.0, 10.0, 5.0, 5.0))
        self.proposal_matcher = SSDMatcher(iou_thresh)
        self.neg_to_pos_ratio = (1.0 - positive_fraction) / positive_fraction

    def compute_loss(self, targets: Sequence[dict[str, Any]], head_outputs: dict[str, Any], anchors: Sequence[Any],
                     levels: Sequence[int]) -> dict[str, Tensor]:
        """Smooth L1 loss of objects' anchors; cross-entropy of theirs and of the worst others; both by the number of objects' anchors."""
        box_losses, labels, count = [], [], 0
        matches = self.matches(targets, anchors, self.proposal_matcher)
        for target, codes, own, matched in zip(targets, head_outputs["bbox_regression"], anchors, matches):
            objects = (matched >= 0).nonzero()[:, 0]
            index = matched[objects]
            truth = self.box_coder.encode_single(target["boxes"][index], own[objects])
            box_losses.append(F.smooth_l1_loss(codes[objects], truth, reduction="sum"))
            label: Any = zeros(len(own), dtype=target["labels"].dtype)
            label[objects] = target["labels"][index]
            labels.append(label)
            count += len(objects)
        label, logits = stack(labels), head_outputs["cls_logits"]
        losses = F.cross_entropy(logits.flatten(0, 1), label.flatten(), reduction="none").reshape(label.shape)
        objects = label > 0
        # Ranks from the greatest loss down, objects' anchors last.
        rank = losses.detach().masked_fill(objects, -float("inf")).sort(1, descending=True)[1].sort(1)[1]
        others = rank < self.neg_to_pos_ratio * objects.sum(1, keepdim=True)
        n = max(1, count)
        return {"bbox_regression": stack(box_losses).sum() / n, "classification": (losses[objects].sum() + losses[others].sum()) / n}

    def postprocess_detections(self, head_outputs: dict[str, Any], anchors: Sequence[Any], image_shapes: Sequence[tuple[int, int]],
                               levels: Sequence[int]) -> list[dict[str, Any]]:
        """For each image the best boxes of each class that do not overlap better ones."""
        found = []
        for codes, scores, own, shape in zip(head_outputs["bbox_regression"], F.softmax(head_outputs["cls_logits"], -1), anchors, image_shapes):
            boxes = clip_boxes_to_image(self.box_coder.decode_single(codes, own), shape)
            parts = []
            for label in range(1, scores.shape[1]):
                keep = (scores[:, label] > self.score_thresh).nonzero()[:, 0]
                best, index = scores[keep, label].topk(min(len(keep), self.topk_candidates))
                parts.append((boxes[keep[index]], best, full_like(keep[index], label)))
            box, best, labels = (cat(values) for values in zip(*parts))
            keep = batched_nms(box, best, labels, self.nms_thresh)[:self.detections_per_img]
            found.append({"boxes": box[keep], "scores": best[keep], "labels": labels[keep]})
        return found


def _extra(in_channels: int, width: int, out_channels: int, kernel_size: int = 3, **how: Any) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(in_channels, width, 1), nn.ReLU(inplace=True), nn.Conv2d(width, out_channels, kernel_size, **how),
                         nn.ReLU(inplace=True))


class SSDFeatureExtractorVGG(nn.Module):
    """A VGG's layers as six maps, with `highres` seven: of its fourth stage, normalised for each place; of its fifth, with dilated convolutions in
    place of the linear layers; and of convolutions after these.
    """

    def __init__(self, backbone: Any, highres: bool) -> None:
        super().__init__()
        _, _, third, fourth, _ = (i for i, layer in enumerate(backbone) if isinstance(layer, nn.MaxPool2d))
        backbone[third].ceil_mode = True  # 38 x 38 of 300 x 300, as in the paper
        self.scale_weight = nn.Parameter(ones(512) * 20)
        self.features = nn.Sequential(*backbone[:fourth])
        extra = nn.ModuleList([_extra(1024, 256, 512, padding=1, stride=2), _extra(512, 128, 256, padding=1, stride=2), _extra(256, 128, 256),
                               _extra(256, 128, 256), *([_extra(256, 128, 256, 4)] if highres else [])])
        _xavier(extra)
        fc = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(512, 1024, 3, padding=6, dilation=6), nn.ReLU(inplace=True), nn.Conv2d(1024, 1024, 1),
                           nn.ReLU(inplace=True))
        _xavier(fc)
        self.extra = nn.ModuleList([nn.Sequential(*backbone[fourth:-1], fc), *extra])
        self.out_channels = [512, 1024, 512] + [256] * (len(extra) - 1)

    def forward(self, x: Any) -> dict[str, Tensor]:
        x = self.features(x)
        maps = [self.scale_weight[:, None, None] * F.normalize(x)]
        for block in self.extra:
            x = block(x)
            maps.append(x)
        return OrderedDict((str(i), feature) for i, feature in enumerate(maps))


def _vgg_extractor(backbone: Any, highres: bool, trainable_layers: int) -> SSDFeatureExtractorVGG:
    features = backbone.features
    starts = [0, *(i for i, layer in enumerate(features) if isinstance(layer, nn.MaxPool2d))][:-1]
    if not 0 <= trainable_layers <= len(starts):
        raise AssertionError(f"trainable_layers should be in the range [0, {len(starts)}]. Instead got {trainable_layers}")
    for layer in features[:[*starts, len(features)][len(starts) - trainable_layers]]:
        layer.requires_grad_(False)
    return SSDFeatureExtractorVGG(features, highres)


@register_model
def ssd300_vgg16(num_classes: int | None = None, weights_backbone: Any = None, trainable_backbone_layers: int | None = None, **kwargs: Any) -> SSD:
    """SSD for 300 x 300 on a VGG-16; takes `num_classes` (91), `weights_backbone` (None, unlike torchvision's), and `SSD`'s."""
    if "size" in kwargs:
        warnings.warn("The size of the model is already fixed; ignoring the parameter.")
    layers = _validate_trainable_layers(weights_backbone is not None, trainable_backbone_layers, 5, 4)
    backbone = _vgg_extractor(vgg16(weights=weights_backbone), False, layers)
    anchors = DefaultBoxGenerator([[2], [2, 3], [2, 3], [2, 3], [2], [2]], scales=[0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05],
                                  steps=[8, 16, 32, 64, 100, 300])
    how = {"image_mean": [0.48235, 0.45882, 0.40784], "image_std": [1.0 / 255.0, 1.0 / 255.0, 1.0 / 255.0], **kwargs}  # pixels from 0 to 255
    return SSD(backbone, anchors, (300, 300), 91 if num_classes is None else num_classes, **how)
