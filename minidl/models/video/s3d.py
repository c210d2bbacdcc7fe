"""S3D: GoogLeNet's blocks for videos, with convolutions over space and over time one after the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...ops.join import cat
from ..layers import Conv3dNormActivation
from ..registry import register_model

__all__ = ["S3D", "s3d"]

Norm = Callable[..., nn.Module]


class TemporalSeparableConv(nn.Sequential):
    """A convolution of each image, and one over time."""

    def __init__(self, in_planes: int, out_planes: int, kernel_size: int, stride: int, padding: int, norm_layer: Norm) -> None:
        k, s, p = kernel_size, stride, padding
        super().__init__(Conv3dNormActivation(in_planes, out_planes, (1, k, k), (1, s, s), (0, p, p), norm_layer=norm_layer, bias=False),
                         Conv3dNormActivation(out_planes, out_planes, (k, 1, 1), (s, 1, 1), (p, 0, 0), norm_layer=norm_layer, bias=False))


class SepInceptionBlock3D(nn.Module):
    """Four branches beside each other: a single place, two separable 3 x 3 x 3 behind fewer channels, and a maximum pool."""

    def __init__(self, in_planes: int, b0_out: int, b1_mid: int, b1_out: int, b2_mid: int, b2_out: int, b3_out: int, norm_layer: Norm) -> None:
        super().__init__()
        unit = partial(Conv3dNormActivation, in_planes, kernel_size=1, norm_layer=norm_layer)
        self.branch0 = unit(out_channels=b0_out)
        self.branch1 = nn.Sequential(unit(out_channels=b1_mid), TemporalSeparableConv(b1_mid, b1_out, 3, 1, 1, norm_layer))
        self.branch2 = nn.Sequential(unit(out_channels=b2_mid), TemporalSeparableConv(b2_mid, b2_out, 3, 1, 1, norm_layer))
        self.branch3 = nn.Sequential(nn.MaxPool3d((3, 3, 3), 1, 1), unit(out_channels=b3_out))

    def forward(self, x: Any) -> Tensor:
        return cat([branch(x) for branch in (self.branch0, self.branch1, self.branch2, self.branch3)], 1)


class S3D(nn.Module):
    """Xie, Sun, Huang, Tu, Murphy: Rethinking spatiotemporal feature learning, 2018. Shape: (N, 3, T, H, W), at least 14 images of 224 x 224, to
    (N, num_classes).
    """

    def __init__(self, num_classes: int = 400, dropout: float = 0.2, norm_layer: Norm | None = None) -> None:
        super().__init__()
        norm = norm_layer or partial(nn.BatchNorm3d, eps=0.001, momentum=0.001)
        block = partial(SepInceptionBlock3D, norm_layer=norm)
        self.features = nn.Sequential(
            TemporalSeparableConv(3, 64, 7, 2, 3, norm), nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            Conv3dNormActivation(64, 64, 1, norm_layer=norm), TemporalSeparableConv(64, 192, 3, 1, 1, norm),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            block(192, 64, 96, 128, 16, 32, 32), block(256, 128, 128, 192, 32, 96, 64), nn.MaxPool3d((3, 3, 3), (2, 2, 2), (1, 1, 1)),
            block(480, 192, 96, 208, 16, 48, 64), block(512, 160, 112, 224, 24, 64, 64), block(512, 128, 128, 256, 24, 64, 64),
            block(512, 112, 144, 288, 32, 64, 64), block(528, 256, 160, 320, 32, 128, 128), nn.MaxPool3d((2, 2, 2), (2, 2, 2), (0, 0, 0)),
            block(832, 256, 160, 320, 32, 128, 128), block(832, 384, 192, 384, 48, 128, 128))
        self.avgpool = nn.AvgPool3d((2, 7, 7), 1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Conv3d(1024, num_classes, 1))

    def forward(self, x: Any) -> Tensor:
        return self.classifier(self.avgpool(self.features(x))).mean((2, 3, 4))


@register_model
def s3d(**kwargs: Any) -> S3D:
    """S3D."""
    return S3D(**kwargs)
