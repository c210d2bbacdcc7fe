"""Xception: Inception taken to its end, where each channel has its own convolution and 1 x 1 convolutions mix them."""

from __future__ import annotations

from typing import Any

from .. import nn
from ..core.tensor import Tensor
from ..nn import functional as F
from .registry import register_model

__all__ = ["Xception", "xception"]


class SeparableConv2d(nn.Sequential):
    """A depthwise 3 x 3 convolution and a 1 x 1, without biases and with nothing between."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False),
                         nn.Conv2d(in_channels, out_channels, 1, bias=False))


class Block(nn.Module):
    """Separable convolutions through `widths`, each between a ReLU and batch normalisation, a pooling at stride 2, and a sum.

    `start_with_relu` off leaves the first ReLU out.
    """

    def __init__(self, in_channels: int, widths: tuple[int, ...], stride: int, start_with_relu: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = in_channels
        for i, width in enumerate(widths):
            layers += [nn.ReLU()] if i or start_with_relu else []
            layers += [SeparableConv2d(channels, width), nn.BatchNorm2d(width)]
            channels = width
        self.rep = nn.Sequential(*layers, *([nn.MaxPool2d(3, stride, 1)] if stride > 1 else []))
        self.skip = nn.Identity() if stride == 1 and channels == in_channels else nn.Sequential(
            nn.Conv2d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Any) -> Tensor:
        return self.rep(x) + self.skip(x)


class Xception(nn.Module):
    """Entry, middle and exit flow of figure 5 of Chollet: Xception: deep learning with depthwise separable convolutions, 2017.

    Pooling pads by 1 on both sides. Shape: (N, 3, H, W), 299 x 299 in training, to (N, num_classes).
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 64, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.entry = nn.Sequential(Block(64, (128, 128), 2, start_with_relu=False), Block(128, (256, 256), 2), Block(256, (728, 728), 2))
        self.middle = nn.Sequential(*(Block(728, (728, 728, 728), 1) for _ in range(8)))
        self.exit = Block(728, (728, 1024), 2)
        self.conv3 = SeparableConv2d(1024, 1536)
        self.bn3 = nn.BatchNorm2d(1536)
        self.conv4 = SeparableConv2d(1536, 2048)
        self.bn4 = nn.BatchNorm2d(2048)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(2048, num_classes)

    def forward(self, x: Any) -> Tensor:
        x = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        x = self.exit(self.middle(self.entry(x)))
        x = F.relu(self.bn4(self.conv4(F.relu(self.bn3(self.conv3(x))))))
        return self.fc(self.dropout(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1)))


@register_model
def xception(**kwargs: Any) -> Xception:
    """Xception, for 299 x 299 images."""
    return Xception(**kwargs)
