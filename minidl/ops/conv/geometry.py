"""Where a kernel lies on its input: sizes, padding, and the checks that every convolution makes first."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from ...core import data_of
from ...core.checks import n_tuple, require_tensor
from .layout import Sizes, is_channels_last


class Geometry(NamedTuple):
    """Output place i reads, at kernel place k, input place ``i * stride + k * dilation - before``.

    `padding` holds a pair (before, after) for each spatial dimension. They differ where 'same' needs an odd zero, and
    where an output_padding enlarges a transposed convolution: it is so much less padding after, even below 0.
    """

    stride: Sizes
    padding: tuple[tuple[int, int], ...]
    dilation: Sizes
    groups: int = 1
    last: bool = False  # whether results, and gradients of all orders, are channels-last in memory

    def output_size(self, size: Sizes, kernel: Sizes) -> Sizes:
        """floor((size + before + after - dilation (kernel - 1) - 1) / stride) + 1, for each dimension."""
        return tuple([(n + before + after - d * (k - 1) - 1) // s + 1 for n, k, s, (before, after), d in
                      zip(size, kernel, self.stride, self.padding, self.dilation)])

    def transposed_size(self, size: Sizes, kernel: Sizes) -> Sizes:
        """The least sizes that `output_size` takes to `size`."""
        return tuple([(n - 1) * s - before - after + d * (k - 1) + 1 for n, k, s, (before, after), d in
                      zip(size, kernel, self.stride, self.padding, self.dilation)])

    def overlap(self, axis: int, k: int, size: int, start: int, count: int) -> tuple[slice, slice]:
        """Along one dimension, for kernel place k and the `count` outputs from `start`: the inputs read that are not
        padding, and which of those outputs read them."""
        return reach(k * self.dilation[axis] - self.padding[axis][0] + start * self.stride[axis], self.stride[axis],
                     size, count)


def reach(first: int, step: int, size: int, count: int) -> tuple[slice, slice]:
    """Of the `count` places first, first + step, ..., those that lie in [0, size), and their numbers."""
    i = max(0, -(first // step))
    j = max(i, min(count, (size - 1 - first) // step + 1))
    return slice(i * step + first, j * step + first, step), slice(i, j)


class Problem(NamedTuple):
    """What an algorithm is asked for: a direction (a name in `DIRECTIONS`) of the convolution of x with w."""

    direction: str
    x: Sizes  # (N, C, ...)
    w: Sizes  # (O, C / groups, ...)
    geo: Geometry
    dtype: np.dtype = np.dtype("f4")

    @property
    def kernel(self) -> Sizes:
        return self.w[2:]

    @property
    def out(self) -> Sizes:
        """The output's spatial sizes."""
        return self.geo.output_size(self.x[2:], self.kernel)

    @property
    def places(self) -> int:
        """Output places, of all images."""
        return self.x[0] * prod(self.out)

    @property
    def work(self) -> int:
        """Multiply-adds by the definition, padding included; the same in all directions."""
        return self.places * prod(self.w)

    @property
    def depth(self) -> int:
        """Products in one output: channels of a group times kernel places."""
        return prod(self.w[1:])


DIRECTIONS = ("output", "input_grad", "weight_grad")


