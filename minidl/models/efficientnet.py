"""EfficientNet B0 to B7: one network of inverted residuals, scaled in width, depth and image size together; V2 S, M and L, searched for speed."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import nn
from ..core.tensor import Tensor
from .layers import Conv2dNormActivation, SqueezeExcitation, StochasticDepth, he_fan_out, initialise, make_divisible
from .registry import register_model

__all__ = ["EfficientNet", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3",
           "efficientnet_b4", "efficientnet_b5", "efficientnet_b6", "efficientnet_b7",
           "efficientnet_v2_s", "efficientnet_v2_m", "efficientnet_v2_l"]


class MBConvConfig:
    """One row of the paper's table 1: a stage of `num_layers` blocks, scaled by `width_mult` and `depth_mult`."""

    def __init__(self, expand_ratio: float, kernel: int, stride: int, input_channels: int, out_channels: int, num_layers: int,
                 width_mult: float = 1.0, depth_mult: float = 1.0, block: Callable[..., nn.Module] | None = None) -> None:
        self.expand_ratio = expand_ratio
        self.kernel = kernel
        self.stride = stride
        self.input_channels = self.adjust_channels(input_channels, width_mult)
        self.out_channels = self.adjust_channels(out_channels, width_mult)
        self.num_layers = math.ceil(num_layers * depth_mult)
        self.block = block or MBConv

    @staticmethod
    def adjust_channels(channels: int, width_mult: float, min_value: int | None = None) -> int:
        return make_divisible(channels * width_mult, 8, min_value)


class Bottleneck(nn.Module):
    """What `MBConv` and `FusedMBConv` have in common: the sum with the input if the shape stays, behind stochastic depth."""

    def __init__(self, cnf: MBConvConfig, stochastic_depth_prob: float, layers: list[nn.Module]) -> None:
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def forward(self, input: Any) -> Tensor:
        return self.stochastic_depth(self.block(input)) + input if self.use_res_connect else self.block(input)


class MBConv(Bottleneck):
    """1 x 1 convolution to more channels, depthwise convolution, squeeze-and-excitation, linear 1 x 1; a sum if the shape stays."""

    def __init__(self, cnf: MBConvConfig, stochastic_depth_prob: float, norm_layer: Callable[..., nn.Module],
                 se_layer: Callable[..., nn.Module] = SqueezeExcitation) -> None:
        unit = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        width = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        super().__init__(cnf, stochastic_depth_prob, [
            *([] if width == cnf.input_channels else [unit(cnf.input_channels, width, kernel_size=1)]),
            unit(width, width, cnf.kernel, cnf.stride, groups=width),
            se_layer(width, max(1, cnf.input_channels // 4), activation=partial(nn.SiLU, inplace=True)),
            unit(width, cnf.out_channels, kernel_size=1, activation_layer=None)])


class FusedMBConvConfig(MBConvConfig):
    """A stage of `FusedMBConv` blocks."""

    def __init__(self, expand_ratio: float, kernel: int, stride: int, input_channels: int, out_channels: int, num_layers: int,
                 block: Callable[..., nn.Module] | None = None) -> None:
        super().__init__(expand_ratio, kernel, stride, input_channels, out_channels, num_layers, block=block or FusedMBConv)


class FusedMBConv(Bottleneck):
    """An `MBConv` whose first two convolutions are one, full, and without squeeze-and-excitation; that one alone if it expands nothing."""

    def __init__(self, cnf: FusedMBConvConfig, stochastic_depth_prob: float, norm_layer: Callable[..., nn.Module]) -> None:
        unit = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        width = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        super().__init__(cnf, stochastic_depth_prob, [unit(cnf.input_channels, cnf.out_channels, cnf.kernel, cnf.stride)] if width == cnf.input_channels else [
            unit(cnf.input_channels, width, cnf.kernel, cnf.stride), unit(width, cnf.out_channels, kernel_size=1, activation_layer=None)])


class EfficientNet(nn.Module):
    """Stages as `inverted_residual_setting` lists them; stochastic depth grows linearly from 0 to almost `stochastic_depth_prob`.

    Tan, Le: EfficientNet: rethinking model scaling for convolutional neural networks, 2019; EfficientNetV2: smaller models and faster
    training, 2021. Shape: (N, 3, H, W) to (N, num_classes).
    """

    def __init__(self, inverted_residual_setting: Sequence[MBConvConfig], dropout: float, stochastic_depth_prob: float = 0.2,
                 num_classes: int = 1000, norm_layer: Callable[..., nn.Module] | None = None, last_channel: int | None = None) -> None:
        super().__init__()
        if not inverted_residual_setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not all(isinstance(s, MBConvConfig) for s in inverted_residual_setting):
            raise TypeError("The inverted_residual_setting should be List[MBConvConfig]")
        norm_layer = norm_layer or nn.BatchNorm2d
        unit = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        layers: list[nn.Module] = [unit(3, inverted_residual_setting[0].input_channels, stride=2)]
        total, index = sum(cnf.num_layers for cnf in inverted_residual_setting), 0
        for stage in inverted_residual_setting:
            blocks, cnf = [], copy.copy(stage)
            for _ in range(stage.num_layers):
                blocks.append(stage.block(cnf, stochastic_depth_prob * index / total, norm_layer))
                cnf.input_channels, cnf.stride = cnf.out_channels, 1
                index += 1
            layers.append(nn.Sequential(*blocks))
        last = inverted_residual_setting[-1].out_channels
        channels = 4 * last if last_channel is None else last_channel
        layers.append(unit(last, channels, kernel_size=1))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(dropout, inplace=True), nn.Linear(channels, num_classes))
        initialise(self, he_fan_out, lambda w: nn.init.uniform_(w, -1 / math.sqrt(w.shape[0]), 1 / math.sqrt(w.shape[0])))

    def forward(self, x: Any) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def _efficientnet(width_mult: float, depth_mult: float, **kwargs: Any) -> EfficientNet:
    row = partial(MBConvConfig, width_mult=width_mult, depth_mult=depth_mult)
    return EfficientNet([row(1, 3, 1, 32, 16, 1), row(6, 3, 2, 16, 24, 2), row(6, 5, 2, 24, 40, 2), row(6, 3, 2, 40, 80, 3),
                         row(6, 5, 1, 80, 112, 3), row(6, 5, 2, 112, 192, 4), row(6, 3, 1, 192, 320, 1)],
                        **kwargs)


# B5 to B7 were trained with TensorFlow's settings of batch normalisation, and torchvision keeps them.
_tf_norm = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)


