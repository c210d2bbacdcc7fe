"""SSDlite: SSD with separable convolutions, on a MobileNet."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from .._utils import stage_starts
from ..layers import Conv2dNormActivation
from ..mobilenetv3 import mobilenet_v3_large
from ..registry import register_model
from .anchor_utils import DefaultBoxGenerator
from .backbone_utils import _validate_trainable_layers
from .ssd import SSD, SSDHead, SSDScoringHead

__all__ = ["SSDLiteClassificationHead", "SSDLiteFeatureExtractorMobileNet", "SSDLiteHead", "SSDLiteRegressionHead", "ssdlite320_mobilenet_v3_large"]

Norm = Callable[..., nn.Module]


def _normal(modules: nn.Module) -> None:
    for m in modules.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.normal_(m.weight, std=0.03)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


class SSDLiteScoringHead(SSDScoringHead):
    """For each map a depthwise 3 x 3 convolution and a 1 x 1 to `num_columns` numbers for each anchor."""

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int], num_columns: int, norm_layer: Norm) -> None:
        blocks = nn.ModuleList(nn.Sequential(Conv2dNormActivation(width, width, 3, groups=width, norm_layer=norm_layer, activation_layer=nn.ReLU6),
                                             nn.Conv2d(width, num_columns * n, 1)) for width, n in zip(in_channels, num_anchors))
        _normal(blocks)
        super().__init__(blocks, num_columns)


class SSDLiteClassificationHead(SSDLiteScoringHead):
    """To a number for each class."""


class SSDLiteRegressionHead(SSDLiteScoringHead):
    """To four numbers."""

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int], norm_layer: Norm) -> None:
        super().__init__(in_channels, num_anchors, 4, norm_layer)


class SSDLiteHead(SSDHead):
    """Both heads."""

    def __init__(self, in_channels: Sequence[int], num_anchors: Sequence[int], num_classes: int, norm_layer: Norm) -> None:
        nn.Module.__init__(self)
        self.classification_head = SSDLiteClassificationHead(in_channels, num_anchors, num_classes, norm_layer)
        self.regression_head = SSDLiteRegressionHead(in_channels, num_anchors, norm_layer)


def _extra(in_channels: int, out_channels: int, norm_layer: Norm) -> nn.Sequential:
    """1 x 1 to half the width, a depthwise 3 x 3 of stride 2, 1 x 1 to the width."""
    unit, width = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.ReLU6), out_channels // 2
    return nn.Sequential(unit(in_channels, width, 1), unit(width, width, 3, 2, groups=width), unit(width, out_channels, 1))


class SSDLiteFeatureExtractorMobileNet(nn.Module):
    """A MobileNet's layers as six maps: of the wide inside of the block `c4_pos`, of the end, and of four blocks after it."""

    def __init__(self, backbone: Any, c4_pos: int, norm_layer: Norm, width_mult: float = 1.0, min_depth: int = 16) -> None:
        super().__init__()
        block = backbone[c4_pos]
        if block.use_res_connect:
            raise ValueError("backbone[c4_pos].use_res_connect should be False")
        self.features = nn.Sequential(nn.Sequential(*backbone[:c4_pos], block.block[0]), nn.Sequential(block.block[1:], *backbone[c4_pos + 1:]))
        widths = [backbone[-1].out_channels, *(max(min_depth, int(width * width_mult)) for width in (512, 256, 256, 128))]
        self.extra = nn.ModuleList(_extra(i, o, norm_layer) for i, o in pairwise(widths))
        _normal(self.extra)
        self.out_channels = [block.block[0].out_channels, *widths]

    def forward(self, x: Any) -> dict[str, Tensor]:
        maps = []
        for block in (*self.features, *self.extra):
            x = block(x)
            maps.append(x)
        return OrderedDict((str(i), feature) for i, feature in enumerate(maps))


def _mobilenet_extractor(backbone: Any, trainable_layers: int, norm_layer: Norm) -> SSDLiteFeatureExtractorMobileNet:
    features = backbone.features
    starts = stage_starts(features)
    if not 0 <= trainable_layers <= len(starts):
        raise ValueError(f"trainable_layers should be in the range [0, {len(starts)}], instead got {trainable_layers}")
    for block in features[:[*starts, len(features)][len(starts) - trainable_layers]]:
        block.requires_grad_(False)
    return SSDLiteFeatureExtractorMobileNet(features, starts[-2], norm_layer)


@register_model
def ssdlite320_mobilenet_v3_large(num_classes: int | None = None, weights_backbone: Any = None, trainable_backbone_layers: int | None = None,
                                  norm_layer: Norm | None = None, **kwargs: Any) -> SSD:
    """SSDlite for 320 x 320 on a MobileNet v3 large with a narrow end: Howard et al.: Searching for MobileNetV3, 2019, section 6.3.

    Takes `num_classes` (91), `weights_backbone` (None, unlike torchvision's), and `SSD`'s.
    """
    if "size" in kwargs:
        warnings.warn("The size of the model is already fixed; ignoring the parameter.")
    layers = _validate_trainable_layers(weights_backbone is not None, trainable_backbone_layers, 6, 6)
    norm = norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.03)
    mobilenet = mobilenet_v3_large(weights=weights_backbone, norm_layer=norm, reduced_tail=True)
    _normal(mobilenet)
    backbone = _mobilenet_extractor(mobilenet, layers, norm)
    anchors = DefaultBoxGenerator([[2, 3]] * 6, min_ratio=0.2, max_ratio=0.95)
    classes = 91 if num_classes is None else num_classes
    head = SSDLiteHead(backbone.out_channels, anchors.num_anchors_per_location(), classes, norm)
    how = {"score_thresh": 0.001, "nms_thresh": 0.55, "detections_per_img": 300, "topk_candidates": 300, "image_mean": [0.5] * 3,
           "image_std": [0.5] * 3, **kwargs}
    return SSD(backbone, anchors, (320, 320), classes, head=head, **how)
