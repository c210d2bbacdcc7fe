"""Networks for small images: LeNet-5, the ResNets for images of 8 to 32 pixels, with or without attention, and a thin U-Net."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..core.tensor import Tensor
from ..nn import (
    CBAM,
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    Identity,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    SEBlock,
    Sequential,
    init,
)
from ..nn import functional as F
from .registry import register_model
from .unet import UNet

__all__ = ["LeNet", "SmallResNet", "lenet", "resnet8", "resnet20", "se_resnet8", "se_resnet20", "cbam_resnet8", "cbam_resnet20",
           "unet_small"]


class LeNet(Module):
    """LeNet-5 with ReLU and maximum pooling, for 32 x 32 images.

    LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, 1998. Shape: (N, in_channels, 32, 32) to
    (N, num_classes); 62,006 parameters for 3 channels and 10 classes.
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__()
        self.features = Sequential(Conv2d(in_channels, 6, 5), ReLU(), MaxPool2d(2), Conv2d(6, 16, 5), ReLU(), MaxPool2d(2))
        self.classifier = Sequential(Flatten(), Linear(16 * 5 * 5, 120), ReLU(), Linear(120, 84), ReLU(), Linear(84, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))


class SmallBlock(Module):
    """Two 3 x 3 convolutions beside a shortcut: ``relu(x + f(x))``; the gate, if any, scales f before the sum."""

    def __init__(self, channels: int, out_channels: int, stride: int, attention: Callable[[int], Module]) -> None:
        super().__init__()
        self.conv1 = Conv2d(channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = BatchNorm2d(out_channels)
        self.conv2 = Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = BatchNorm2d(out_channels)
        self.gate = attention(out_channels)
        self.shortcut = Identity() if stride == 1 and channels == out_channels else Sequential(
            Conv2d(channels, out_channels, 1, stride, bias=False), BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.gate(self.bn2(self.conv2(y))) + self.shortcut(x))


class SmallResNet(Module):
    """A residual network of three stages with 16, 32 and 64 channels and ``6 n + 2`` layers.

    He, Zhang, Ren, Sun: Deep residual learning for image recognition, 2016, section 4.2; ``attention(channels)`` gates each residual branch. Shape:
    (N, in_channels, H, W) to (N, num_classes). Here shortcuts that change the size are 1 x 1 convolutions (the paper's option B).
    """

    def __init__(self, depth: int = 20, num_classes: int = 10, in_channels: int = 3,
                 attention: Callable[[int], Module] = lambda channels: Identity()) -> None:
        super().__init__()
        if depth < 8 or (depth - 2) % 6:
            raise ValueError(f"SmallResNet: depth must be 6 n + 2 with n at least 1, got {depth}")
        self.stem = Sequential(Conv2d(in_channels, 16, 3, 1, 1, bias=False), BatchNorm2d(16), ReLU())
        blocks, channels = [], 16
        for width in (16, 32, 64):
            for i in range((depth - 2) // 6):
                blocks.append(SmallBlock(channels, width, 2 if i == 0 and width > 16 else 1, attention))
                channels = width
        self.blocks = Sequential(*blocks)
        self.head = Sequential(AdaptiveAvgPool2d(1), Flatten(), Linear(64, num_classes))
        for m in self.modules():
            if isinstance(m, Conv2d):
                init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(x)))


@register_model
def lenet(**kwargs: Any) -> LeNet:
    """LeNet-5, for 32 x 32 images."""
    return LeNet(**kwargs)


@register_model
def resnet8(**kwargs: Any) -> SmallResNet:
    """A residual network of 8 layers."""
    return SmallResNet(8, **kwargs)


@register_model
def resnet20(**kwargs: Any) -> SmallResNet:
    """A residual network of 20 layers."""
    return SmallResNet(20, **kwargs)


@register_model
def se_resnet8(**kwargs: Any) -> SmallResNet:
    """A residual network of 8 layers with squeeze-and-excitation."""
    return SmallResNet(8, attention=partial(SEBlock, reduction=4), **kwargs)


@register_model
def se_resnet20(**kwargs: Any) -> SmallResNet:
    """A residual network of 20 layers with squeeze-and-excitation."""
    return SmallResNet(20, attention=partial(SEBlock, reduction=4), **kwargs)


@register_model
def cbam_resnet8(**kwargs: Any) -> SmallResNet:
    """A residual network of 8 layers with CBAM."""
    return SmallResNet(8, attention=partial(CBAM, reduction=4), **kwargs)


@register_model
def cbam_resnet20(**kwargs: Any) -> SmallResNet:
    """A residual network of 20 layers with CBAM."""
    return SmallResNet(20, attention=partial(CBAM, reduction=4), **kwargs)


@register_model
def unet_small(**kwargs: Any) -> UNet:
    """A U-Net with a quarter of the channels, 16 at full size, that halves the size three times."""
    return UNet(**{"features": 16, "depth": 3, **kwargs})
