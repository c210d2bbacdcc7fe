"""MaxViT: a convolution, attention within windows, and attention within grids that reach over the whole image, in every layer."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import nn
from ..core.tensor import Tensor
from ..nn import functional as F
from ..ops.create import empty
from .layers import Conv2dNormActivation, SqueezeExcitation, StochasticDepth, initialise, relative_places
from .registry import register_model

__all__ = ["MaxVit", "maxvit_t"]

Layer = Callable[..., nn.Module]


def _halved(size: Sequence[int]) -> tuple[int, int]:
    """What a 3 x 3 convolution of stride 2 and padding 1 leaves of a size."""
    return (size[0] + 1) // 2, (size[1] + 1) // 2


class MBConv(nn.Module):
    """The input (pooled, and by a 1 x 1 convolution, where the shapes differ) plus an inverted residual, of which a normalisation is the first layer."""

    def __init__(self, in_channels: int, out_channels: int, expansion_ratio: float, squeeze_ratio: float, stride: int,
                 activation_layer: Layer, norm_layer: Layer, p_stochastic_dropout: float = 0.0) -> None:
        super().__init__()
        self.proj: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.proj = nn.Sequential(*([nn.AvgPool2d(3, stride, 1)] if stride == 2 else []), nn.Conv2d(in_channels, out_channels, 1))
        width = int(out_channels * expansion_ratio)
        unit = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=activation_layer, inplace=None)
        self.stochastic_depth: nn.Module = StochasticDepth(p_stochastic_dropout, "row") if p_stochastic_dropout else nn.Identity()
        self.layers = nn.Sequential(OrderedDict(
            pre_norm=norm_layer(in_channels), conv_a=unit(in_channels, width, 1), conv_b=unit(width, width, 3, stride, groups=width),
            squeeze_excitation=SqueezeExcitation(width, int(out_channels * squeeze_ratio), nn.SiLU), conv_c=nn.Conv2d(width, out_channels, 1)))

    def forward(self, x: Any) -> Tensor:
        return self.proj(x) + self.stochastic_depth(self.layers(x))


class RelativePositionalMultiHeadAttention(nn.Module):
    """Self-attention of several heads over `max_seq_len` places, a square's, with a learned bias for each offset.

    softmax(q k^T / sqrt(feat_dim) + bias) v: the root is of all features, not of one head's. Shape: (N, groups, places, feat_dim) to the same.
    """

    def __init__(self, feat_dim: int, head_dim: int, max_seq_len: int) -> None:
        super().__init__()
        if feat_dim % head_dim:
            raise ValueError(f"feat_dim: {feat_dim} must be divisible by head_dim: {head_dim}")
        self.n_heads = feat_dim // head_dim
        self.head_dim = head_dim
        self.size = math.isqrt(max_seq_len)
        self.max_seq_len = max_seq_len
        self.to_qkv = nn.Linear(feat_dim, feat_dim * 3)
        self.scale_factor = feat_dim ** -0.5
        self.merge = nn.Linear(feat_dim, feat_dim)
        self.relative_position_bias_table = nn.Parameter(empty((2 * self.size - 1) ** 2, self.n_heads))
        self.register_buffer("relative_position_index", relative_places(self.size, self.size))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def forward(self, x: Any) -> Tensor:
        q, k, v = self.to_qkv(x).reshape(*x.shape[:3], 3, self.n_heads, self.head_dim).permute(3, 0, 1, 4, 2, 5)
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)  # (heads, places, places)
        weights = F.softmax(q @ (k * self.scale_factor).transpose(-2, -1) + bias, -1)
        return self.merge((weights @ v).transpose(2, 3).flatten(3))


class SwapAxes(nn.Module):
    """Two dimensions in each other's place."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.a = a
        self.b = b

    def forward(self, x: Any) -> Tensor:
        return x.transpose(self.a, self.b)


