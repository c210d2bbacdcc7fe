"""DeepLab v3: dilated convolutions of several rates beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...nn import functional as F
from ...ops.join import cat
from .._utils import IntermediateLayerGetter, stage_starts
from ..mobilenetv3 import mobilenet_v3_large
from ..registry import register_model
from ..resnet import resnet50, resnet101
from ._utils import _SimpleSegmentationModel
from .fcn import FCNHead, on_dilated_resnet

__all__ = ["DeepLabV3", "DeepLabHead", "ASPP", "ASPPConv", "ASPPPooling", "deeplabv3_mobilenet_v3_large", "deeplabv3_resnet50",
           "deeplabv3_resnet101"]


class DeepLabV3(_SimpleSegmentationModel):
    """Chen, Papandreou, Schroff, Adam: Rethinking atrous convolution for semantic image segmentation, 2017."""


def _unit(in_channels: int, out_channels: int, kernel_size: int = 1, dilation: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(in_channels, out_channels, kernel_size, padding=dilation * (kernel_size // 2), dilation=dilation, bias=False),
            nn.BatchNorm2d(out_channels), nn.ReLU()]


class ASPPConv(nn.Sequential):
    """A dilated 3 x 3 convolution."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int) -> None:
        super().__init__(*_unit(in_channels, out_channels, 3, dilation))


class ASPPPooling(nn.Sequential):
    """The image's mean at every place."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(1), *_unit(in_channels, out_channels))

    def forward(self, x: Any) -> Tensor:
        return F.interpolate(super().forward(x), size=x.shape[-2:], mode="bilinear", align_corners=False)


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: 1 x 1, a dilated 3 x 3 of each rate and the image's mean, joined by a 1 x 1."""

    def __init__(self, in_channels: int, atrous_rates: Sequence[int], out_channels: int = 256) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Sequential(*_unit(in_channels, out_channels)),
                                    *(ASPPConv(in_channels, out_channels, rate) for rate in atrous_rates),
                                    ASPPPooling(in_channels, out_channels)])
        self.project = nn.Sequential(*_unit(len(self.convs) * out_channels, out_channels), nn.Dropout(0.5))

    def forward(self, x: Any) -> Tensor:
        return self.project(cat([conv(x) for conv in self.convs], 1))


class DeepLabHead(nn.Sequential):
    """The pyramid, a 3 x 3 convolution, and a 1 x 1 to the classes."""

    def __init__(self, in_channels: int, num_classes: int, atrous_rates: Sequence[int] = (12, 24, 36)) -> None:
        super().__init__(ASPP(in_channels, atrous_rates), *_unit(256, 256, 3), nn.Conv2d(256, num_classes, 1))


@register_model
def deeplabv3_resnet50(**kwargs: Any) -> DeepLabV3:
    """DeepLab v3 on a ResNet-50; takes `num_classes` (21), `aux_loss`, `weights_backbone` (None, unlike torchvision's)."""
    return on_dilated_resnet(DeepLabV3, DeepLabHead, resnet50, **kwargs)


@register_model
def deeplabv3_resnet101(**kwargs: Any) -> DeepLabV3:
    """DeepLab v3 on a ResNet-101; takes `num_classes` (21), `aux_loss`, `weights_backbone` (None, unlike torchvision's)."""
    return on_dilated_resnet(DeepLabV3, DeepLabHead, resnet101, **kwargs)


@register_model
def deeplabv3_mobilenet_v3_large(num_classes: int | None = None, aux_loss: bool | None = None, weights_backbone: Any = None) -> DeepLabV3:
    """DeepLab v3 on a dilated MobileNet v3 large; takes `num_classes` (21), `aux_loss`, `weights_backbone` (None, unlike torchvision's)."""
    classes = 21 if num_classes is None else num_classes
    features = mobilenet_v3_large(weights=weights_backbone, dilated=True).features
    starts = stage_starts(features)
    aux, last = starts[-4], starts[-1]
    backbone = IntermediateLayerGetter(features, {str(last): "out", **({str(aux): "aux"} if aux_loss else {})})
    aux_classifier = FCNHead(features[aux].out_channels, classes) if aux_loss else None
    return DeepLabV3(backbone, DeepLabHead(features[last].out_channels, classes), aux_classifier)
