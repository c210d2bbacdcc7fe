"""ShuffleNet v2: half of the channels pass, half are computed, and a shuffle mixes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import nn
from ..core.tensor import Tensor
from ..nn import functional as F
from ..ops.join import cat
from .registry import register_model

__all__ = ["ShuffleNetV2", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0"]


def _unit(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False), nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True)]


def _depthwise(channels: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False), nn.BatchNorm2d(channels)]


class InvertedResidual(nn.Module):
    """At stride 1 the second half of the channels goes through `branch2`; at stride 2 all go through both branches."""

    def __init__(self, inp: int, oup: int, stride: int) -> None:
        super().__init__()
        if not 1 <= stride <= 3:
            raise ValueError("illegal stride value")
        half = oup // 2
        if stride == 1 and inp != 2 * half:
            raise ValueError(f"InvertedResidual: at stride 1 inp must be oup // 2 * 2, got inp {inp} and oup {oup}")
        self.stride = stride
        self.branch1 = nn.Sequential(*([*_depthwise(inp, stride), *_unit(inp, half, 1)] if stride > 1 else []))
        self.branch2 = nn.Sequential(*_unit(inp if stride > 1 else half, half, 1), *_depthwise(half, stride), *_unit(half, half, 1))

    def forward(self, x: Any) -> Tensor:
        x1, x2 = x.chunk(2, 1) if self.stride == 1 else (self.branch1(x), x)
        return F.channel_shuffle(cat([x1, self.branch2(x2)], 1), 2)


class ShuffleNetV2(nn.Module):
    """Stages of `stages_repeats` units with `stages_out_channels` channels, the first and the last for the stem and the final convolution.

    Ma, Zhang, Zheng, Sun: ShuffleNet V2: practical guidelines for efficient CNN architecture design, 2018. Shape: (N, 3, H, W) to
    (N, num_classes).
    """

    def __init__(self, stages_repeats: Sequence[int], stages_out_channels: Sequence[int], num_classes: int = 1000,
                 inverted_residual: Callable[..., nn.Module] = InvertedResidual) -> None:
        super().__init__()
        if len(stages_repeats) != 3:
            raise ValueError(f"expected stages_repeats as list of 3 positive ints, got {stages_repeats}")
        if len(stages_out_channels) != 5:
            raise ValueError(f"expected stages_out_channels as list of 5 positive ints, got {stages_out_channels}")

        def stage(i: int) -> nn.Sequential:
            inp, oup = stages_out_channels[i:i + 2]
            return nn.Sequential(inverted_residual(inp, oup, 2), *(inverted_residual(oup, oup, 1) for _ in range(stages_repeats[i] - 1)))

        self.conv1 = nn.Sequential(*_unit(3, stages_out_channels[0], 3, 2))
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.stage2 = stage(0)
        self.stage3 = stage(1)
        self.stage4 = stage(2)
        self.conv5 = nn.Sequential(*_unit(stages_out_channels[3], stages_out_channels[4], 1))
        self.fc = nn.Linear(stages_out_channels[4], num_classes)

    def forward(self, x: Any) -> Tensor:
        x = self.stage4(self.stage3(self.stage2(self.maxpool(self.conv1(x)))))
        return self.fc(self.conv5(x).mean([2, 3]))


@register_model
def shufflenet_v2_x0_5(**kwargs: Any) -> ShuffleNetV2:
    """ShuffleNet v2 of half the width."""
    return ShuffleNetV2([4, 8, 4], [24, 48, 96, 192, 1024], **kwargs)


@register_model
def shufflenet_v2_x1_0(**kwargs: Any) -> ShuffleNetV2:
    """ShuffleNet v2."""
    return ShuffleNetV2([4, 8, 4], [24, 116, 232, 464, 1024], **kwargs)


@register_model
def shufflenet_v2_x1_5(**kwargs: Any) -> ShuffleNetV2:
    """ShuffleNet v2 of 1.5 times the width."""
    return ShuffleNetV2([4, 8, 4], [24, 176, 352, 704, 1024], **kwargs)


@register_model
def shufflenet_v2_x2_0(**kwargs: Any) -> ShuffleNetV2:
    """ShuffleNet v2 of twice the width."""
    return ShuffleNetV2([4, 8, 4], [24, 244, 488, 976, 2048], **kwargs)
