"""MobileNet v3: the inverted residuals of v2 with squeeze-and-excitation and hard swish, in an order found by search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import nn
from ..core.tensor import Tensor
from .layers import Conv2dNormActivation, SqueezeExcitation, he_fan_out, initialise, make_divisible
from .registry import register_model

__all__ = ["MobileNetV3", "mobilenet_v3_large", "mobilenet_v3_small"]

_se_layer = partial(SqueezeExcitation, scale_activation=nn.Hardsigmoid)


class InvertedResidualConfig:
    """One row of the paper's tables 1 and 2; widths are multiplied by `width_mult` and rounded to multiples of 8."""

    def __init__(self, input_channels: int, kernel: int, expanded_channels: int, out_channels: int, use_se: bool, activation: str,
                 stride: int, dilation: int, width_mult: float) -> None:
        self.input_channels = self.adjust_channels(input_channels, width_mult)
        self.kernel = kernel
        self.expanded_channels = self.adjust_channels(expanded_channels, width_mult)
        self.out_channels = self.adjust_channels(out_channels, width_mult)
        self.use_se = use_se
        self.use_hs = activation == "HS"
        self.stride = stride
        self.dilation = dilation

    @staticmethod
    def adjust_channels(channels: int, width_mult: float) -> int:
        return make_divisible(channels * width_mult, 8)


class InvertedResidual(nn.Module):
    """1 x 1 convolution to the expanded channels, depthwise convolution, squeeze-and-excitation, linear 1 x 1; a sum if the shape stays."""

    def __init__(self, cnf: InvertedResidualConfig, norm_layer: Callable[..., nn.Module],
                 se_layer: Callable[..., nn.Module] = _se_layer) -> None:
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        unit = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.Hardswish if cnf.use_hs else nn.ReLU)
        width = cnf.expanded_channels
        layers: list[nn.Module] = [] if width == cnf.input_channels else [unit(cnf.input_channels, width, kernel_size=1)]
        layers.append(unit(width, width, cnf.kernel, 1 if cnf.dilation > 1 else cnf.stride, groups=width, dilation=cnf.dilation))
        if cnf.use_se:
            layers.append(se_layer(width, make_divisible(width // 4, 8)))
        layers.append(unit(width, cnf.out_channels, kernel_size=1, activation_layer=None))
        self.block = nn.Sequential(*layers)
        self.out_channels = cnf.out_channels
        self._is_cn = cnf.stride > 1

    def forward(self, input: Any) -> Tensor:
        return self.block(input) + input if self.use_res_connect else self.block(input)


class MobileNetV3(nn.Module):
    """Blocks as `inverted_residual_setting` lists them, and a classifier with `last_channel` hidden units.

    Howard et al.: Searching for MobileNetV3, 2019. Shape: (N, 3, H, W) to (N, num_classes).
    """

    def __init__(self, inverted_residual_setting: Sequence[InvertedResidualConfig], last_channel: int, num_classes: int = 1000,
                 block: Callable[..., nn.Module] | None = None, norm_layer: Callable[..., nn.Module] | None = None,
                 dropout: float = 0.2) -> None:
        super().__init__()
        if not inverted_residual_setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not all(isinstance(s, InvertedResidualConfig) for s in inverted_residual_setting):
            raise TypeError("The inverted_residual_setting should be List[InvertedResidualConfig]")
        block, norm_layer = block or InvertedResidual, norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
        unit = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.Hardswish)
        last = inverted_residual_setting[-1].out_channels
        self.features = nn.Sequential(unit(3, inverted_residual_setting[0].input_channels, stride=2),
                                      *(block(cnf, norm_layer) for cnf in inverted_residual_setting), unit(last, 6 * last, kernel_size=1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Linear(6 * last, last_channel), nn.Hardswish(inplace=True), nn.Dropout(dropout, inplace=True),
                                        nn.Linear(last_channel, num_classes))
        initialise(self, he_fan_out, partial(nn.init.normal_, std=0.01))

    def forward(self, x: Any) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def _mobilenet_v3_conf(arch: str, width_mult: float = 1.0, reduced_tail: bool = False,
                       dilated: bool = False) -> tuple[list[InvertedResidualConfig], int]:
    """The rows and `last_channel`; `reduced_tail` halves the last widths, `dilated` dilates the last stage instead of halving its size."""
    row, half, dilation = partial(InvertedResidualConfig, width_mult=width_mult), 2 if reduced_tail else 1, 2 if dilated else 1
    if arch == "mobilenet_v3_large":
        tail = row(160 // half, 5, 960 // half, 160 // half, True, "HS", 1, dilation)
        rows = [row(16, 3, 16, 16, False, "RE", 1, 1), row(16, 3, 64, 24, False, "RE", 2, 1), row(24, 3, 72, 24, False, "RE", 1, 1),
                row(24, 5, 72, 40, True, "RE", 2, 1), row(40, 5, 120, 40, True, "RE", 1, 1), row(40, 5, 120, 40, True, "RE", 1, 1),
                row(40, 3, 240, 80, False, "HS", 2, 1), row(80, 3, 200, 80, False, "HS", 1, 1), row(80, 3, 184, 80, False, "HS", 1, 1),
                row(80, 3, 184, 80, False, "HS", 1, 1), row(80, 3, 480, 112, True, "HS", 1, 1), row(112, 3, 672, 112, True, "HS", 1, 1),
                row(112, 5, 672, 160 // half, True, "HS", 2, dilation), tail, tail]
    elif arch == "mobilenet_v3_small":
        tail = row(96 // half, 5, 576 // half, 96 // half, True, "HS", 1, dilation)
        rows = [row(16, 3, 16, 16, True, "RE", 2, 1), row(16, 3, 72, 24, False, "RE", 2, 1), row(24, 3, 88, 24, False, "RE", 1, 1),
                row(24, 5, 96, 40, True, "HS", 2, 1), row(40, 5, 240, 40, True, "HS", 1, 1), row(40, 5, 240, 40, True, "HS", 1, 1),
                row(40, 5, 120, 48, True, "HS", 1, 1), row(48, 5, 144, 48, True, "HS", 1, 1),
                row(48, 5, 288, 96 // half, True, "HS", 2, dilation), tail, tail]
    else:
        raise ValueError(f"Unsupported model type {arch}")
    return rows, InvertedResidualConfig.adjust_channels((1280 if arch == "mobilenet_v3_large" else 1024) // half, width_mult)


def _mobilenet_v3(arch: str, width_mult: float = 1.0, reduced_tail: bool = False, dilated: bool = False, **kwargs: Any) -> MobileNetV3:
    return MobileNetV3(*_mobilenet_v3_conf(arch, width_mult, reduced_tail, dilated), **kwargs)


@register_model
def mobilenet_v3_large(**kwargs: Any) -> MobileNetV3:
    """MobileNet v3 large; takes `width_mult`, `reduced_tail` and `dilated` too."""
    return _mobilenet_v3("mobilenet_v3_large", **kwargs)


@register_model
def mobilenet_v3_small(**kwargs: Any) -> MobileNetV3:
    """MobileNet v3 small; takes `width_mult`, `reduced_tail` and `dilated` too."""
    return _mobilenet_v3("mobilenet_v3_small", **kwargs)
