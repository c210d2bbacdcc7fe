"""Padding of the last dimensions: with a constant, or with the tensor's own values, reflected, repeated or circular."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import dtype_of, primitive, public
from ..core.checks import require_tensor
from ..core.dtypes import word
from .conv.layout import empty, full_like, is_channels_last

Pairs = tuple[tuple[int, int], ...]  # (before, after) for each of the last dimensions, in the dimensions' order

NAMES = {"reflect": "ReflectionPad", "replicate": "ReplicationPad"}


# ---- a constant


@primitive(x=lambda g, pairs: constant_pad_nd(g, tuple([(-a, -b) for a, b in pairs]), 0))
def constant_pad_nd(x: Any, pairs: Pairs, value: Any) -> Any:
    """x with `value` around it; a negative pad crops. The transpose is the padding with the opposite sign."""
    lead = x.ndim - len(pairs)
    sizes = [n + a + b for n, (a, b) in zip(x.shape[lead:], pairs)]
    y = full_like(x, (*x.shape[:lead], *sizes), value)
    source = [slice(max(0, -a), n + min(0, b)) for n, (a, b) in zip(x.shape[lead:], pairs)]
    target = [slice(max(0, a), n - max(0, b)) for n, (a, b) in zip(sizes, pairs)]
    y[(..., *target)] = x[(..., *source)]  # type: ignore[index]
    return y


# ---- the tensor's own values


def sources(mode: str, n: int, before: int, after: int) -> np.ndarray:
    """For each place of a padded dimension, the place in [0, n) whose value it takes."""
    i = np.arange(-before, n + after)
    if mode == "reflect":
        return n - 1 - np.abs(n - 1 - np.abs(i))
    if mode == "replicate":
        return np.clip(i, 0, n - 1)
    first, stop = max(0, -before), n - max(0, -after)  # a negative pad crops before the rest goes round
    return first + (i - first) % (stop - first)


def own_part(n: int, before: int, after: int) -> tuple[int, int]:
    """Where in a padded dimension the tensor itself, as much of it as is left, begins and ends."""
    first = min(max(0, before), n + before + after)
    return first, max(first, first + n + min(0, before) + min(0, after))


def extend(x: np.ndarray, pairs: Pairs, mode: str) -> np.ndarray:
    """One dimension after the other, y[i] = x[source of i]."""
    last = is_channels_last(x)
    for axis, (before, after) in enumerate(pairs, x.ndim - len(pairs)):
        n, at = x.shape[axis], (slice(None),) * axis
        source, (first, stop) = sources(mode, n, before, after), own_part(n, before, after)
        y = empty((*x.shape[:axis], len(source), *x.shape[axis + 1:]), x.dtype, last)
        if stop > first:
            y[(*at, slice(first, stop))] = x[(*at, slice(source[first], source[stop - 1] + 1))]
        for added in (slice(first), slice(stop, None)):
            y[(*at, added)] = x.take(source[added], axis)
        x = y
    return x


def fold_back(g: np.ndarray, size: tuple[int, ...], pairs: Pairs, mode: str) -> np.ndarray:
    """The transpose of `extend`: what lies at the places added goes to where their values came from."""
    for axis, (n, (before, after)) in enumerate(zip(size, pairs), g.ndim - len(pairs)):
        source, at = sources(mode, n, before, after), (slice(None),) * axis
        first, stop = own_part(n, before, after)
        x = full_like(g, (*g.shape[:axis], n, *g.shape[axis + 1:]), 0)
        if stop > first:
            x[(*at, slice(source[first], source[stop - 1] + 1))] = g[(*at, slice(first, stop))]
        for i in [*range(first), *range(stop, len(source))]:
            x[(*at, source[i])] += g[(*at, i)]
        g = x
    return g


def extension(grad_name: str) -> Any:
    """The pair of primitives, under the name PyTorch gives this mode and number of dimensions."""
    def pad_own(x: Any, pairs: Pairs, mode: str) -> Any:
        return extend(x, pairs, mode)

    def unpad_own(x: Any, size: Any, pairs: Pairs, mode: str) -> Any:
        return fold_back(x, size, pairs, mode)

    there = primitive(x=lambda g, x_shape, pairs, mode: back(g, x_shape[-len(pairs):], pairs, mode),
                      grad_name=grad_name)(pad_own)
    back = primitive(x=lambda g, pairs, mode: there(g, pairs, mode), grad_name=grad_name + "Backward0")(unpad_own)
    return there


EXTENSIONS = {(mode, dims): extension(f"{name}{dims}DBackward0") for mode, name in NAMES.items() for dims in (1, 2, 3)}
EXTENSIONS |= {("circular", dims): extension("CopySlices") for dims in (1, 2, 3)}


@public(where="nn.functional")
def pad(input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    """Adds (or, where negative, takes away) places at both ends of the last dimensions.

    `pad` = (before, after) of the last dimension, then of the one before it, and so on. `mode`: 'constant' fills with
    `value` (0), 'reflect' mirrors without the edge itself, 'replicate' repeats the edge, 'circular' goes on at the far
    side; these three pad the last 1, 2 or 3 dimensions of a tensor with one or two more. RuntimeError where the padding
    does not fit the sizes, also where 'circular' would repeat what a negative pad has cropped (undefined
    in PyTorch).

    >>> import minidl as torch
    >>> x = torch.tensor([[1, 2, 3]])
    >>> pad(x, (2, 1)), pad(x, (2, 1), "reflect"), pad(x, (2, 1), "circular")
    (tensor([[0, 0, 1, 2, 3, 0]]), tensor([[3, 2, 1, 2, 3, 2]]), tensor([[2, 3, 1, 2, 3, 1]]))
    """
    require_tensor("pad", "input", input)
    numbers = [int(n) for n in pad]
    shape, ndim = list(input.shape), input.ndim
    if len(numbers) % 2:
        raise RuntimeError(f"pad: Padding length must be divisible by 2, but got {len(numbers)}")
    if len(numbers) > 2 * ndim:
        raise RuntimeError("pad: Padding length should be less than or equal to two times the input dimension but got "
                           f"padding length {len(numbers)} and input of dimension {ndim}")
    pairs = tuple(zip(numbers[::2], numbers[1::2]))[::-1]
    sizes = [n + a + b for n, (a, b) in zip(shape[ndim - len(pairs):], pairs)]
    if mode == "constant":
        kept = [n + min(0, a) + min(0, b) for n, (a, b) in zip(shape[ndim - len(pairs):], pairs)]
        if min(sizes + kept, default=0) < 0:
            raise RuntimeError(f"pad: The input size {shape} and negative padding {tuple(numbers)} result in a "
                               f"negative output size: {sizes}")
        return constant_pad_nd(input, pairs, 0 if value is None else value)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"pad: Unrecognised padding mode {mode}")
    if value is not None and value != 0:
        raise RuntimeError(f'pad: Padding mode "{mode}" doesn\'t take in value argument, got {value}')
    if not 1 <= len(pairs) <= 3 or ndim - len(pairs) not in (1, 2):
        raise NotImplementedError(f"pad: Padding size {len(numbers)} is not supported for {ndim}D input tensor: only "
                                  f"2D, 3D, 4D, 5D padding with non-constant padding are supported")
    if mode != "circular" and dtype_of(input).kind == "b":
        raise NotImplementedError(f"pad: mode {mode!r} is not implemented for '{word(dtype_of(input))}'")
    check_own(mode, shape, pairs, sizes)
    return EXTENSIONS[mode, len(pairs)](input, pairs, mode)


def check_own(mode: str, shape: list[int], pairs: Pairs, sizes: list[int]) -> None:
    """RuntimeError unless the tensor's own values can fill the padding."""
    lead = len(shape) - len(pairs)
    if 0 in shape[lead - 1:]:
        raise RuntimeError(f"pad: Expected a tensor with possibly 0 batch size and other non-zero dimensions for mode "
                           f"{mode!r}, but got: {shape}")
    for axis, (before, after) in enumerate(pairs, lead):
        if mode == "reflect" and max(before, after) >= shape[axis]:
            raise RuntimeError("pad: Padding size should be less than the corresponding input dimension, but got: "
                               f"padding ({before}, {after}) at dimension {axis} of input {shape}")
        kept = shape[axis] + min(0, before) + min(0, after)
        if mode == "circular" and max(before, after, 0) > kept:
            raise RuntimeError(f"pad: Padding value causes wrapping around more than once: padding ({before}, "
                               f"{after}) at dimension {axis} of input {shape}")
        if sizes[axis - lead] < 0 or (mode != "circular" and not any(sizes)):
            raise RuntimeError(f"pad: input {shape} with padding {pairs} is too small: calculated output sizes {sizes}")
