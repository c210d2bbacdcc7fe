"""Attention over channels and over places: gates that scale a feature map by factors between 0 and 1 made from itself.

All take and give (N, C, H, W).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...core.tensor import Tensor
from ...ops.join import cat
from .activation import ReLU, Sigmoid
from .container import Sequential
from .conv import Conv1d, Conv2d
from .module import Module
from .pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d

__all__ = ["SqueezeExcitation", "SEBlock", "ECA", "ChannelAttention", "SpatialAttention", "CBAM"]


class SqueezeExcitation(Module):
    """Squeeze and excitation: y = x s(W2 d(W1 mean(x))), one factor for each channel (Hu, Shen, Sun, 2018).

    The mean is over the image; W1, to `squeeze_channels`, and W2, back, are 1x1 convolutions; d is `activation`, s is
    `scale_activation`. As ``torchvision.ops.SqueezeExcitation``.

    >>> from minidl import nn, ones
    >>> nn.SqueezeExcitation(32, 8)(ones(1, 32, 7, 7)).shape
    torch.Size([1, 32, 7, 7])
    """

    def __init__(self, input_channels: int, squeeze_channels: int, activation: Callable[..., Module] = ReLU,
                 scale_activation: Callable[..., Module] = Sigmoid, *, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        self.avgpool = AdaptiveAvgPool2d(1)
        self.fc1 = Conv2d(input_channels, squeeze_channels, 1, bias=bias, device=device, dtype=dtype)
        self.fc2 = Conv2d(squeeze_channels, input_channels, 1, bias=bias, device=device, dtype=dtype)
        self.activation = activation()
        self.scale_activation = scale_activation()

    def forward(self, input: Any) -> Tensor:
        return self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(input))))) * input


def squeezed(name: str, channels: int, reduction: int) -> int:
    """The channels between the two layers of a bottleneck; ValueError unless there is at least one."""
    if reduction <= 0 or channels < reduction:
        raise ValueError(f"{name}: expected 1 <= reduction <= channels ({channels}), got {reduction}")
    return channels // reduction


class SEBlock(SqueezeExcitation):
    """Squeeze and excitation through ``channels // reduction`` channels, as `SqueezeExcitation` with ReLU and sigmoid.

    >>> from minidl import nn
    >>> sum(p.numel() for p in nn.SEBlock(32, reduction=16).parameters())
    162
    """

    def __init__(self, channels: int, reduction: int = 16, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(channels, squeezed("SEBlock", channels, reduction), bias=bias, device=device, dtype=dtype)


class ECA(Module):
    """Efficient channel attention: y = x sigmoid(w * mean(x)), with w a convolution across the channels (Wang et al., 2020).

    The kernel of `kernel_size` (odd) weights, without a bias, sees a channel's neighbours; by default it grows with the channels,
    to the odd number at or above (log2 C + 1) / 2.

    >>> from minidl import nn
    >>> [nn.ECA(c).conv.kernel_size[0] for c in (16, 64, 256, 2048)]
    [3, 3, 5, 7]
    """

    def __init__(self, channels: int, kernel_size: int | None = None, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        if kernel_size is None:
            kernel_size = int((math.log2(channels) + 1) / 2) | 1
        if kernel_size % 2 == 0:
            raise ValueError(f"ECA: kernel_size must be odd, got {kernel_size}")
        self.avgpool = AdaptiveAvgPool2d(1)
        self.conv = Conv1d(1, 1, kernel_size, padding=kernel_size // 2, bias=False, device=device, dtype=dtype)
        self.sigmoid = Sigmoid()

    def forward(self, input: Any) -> Tensor:
        n, c = input.shape[:2]
        return input * self.sigmoid(self.conv(self.avgpool(input).reshape(n, 1, c))).reshape(n, c, 1, 1)


class ChannelAttention(Module):
    """CBAM's factors for the channels: sigmoid(f(mean(x)) + f(max(x))), of shape (N, C, 1, 1) (Woo et al., 2018, eq. 2).

    f, shared by both, is 1x1 convolutions to ``channels // reduction`` and back with ReLU between; mean and maximum are over the image.
    """

    def __init__(self, channels: int, reduction: int = 16, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        hidden = squeezed("ChannelAttention", channels, reduction)
        self.avg_pool = AdaptiveAvgPool2d(1)
        self.max_pool = AdaptiveMaxPool2d(1)
        self.mlp = Sequential(Conv2d(channels, hidden, 1, bias=bias, device=device, dtype=dtype), ReLU(),
                              Conv2d(hidden, channels, 1, bias=bias, device=device, dtype=dtype))
        self.sigmoid = Sigmoid()

    def forward(self, input: Any) -> Tensor:
        return self.sigmoid(self.mlp(self.avg_pool(input)) + self.mlp(self.max_pool(input)))


class SpatialAttention(Module):
    """CBAM's factors for the places: sigmoid(W * [mean(x), max(x)]), of shape (N, 1, H, W) (Woo et al., 2018, eq. 3).

    Mean and maximum are over the channels; W is one convolution, 7x7 by default, that keeps the size.
    """

    def __init__(self, kernel_size: int = 7, bias: bool = False, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f"SpatialAttention: kernel_size must be odd, got {kernel_size}")
        self.conv = Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=bias, device=device, dtype=dtype)
        self.sigmoid = Sigmoid()

    def forward(self, input: Any) -> Tensor:
        return self.sigmoid(self.conv(cat([input.mean(1, keepdim=True), input.max(1, keepdim=True)[0]], 1)))


class CBAM(Module):
    """The convolutional block attention module: channels first, then places; y = c(x) x, z = s(y) y (Woo et al., 2018).

    >>> from minidl import nn, ones
    >>> nn.CBAM(32)(ones(1, 32, 7, 7)).shape
    torch.Size([1, 32, 7, 7])
    """

    def __init__(self, channels: int, reduction: int = 16, kernel_size: int = 7, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        self.ca = ChannelAttention(channels, reduction, bias, device, dtype)
        self.sa = SpatialAttention(kernel_size, device=device, dtype=dtype)

    def forward(self, input: Any) -> Tensor:
        x = self.ca(input) * input
        return self.sa(x) * x
