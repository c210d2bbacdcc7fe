"""DropBlock: dropout of whole squares or cubes of a feature map, whose neighbours would give away a single dropped place."""

from __future__ import annotations

import math
from typing import Any

from ...core.tensor import Tensor
from ...nn import Module
from ...nn import functional as F
from ...ops.create import empty

__all__ = ["DropBlock2d", "DropBlock3d", "drop_block2d", "drop_block3d"]


def drop_block(input: Any, p: float, block_size: int, inplace: bool, eps: float, training: bool, dims: int) -> Tensor:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}.")
    if input.ndim != dims + 2:
        raise ValueError(f"input should be {dims + 2} dimensional. Got {input.ndim} dimensions.")
    if not training or p == 0.0:
        return input
    size = input.shape[2:]
    side = min(block_size, *size)
    if side % 2 == 0:
        raise ValueError(f"block size should be odd. Got {side} which is even.")
    # Centres are drawn where a block fits, with the rate at which blocks, if none overlapped, would cover a share of p.
    inner = [length - side + 1 for length in size]
    centres = empty([*input.shape[:2], *inner], dtype=input.dtype).bernoulli_(p * math.prod(size) / (side ** dims * math.prod(inner)))
    pool = F.max_pool2d if dims == 2 else F.max_pool3d
    kept = 1 - pool(F.pad(centres, [side // 2] * (2 * dims)), side, 1, side // 2)
    scale = kept.numel() / (eps + kept.sum())
    return input.mul_(kept).mul_(scale) if inplace else input * kept * scale


def drop_block2d(input: Any, p: float, block_size: int, inplace: bool = False, eps: float = 1e-06, training: bool = True) -> Tensor:
    """Zeroes about a share p of (N, C, H, W) in squares of `block_size`, which is odd, and scales what is left by its share.

    Ghiasi, Lin, Le: DropBlock: a regularization method for convolutional networks, 2018. ValueError for p outside of [0, 1].

    >>> from minidl import ones
    >>> drop_block2d(ones(1, 1, 3, 3), 1.0, 3).sum().item()
    0.0
    """
    return drop_block(input, p, block_size, inplace, eps, training, 2)


def drop_block3d(input: Any, p: float, block_size: int, inplace: bool = False, eps: float = 1e-06, training: bool = True) -> Tensor:
    """`drop_block2d` for (N, C, D, H, W), in cubes."""
    return drop_block(input, p, block_size, inplace, eps, training, 3)


class DropBlock2d(Module):
    """`drop_block2d` while training."""

    def __init__(self, p: float, block_size: int, inplace: bool = False, eps: float = 1e-06) -> None:
        super().__init__()
        self.p, self.block_size, self.inplace, self.eps = p, block_size, inplace, eps

    def forward(self, input: Any) -> Tensor:
        return drop_block2d(input, self.p, self.block_size, self.inplace, self.eps, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, block_size={self.block_size}, inplace={self.inplace}"


class DropBlock3d(DropBlock2d):
    """`drop_block3d` while training."""

    def forward(self, input: Any) -> Tensor:
        return drop_block3d(input, self.p, self.block_size, self.inplace, self.eps, self.training)
