"""The public convolutions, and the three linear maps whose gradients are each other.

With Y = conv(x, w): the gradient for x is the transposed convolution of g with w, the gradient for w the correlation of
x with g, and the gradients of those two are again among the three. So derivatives of every order are here.
"""

from __future__ import annotations

from typing import Any

from ...core import dtype_of, primitive, public
from ...core.broadcast import sum_to
from ...core.dtypes import word
from ..shape import reshape, squeeze, unsqueeze
from . import choose
from .geometry import Geometry, check
from .layout import Sizes


@primitive(x=lambda g, w, x_shape, geo: conv_transposed(g, w, None, x_shape[2:], geo),
           w=lambda g, x, w_shape, geo: conv_weight(x, g, w_shape[2:], geo),
           b=lambda g: channel_sum(g), grad_name="ConvolutionBackward0")
def convolution(x: Any, w: Any, b: Any, geo: Geometry) -> Any:
    """y[n, o, i] = sum over c and k of w[o, c, k] x[n, c, i stride + k dilation - padding] + b[o]."""
    return choose.output(x, w, b, geo)


@primitive(x=lambda g, w, geo: convolution(g, w, None, geo),
           w=lambda g, x, w_shape, geo: conv_weight(g, x, w_shape[2:], geo),
           b=lambda g: channel_sum(g), grad_name="ConvolutionBackward0")
def conv_transposed(x: Any, w: Any, b: Any, size: Sizes, geo: Geometry) -> Any:
    """The transpose of `convolution` as a linear map of its input (whose spatial sizes are `size`), plus b."""
    return choose.input_grad(x, w, b, size, geo)


@primitive(x=lambda g, z, x_shape, geo: conv_transposed(z, g, None, x_shape[2:], geo),
           z=lambda g, x, geo: convolution(x, g, None, geo), grad_name="ConvolutionBackward0")
def conv_weight(x: Any, z: Any, kernel: Sizes, geo: Geometry) -> Any:
    """w[o, c, k] = sum over n and i of z[n, o, i] x[n, c, i stride + k dilation - padding]."""
    return choose.weight_grad(x, z, kernel, geo)


def channel_sum(g: Any) -> Any:
    """The sum over everything but dimension 1: the gradient of a bias."""
    return reshape(sum_to(g, (g.shape[1],) + (1,) * (g.ndim - 2)), (g.shape[1],))


def check_types(op: str, x: Any, w: Any, b: Any) -> None:
    """PyTorch promotes nothing here: input, weight and bias have one dtype, and not bool."""
    if dtype_of(x) != dtype_of(w):
        raise RuntimeError(f"{op}: expected scalar type {word(dtype_of(x))} but found {word(dtype_of(w))}")
    if b is not None and dtype_of(b) != dtype_of(x):
        raise RuntimeError(f"{op}: Input type ({dtype_of(x)}) and bias type ({dtype_of(b)}) should be the same")
    if dtype_of(x).kind == "b":
        raise NotImplementedError(f"{op}: not implemented for 'Bool'")


def forward(op: str, x: Any, w: Any, b: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    geo = check(op, x, w, b, stride, padding, dilation, groups)
    check_types(op, x, w, b)
    if x.ndim < w.ndim:
        return squeeze(convolution(unsqueeze(x, 0), w, b, geo), 0)
    return convolution(x, w, b, geo)


def transposed(op: str, x: Any, w: Any, b: Any, stride: Any, padding: Any, extra: Any, groups: int,
               dilation: Any) -> Any:
    geo = check(op, x, w, b, stride, padding, dilation, groups, extra, transposed=True)
    check_types(op, x, w, b)
    size = geo.transposed_size(tuple(x.shape[2 - w.ndim:]), tuple(w.shape[2:]))
    if x.ndim < w.ndim:
        return squeeze(conv_transposed(unsqueeze(x, 0), w, b, size, geo), 0)
    return conv_transposed(x, w, b, size, geo)


@public(where="torch nn.functional")
def conv1d(input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
           groups: int = 1) -> Any:
    """Lays a weight (O, C / groups, k) on every place of (N, C, L) or (C, L), and adds a bias (O,).

    `padding`: zeros on both sides, or 'valid' (none), or 'same' (output as large as the input; stride 1 only).
    RuntimeError where sizes do not fit. `minidl.ops.conv` has the formula.

    >>> import minidl as torch
    >>> conv1d(torch.tensor([[[1., 2., 4., 8.]]]), torch.tensor([[[1., -1.]]]))
    tensor([[[-1., -2., -4.]]])
    """
    return forward("conv1d", input, weight, bias, stride, padding, dilation, groups)


@public(where="torch nn.functional")
def conv2d(input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
           groups: int = 1) -> Any:
    """Lays a weight (O, C / groups, kH, kW) on every place of (N, C, H, W) or (C, H, W), and adds a bias (O,).

    `padding`: zeros on both sides, or 'valid' (none), or 'same' (output as large as the input; stride 1 only).
    RuntimeError where sizes do not fit. `minidl.ops.conv` has the formula.
    """
    return forward("conv2d", input, weight, bias, stride, padding, dilation, groups)


@public(where="torch nn.functional")
def conv3d(input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
           groups: int = 1) -> Any:
    """Lays a weight (O, C / groups, kD, kH, kW) on every place of (N, C, D, H, W) or (C, D, H, W), adds a bias (O,).

    `padding`: zeros on both sides, or 'valid' (none), or 'same' (output as large as the input; stride 1 only).
    RuntimeError where sizes do not fit. `minidl.ops.conv` has the formula.
    """
    return forward("conv3d", input, weight, bias, stride, padding, dilation, groups)


@public(where="torch nn.functional")
def conv_transpose1d(input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
                     output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Any:
    """The transpose of `conv1d`: takes (N, C, L), with a weight (C, O / groups, k), to (N, O, ...) of sizes
    (n - 1) stride - 2 padding + dilation (k - 1) + output_padding + 1. RuntimeError where sizes do not fit.

    >>> import minidl as torch
    >>> conv_transpose1d(torch.tensor([[[1., 2.]]]), torch.tensor([[[1., -1.]]]))
    tensor([[[ 1.,  1., -2.]]])
    """
    return transposed("conv_transpose1d", input, weight, bias, stride, padding, output_padding, groups, dilation)


@public(where="torch nn.functional")
def conv_transpose2d(input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
                     output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Any:
    """The transpose of `conv2d`: takes (N, C, H, W), with a weight (C, O / groups, kH, kW), to (N, O, ...) of sizes
    (n - 1) stride - 2 padding + dilation (k - 1) + output_padding + 1. RuntimeError where sizes do not fit."""
    return transposed("conv_transpose2d", input, weight, bias, stride, padding, output_padding, groups, dilation)


@public(where="torch nn.functional")
def conv_transpose3d(input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0,
                     output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Any:
    """The transpose of `conv3d`: takes (N, C, D, H, W), with a weight (C, O / groups, kD, kH, kW), to (N, O, ...) of
    sizes (n - 1) stride - 2 padding + dilation (k - 1) + output_padding + 1. RuntimeError where sizes do not fit."""
    return transposed("conv_transpose3d", input, weight, bias, stride, padding, output_padding, groups, dilation)
