"""AlexNet: torchvision's, which is that of the "one weird trick" paper, and the original with local response normalisation."""

from __future__ import annotations

from typing import Any

from .. import nn
from ..core.tensor import Tensor
from .registry import register_model

__all__ = ["AlexNet", "AlexNetLRN", "alexnet", "alexnet_lrn"]


class AlexNet(nn.Module):
    """Five convolutions and three linear layers (Krizhevsky: One weird trick for parallelizing convolutional neural networks, 2014).

    Shape: (N, 3, H, W), 224 x 224 in training and at least 63 x 63, to (N, num_classes).
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2))
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(inplace=True),
            nn.Dropout(dropout), nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Linear(4096, num_classes))

    def forward(self, x: Any) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class AlexNetLRN(nn.Module):
    """The network that won in 2012: local response normalisation after the first two convolutions, three convolutions in two groups.

    Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional neural networks, 2012: b = a / (2 + 1e-4 sum a^2)^0.75
    over 5 channels (`LocalResponseNorm` divides its alpha by 5); weights are drawn from N(0, 0.01^2), biases are 1 where the paper makes
    them so, else 0. Shape: (N, 3, 227, 227), the size that gives the paper's 55 x 55 after the first layer, to (N, num_classes).
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 11, 4), nn.ReLU(inplace=True), nn.LocalResponseNorm(5, 5e-4, 0.75, 2.0), nn.MaxPool2d(3, 2),
            nn.Conv2d(96, 256, 5, 1, 2, groups=2), nn.ReLU(inplace=True), nn.LocalResponseNorm(5, 5e-4, 0.75, 2.0), nn.MaxPool2d(3, 2),
            nn.Conv2d(256, 384, 3, 1, 1), nn.ReLU(inplace=True),
            nn.Conv2d(384, 384, 3, 1, 1, groups=2), nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, 1, 1, groups=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2))
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Linear(256 * 6 * 6, 4096), nn.ReLU(inplace=True), nn.Dropout(dropout),
            nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Linear(4096, num_classes))
        layers = [m for m in self.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
        for i, m in enumerate(layers):
            nn.init.normal_(m.weight, 0, 0.01)
            nn.init.constant_(m.bias, 1.0 if i in (1, 3, 4, 5, 6) else 0.0)

    forward = AlexNet.forward


@register_model
def alexnet(**kwargs: Any) -> AlexNet:
    """AlexNet of 2014, without normalisation."""
    return AlexNet(**kwargs)


@register_model
def alexnet_lrn(**kwargs: Any) -> AlexNetLRN:
    """AlexNet of 2012, with local response normalisation."""
    return AlexNetLRN(**kwargs)
