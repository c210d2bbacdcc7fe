"""ResNets with attention: squeeze-and-excitation, CBAM, ECA."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import nn
from ..core.tensor import Tensor
from .registry import register_model
from .resnet import BasicBlock, Bottleneck, ResNet

__all__ = ["AttentionResNet", "se_resnet18", "se_resnet34", "se_resnet50", "se_resnet101", "se_resnet152",
           "cbam_resnet18", "cbam_resnet34", "cbam_resnet50", "cbam_resnet101", "cbam_resnet152", "eca_resnet18",
           "eca_resnet34", "eca_resnet50", "eca_resnet101", "eca_resnet152"]


class AttentionBasicBlock(BasicBlock):
    """A BasicBlock whose branch ends in `attention`, before the sum."""

    def branch(self, x: Any) -> Tensor:
        return self.attention(super().branch(x))


class AttentionBottleneck(Bottleneck):
    """A Bottleneck whose branch ends in `attention`, before the sum."""

    def branch(self, x: Any) -> Tensor:
        return self.attention(super().branch(x))


class AttentionResNet(ResNet):
    """A ResNet of `depth` 18, 34, 50, 101 or 152 with ``attention(channels)`` put in; other arguments are ResNet's.

    `placement` is ``"block"``, where the papers put it: at the end of every residual branch, before the sum (Hu, Shen, Sun: Squeeze-and-
    excitation networks, 2018, figure 3; Woo et al.: CBAM, 2018, figure 3; Wang et al.: ECA-Net, 2020); or ``"ends"``: once after the stem's
    ReLU and once after the last stage, which leaves the blocks as they are. Either way all of ResNet's keys stay, so that a plain ResNet's
    weights load with ``strict=False``.

    >>> from minidl import models, nn
    >>> sorted({name.partition(".")[0] for name, m in models.cbam_resnet18(placement="ends").named_modules() if isinstance(m, nn.CBAM)})
    ['avgpool', 'relu']
    """

    def __init__(self, depth: int, attention: Callable[[int], nn.Module], placement: str = "block", **kwargs: Any) -> None:
        if placement not in ("block", "ends"):
            raise ValueError(f"AttentionResNet: placement must be 'block' or 'ends', got {placement!r}")
        block, layers = DEPTHS[depth]
        super().__init__(block if placement == "ends" else ATTENDED[block], layers, **kwargs)
        if placement == "ends":
            self.relu = nn.Sequential(self.relu, attention(64))
            self.avgpool = nn.Sequential(attention(512 * block.expansion), self.avgpool)
        else:
            for width, stage in zip((64, 128, 256, 512), (self.layer1, self.layer2, self.layer3, self.layer4)):
                for m in stage:
                    m.attention = attention(width * block.expansion)


DEPTHS: dict[int, tuple[Any, Sequence[int]]] = {
    18: (BasicBlock, [2, 2, 2, 2]), 34: (BasicBlock, [3, 4, 6, 3]), 50: (Bottleneck, [3, 4, 6, 3]), 101: (Bottleneck, [3, 4, 23, 3]),
    152: (Bottleneck, [3, 8, 36, 3])}
ATTENDED = {BasicBlock: AttentionBasicBlock, Bottleneck: AttentionBottleneck}


def _se(depth: int, reduction: int = 16, **kwargs: Any) -> AttentionResNet:
    return AttentionResNet(depth, partial(nn.SEBlock, reduction=reduction), **kwargs)


def _cbam(depth: int, reduction: int = 16, kernel_size: int = 7, **kwargs: Any) -> AttentionResNet:
    return AttentionResNet(depth, partial(nn.CBAM, reduction=reduction, kernel_size=kernel_size), **kwargs)


@register_model
def se_resnet18(**kwargs: Any) -> AttentionResNet:
    """ResNet-18 with squeeze-and-excitation; takes `reduction` and `placement`."""
    return _se(18, **kwargs)


@register_model
def se_resnet34(**kwargs: Any) -> AttentionResNet:
    """ResNet-34 with squeeze-and-excitation; takes `reduction` and `placement`."""
    return _se(34, **kwargs)


@register_model
def se_resnet50(**kwargs: Any) -> AttentionResNet:
    """ResNet-50 with squeeze-and-excitation; takes `reduction` and `placement`."""
    return _se(50, **kwargs)


@register_model
def se_resnet101(**kwargs: Any) -> AttentionResNet:
    """ResNet-101 with squeeze-and-excitation; takes `reduction` and `placement`."""
    return _se(101, **kwargs)


@register_model
def se_resnet152(**kwargs: Any) -> AttentionResNet:
    """ResNet-152 with squeeze-and-excitation; takes `reduction` and `placement`."""
    return _se(152, **kwargs)


@register_model
def cbam_resnet18(**kwargs: Any) -> AttentionResNet:
    """ResNet-18 with CBAM; takes `reduction`, `kernel_size` and `placement`."""
    return _cbam(18, **kwargs)


@register_model
def cbam_resnet34(**kwargs: Any) -> AttentionResNet:
    """ResNet-34 with CBAM; takes `reduction`, `kernel_size` and `placement`."""
    return _cbam(34, **kwargs)


@register_model
def cbam_resnet50(**kwargs: Any) -> AttentionResNet:
    """ResNet-50 with CBAM; takes `reduction`, `kernel_size` and `placement`."""
    return _cbam(50, **kwargs)


@register_model
def cbam_resnet101(**kwargs: Any) -> AttentionResNet:
    """ResNet-101 with CBAM; takes `reduction`, `kernel_size` and `placement`."""
    return _cbam(101, **kwargs)


@register_model
def cbam_resnet152(**kwargs: Any) -> AttentionResNet:
    """ResNet-152 with CBAM; takes `reduction`, `kernel_size` and `placement`."""
    return _cbam(152, **kwargs)


@register_model
def eca_resnet18(**kwargs: Any) -> AttentionResNet:
    """ResNet-18 with efficient channel attention; takes `placement`."""
    return AttentionResNet(18, nn.ECA, **kwargs)


@register_model
def eca_resnet34(**kwargs: Any) -> AttentionResNet:
    """ResNet-34 with efficient channel attention; takes `placement`."""
    return AttentionResNet(34, nn.ECA, **kwargs)


@register_model
def eca_resnet50(**kwargs: Any) -> AttentionResNet:
    """ResNet-50 with efficient channel attention; takes `placement`."""
    return AttentionResNet(50, nn.ECA, **kwargs)


@register_model
def eca_resnet101(**kwargs: Any) -> AttentionResNet:
    """ResNet-101 with efficient channel attention; takes `placement`."""
    return AttentionResNet(101, nn.ECA, **kwargs)


@register_model
def eca_resnet152(**kwargs: Any) -> AttentionResNet:
    """ResNet-152 with efficient channel attention; takes `placement`."""
    return AttentionResNet(152, nn.ECA, **kwargs)
