"""Swin transformers: attention within windows, which every other block shifts by half of their size, at four resolutions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import nn
from ..core.tensor import Tensor
from ..nn import functional as F
from ..ops.create import arange, empty, ones, zeros
from ..ops.join import cat, stack
from .layers import MLP, Permute, StochasticDepth, relative_places
from .registry import register_model

__all__ = ["SwinTransformer", "swin_t", "swin_s", "swin_b", "swin_v2_t", "swin_v2_s", "swin_v2_b"]


def _joined(x: Any) -> Tensor:
    """Four neighbours' channels as those of one place: (N, H, W, C) to (N, H/2, W/2, 4C), with zeros where a side is odd."""
    x = F.pad(x, (0, 0, 0, x.shape[-2] % 2, 0, x.shape[-3] % 2))
    return cat([x[..., i::2, j::2, :] for j in (0, 1) for i in (0, 1)], -1)


class PatchMerging(nn.Module):
    """Half the size and twice the channels: four neighbours, normalised, by a linear layer."""

    def __init__(self, dim: int, norm_layer: Callable[..., nn.Module] = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(4 * dim)

    def forward(self, x: Any) -> Tensor:
        return self.reduction(self.norm(_joined(x)))


class PatchMergingV2(nn.Module):
    """Half the size and twice the channels: four neighbours by a linear layer, then normalised."""

    def __init__(self, dim: int, norm_layer: Callable[..., nn.Module] = nn.LayerNorm) -> None:
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(2 * dim)

    def forward(self, x: Any) -> Tensor:
        return self.norm(self.reduction(_joined(x)))


def _windows(x: Any, height: int, width: int) -> Tensor:
    """(N, H, W, ...) to (N, windows, places of a window, ...)."""
    n, h, w, *rest = x.shape
    x = x.reshape(n, h // height, height, w // width, width, *rest).transpose(2, 3)
    return x.reshape(n, (h // height) * (w // width), height * width, *rest)


def _strangers(size: Sequence[int], window: Sequence[int], shift: Sequence[int]) -> Tensor:
    """Which pairs of places share a window (windows, places, places) though they come from opposite ends of the shifted image.

    Along an axis the shift brings the first pixels to the end, so the last window holds pixels of both ends.
    """
    y, x = ((arange(whole) >= whole - side).int() + (arange(whole) >= whole - move) for whole, side, move in zip(size, window, shift))
    region = _windows((3 * y[:, None] + x)[None], *window)[0]
    return region[:, :, None] != region[:, None, :]


class ShiftedWindowAttention(nn.Module):
    """Self-attention of several heads within each window, with a learned bias for each offset between two places.

    The image is rolled by `shift_size` first and back afterwards: softmax(q k^T / sqrt(d) + bias - 100 [from opposite ends]) v. It is filled with
    zeros to whole windows; along an axis with just one window there is no shift. Shape: (N, H, W, dim) to the same.
    """

    def __init__(self, dim: int, window_size: Sequence[int], shift_size: Sequence[int], num_heads: int, qkv_bias: bool = True,
                 proj_bias: bool = True, attention_dropout: float = 0.0, dropout: float = 0.0) -> None:
        super().__init__()
        if len(window_size) != 2 or len(shift_size) != 2:
            raise ValueError(f"window_size and shift_size must be of length 2, got {window_size} and {shift_size}")
        self.window_size = window_size
        self.shift_size = shift_size
        self.num_heads = num_heads
        self.attention_dropout = attention_dropout
        self.dropout = dropout
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim, bias=proj_bias)
        self.define_relative_position_bias_table()
        self.register_buffer("relative_position_index", relative_places(*window_size).flatten())

    def define_relative_position_bias_table(self) -> None:
        """One bias for each offset and head."""
        height, width = self.window_size
        self.relative_position_bias_table = nn.Parameter(empty((2 * height - 1) * (2 * width - 1), self.num_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def bias_table(self) -> Tensor:
        return self.relative_position_bias_table

    def get_relative_position_bias(self) -> Tensor:
        """The biases of all pairs of places in a window: (1, heads, places, places)."""
        places = self.window_size[0] * self.window_size[1]
        return self.bias_table()[self.relative_position_index].reshape(places, places, -1).permute(2, 0, 1)[None]

    def qkv_of(self, x: Any) -> Tensor:
        return self.qkv(x)

    def scores(self, q: Any, k: Any) -> Any:
        return (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)

    def forward(self, x: Any) -> Tensor:
        n, height, width, channels = x.shape
        window = self.window_size
        x = F.pad(x, (0, 0, 0, -width % window[1], 0, -height % window[0]))
        size = x.shape[1:3]
        shift = [0 if side >= whole else move for whole, side, move in zip(size, window, self.shift_size)]
        if any(shift):
            x = x.roll((-shift[0], -shift[1]), (1, 2))
        x = _windows(x, *window).flatten(0, 1)
        q, k, v = self.qkv_of(x).reshape(*x.shape[:2], 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)  # each (windows, heads, places, depth)
        scores = self.scores(q, k) + self.get_relative_position_bias()
        if any(shift):
            mask = _strangers(size, window, shift).to(scores.dtype) * -100.0
            scores = (scores.reshape(n, -1, *scores.shape[1:]) + mask[:, None]).flatten(0, 1)
        weights = F.dropout(F.softmax(scores, -1), self.attention_dropout, self.training)
        x = (weights @ v).transpose(1, 2).flatten(2)
        x = F.dropout(self.proj(x), self.dropout, self.training)
        x = x.reshape(n, size[0] // window[0], size[1] // window[1], *window, channels).transpose(2, 3).reshape(n, *size, channels)
        if any(shift):
            x = x.roll((shift[0], shift[1]), (1, 2))
        return x[:, :height, :width]


class ShiftedWindowAttentionV2(ShiftedWindowAttention):
    """Attention by the angle between q and k, times a learned scale of at most 100; keys have no bias.

    A small network gives the bias of an offset from the sign and logarithm of its coordinates: it grows with a larger window than was trained.
    """

    def __init__(self, dim: int, window_size: Sequence[int], shift_size: Sequence[int], num_heads: int, qkv_bias: bool = True,
                 proj_bias: bool = True, attention_dropout: float = 0.0, dropout: float = 0.0) -> None:
        super().__init__(dim, window_size, shift_size, num_heads, qkv_bias, proj_bias, attention_dropout, dropout)
        self.logit_scale = nn.Parameter((10 * ones(num_heads, 1, 1)).log())
        self.cpb_mlp = nn.Sequential(nn.Linear(2, 512), nn.ReLU(inplace=True), nn.Linear(512, num_heads, bias=False))
        if qkv_bias:
            nn.init.zeros_(self.qkv.bias.detach()[dim:2 * dim])

    def define_relative_position_bias_table(self) -> None:
        """The offsets, each coordinate from -8 to 8, then as sign(x) log2(|x| + 1) / 3, from -1.06 to 1.06."""
        height, width = self.window_size
        y, x = arange(1.0 - height, height) / (height - 1), arange(1.0 - width, width) / (width - 1)
        table = 8 * stack([y[:, None].expand(-1, len(x)), x.expand(len(y), -1)], -1)[None]
        self.register_buffer("relative_coords_table", table.sign() * (table.abs() + 1.0).log2() / 3.0)

    def bias_table(self) -> Tensor:
        return 16 * self.cpb_mlp(self.relative_coords_table).reshape(-1, self.num_heads).sigmoid()

    def qkv_of(self, x: Any) -> Tensor:
        bias = self.qkv.bias
        if bias is not None:
            q, k, v = bias.chunk(3)
            bias = cat([q, zeros(len(k), dtype=k.dtype), v])
        return F.linear(x, self.qkv.weight, bias)

    def scores(self, q: Any, k: Any) -> Any:
        return F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * self.logit_scale.clamp(max=math.log(100.0)).exp()


class SwinTransformerBlock(nn.Module):
    """Attention and a perceptron, each after a layer normalisation and added to its input, behind stochastic depth."""

    def __init__(self, dim: int, num_heads: int, window_size: Sequence[int], shift_size: Sequence[int], mlp_ratio: float = 4.0,
                 dropout: float = 0.0, attention_dropout: float = 0.0, stochastic_depth_prob: float = 0.0,
                 norm_layer: Callable[..., nn.Module] = nn.LayerNorm, attn_layer: Callable[..., nn.Module] = ShiftedWindowAttention) -> None:
        super().__init__()
        self.norm1 = norm_layer(dim)
        self.attn = attn_layer(dim, window_size, shift_size, num_heads, attention_dropout=attention_dropout, dropout=dropout)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.norm2 = norm_layer(dim)
        self.mlp = MLP(dim, [int(dim * mlp_ratio), dim], activation_layer=nn.GELU, dropout=dropout)
        for m in self.mlp:
            if isinstance(m, nn.Linear):
                nn.init.xavier_uniform_(m.weight)
                nn.init.normal_(m.bias, std=1e-6)

    def forward(self, x: Any) -> Tensor:
        x = x + self.stochastic_depth(self.attn(self.norm1(x)))
        return x + self.stochastic_depth(self.mlp(self.norm2(x)))


class SwinTransformerBlockV2(SwinTransformerBlock):
    """The normalisations come after the attention and the perceptron: what is added stays of one size, however many blocks there are."""

    def __init__(self, dim: int, num_heads: int, window_size: Sequence[int], shift_size: Sequence[int], mlp_ratio: float = 4.0,
                 dropout: float = 0.0, attention_dropout: float = 0.0, stochastic_depth_prob: float = 0.0,
                 norm_layer: Callable[..., nn.Module] = nn.LayerNorm, attn_layer: Callable[..., nn.Module] = ShiftedWindowAttentionV2) -> None:
        super().__init__(dim, num_heads, window_size, shift_size, mlp_ratio, dropout, attention_dropout, stochastic_depth_prob, norm_layer,
                         attn_layer)

    def forward(self, x: Any) -> Tensor:
        x = x + self.stochastic_depth(self.norm1(self.attn(x)))
        return x + self.stochastic_depth(self.norm2(self.mlp(x)))


class SwinTransformer(nn.Module):
    """Patches, then stages of blocks, between which the size halves and the channels double; the mean, and a linear layer.

    Liu, Lin, Cao, Hu, Wei, Zhang, Lin, Guo: Swin transformer: hierarchical vision transformer using shifted windows, 2021; Liu et al.: Swin
    transformer V2: scaling up capacity and resolution, 2022. Stochastic depth grows linearly from 0 to `stochastic_depth_prob`. Shape: (N, 3, H, W), of
    any size from that of a patch on, to (N, num_classes).
    """

    def __init__(self, patch_size: Sequence[int], embed_dim: int, depths: Sequence[int], num_heads: Sequence[int], window_size: Sequence[int],
                 mlp_ratio: float = 4.0, dropout: float = 0.0, attention_dropout: float = 0.0, stochastic_depth_prob: float = 0.1,
                 num_classes: int = 1000, norm_layer: Callable[..., nn.Module] | None = None, block: Callable[..., nn.Module] | None = None,
                 downsample_layer: Callable[..., nn.Module] = PatchMerging) -> None:
        super().__init__()
        self.num_classes = num_classes
        block, norm_layer = block or SwinTransformerBlock, norm_layer or partial(nn.LayerNorm, eps=1e-5)
        height, width = patch_size
        layers: list[nn.Module] = [nn.Sequential(nn.Conv2d(3, embed_dim, (height, width), (height, width)), Permute([0, 2, 3, 1]),
                                                 norm_layer(embed_dim))]
        index, dim = 0, embed_dim
        for stage, (depth, heads) in enumerate(zip(depths, num_heads)):
            if stage:
                layers.append(downsample_layer(dim, norm_layer))
                dim *= 2
            blocks = []
            for i in range(depth):
                blocks.append(block(dim, heads, window_size=window_size, shift_size=[side // 2 * (i % 2) for side in window_size],
                                    mlp_ratio=mlp_ratio, dropout=dropout, attention_dropout=attention_dropout,
                                    stochastic_depth_prob=stochastic_depth_prob * index / (sum(depths) - 1), norm_layer=norm_layer))
                index += 1
            layers.append(nn.Sequential(*blocks))
        self.features = nn.Sequential(*layers)
        self.norm = norm_layer(dim)
        self.permute = Permute([0, 3, 1, 2])
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten(1)
        self.head = nn.Linear(dim, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.trunc_normal_(m.weight, std=0.02)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)

    def forward(self, x: Any) -> Tensor:
        return self.head(self.flatten(self.avgpool(self.permute(self.norm(self.features(x))))))


def _swin(embed_dim: int, depth: int, heads: int, **kwargs: Any) -> SwinTransformer:
    return SwinTransformer(**{"patch_size": [4, 4], "embed_dim": embed_dim, "depths": [2, 2, depth, 2],
                              "num_heads": [heads, 2 * heads, 4 * heads, 8 * heads], "window_size": [7, 7], **kwargs})


_v2 = {"window_size": [8, 8], "block": SwinTransformerBlockV2, "downsample_layer": PatchMergingV2}


@register_model
def swin_t(**kwargs: Any) -> SwinTransformer:
    """Swin tiny."""
    return _swin(96, 6, 3, **{"stochastic_depth_prob": 0.2, **kwargs})


@register_model
def swin_s(**kwargs: Any) -> SwinTransformer:
    """Swin small."""
    return _swin(96, 18, 3, **{"stochastic_depth_prob": 0.3, **kwargs})


@register_model
def swin_b(**kwargs: Any) -> SwinTransformer:
    """Swin base."""
    return _swin(128, 18, 4, **{"stochastic_depth_prob": 0.5, **kwargs})


@register_model
def swin_v2_t(**kwargs: Any) -> SwinTransformer:
    """Swin V2 tiny."""
    return _swin(96, 6, 3, **{"stochastic_depth_prob": 0.2, **_v2, **kwargs})


@register_model
def swin_v2_s(**kwargs: Any) -> SwinTransformer:
    """Swin V2 small."""
    return _swin(96, 18, 3, **{"stochastic_depth_prob": 0.3, **_v2, **kwargs})


@register_model
def swin_v2_b(**kwargs: Any) -> SwinTransformer:
    """Swin V2 base."""
    return _swin(128, 18, 4, **{"stochastic_depth_prob": 0.5, **_v2, **kwargs})