@register_model
def efficientnet_b0(**kwargs: Any) -> EfficientNet:
    """EfficientNet B0, for 224 x 224 images."""
    return _efficientnet(1.0, 1.0, **{"dropout": 0.2, **kwargs})


@register_model
def efficientnet_b1(**kwargs: Any) -> EfficientNet:
    """EfficientNet B1, for 240 x 240 images."""
    return _efficientnet(1.0, 1.1, **{"dropout": 0.2, **kwargs})


@register_model
def efficientnet_b2(**kwargs: Any) -> EfficientNet:
    """EfficientNet B2, for 288 x 288 images (the paper's 260)."""
    return _efficientnet(1.1, 1.2, **{"dropout": 0.3, **kwargs})


@register_model
def efficientnet_b3(**kwargs: Any) -> EfficientNet:
    """EfficientNet B3, for 300 x 300 images."""
    return _efficientnet(1.2, 1.4, **{"dropout": 0.3, **kwargs})


@register_model
def efficientnet_b4(**kwargs: Any) -> EfficientNet:
    """EfficientNet B4, for 380 x 380 images."""
    return _efficientnet(1.4, 1.8, **{"dropout": 0.4, **kwargs})


@register_model
def efficientnet_b5(**kwargs: Any) -> EfficientNet:
    """EfficientNet B5, for 456 x 456 images."""
    return _efficientnet(1.6, 2.2, **{"dropout": 0.4, "norm_layer": _tf_norm, **kwargs})


@register_model
def efficientnet_b6(**kwargs: Any) -> EfficientNet:
    """EfficientNet B6, for 528 x 528 images."""
    return _efficientnet(1.8, 2.6, **{"dropout": 0.5, "norm_layer": _tf_norm, **kwargs})


@register_model
def efficientnet_b7(**kwargs: Any) -> EfficientNet:
    """EfficientNet B7, for 600 x 600 images."""
    return _efficientnet(2.0, 3.1, **{"dropout": 0.5, "norm_layer": _tf_norm, **kwargs})


# V2's norm; its last stages are followed by 1280 channels.
_v2 = {"norm_layer": partial(nn.BatchNorm2d, eps=0.001), "last_channel": 1280}


@register_model
def efficientnet_v2_s(**kwargs: Any) -> EfficientNet:
    """EfficientNet V2 S, for 384 x 384 images."""
    return EfficientNet([FusedMBConvConfig(1, 3, 1, 24, 24, 2), FusedMBConvConfig(4, 3, 2, 24, 48, 4), FusedMBConvConfig(4, 3, 2, 48, 64, 4),
                         MBConvConfig(4, 3, 2, 64, 128, 6), MBConvConfig(6, 3, 1, 128, 160, 9), MBConvConfig(6, 3, 2, 160, 256, 15)],
                        **{"dropout": 0.2, **_v2, **kwargs})


@register_model
def efficientnet_v2_m(**kwargs: Any) -> EfficientNet:
    """EfficientNet V2 M, for 480 x 480 images."""
    return EfficientNet([FusedMBConvConfig(1, 3, 1, 24, 24, 3), FusedMBConvConfig(4, 3, 2, 24, 48, 5), FusedMBConvConfig(4, 3, 2, 48, 80, 5),
                         MBConvConfig(4, 3, 2, 80, 160, 7), MBConvConfig(6, 3, 1, 160, 176, 14), MBConvConfig(6, 3, 2, 176, 304, 18),
                         MBConvConfig(6, 3, 1, 304, 512, 5)],
                        **{"dropout": 0.3, **_v2, **kwargs})


@register_model
def efficientnet_v2_l(**kwargs: Any) -> EfficientNet:
    """EfficientNet V2 L, for 480 x 480 images."""
    return EfficientNet([FusedMBConvConfig(1, 3, 1, 32, 32, 4), FusedMBConvConfig(4, 3, 2, 32, 64, 7), FusedMBConvConfig(4, 3, 2, 64, 96, 7),
                         MBConvConfig(4, 3, 2, 96, 192, 10), MBConvConfig(6, 3, 1, 192, 224, 19), MBConvConfig(6, 3, 2, 224, 384, 25),
                         MBConvConfig(6, 3, 1, 384, 640, 7)],
                        **{"dropout": 0.4, **_v2, **kwargs})
