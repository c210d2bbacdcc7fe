"""VGG: stacks of 3 x 3 convolutions between halvings, with and without batch normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from .. import nn
from ..core.tensor import Tensor
from .layers import he_fan_out, initialise
from .registry import register_model

__all__ = ["VGG", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"]

# Columns A, B, D and E of the paper's table 1: channels of the convolutions; M is a pooling by 2.
cfgs: dict[str, list[int | str]] = {
    "A": [64, "M", 128, "M", *[256] * 2, "M", *[512] * 2, "M", *[512] * 2, "M"],
    "B": [*[64] * 2, "M", *[128] * 2, "M", *[256] * 2, "M", *[512] * 2, "M", *[512] * 2, "M"],
    "D": [*[64] * 2, "M", *[128] * 2, "M", *[256] * 3, "M", *[512] * 3, "M", *[512] * 3, "M"],
    "E": [*[64] * 2, "M", *[128] * 2, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"],
}


class VGG(nn.Module):
    """`features` (of 512 channels), pooling to 7 x 7, and three linear layers.

    Simonyan, Zisserman: Very deep convolutional networks for large-scale image recognition, 2015. Shape: (N, 3, H, W), 224 x 224 in
    training and at least 32 x 32, to (N, num_classes).
    """

    def __init__(self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096), nn.ReLU(True), nn.Dropout(dropout),
            nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(dropout), nn.Linear(4096, num_classes))
        if init_weights:
            initialise(self, he_fan_out, partial(nn.init.normal_, std=0.01))

    def forward(self, x: Any) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def make_layers(cfg: Sequence[int | str], batch_norm: bool = False) -> nn.Sequential:
    """The convolutional part for a list of channels and ``"M"``, as those in `cfgs`."""
    layers: list[nn.Module] = []
    channels = 3
    for v in cfg:
        if isinstance(v, str):
            layers.append(nn.MaxPool2d(2, 2))
        else:
            layers += [nn.Conv2d(channels, v, 3, padding=1), *([nn.BatchNorm2d(v)] if batch_norm else []), nn.ReLU(inplace=True)]
            channels = v
    return nn.Sequential(*layers)


@register_model
def vgg11(**kwargs: Any) -> VGG:
    """VGG-11, column A."""
    return VGG(make_layers(cfgs["A"]), **kwargs)


@register_model
def vgg11_bn(**kwargs: Any) -> VGG:
    """VGG-11 with batch normalisation."""
    return VGG(make_layers(cfgs["A"], batch_norm=True), **kwargs)


@register_model
def vgg13(**kwargs: Any) -> VGG:
    """VGG-13, column B."""
    return VGG(make_layers(cfgs["B"]), **kwargs)


@register_model
def vgg13_bn(**kwargs: Any) -> VGG:
    """VGG-13 with batch normalisation."""
    return VGG(make_layers(cfgs["B"], batch_norm=True), **kwargs)


@register_model
def vgg16(**kwargs: Any) -> VGG:
    """VGG-16, column D."""
    return VGG(make_layers(cfgs["D"]), **kwargs)


@register_model
def vgg16_bn(**kwargs: Any) -> VGG:
    """VGG-16 with batch normalisation."""
    return VGG(make_layers(cfgs["D"], batch_norm=True), **kwargs)


@register_model
def vgg19(**kwargs: Any) -> VGG:
    """VGG-19, column E."""
    return VGG(make_layers(cfgs["E"]), **kwargs)


@register_model
def vgg19_bn(**kwargs: Any) -> VGG:
    """VGG-19 with batch normalisation."""
    return VGG(make_layers(cfgs["E"], batch_norm=True), **kwargs)
