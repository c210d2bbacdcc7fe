"""Convolution layers and their transposes, in one, two and three dimensions.

Weight and bias begin uniform on [-k, k), k = 1 / sqrt(fan_in), fan_in = channels of a group times kernel positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.tensor import Tensor
from .. import functional as F
from ..parameter import UninitializedParameter, empty_parameter
from .lazy import LazyModuleMixin
from .linear import init_uniform_by_fan_in
from .module import Module
from .utils import n_tuple

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "LazyConv1d",
           "LazyConv2d", "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d"]

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What all convolutions have: their sizes, weight, bias and repr."""

    _dims: int  # of space
    padding_mode: str = "zeros"  # of what PyTorch wrote before 1.1, whose state has none
    weight: Any
    bias: Any

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any,
                 transposed: bool, output_padding: Any, groups: int, bias: bool, padding_mode: str, device: Any,
                 dtype: Any) -> None:
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if padding_mode not in PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {PADDING_MODES}, but got padding_mode='{padding_mode}'")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation, self.output_padding = (
            n_tuple(v, self._dims) for v in (kernel_size, stride, dilation, output_padding))
        self.padding = padding if isinstance(padding, str) else n_tuple(padding, self._dims)
        self.transposed, self.padding_mode = transposed, padding_mode
        self._reversed_padding_repeated_twice = self._padding_around()
        self.weight = empty_parameter(self._weight_shape(), device, dtype)
        self.register_parameter("bias", empty_parameter((out_channels,), device, dtype) if bias else None)
        self.reset_parameters()

    def _padding_around(self) -> list[int]:
        """What `pad` takes: before and after, the last dimension first."""
        if self.padding == "same":
            if any(s != 1 for s in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size)]
            return [side for total in reversed(totals) for side in (total // 2, total - total // 2)]
        if isinstance(self.padding, str):
            if self.padding != "valid":
                raise ValueError(f"Invalid padding string {self.padding!r}, should be one of {{'same', 'valid'}}")
            return [0, 0] * self._dims
        return [p for p in reversed(self.padding) for _ in range(2)]

    def _weight_shape(self) -> tuple[int, ...]:
        outer, inner = self.out_channels, self.in_channels
        if self.transposed:
            outer, inner = inner, outer
        return (outer, inner // self.groups, *self.kernel_size)

    def reset_parameters(self) -> None:
        init_uniform_by_fan_in(self.weight, self.bias)

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        zeros = (0,) * self._dims
        parts += [f"{name}={getattr(self, name)}" for name, default in (
            ("padding", zeros), ("dilation", (1,) * self._dims), ("output_padding", zeros), ("groups", 1))
            if getattr(self, name) != default]
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class _Conv(_ConvNd):
    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
                 dilation: Any = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, False, 0, groups, bias,
                         padding_mode, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode), 0
        return self._convolve(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def _convolve(self, *args: Any) -> Tensor:
        raise NotImplementedError


class Conv1d(_Conv):
    """y = w * x + b over (N, C, L) or (C, L), where * slides the kernel without turning it around (cross-correlation).

    `padding` is a number of zeros on both sides, ``'same'`` (as many as keep the size) or ``'valid'`` (none);
    `padding_mode` puts other values there. Each of the `groups` sees its share of the channels alone.
    """

    _dims = 1

    def _convolve(self, *args: Any) -> Tensor:
        return F.conv1d(*args)


class Conv2d(_Conv):
    """As `Conv1d`, over (N, C, H, W) or (C, H, W).

    >>> from minidl import nn, ones
    >>> nn.Conv2d(3, 8, kernel_size=3, stride=2, padding=1)(ones(1, 3, 32, 32)).shape
    torch.Size([1, 8, 16, 16])
    """

    _dims = 2

    def _convolve(self, *args: Any) -> Tensor:
        return F.conv2d(*args)


class Conv3d(_Conv):
    """As `Conv1d`, over (N, C, D, H, W) or (C, D, H, W)."""

    _dims = 3

    def _convolve(self, *args: Any) -> Tensor:
        return F.conv3d(*args)


class _ConvTranspose(_ConvNd):
    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
                 output_padding: Any = 0, groups: int = 1, bias: bool = True, dilation: Any = 1,
                 padding_mode: str = "zeros", device: Any = None, dtype: Any = None) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, True, output_padding,
                         groups, bias, padding_mode, device, dtype)

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return self._convolve(input, self.weight, self.bias, self.stride, self.padding,
                              self._output_padding_for(input, output_size), self.groups, self.dilation)

    def _output_padding_for(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """The rows to add at the end so that the output, which the stride leaves open, has the size asked for."""
        if output_size is None:
            return self.output_padding
        lead = 2 if input.ndim == self._dims + 2 else 1
        size = tuple(output_size[lead:] if len(output_size) == lead + self._dims else output_size)
        if len(size) != self._dims:
            raise ValueError(f"ConvTranspose{self._dims}D: for {input.ndim}D input, output_size must have {self._dims} "
                             f"or {lead + self._dims} elements (got {len(size)})")
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in zip(
            input.shape[lead:], self.stride, self.padding, self.dilation, self.kernel_size)]
        most = [n + s - 1 for n, s in zip(least, self.stride)]
        if any(not low <= n <= high for low, n, high in zip(least, size, most)):
            raise ValueError(f"requested an output size of {list(size)}, but valid sizes range from {least} to {most} "
                             f"(for an input of {input.shape[2:]})")
        return tuple(n - low for n, low in zip(size, least))

    def _convolve(self, *args: Any) -> Tensor:
        raise NotImplementedError


class ConvTranspose1d(_ConvTranspose):
    """The transpose of `Conv1d` as a linear map: each input element adds its multiple of the kernel to the output.

    With stride s, s sizes of the larger side give the same smaller one; `output_padding`, or `output_size` in the call,
    chooses.
    """

    _dims = 1

    def _convolve(self, *args: Any) -> Tensor:
        return F.conv_transpose1d(*args)


class ConvTranspose2d(_ConvTranspose):
    """As `ConvTranspose1d`, over (N, C, H, W) or (C, H, W)."""

    _dims = 2

    def _convolve(self, *args: Any) -> Tensor:
        return F.conv_transpose2d(*args)


class ConvTranspose3d(_ConvTranspose):
    """As `ConvTranspose1d`, over (N, C, D, H, W) or (C, D, H, W)."""

    _dims = 3

    def _convolve(self, *args: Any) -> Tensor:
        return F.conv_transpose3d(*args)


# ---- lazy


class _LazyConvMixin(LazyModuleMixin, _ConvNd):
    def _make_lazy(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        if not self.has_uninitialized_params():
            return
        if input.ndim not in (self._dims + 1, self._dims + 2):
            raise RuntimeError(f"Expected {self._dims + 1}D (unbatched) or {self._dims + 2}D (batched) input to "
                               f"{type(self).__name__}, but got input of size: {input.shape}")
        self.in_channels = input.shape[-self._dims - 1]
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        self.weight.materialize(self._weight_shape())
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


class _LazyConv(_LazyConvMixin, _Conv):
    def __init__(self, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
                 groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device, dtype)
        self._make_lazy(out_channels, bias, device, dtype)


class _LazyConvTranspose(_LazyConvMixin, _ConvTranspose):
    def __init__(self, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
                 groups: int = 1, bias: bool = True, dilation: Any = 1, padding_mode: str = "zeros", device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode,
                         device, dtype)
        self._make_lazy(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConv, Conv1d):
    """A `Conv1d` that takes `in_channels` from its first input."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A `Conv2d` that takes `in_channels` from its first input."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A `Conv3d` that takes `in_channels` from its first input."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A `ConvTranspose1d` that takes `in_channels` from its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A `ConvTranspose2d` that takes `in_channels` from its first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """A `ConvTranspose3d` that takes `in_channels` from its first input."""

    cls_to_become = ConvTranspose3d