class WindowPartition(nn.Module):
    """(N, C, H, W) to windows of p x p: (N, windows, p p, C)."""

    def forward(self, x: Any, p: int) -> Tensor:
        n, c, h, w = x.shape
        return x.reshape(n, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1).reshape(n, (h // p) * (w // p), p * p, c)


class WindowDepartition(nn.Module):
    """The inverse of `WindowPartition`, for so many windows down and across."""

    def forward(self, x: Any, p: int, h_partitions: int, w_partitions: int) -> Tensor:
        n, _, _, c = x.shape
        return x.reshape(n, h_partitions, w_partitions, p, p, c).permute(0, 5, 1, 3, 2, 4).reshape(n, c, h_partitions * p, w_partitions * p)


class PartitionAttentionLayer(nn.Module):
    """Attention and a perceptron, each added to its input, for each group of `partition_size` squared places.

    A ``"window"`` is a square of neighbours. A ``"grid"`` is of places that lie as far apart as the groups are many, so over the whole image: the places
    that have the same number in their windows. The one becomes the other when windows and places are swapped.
    """

    def __init__(self, in_channels: int, head_dim: int, partition_size: int, partition_type: str, grid_size: tuple[int, int], mlp_ratio: int,
                 activation_layer: Layer, norm_layer: Layer, attention_dropout: float, mlp_dropout: float, p_stochastic_dropout: float) -> None:
        super().__init__()
        self.n_heads = in_channels // head_dim
        self.head_dim = head_dim
        self.n_partitions = grid_size[0] // partition_size
        self.partition_type = partition_type
        self.grid_size = grid_size
        if partition_type not in ("grid", "window"):
            raise ValueError(f"partition_type must be either 'grid' or 'window', got {partition_type!r}")
        across = partition_type == "grid"
        self.p, self.g = (self.n_partitions, partition_size) if across else (partition_size, self.n_partitions)
        self.partition_op = WindowPartition()
        self.departition_op = WindowDepartition()
        self.partition_swap: nn.Module = SwapAxes(-2, -3) if across else nn.Identity()
        self.departition_swap: nn.Module = SwapAxes(-2, -3) if across else nn.Identity()
        self.attn_layer = nn.Sequential(norm_layer(in_channels), RelativePositionalMultiHeadAttention(in_channels, head_dim, partition_size ** 2),
                                        nn.Dropout(attention_dropout))
        self.mlp_layer = nn.Sequential(nn.LayerNorm(in_channels), nn.Linear(in_channels, in_channels * mlp_ratio), activation_layer(),
                                       nn.Linear(in_channels * mlp_ratio, in_channels), nn.Dropout(mlp_dropout))
        self.stochastic_dropout = StochasticDepth(p_stochastic_dropout, "row")

    def forward(self, x: Any) -> Tensor:
        height, width = self.grid_size
        if height % self.p or width % self.p:
            raise AssertionError("Grid size must be divisible by partition size. Got grid size of "
                                 f"{self.grid_size} and partition size of {self.p}")
        x = self.partition_swap(self.partition_op(x, self.p))
        x = x + self.stochastic_dropout(self.attn_layer(x))
        x = x + self.stochastic_dropout(self.mlp_layer(x))
        return self.departition_op(self.departition_swap(x), self.p, height // self.p, width // self.p)


class MaxVitLayer(nn.Module):
    """`MBConv`, attention in windows, attention in grids."""

    def __init__(self, in_channels: int, out_channels: int, squeeze_ratio: float, expansion_ratio: float, stride: int, norm_layer: Layer,
                 activation_layer: Layer, head_dim: int, mlp_ratio: int, mlp_dropout: float, attention_dropout: float,
                 p_stochastic_dropout: float, partition_size: int, grid_size: tuple[int, int]) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["MBconv"] = MBConv(in_channels, out_channels, expansion_ratio, squeeze_ratio, stride, activation_layer, norm_layer,
                                  p_stochastic_dropout)
        for kind in ("window", "grid"):
            layers[f"{kind}_attention"] = PartitionAttentionLayer(out_channels, head_dim, partition_size, kind, grid_size, mlp_ratio, activation_layer,
                                                                  nn.LayerNorm, attention_dropout, mlp_dropout, p_stochastic_dropout)
        self.layers = nn.Sequential(layers)

    def forward(self, x: Any) -> Tensor:
        return self.layers(x)


class MaxVitBlock(nn.Module):
    """`n_layers` layers, of which the first halves the size."""

    def __init__(self, in_channels: int, out_channels: int, squeeze_ratio: float, expansion_ratio: float, norm_layer: Layer,
                 activation_layer: Layer, head_dim: int, mlp_ratio: int, mlp_dropout: float, attention_dropout: float, partition_size: int,
                 input_grid_size: tuple[int, int], n_layers: int, p_stochastic: Sequence[float]) -> None:
        super().__init__()
        if len(p_stochastic) != n_layers:
            raise ValueError(f"p_stochastic must have length n_layers={n_layers}, got p_stochastic={p_stochastic}.")
        self.layers = nn.ModuleList()
        self.grid_size = _halved(input_grid_size)
        for i, p in enumerate(p_stochastic):
            self.layers.append(MaxVitLayer(out_channels if i else in_channels, out_channels, squeeze_ratio, expansion_ratio, 1 if i else 2, norm_layer,
                                           activation_layer, head_dim, mlp_ratio, mlp_dropout, attention_dropout, p, partition_size, self.grid_size))

    def forward(self, x: Any) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class MaxVit(nn.Module):
    """A stem that halves the size, blocks that halve it again, the mean, and two linear layers with tanh between.

    Tu, Talebi, Zhang, Yang, Milanfar, Bovik, Li: MaxViT: multi-axis vision transformer, 2022. Stochastic depth grows linearly from 0 to
    `stochastic_depth_prob`. Shape: (N, 3, *input_size) to (N, num_classes); ValueError if a block's size is no multiple of `partition_size`.
    """

    def __init__(self, input_size: tuple[int, int], stem_channels: int, partition_size: int, block_channels: Sequence[int],
                 block_layers: Sequence[int], head_dim: int, stochastic_depth_prob: float, norm_layer: Layer | None = None,
                 activation_layer: Layer = nn.GELU, squeeze_ratio: float = 0.25, expansion_ratio: float = 4, mlp_ratio: int = 4,
                 mlp_dropout: float = 0.0, attention_dropout: float = 0.0, num_classes: int = 1000) -> None:
        super().__init__()
        norm_layer = norm_layer or partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01)
        size = _halved(input_size)
        self.stem = nn.Sequential(
            Conv2dNormActivation(3, stem_channels, 3, 2, norm_layer=norm_layer, activation_layer=activation_layer, bias=False, inplace=None),
            Conv2dNormActivation(stem_channels, stem_channels, 3, norm_layer=None, activation_layer=None, bias=True))
        self.partition_size = partition_size
        self.blocks = nn.ModuleList()
        step, index, channels = stochastic_depth_prob / max(sum(block_layers) - 1, 1), 0, stem_channels
        for width, depth in zip(block_channels, block_layers):
            block = MaxVitBlock(channels, width, squeeze_ratio, expansion_ratio, norm_layer, activation_layer, head_dim, mlp_ratio, mlp_dropout,
                                attention_dropout, partition_size, size, depth, [step * i for i in range(index, index + depth)])
            size, index, channels = block.grid_size, index + depth, width
            if size[0] % partition_size or size[1] % partition_size:
                raise ValueError(f"Input size {size} of block {len(self.blocks)} is not divisible by partition size {partition_size}. "
                                 f"Consider changing the partition size or the input size, which is {input_size}")
            self.blocks.append(block)
        self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(channels), nn.Linear(channels, channels), nn.Tanh(),
                                        nn.Linear(channels, num_classes, bias=False))
        small = partial(nn.init.normal_, std=0.02)
        initialise(self, small, small)

    def forward(self, x: Any) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.classifier(x)


@register_model
def maxvit_t(**kwargs: Any) -> MaxVit:
    """MaxViT tiny, for images of `input_size`, 224 x 224."""
    return MaxVit(**{"input_size": (224, 224), "stem_channels": 64, "partition_size": 7, "block_channels": [64, 128, 256, 512],
                     "block_layers": [2, 2, 5, 2], "head_dim": 32, "stochastic_depth_prob": 0.2, **kwargs})
