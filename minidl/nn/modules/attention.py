"""Attention over channels."""

from __future__ import annotations

from typing import Any

from ...core.tensor import Tensor
from .activation import ReLU, Sigmoid
from .conv import Conv2d
from .module import Module
from .pooling import AdaptiveAvgPool2d

__all__ = ["SEBlock"]


class SEBlock(Module):
    """Squeeze and excitation: y = x sigmoid(W2 relu(W1 mean(x))), one factor for each channel (Hu et al., 2018).

    The mean is over the image; W1, to ``channels // reduction`` channels, and W2, back, are 1x1 convolutions.
    (N, C, H, W) to the same.

    >>> from minidl import nn, ones
    >>> nn.SEBlock(32)(ones(1, 32, 7, 7)).shape
    torch.Size([1, 32, 7, 7])
    """

    def __init__(self, channels: int, reduction: int = 16, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        if reduction <= 0 or channels < reduction:
            raise ValueError(f"SEBlock: expected 1 <= reduction <= channels ({channels}), got {reduction}")
        hidden = channels // reduction
        self.avgpool = AdaptiveAvgPool2d(1)
        self.fc1 = Conv2d(channels, hidden, 1, bias=bias, device=device, dtype=dtype)
        self.activation = ReLU()
        self.fc2 = Conv2d(hidden, channels, 1, bias=bias, device=device, dtype=dtype)
        self.scale_activation = Sigmoid()

    def forward(self, input: Any) -> Tensor:
        return input * self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(input)))))
