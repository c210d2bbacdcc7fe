"""ConvNeXt: a ResNet with the choices of a transformer: patches, 7 x 7 depthwise convolutions, layer normalisation, GELU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import nn
from ..core.tensor import Tensor
from ..nn import functional as F
from ..ops.create import ones
from .layers import Conv2dNormActivation, Permute, StochasticDepth, initialise
from .registry import register_model

__all__ = ["ConvNeXt", "convnext_tiny", "convnext_small", "convnext_base", "convnext_large"]


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels of (N, C, H, W)."""

    def forward(self, input: Any) -> Tensor:
        x = F.layer_norm(input.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class CNBlock(nn.Module):
    """x plus `layer_scale` times a depthwise 7 x 7 convolution, layer normalisation, and two linear layers with GELU between."""

    def __init__(self, dim: int, layer_scale: float, stochastic_depth_prob: float,
                 norm_layer: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        norm_layer = norm_layer or partial(nn.LayerNorm, eps=1e-6)
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, 7, padding=3, groups=dim), Permute([0, 2, 3, 1]), norm_layer(dim),
            nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim), Permute([0, 3, 1, 2]))
        self.layer_scale = nn.Parameter(ones(dim, 1, 1) * layer_scale)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")

    def forward(self, input: Any) -> Tensor:
        return self.stochastic_depth(self.layer_scale * self.block(input)) + input


class CNBlockConfig:
    """A stage: `num_layers` blocks of `input_channels`, then, unless `out_channels` is None, a halving to those."""

    def __init__(self, input_channels: int, out_channels: int | None, num_layers: int) -> None:
        self.input_channels = input_channels
        self.out_channels = out_channels
        self.num_layers = num_layers


class ConvNeXt(nn.Module):
    """A stem of 4 x 4 patches and the stages of `block_setting`; stochastic depth grows linearly from 0 to `stochastic_depth_prob`.

    Liu, Mao, Wu, Feichtenhofer, Darrell, Xie: A ConvNet for the 2020s, 2022. Shape: (N, 3, H, W), at least 32 x 32, to (N, num_classes).
    """

    def __init__(self, block_setting: Sequence[CNBlockConfig], stochastic_depth_prob: float = 0.0, layer_scale: float = 1e-6,
                 num_classes: int = 1000, block: Callable[..., nn.Module] | None = None,
                 norm_layer: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        if not block_setting:
            raise ValueError("The block_setting should not be empty")
        if not all(isinstance(s, CNBlockConfig) for s in block_setting):
            raise TypeError("The block_setting should be List[CNBlockConfig]")
        block, norm_layer = block or CNBlock, norm_layer or partial(LayerNorm2d, eps=1e-6)
        layers: list[nn.Module] = [Conv2dNormActivation(3, block_setting[0].input_channels, 4, 4, 0, norm_layer=norm_layer,
                                                        activation_layer=None, bias=True)]
        last_index, index = sum(cnf.num_layers for cnf in block_setting) - 1.0, 0
        for cnf in block_setting:
            layers.append(nn.Sequential(*(block(cnf.input_channels, layer_scale, stochastic_depth_prob * i / last_index)
                                          for i in range(index, index + cnf.num_layers))))
            index += cnf.num_layers
            if cnf.out_channels is not None:
                layers.append(nn.Sequential(norm_layer(cnf.input_channels), nn.Conv2d(cnf.input_channels, cnf.out_channels, 2, 2)))
        last = block_setting[-1].out_channels or block_setting[-1].input_channels
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(norm_layer(last), nn.Flatten(1), nn.Linear(last, num_classes))
        small = partial(nn.init.trunc_normal_, std=0.02)
        initialise(self, small, small)

    def forward(self, x: Any) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)))


def _convnext(widths: Sequence[int], depths: Sequence[int], **kwargs: Any) -> ConvNeXt:
    return ConvNeXt([CNBlockConfig(*row) for row in zip(widths, [*widths[1:], None], depths)], **kwargs)


@register_model
def convnext_tiny(**kwargs: Any) -> ConvNeXt:
    """ConvNeXt tiny."""
    return _convnext((96, 192, 384, 768), (3, 3, 9, 3), **{"stochastic_depth_prob": 0.1, **kwargs})


@register_model
def convnext_small(**kwargs: Any) -> ConvNeXt:
    """ConvNeXt small."""
    return _convnext((96, 192, 384, 768), (3, 3, 27, 3), **{"stochastic_depth_prob": 0.4, **kwargs})


@register_model
def convnext_base(**kwargs: Any) -> ConvNeXt:
    """ConvNeXt base."""
    return _convnext((128, 256, 512, 1024), (3, 3, 27, 3), **{"stochastic_depth_prob": 0.5, **kwargs})


@register_model
def convnext_large(**kwargs: Any) -> ConvNeXt:
    """ConvNeXt large."""
    return _convnext((192, 384, 768, 1536), (3, 3, 27, 3), **{"stochastic_depth_prob": 0.5, **kwargs})
