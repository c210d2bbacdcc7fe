"""Sliding windows of images as columns (unfold), and columns added back into images (fold): each the other's transpose.

The columns of a convolution, made explicit: conv(x, w) is ``w.reshape(O, -1) @ unfold(x)``. On an image of ones,
fold(unfold) counts how often each place is read.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..core import dtype_of, primitive, public
from ..core.checks import n_tuple, require_tensor
from ..core.dtypes import word
from .conv.geometry import Geometry
from .conv.im2col import add_columns, padded, windows
from .conv.layout import Sizes


@primitive(x=lambda g, x_shape, kernel, geo: _col2im(g, x_shape[-2:], kernel, geo), grad_name="Im2ColBackward0")
def _im2col(x: Any, kernel: Sizes, geo: Geometry) -> Any:
    out = geo.output_size(x.shape[-2:], kernel)
    images = padded(x.reshape(prod(x.shape[:-3]), *x.shape[-3:]), geo.padding, False)
    return np.array(windows(images, kernel, out, geo)).reshape(*x.shape[:-3], x.shape[-3] * prod(kernel), prod(out))


@primitive(x=lambda g, kernel, geo: _im2col(g, kernel, geo), grad_name="Col2ImBackward0")
def _col2im(x: Any, size: Sizes, kernel: Sizes, geo: Geometry) -> Any:
    images, channels, out = prod(x.shape[:-2]), x.shape[-2] // prod(kernel), geo.output_size(size, kernel)
    y = np.zeros((*x.shape[:-2], channels, *size), x.dtype)
    add_columns(y.reshape(images, channels, *size), x.reshape(images, 1, channels, *kernel, *out), geo)
    return y


def geometry(op: str, x: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> tuple[Sizes, Geometry]:
    """The kernel's sizes and the geometry, of two dimensions; RuntimeError for impossible numbers."""
    require_tensor(op, "input", x)
    named = {name: n_tuple(value, 2, op, name) for name, value in (("kernel_size", kernel_size), ("dilation", dilation),
                                                                  ("padding", padding), ("stride", stride))}
    for name, values in named.items():
        if min(values) < (name != "padding"):
            least = "at least" if name == "padding" else "greater than"
            raise RuntimeError(f"{op}: {name} should be {least} zero, but got {values}")
    if dtype_of(x).kind not in "fcb":
        raise NotImplementedError(f"{op}: not implemented for '{word(dtype_of(x))}'")
    pairs = tuple([(p, p) for p in named["padding"]])
    return named["kernel_size"], Geometry(named["stride"], pairs, named["dilation"])


@public(where="nn.functional")
def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Takes (N, C, H, W) or (C, H, W) to columns (N, C * kernel places, output places), one for each window.

    RuntimeError where the kernel does not fit.

    >>> import minidl as torch
    >>> unfold(torch.arange(9.).reshape(1, 1, 3, 3), 2)
    tensor([[[0., 1., 3., 4.],
             [1., 2., 4., 5.],
             [3., 4., 6., 7.],
             [4., 5., 7., 8.]]])
    """
    kernel, geo = geometry("unfold", input, kernel_size, dilation, padding, stride)
    shape = list(input.shape)
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise RuntimeError(f"unfold: Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other "
                           f"non-zero dimensions for input, but got: {shape}")
    out = geo.output_size(tuple(shape[-2:]), kernel)
    if min(out) < 1:
        raise RuntimeError(f"unfold: Given input with spatial size {tuple(shape[-2:])}, kernel_size={kernel}, "
                           f"dilation={geo.dilation}, padding={tuple([p for p, _ in geo.padding])}, calculated shape "
                           f"of the array of sliding blocks as {out}, but its components must be at least one.")
    return _im2col(input, kernel, geo)


@public(where="nn.functional")
def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Takes columns (N, C * kernel places, windows) or (C * kernel places, windows) to images (N, C, *output_size):
    each value is added where `unfold` would have read it. RuntimeError where the sizes do not fit.

    >>> import minidl as torch
    >>> fold(torch.ones(4, 4), 3, 2)
    tensor([[[1., 2., 1.],
             [2., 4., 2.],
             [1., 2., 1.]]])
    """
    kernel, geo = geometry("fold", input, kernel_size, dilation, padding, stride)
    size = n_tuple(output_size, 2, "fold", "output_size")
    shape = list(input.shape)
    if min(size) < 1:
        raise RuntimeError(f"fold: Expected output spatial size to be positive, but got {size}")
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError(f"fold: Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and "
                           f"non-zero dimensions, but got: {shape}")
    if shape[-2] % prod(kernel):
        raise RuntimeError(f"fold: Expected size of input's dimension 1 to be divisible by the product of "
                           f"kernel_size, but got input.size(1)={shape[-2]} and kernel_size={kernel}")
    out = geo.output_size(size, kernel)
    if min(out) < 1 or shape[-1] != prod(out):
        raise RuntimeError(f"fold: Given output_size={size}, kernel_size={kernel}, dilation={geo.dilation}, "
                           f"padding={tuple([p for p, _ in geo.padding])}, stride={geo.stride}, expected size of "
                           f"input's dimension 2 to match the calculated number of sliding blocks {out[0]} * {out[1]} "
                           f"= {prod(out)}, but got input.size(2)={shape[-1]}")
    return _col2im(input, size, kernel, geo)