def same_padding(kernel: Sizes, dilation: Sizes) -> tuple[tuple[int, int], ...]:
    """The padding with which an output of stride 1 is as large as the input; an odd zero goes after."""
    total = [d * (k - 1) for k, d in zip(kernel, dilation)]
    return tuple([(n // 2, n - n // 2) for n in total])


def check(op: str, x: Any, w: Any, b: Any, stride: Any, padding: Any, dilation: Any, groups: int,
          output_padding: Any = 0, transposed: bool = False) -> Geometry:
    """The geometry that the arguments describe; TypeError or RuntimeError, in PyTorch's words, if they do not fit."""
    dims = int(op[-2])
    require_tensor(op, "input", x)
    require_tensor(op, "weight", w)
    shape, weight = list(x.shape), list(w.shape)
    if len(weight) != dims + 2:
        raise RuntimeError(f"{op}: expected a weight of {dims + 2} dimensions, but got weight of size {weight}")
    if len(shape) not in (dims + 1, dims + 2):
        raise RuntimeError(f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {op}, but got input of "
                           f"size: {shape}")
    kernel, size = tuple(weight[2:]), tuple(shape[-dims:])
    strides, dilations = n_tuple(stride, dims, op, "stride"), n_tuple(dilation, dims, op, "dilation")
    extra = n_tuple(output_padding, dims, op, "output_padding")
    if padding == "same" and not transposed:
        if any(s != 1 for s in strides):
            raise RuntimeError(f"{op}: padding='same' is not supported for strided convolutions, got stride {strides}")
        pairs = same_padding(kernel, dilations)
    elif isinstance(padding, str) and padding != "valid":
        raise RuntimeError(f"{op}: Invalid padding string: {padding!r}")
    else:
        pairs = tuple([(p, p) for p in n_tuple(0 if padding == "valid" else padding, dims, op, "padding")])
    for name, values, least in (("stride", strides, 1), ("padding", tuple([p for p, _ in pairs]), 0),
                                ("dilation", dilations, 1), ("groups", (groups,), 1), ("kernel size", kernel, 1),
                                ("output_padding", extra, 0)):
        if min(values) < least:
            raise RuntimeError(f"{op}: {'non-positive' if least else 'negative'} {name} is not supported, got {values}")
    check_channels(op, shape, weight, b, groups, transposed)
    if not prod(size):
        raise RuntimeError(f"{op}: Only zero batch or zero channel inputs are supported, but got input shape: {shape}")
    last = is_channels_last(data_of(x)) or is_channels_last(data_of(w))
    geo = Geometry(strides, pairs, dilations, groups, last)
    if transposed:
        return check_transposed(op, shape, weight, geo, extra)
    padded = [n + before + after for n, (before, after) in zip(size, pairs)]
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilations)]
    if any(n < k for n, k in zip(padded, reach)):
        raise RuntimeError(f"{op}: Calculated padded input size per channel: ({' x '.join(map(str, padded))}). Kernel "
                           f"size: ({' x '.join(map(str, reach))}). Kernel size can't be greater than actual "
                           "input size")
    return geo


def check_channels(op: str, shape: list[int], weight: list[int], b: Any, groups: int, transposed: bool) -> None:
    """RuntimeError unless channels fit. A weight is (out, in / groups, ...), transposed (in, out / groups, ...)."""
    if weight[0] < groups:
        raise RuntimeError(f"{op}: Given groups={groups}, expected weight to be at least {groups} at dimension 0, but "
                           f"got weight of size {weight} instead")
    if weight[0] % groups:
        raise RuntimeError(f"{op}: Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
                           f"but got weight of size {weight} instead")
    channels = shape[1 - len(weight)]
    needed, made = (weight[0], weight[1] * groups) if transposed else (weight[1] * groups, weight[0])
    given = "Given transposed=1, " if transposed else "Given "
    if channels != needed:
        raise RuntimeError(f"{op}: {given}groups={groups}, weight of size {weight}, expected input{shape} to have "
                           f"{needed} channels, but got {channels} channels instead")
    if b is not None:
        require_tensor(op, "bias", b)
        if tuple(b.shape) != (made,):
            raise RuntimeError(f"{op}: {given}weight of size {weight}, expected bias to be 1-dimensional with {made} "
                               f"elements, but got bias of size {list(b.shape)} instead")


def check_transposed(op: str, shape: list[int], weight: list[int], geo: Geometry, extra: Sizes) -> Geometry:
    """The geometry with its output_padding; RuntimeError unless that and the output's sizes are possible."""
    if any(e >= s and e >= d for e, s, d in zip(extra, geo.stride, geo.dilation)):
        raise RuntimeError(f"{op}: output padding must be smaller than either stride or dilation, but got "
                           f"output_padding: {extra} stride: {geo.stride} dilation: {geo.dilation}")
    geo = geo._replace(padding=tuple([(p, q - e) for (p, q), e in zip(geo.padding, extra)]))
    dims = len(weight) - 2
    made = geo.transposed_size(tuple(shape[-dims:]), tuple(weight[2:]))
    if min(made) < 0:
        raise RuntimeError(f"{op}: input{shape} with weight of size {weight} and padding "
                           f"{tuple([p for p, _ in geo.padding])} would give a negative output size: {made}")
    return geo
