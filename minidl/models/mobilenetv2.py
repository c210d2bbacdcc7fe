"""MobileNet v2: residuals between narrow ends, with a wide depthwise convolution inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import nn
from ..core.tensor import Tensor
from ..nn import functional as F
from .layers import Conv2dNormActivation, he_fan_out, initialise, make_divisible
from .registry import register_model

__all__ = ["MobileNetV2", "mobilenet_v2"]

# Table 2 of the paper: expansion, channels, number of blocks, stride of the first.
SETTING = [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]]


class InvertedResidual(nn.Module):
    """A 1 x 1 convolution to ``inp * expand_ratio`` channels, a depthwise 3 x 3, a linear 1 x 1 to `oup`; a sum if the shape stays."""

    def __init__(self, inp: int, oup: int, stride: int, expand_ratio: float, norm_layer: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        norm_layer = norm_layer or nn.BatchNorm2d
        unit = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.ReLU6)
        hidden = round(inp * expand_ratio)
        self.stride = stride
        self.use_res_connect = stride == 1 and inp == oup
        self.conv = nn.Sequential(*([] if expand_ratio == 1 else [unit(inp, hidden, kernel_size=1)]),
                                  unit(hidden, hidden, stride=stride, groups=hidden), nn.Conv2d(hidden, oup, 1, bias=False), norm_layer(oup))
        self.out_channels = oup
        self._is_cn = stride > 1

    def forward(self, x: Any) -> Tensor:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """Blocks as `inverted_residual_setting` lists them, all widths times `width_mult`, rounded to multiples of `round_nearest`.

    Sandler, Howard, Zhu, Zhmoginov, Chen: MobileNetV2: inverted residuals and linear bottlenecks, 2018. Shape: (N, 3, H, W) to
    (N, num_classes).
    """

    def __init__(self, num_classes: int = 1000, width_mult: float = 1.0, inverted_residual_setting: Sequence[Sequence[int]] | None = None,
                 round_nearest: int = 8, block: Callable[..., nn.Module] | None = None,
                 norm_layer: Callable[..., nn.Module] | None = None, dropout: float = 0.2) -> None:
        super().__init__()
        setting = SETTING if inverted_residual_setting is None else inverted_residual_setting
        if len(setting) == 0 or len(setting[0]) != 4:
            raise ValueError(f"inverted_residual_setting should be non-empty or a 4-element list, got {setting}")
        block, norm_layer = block or InvertedResidual, norm_layer or nn.BatchNorm2d
        unit = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.ReLU6)
        channels = make_divisible(32 * width_mult, round_nearest)
        self.last_channel = make_divisible(1280 * max(1.0, width_mult), round_nearest)
        features: list[nn.Module] = [unit(3, channels, stride=2)]
        for t, c, n, s in setting:
            width = make_divisible(c * width_mult, round_nearest)
            for i in range(n):
                features.append(block(channels, width, s if i == 0 else 1, expand_ratio=t, norm_layer=norm_layer))
                channels = width
        features.append(unit(channels, self.last_channel, kernel_size=1))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.last_channel, num_classes))
        initialise(self, he_fan_out, partial(nn.init.normal_, std=0.01))

    def forward(self, x: Any) -> Tensor:
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), (1, 1)).flatten(1))


@register_model
def mobilenet_v2(**kwargs: Any) -> MobileNetV2:
    """MobileNet v2."""
    return MobileNetV2(**kwargs)
