"""Deformable convolution: each weight of the kernel looks where an offset of its own sends it."""

from __future__ import annotations

from typing import Any

from ...core.tensor import Tensor
from ...nn import Conv2d
from ...nn import functional as F
from ...ops.create import arange
from ...ops.join import stack

__all__ = ["DeformConv2d", "deform_conv2d"]


def pair(value: Any) -> tuple[int, int]:
    first, second = (value, value) if isinstance(value, int) else value
    return first, second


def deform_conv2d(input: Any, offset: Any, weight: Any, bias: Any = None, stride: Any = (1, 1), padding: Any = (0, 0), dilation: Any = (1, 1),
                  mask: Any = None) -> Tensor:
    """y[o, i, j] = sum over c, u, v of w[o, c, u, v] m[u, v, i, j] x(c, (i, j) stride - padding + (u, v) dilation + offset[u, v, i, j]) + bias[o].

    x between pixels is bilinear, and 0 outside of the image. Dai et al.: Deformable convolutional networks, 2017; with a `mask` m, Zhu, Hu, Lin, Dai:
    Deformable ConvNets v2, 2019. Shape: (N, C, H, W), offset (N, 2 G kh kw, OH, OW), y before x, weight (O, C / groups, kh, kw) and mask
    (N, G kh kw, OH, OW) to (N, O, OH, OW); each of G parts of the channels has its own offsets. RuntimeError for shapes that do not fit.

    >>> from minidl import rand, zeros
    >>> x, w = rand(1, 2, 5, 5), rand(3, 2, 3, 3)
    >>> (deform_conv2d(x, zeros(1, 18, 3, 3), w) - F.conv2d(x, w)).abs().max() < 1e-5
    tensor(True)
    """
    n, channels, height, width = input.shape
    out_channels, per_group, kh, kw = weight.shape
    places = kh * kw
    parts = offset.shape[1] // (2 * places)
    if parts == 0 or offset.shape[1] % (2 * places):
        raise RuntimeError("the shape of the offset tensor at dimension 1 is not valid. It should be a multiple of 2 * weight.size[2] * weight.size[3] = "
                           f"{2 * places}, got {offset.shape[1]}")
    if channels % parts or channels % per_group:
        raise RuntimeError(f"deform_conv2d: {channels} input channels don't divide into {parts} offset groups of a weight with {per_group} channels")
    size = []
    for length, k, s, p, d in zip((height, width), (kh, kw), pair(stride), pair(padding), pair(dilation)):
        size.append((length + 2 * p - d * (k - 1) - 1) // s + 1)
    if tuple(offset.shape) != (n, 2 * parts * places, *size):
        raise RuntimeError(f"offset output dims: ({offset.shape[2]}, {offset.shape[3]}) - computed output dims: ({size[0]}, {size[1]})")
    if mask is not None and tuple(mask.shape) != (n, parts * places, *size):
        raise RuntimeError(f"deform_conv2d: expected a mask of shape {(n, parts * places, *size)}, got {tuple(mask.shape)}")

    # Where each weight of the kernel looks, in pixels; then as grid_sample counts, for which an image reaches from -1 to 1.
    offset = offset.reshape(n * parts, kh, kw, 2, *size)
    y, x = (arange(k, dtype=input.dtype) * d for k, d in zip((kh, kw), pair(dilation)))
    i, j = (arange(length, dtype=input.dtype) * s - p for length, s, p in zip(size, pair(stride), pair(padding)))
    y = offset[:, :, :, 0] + y[:, None, None, None] + i[:, None]
    x = offset[:, :, :, 1] + x[:, None, None] + j
    grid = stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1).reshape(n * parts, places * size[0], size[1], 2)
    seen = F.grid_sample(input.reshape(n * parts, -1, height, width), grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    if mask is not None:
        seen = seen * mask.reshape(n * parts, 1, places * size[0], size[1])

    # A convolution of what was seen, by groups: one matrix product.
    groups = channels // per_group
    seen = seen.reshape(n, groups, per_group * places, size[0] * size[1])
    result = (weight.reshape(groups, -1, per_group * places) @ seen).reshape(n, out_channels, *size)
    return result if bias is None else result + bias[:, None, None]


class DeformConv2d(Conv2d):
    """`deform_conv2d` with a weight and a bias of its own, called with (input, offset, mask=None)."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1,
                 bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)

    def forward(self, input: Any, offset: Any, mask: Any = None) -> Tensor:  # type: ignore[override]
        return deform_conv2d(input, offset, self.weight, self.bias, self.stride, self.padding, self.dilation, mask)
