"""DenseNet: every layer of a block sees the outputs of all before it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from .. import nn
from ..core.tensor import Tensor
from ..nn import functional as F
from ..ops.join import cat
from .layers import initialise
from .registry import register_model

__all__ = ["DenseNet", "densenet121", "densenet161", "densenet169", "densenet201"]


class _DenseLayer(nn.Module):
    """`growth_rate` new channels from a list of features, by a 1 x 1 and a 3 x 3 convolution."""

    def __init__(self, num_input_features: int, growth_rate: int, bn_size: int, drop_rate: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, bn_size * growth_rate, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(bn_size * growth_rate)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(bn_size * growth_rate, growth_rate, 3, padding=1, bias=False)
        self.drop_rate = float(drop_rate)

    def forward(self, features: list[Tensor]) -> Tensor:
        y = self.conv1(self.relu1(self.norm1(cat(features, 1))))
        y = self.conv2(self.relu2(self.norm2(y)))
        return F.dropout(y, self.drop_rate, self.training) if self.drop_rate > 0 else y

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        for key in [key for key in state_dict if key.startswith(prefix)]:  # torchvision's files still have norm.1.weight for norm1.weight
            kind, _, number = key.removeprefix(prefix).partition(".")
            if kind in ("norm", "conv") and number[:2] in ("1.", "2."):
                state_dict[prefix + kind + number] = state_dict.pop(key)
        super()._load_from_state_dict(state_dict, prefix, *args)


class _DenseBlock(nn.ModuleDict):
    def __init__(self, num_layers: int, num_input_features: int, bn_size: int, growth_rate: int, drop_rate: float) -> None:
        super().__init__()
        for i in range(num_layers):
            self[f"denselayer{i + 1}"] = _DenseLayer(num_input_features + i * growth_rate, growth_rate, bn_size, drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.values():
            features.append(layer(features))
        return cat(features, 1)


class _Transition(nn.Sequential):
    def __init__(self, num_input_features: int, num_output_features: int) -> None:
        super().__init__(OrderedDict(norm=nn.BatchNorm2d(num_input_features), relu=nn.ReLU(inplace=True),
                                     conv=nn.Conv2d(num_input_features, num_output_features, 1, bias=False), pool=nn.AvgPool2d(2, 2)))


class DenseNet(nn.Module):
    """DenseNet-BC: blocks of `block_config` layers, each adding `growth_rate` channels, between transitions that halve size and channels.

    Huang, Liu, van der Maaten, Weinberger: Densely connected convolutional networks, 2017. A layer's 1 x 1 convolution has
    ``bn_size * growth_rate`` channels; `drop_rate` is for each layer's output. `memory_efficient` is taken for torchvision's sake: it has
    no effect here. Shape: (N, 3, H, W), at least 29 x 29, to (N, num_classes).
    """

    def __init__(self, growth_rate: int = 32, block_config: Sequence[int] = (6, 12, 24, 16), num_init_features: int = 64, bn_size: int = 4,
                 drop_rate: float = 0, num_classes: int = 1000, memory_efficient: bool = False) -> None:
        super().__init__()
        self.features = nn.Sequential(OrderedDict(
            conv0=nn.Conv2d(3, num_init_features, 7, 2, 3, bias=False), norm0=nn.BatchNorm2d(num_init_features),
            relu0=nn.ReLU(inplace=True), pool0=nn.MaxPool2d(3, 2, 1)))
        channels = num_init_features
        for i, layers in enumerate(block_config):
            if i > 0:
                self.features.add_module(f"transition{i}", _Transition(channels, channels // 2))
                channels //= 2
            self.features.add_module(f"denseblock{i + 1}", _DenseBlock(layers, channels, bn_size, growth_rate, drop_rate))
            channels += layers * growth_rate
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, num_classes)
        initialise(self, nn.init.kaiming_normal_, lambda w: w)

    def forward(self, x: Any) -> Tensor:
        return self.classifier(F.adaptive_avg_pool2d(F.relu(self.features(x), inplace=True), (1, 1)).flatten(1))


@register_model
def densenet121(**kwargs: Any) -> DenseNet:
    """DenseNet-121."""
    return DenseNet(32, (6, 12, 24, 16), 64, **kwargs)


@register_model
def densenet161(**kwargs: Any) -> DenseNet:
    """DenseNet-161."""
    return DenseNet(48, (6, 12, 36, 24), 96, **kwargs)


@register_model
def densenet169(**kwargs: Any) -> DenseNet:
    """DenseNet-169."""
    return DenseNet(32, (6, 12, 32, 32), 64, **kwargs)


@register_model
def densenet201(**kwargs: Any) -> DenseNet:
    """DenseNet-201."""
    return DenseNet(32, (6, 12, 48, 32), 64, **kwargs)
