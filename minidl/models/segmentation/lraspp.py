"""LR-ASPP: a light head for MobileNet v3, which adds a coarse map, gated by the image's mean, and a fine one."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...nn import functional as F
from .._utils import IntermediateLayerGetter, stage_starts
from ..mobilenetv3 import mobilenet_v3_large
from ..registry import register_model

__all__ = ["LRASPP", "LRASPPHead", "lraspp_mobilenet_v3_large"]


class LRASPPHead(nn.Module):
    """Classes at the places of the map ``"low"``: by a 1 x 1 from it, plus a 1 x 1 from ``"high"``, gated for each channel, and enlarged."""

    def __init__(self, low_channels: int, high_channels: int, num_classes: int, inter_channels: int) -> None:
        super().__init__()
        self.cbr = nn.Sequential(nn.Conv2d(high_channels, inter_channels, 1, bias=False), nn.BatchNorm2d(inter_channels), nn.ReLU(inplace=True))
        self.scale = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(high_channels, inter_channels, 1, bias=False), nn.Sigmoid())
        self.low_classifier = nn.Conv2d(low_channels, num_classes, 1)
        self.high_classifier = nn.Conv2d(inter_channels, num_classes, 1)

    def forward(self, input: Any) -> Tensor:
        low, high = input["low"], input["high"]
        x = F.interpolate(self.cbr(high) * self.scale(high), size=low.shape[-2:], mode="bilinear", align_corners=False)
        return self.low_classifier(low) + self.high_classifier(x)


class LRASPP(nn.Module):
    """`LRASPPHead` on the maps ``"low"`` and ``"high"`` of `backbone`, enlarged to the image.

    Howard et al.: Searching for MobileNetV3, 2019, figure 10. Shape: (N, 3, H, W) to an OrderedDict with ``"out"``, (N, num_classes, H, W).
    """

    def __init__(self, backbone: nn.Module, low_channels: int, high_channels: int, num_classes: int, inter_channels: int = 128) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = LRASPPHead(low_channels, high_channels, num_classes, inter_channels)

    def forward(self, input: Any) -> OrderedDict[str, Tensor]:
        x = self.classifier(self.backbone(input))
        return OrderedDict(out=F.interpolate(x, size=input.shape[-2:], mode="bilinear", align_corners=False))


@register_model
def lraspp_mobilenet_v3_large(num_classes: int | None = None, weights_backbone: Any = None, aux_loss: bool = False) -> LRASPP:
    """LR-ASPP on a dilated MobileNet v3 large; takes `num_classes` (21) and `weights_backbone` (None, unlike torchvision's)."""
    if aux_loss:
        raise NotImplementedError("This model does not use auxiliary loss")
    features = mobilenet_v3_large(weights=weights_backbone, dilated=True).features
    starts = stage_starts(features)
    low, high = starts[-4], starts[-1]  # of 8 and 16 pixels
    return LRASPP(IntermediateLayerGetter(features, {str(low): "low", str(high): "high"}), features[low].out_channels, features[high].out_channels,
                  21 if num_classes is None else num_classes)
