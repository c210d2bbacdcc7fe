"""ResNets for videos: convolutions over time as over space, in the first stage only, or one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ..layers import he_fan_out
from ..registry import register_model
from ..resnet import _Block

__all__ = ["VideoResNet", "mc3_18", "r2plus1d_18", "r3d_18"]


class Conv3DSimple(nn.Conv3d):
    """A 3 x 3 x 3 convolution."""

    def __init__(self, in_planes: int, out_planes: int, midplanes: int | None = None, stride: int = 1, padding: int = 1) -> None:
        super().__init__(in_planes, out_planes, 3, stride, padding, bias=False)

    @staticmethod
    def get_downsample_stride(stride: int) -> tuple[int, int, int]:
        return stride, stride, stride


class Conv3DNoTemporal(nn.Conv3d):
    """A 3 x 3 convolution of each image."""

    def __init__(self, in_planes: int, out_planes: int, midplanes: int | None = None, stride: int = 1, padding: int = 1) -> None:
        super().__init__(in_planes, out_planes, (1, 3, 3), (1, stride, stride), (0, padding, padding), bias=False)

    @staticmethod
    def get_downsample_stride(stride: int) -> tuple[int, int, int]:
        return 1, stride, stride


def _space_and_time(in_planes: int, midplanes: int, out_planes: int, kernel: int, stride: int, padding: int, time_stride: int) -> list[nn.Module]:
    """A convolution of each image, to `midplanes`, and one of three places in time."""
    return [nn.Conv3d(in_planes, midplanes, (1, kernel, kernel), (1, stride, stride), (0, padding, padding), bias=False), nn.BatchNorm3d(midplanes),
            nn.ReLU(inplace=True), nn.Conv3d(midplanes, out_planes, (3, 1, 1), (time_stride, 1, 1), (1, 0, 0), bias=False)]


class Conv2Plus1D(nn.Sequential):
    """A 3 x 3 convolution of each image and then one of 3 over time, with about as many weights together as one of 3 x 3 x 3."""

    def __init__(self, in_planes: int, out_planes: int, midplanes: int, stride: int = 1, padding: int = 1) -> None:
        super().__init__(*_space_and_time(in_planes, midplanes, out_planes, 3, stride, padding, stride))

    @staticmethod
    def get_downsample_stride(stride: int) -> tuple[int, int, int]:
        return stride, stride, stride


def _midplanes(inplanes: int, planes: int) -> int:
    """So many channels between the two parts of a `Conv2Plus1D` that it has the weights of one convolution."""
    return inplanes * planes * 3 * 3 * 3 // (inplanes * 3 * 3 + 3 * planes)


class BasicBlock(_Block):
    """y = relu(x + two convolutions), with x through `downsample` where the shapes differ."""

    expansion = 1

    def __init__(self, inplanes: int, planes: int, conv_builder: Callable[..., nn.Module], stride: int = 1,
                 downsample: nn.Module | None = None) -> None:
        super().__init__()
        middle = _midplanes(inplanes, planes)
        self.conv1 = nn.Sequential(conv_builder(inplanes, planes, middle, stride), nn.BatchNorm3d(planes), nn.ReLU(inplace=True))
        self.conv2 = nn.Sequential(conv_builder(planes, planes, middle), nn.BatchNorm3d(planes))
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def branch(self, x: Any) -> Tensor:
        return self.conv2(self.conv1(x))


class Bottleneck(_Block):
    """As `BasicBlock`, of one convolution between two of a single place, the last to four times `planes`."""

    expansion = 4

    def __init__(self, inplanes: int, planes: int, conv_builder: Callable[..., nn.Module], stride: int = 1,
                 downsample: nn.Module | None = None) -> None:
        super().__init__()
        out = planes * self.expansion
        self.conv1 = nn.Sequential(nn.Conv3d(inplanes, planes, 1, bias=False), nn.BatchNorm3d(planes), nn.ReLU(inplace=True))
        self.conv2 = nn.Sequential(conv_builder(planes, planes, _midplanes(inplanes, planes), stride), nn.BatchNorm3d(planes), nn.ReLU(inplace=True))
        self.conv3 = nn.Sequential(nn.Conv3d(planes, out, 1, bias=False), nn.BatchNorm3d(out))
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def branch(self, x: Any) -> Tensor:
        return self.conv3(self.conv2(self.conv1(x)))


class BasicStem(nn.Sequential):
    """A 3 x 7 x 7 convolution that halves the images."""

    def __init__(self) -> None:
        super().__init__(nn.Conv3d(3, 64, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False), nn.BatchNorm3d(64), nn.ReLU(inplace=True))


class R2Plus1dStem(nn.Sequential):
    """The same in two parts."""

    def __init__(self) -> None:
        super().__init__(*_space_and_time(3, 45, 64, 7, 2, 3, 1), nn.BatchNorm3d(64), nn.ReLU(inplace=True))


class VideoResNet(nn.Module):
    """A stem, four stages of blocks, each with convolutions of its own kind, the mean, and a linear layer.

    Tran, Wang, Torresani, Ray, LeCun, Paluri: A closer look at spatiotemporal convolutions for action recognition, 2018. Shape: (N, 3, T, H, W) to
    (N, num_classes).
    """

    def __init__(self, block: Any, conv_makers: Sequence[Any], layers: Sequence[int], stem: Callable[..., nn.Module], num_classes: int = 400,
                 zero_init_residual: bool = False) -> None:
        super().__init__()
        self.inplanes = 64
        self.stem = stem()
        self.layer1 = self._make_layer(block, conv_makers[0], 64, layers[0])
        self.layer2 = self._make_layer(block, conv_makers[1], 128, layers[1], 2)
        self.layer3 = self._make_layer(block, conv_makers[2], 256, layers[2], 2)
        self.layer4 = self._make_layer(block, conv_makers[3], 512, layers[3], 2)
        self.avgpool = nn.AdaptiveAvgPool3d((1, 1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv3d):
                he_fan_out(m.weight)
        nn.init.normal_(self.fc.weight, std=0.01)
        nn.init.zeros_(self.fc.bias)
        if zero_init_residual:
            for m in self.modules():
                if isinstance(m, Bottleneck):
                    nn.init.zeros_(m.conv3[1].weight)

    def _make_layer(self, block: Any, conv_builder: Any, planes: int, blocks: int, stride: int = 1) -> nn.Sequential:
        out, downsample = planes * block.expansion, None
        if stride != 1 or self.inplanes != out:
            downsample = nn.Sequential(nn.Conv3d(self.inplanes, out, 1, conv_builder.get_downsample_stride(stride), bias=False), nn.BatchNorm3d(out))
        layers = [block(self.inplanes, planes, conv_builder, stride, downsample)]
        self.inplanes = out
        return nn.Sequential(*layers, *(block(out, planes, conv_builder) for _ in range(1, blocks)))

    def forward(self, x: Any) -> Tensor:
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(x)))))
        return self.fc(self.avgpool(x).flatten(1))


@register_model
def r3d_18(**kwargs: Any) -> VideoResNet:
    """ResNet-18 with convolutions over time as over space."""
    return VideoResNet(BasicBlock, [Conv3DSimple] * 4, [2, 2, 2, 2], BasicStem, **kwargs)


@register_model
def mc3_18(**kwargs: Any) -> VideoResNet:
    """ResNet-18 with convolutions over time in the first stage."""
    return VideoResNet(BasicBlock, [Conv3DSimple] + [Conv3DNoTemporal] * 3, [2, 2, 2, 2], BasicStem, **kwargs)


@register_model
def r2plus1d_18(**kwargs: Any) -> VideoResNet:
    """ResNet-18 with convolutions over space and over time one after the other."""
    return VideoResNet(BasicBlock, [Conv2Plus1D] * 4, [2, 2, 2, 2], R2Plus1dStem, **kwargs)
