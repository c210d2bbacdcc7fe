"""What several networks share: blocks under ``torchvision.ops``' names, and the walk that initialises."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .. import nn
from ..core.tensor import Tensor
from ..nn import SqueezeExcitation as SqueezeExcitation
from ..ops.create import arange, empty, ones, zeros

__all__ = ["Conv2dNormActivation", "Conv3dNormActivation", "ConvNormActivation", "FrozenBatchNorm2d", "MLP", "Permute", "SqueezeExcitation", "StochasticDepth", "he_fan_out",
           "initialise", "make_divisible", "relative_places", "stochastic_depth"]

he_fan_out = functools.partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu")


def initialise(model: nn.Module, conv: Callable[[Tensor], Any], linear: Callable[[Tensor], Any]) -> None:
    """Gives the weights of all convolutions to `conv` and of all linear layers to `linear`, in order, and zeroes their biases."""
    for m in model.modules():
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            (conv if isinstance(m, nn.Conv2d) else linear)(m.weight)
            if m.bias is not None:
                nn.init.zeros_(m.bias)


def make_divisible(v: float, divisor: int, min_value: int | None = None) -> int:
    """The multiple of `divisor` nearest to v, at least `min_value` (`divisor`), and not below 0.9 v (Sandler et al., 2018).

    >>> make_divisible(33, 8), make_divisible(10, 8)
    (32, 16)
    """
    multiple = max(divisor if min_value is None else min_value, int(v + divisor / 2) // divisor * divisor)
    return multiple if multiple >= 0.9 * v else multiple + divisor


def relative_places(height: int, width: int) -> Tensor:
    """For each pair of places in a window, the row of their offset in a table of all offsets: (h w, h w) numbers below (2h - 1)(2w - 1).

    As y runs from -(h - 1) to h - 1, and x likewise, the offset (y, x) has row (y + h - 1)(2w - 1) + x + w - 1.

    >>> relative_places(1, 3).tolist()
    [[2, 1, 0], [3, 2, 1], [4, 3, 2]]
    """
    y, x = arange(height).repeat_interleave(width), arange(width).repeat(height)
    return (y[:, None] - y + height - 1) * (2 * width - 1) + x[:, None] - x + width - 1


class ConvNormActivation(nn.Sequential):
    """A convolution that keeps the size at stride 1, a normalisation, an activation; None leaves one of the latter two out.

    The convolution has a bias if there is no normalisation.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int | tuple[int, ...] = 3, stride: int | tuple[int, ...] = 1,
                 padding: int | tuple[int, ...] | str | None = None, groups: int = 1,
                 norm_layer: Callable[..., nn.Module] | None = nn.BatchNorm2d,
                 activation_layer: Callable[..., nn.Module] | None = nn.ReLU, dilation: int | tuple[int, ...] = 1,
                 inplace: bool | None = True, bias: bool | None = None, conv_layer: Callable[..., nn.Module] = nn.Conv2d) -> None:
        if padding is None:
            dims = next((len(v) for v in (kernel_size, dilation) if not isinstance(v, int)), 1)
            k, d = ((v,) * dims if isinstance(v, int) else v for v in (kernel_size, dilation))
            each = tuple((side - 1) // 2 * step for side, step in zip(k, d))
            padding = each if dims > 1 else each[0]
        layers: list[nn.Module] = [conv_layer(in_channels, out_channels, kernel_size, stride, padding, dilation, groups,
                                              norm_layer is None if bias is None else bias)]
        if norm_layer is not None:
            layers.append(norm_layer(out_channels))
        if activation_layer is not None:
            layers.append(activation_layer() if inplace is None else activation_layer(inplace=inplace))
        super().__init__(*layers)
        self.out_channels = out_channels


class Conv2dNormActivation(ConvNormActivation):
    """The block for images, with `BatchNorm2d`, as ``torchvision.ops.Conv2dNormActivation``."""


class Conv3dNormActivation(ConvNormActivation):
    """The block for videos, with `BatchNorm3d`, as ``torchvision.ops.Conv3dNormActivation``."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int | tuple[int, ...] = 3, stride: int | tuple[int, ...] = 1,
                 padding: int | tuple[int, ...] | str | None = None, groups: int = 1,
                 norm_layer: Callable[..., nn.Module] | None = nn.BatchNorm3d,
                 activation_layer: Callable[..., nn.Module] | None = nn.ReLU, dilation: int | tuple[int, ...] = 1,
                 inplace: bool | None = True, bias: bool | None = None) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, groups, norm_layer, activation_layer, dilation, inplace, bias,
                         nn.Conv3d)


class MLP(nn.Sequential):
    """Linear layers, each but the last followed by a normalisation and an activation, all by dropout.

    As ``torchvision.ops.MLP``: `inplace`, if not None, goes to the activations and the dropout.
    """

    def __init__(self, in_channels: int, hidden_channels: Sequence[int], norm_layer: Callable[..., nn.Module] | None = None,
                 activation_layer: Callable[..., nn.Module] = nn.ReLU, inplace: bool | None = None, bias: bool = True,
                 dropout: float = 0.0) -> None:
        how = {} if inplace is None else {"inplace": inplace}
        layers: list[nn.Module] = []
        for i, width in enumerate(hidden_channels):
            layers.append(nn.Linear(in_channels, width, bias))
            if i < len(hidden_channels) - 1:
                layers += ([] if norm_layer is None else [norm_layer(width)]) + [activation_layer(**how)]
            layers.append(nn.Dropout(dropout, **how))
            in_channels = width
        super().__init__(*layers)


class Permute(nn.Module):
    """The dimensions in the order `dims`."""

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Any) -> Tensor:
        return x.permute(*self.dims)


def stochastic_depth(input: Any, p: float, mode: str, training: bool = True) -> Tensor:
    """Zeroes, with probability p, a residual branch's output for the whole ``"batch"`` or for each ``"row"``; scales what is left by 1 / (1 - p).

    Huang et al.: Deep networks with stochastic depth, 2016; as ``torchvision.ops.stochastic_depth``.
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}")
    if mode not in ("batch", "row"):
        raise ValueError(f"mode has to be either 'batch' or 'row', but got {mode}")
    if not training or p == 0.0:
        return input
    kept = empty([input.shape[0] if mode == "row" else 1] + [1] * (input.ndim - 1), dtype=input.dtype).bernoulli_(1 - p)
    return input * (kept.div_(1 - p) if p < 1 else kept)


class StochasticDepth(nn.Module):
    """`stochastic_depth` while training."""

    def __init__(self, p: float, mode: str) -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, input: Any) -> Tensor:
        return stochastic_depth(input, self.p, self.mode, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, mode={self.mode}"


class FrozenBatchNorm2d(nn.Module):
    """Batch normalisation by fixed statistics and factors, all buffers: y = (x - mean) / sqrt(var + eps) weight + bias.

    It loads the state of a ``BatchNorm2d``. As ``torchvision.ops.FrozenBatchNorm2d``.
    """

    def __init__(self, num_features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", ones(num_features))
        self.register_buffer("bias", zeros(num_features))
        self.register_buffer("running_mean", zeros(num_features))
        self.register_buffer("running_var", ones(num_features))

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        state_dict.pop(prefix + "num_batches_tracked", None)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def forward(self, x: Any) -> Tensor:
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        bias = self.bias - self.running_mean * scale
        return x * scale.reshape(1, -1, 1, 1) + bias.reshape(1, -1, 1, 1)

    def extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, eps={self.eps}"
