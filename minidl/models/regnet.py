"""RegNet: networks whose widths follow a straight line over the blocks, found by narrowing down a space of networks."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from .. import nn
from ..core.tensor import Tensor
from .layers import Conv2dNormActivation, SqueezeExcitation, make_divisible
from .registry import register_model

__all__ = ["RegNet", "regnet_x_400mf", "regnet_x_800mf", "regnet_x_1_6gf", "regnet_x_3_2gf", "regnet_x_8gf", "regnet_x_16gf", "regnet_x_32gf",
           "regnet_y_400mf", "regnet_y_800mf", "regnet_y_1_6gf", "regnet_y_3_2gf", "regnet_y_8gf", "regnet_y_16gf", "regnet_y_32gf",
           "regnet_y_128gf"]

Layer = Callable[..., nn.Module]


class SimpleStemIN(Conv2dNormActivation):
    """A 3 x 3 convolution that halves the size."""

    def __init__(self, width_in: int, width_out: int, norm_layer: Layer, activation_layer: Layer) -> None:
        super().__init__(width_in, width_out, stride=2, norm_layer=norm_layer, activation_layer=activation_layer)


class BottleneckTransform(nn.Sequential):
    """A 1 x 1 convolution, a 3 x 3 in groups of `group_width` channels, squeeze-and-excitation if there is an `se_ratio`, a linear 1 x 1."""

    def __init__(self, width_in: int, width_out: int, stride: int, norm_layer: Layer, activation_layer: Layer, group_width: int,
                 bottleneck_multiplier: float, se_ratio: float | None) -> None:
        width = round(width_out * bottleneck_multiplier)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["a"] = Conv2dNormActivation(width_in, width, 1, norm_layer=norm_layer, activation_layer=activation_layer)
        layers["b"] = Conv2dNormActivation(width, width, 3, stride, groups=width // group_width, norm_layer=norm_layer,
                                           activation_layer=activation_layer)
        if se_ratio:  # of the channels that enter the block, not of those that are squeezed
            layers["se"] = SqueezeExcitation(width, round(se_ratio * width_in), activation_layer)
        layers["c"] = Conv2dNormActivation(width, width_out, 1, norm_layer=norm_layer, activation_layer=None)
        super().__init__(layers)


class ResBottleneckBlock(nn.Module):
    """y = activation(x + f(x)), with x through a 1 x 1 convolution where the shapes differ."""

    def __init__(self, width_in: int, width_out: int, stride: int, norm_layer: Layer, activation_layer: Layer, group_width: int = 1,
                 bottleneck_multiplier: float = 1.0, se_ratio: float | None = None) -> None:
        super().__init__()
        self.proj = None
        if width_in != width_out or stride != 1:
            self.proj = Conv2dNormActivation(width_in, width_out, 1, stride, norm_layer=norm_layer, activation_layer=None)
        self.f = BottleneckTransform(width_in, width_out, stride, norm_layer, activation_layer, group_width, bottleneck_multiplier, se_ratio)
        self.activation = activation_layer(inplace=True)

    def forward(self, x: Any) -> Tensor:
        return self.activation((x if self.proj is None else self.proj(x)) + self.f(x))


class AnyStage(nn.Sequential):
    """`depth` blocks of one width, of which the first has the stride."""

    def __init__(self, width_in: int, width_out: int, stride: int, depth: int, block_constructor: Layer, norm_layer: Layer,
                 activation_layer: Layer, group_width: int, bottleneck_multiplier: float, se_ratio: float | None = None,
                 stage_index: int = 0) -> None:
        super().__init__(OrderedDict(
            (f"block{stage_index}-{i}", block_constructor(width_out if i else width_in, width_out, 1 if i else stride, norm_layer,
                                                          activation_layer, group_width, bottleneck_multiplier, se_ratio))
            for i in range(depth)))


class BlockParams:
    """For each stage, its number of blocks, width, width of a group, factor of the width within a block, and stride."""

    def __init__(self, depths: Sequence[int], widths: Sequence[int], group_widths: Sequence[int], bottleneck_multipliers: Sequence[float],
                 strides: Sequence[int], se_ratio: float | None = None) -> None:
        self.depths = depths
        self.widths = widths
        self.group_widths = group_widths
        self.bottleneck_multipliers = bottleneck_multipliers
        self.strides = strides
        self.se_ratio = se_ratio

    @classmethod
    def from_init_params(cls, depth: int, w_0: int, w_a: float, w_m: float, group_width: int, bottleneck_multiplier: float = 1.0,
                         se_ratio: float | None = None) -> BlockParams:
        """The stages of the paper's equations 2 to 4: block j has width w_0 + w_a j, brought to the nearest w_0 w_m^s, s whole.

        Blocks of equal width are a stage. Its width, a multiple of 8, becomes one of `group_width` too.

        >>> params = BlockParams.from_init_params(depth=16, w_0=48, w_a=27.89, w_m=2.09, group_width=8)
        >>> params.widths, params.depths
        ([48, 104, 208, 440], [1, 3, 6, 6])
        """
        if w_a < 0 or w_0 <= 0 or w_m <= 1 or w_0 % 8:
            raise ValueError(f"Invalid RegNet settings: expected w_a >= 0, w_m > 1 and w_0 a positive multiple of 8, got {w_a}, {w_m}, {w_0}")
        steps = (round(math.log(1 + w_a * j / w_0, w_m)) for j in range(depth))
        stages = [(width, len(list(blocks))) for width, blocks in groupby(round(w_0 * w_m ** s / 8) * 8 for s in steps)]
        inner = [int(width * bottleneck_multiplier) for width, _ in stages]
        groups = [min(group_width, width) for width in inner]
        widths = [int(make_divisible(width, group) / bottleneck_multiplier) for width, group in zip(inner, groups)]
        return cls([n for _, n in stages], widths, groups, [bottleneck_multiplier] * len(stages), [2] * len(stages), se_ratio)


class RegNet(nn.Module):
    """A stem, the stages of `block_params`, the mean, and a linear layer.

    Radosavovic, Kosaraju, Girshick, He, Dollar: Designing network design spaces, 2020: x without, y with squeeze-and-excitation; names
    give the multiply-adds of a 224 x 224 image. Shape: (N, 3, H, W) to (N, num_classes).
    """

    def __init__(self, block_params: BlockParams, num_classes: int = 1000, stem_width: int = 32, stem_type: Layer | None = None,
                 block_type: Layer | None = None, norm_layer: Layer | None = None, activation: Layer | None = None) -> None:
        super().__init__()
        norm_layer, activation = norm_layer or nn.BatchNorm2d, activation or nn.ReLU
        self.stem = (stem_type or SimpleStemIN)(3, stem_width, norm_layer, activation)
        stages: OrderedDict[str, nn.Module] = OrderedDict()
        p, width_in = block_params, stem_width
        for i, (width, stride, depth, group, multiplier) in enumerate(
                zip(p.widths, p.strides, p.depths, p.group_widths, p.bottleneck_multipliers), 1):
            stages[f"block{i}"] = AnyStage(width_in, width, stride, depth, block_type or ResBottleneckBlock, norm_layer, activation, group,
                                           multiplier, p.se_ratio, i)
            width_in = width
        self.trunk_output = nn.Sequential(stages)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(width_in, num_classes)
        # The fan-out is counted as if there were no groups; biases (of squeeze-and-excitation) stay as they are.
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.normal_(m.weight, std=math.sqrt(2 / (m.kernel_size[0] * m.kernel_size[1] * m.out_channels)))
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=0.01)
                nn.init.zeros_(m.bias)

    def forward(self, x: Any) -> Tensor:
        return self.fc(self.avgpool(self.trunk_output(self.stem(x))).flatten(1))


def _regnet_x(depth: int, w_0: int, w_a: float, w_m: float, group_width: int, **kwargs: Any) -> RegNet:
    return RegNet(BlockParams.from_init_params(depth, w_0, w_a, w_m, group_width), **kwargs)


def _regnet_y(depth: int, w_0: int, w_a: float, w_m: float, group_width: int, **kwargs: Any) -> RegNet:
    return RegNet(BlockParams.from_init_params(depth, w_0, w_a, w_m, group_width, se_ratio=0.25), **kwargs)


@register_model
def regnet_x_400mf(**kwargs: Any) -> RegNet:
    """RegNetX of about 400 million multiply-adds."""
    return _regnet_x(22, 24, 24.48, 2.54, 16, **kwargs)


@register_model
def regnet_x_800mf(**kwargs: Any) -> RegNet:
    """RegNetX of about 800 million multiply-adds."""
    return _regnet_x(16, 56, 35.73, 2.28, 16, **kwargs)


@register_model
def regnet_x_1_6gf(**kwargs: Any) -> RegNet:
    """RegNetX of about 1.6 thousand million multiply-adds."""
    return _regnet_x(18, 80, 34.01, 2.25, 24, **kwargs)


@register_model
def regnet_x_3_2gf(**kwargs: Any) -> RegNet:
    """RegNetX of about 3.2 thousand million multiply-adds."""
    return _regnet_x(25, 88, 26.31, 2.25, 48, **kwargs)


@register_model
def regnet_x_8gf(**kwargs: Any) -> RegNet:
    """RegNetX of about 8 thousand million multiply-adds."""
    return _regnet_x(23, 80, 49.56, 2.88, 120, **kwargs)


@register_model
def regnet_x_16gf(**kwargs: Any) -> RegNet:
    """RegNetX of about 16 thousand million multiply-adds."""
    return _regnet_x(22, 216, 55.59, 2.1, 128, **kwargs)


@register_model
def regnet_x_32gf(**kwargs: Any) -> RegNet:
    """RegNetX of about 32 thousand million multiply-adds."""
    return _regnet_x(23, 320, 69.86, 2.0, 168, **kwargs)


@register_model
def regnet_y_400mf(**kwargs: Any) -> RegNet:
    """RegNetY of about 400 million multiply-adds."""
    return _regnet_y(16, 48, 27.89, 2.09, 8, **kwargs)


@register_model
def regnet_y_800mf(**kwargs: Any) -> RegNet:
    """RegNetY of about 800 million multiply-adds."""
    return _regnet_y(14, 56, 38.84, 2.4, 16, **kwargs)


@register_model
def regnet_y_1_6gf(**kwargs: Any) -> RegNet:
    """RegNetY of about 1.6 thousand million multiply-adds."""
    return _regnet_y(27, 48, 20.71, 2.65, 24, **kwargs)


@register_model
def regnet_y_3_2gf(**kwargs: Any) -> RegNet:
    """RegNetY of about 3.2 thousand million multiply-adds."""
    return _regnet_y(21, 80, 42.63, 2.66, 24, **kwargs)


@register_model
def regnet_y_8gf(**kwargs: Any) -> RegNet:
    """RegNetY of about 8 thousand million multiply-adds."""
    return _regnet_y(17, 192, 76.82, 2.19, 56, **kwargs)


@register_model
def regnet_y_16gf(**kwargs: Any) -> RegNet:
    """RegNetY of about 16 thousand million multiply-adds."""
    return _regnet_y(18, 200, 106.23, 2.48, 112, **kwargs)


@register_model
def regnet_y_32gf(**kwargs: Any) -> RegNet:
    """RegNetY of about 32 thousand million multiply-adds."""
    return _regnet_y(20, 232, 115.89, 2.53, 232, **kwargs)


@register_model
def regnet_y_128gf(**kwargs: Any) -> RegNet:
    """RegNetY of about 128 thousand million multiply-adds."""
    return _regnet_y(27, 456, 160.83, 2.52, 264, **kwargs)
