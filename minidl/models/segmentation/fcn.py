"""FCN: a classifier of every place, enlarged to the image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ... import nn
from .._utils import IntermediateLayerGetter
from ..registry import register_model
from ..resnet import resnet50, resnet101
from ._utils import _SimpleSegmentationModel

__all__ = ["FCN", "FCNHead", "fcn_resnet50", "fcn_resnet101"]

M = TypeVar("M")


class FCN(_SimpleSegmentationModel):
    """Long, Shelhamer, Darrell: Fully convolutional networks for semantic segmentation, 2015, here on a dilated ResNet."""


class FCNHead(nn.Sequential):
    """A 3 x 3 convolution to a quarter of the channels, and a 1 x 1 to the classes."""

    def __init__(self, in_channels: int, channels: int) -> None:
        hidden = in_channels // 4
        super().__init__(nn.Conv2d(in_channels, hidden, 3, padding=1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU(), nn.Dropout(0.1),
                         nn.Conv2d(hidden, channels, 1))


def on_dilated_resnet(model: Callable[..., M], head: Callable[[int, int], nn.Module], resnet: Callable[..., Any],
                      num_classes: int | None = None, aux_loss: bool | None = None, weights_backbone: Any = None) -> M:
    """`model` on a ResNet whose last two stages are dilated instead of halving the size; the auxiliary classifier sees the last but one."""
    backbone = IntermediateLayerGetter(resnet(weights=weights_backbone, replace_stride_with_dilation=[False, True, True]),
                                       {"layer4": "out", **({"layer3": "aux"} if aux_loss else {})})
    classes = 21 if num_classes is None else num_classes
    aux = FCNHead(1024, classes) if aux_loss else None  # made first, as torchvision does, for the same random numbers
    return model(backbone, head(2048, classes), aux)


@register_model
def fcn_resnet50(**kwargs: Any) -> FCN:
    """FCN on a ResNet-50; takes `num_classes` (21), `aux_loss`, `weights_backbone` (None, unlike torchvision's)."""
    return on_dilated_resnet(FCN, FCNHead, resnet50, **kwargs)


@register_model
def fcn_resnet101(**kwargs: Any) -> FCN:
    """FCN on a ResNet-101; takes `num_classes` (21), `aux_loss`, `weights_backbone` (None, unlike torchvision's)."""
    return on_dilated_resnet(FCN, FCNHead, resnet101, **kwargs)
