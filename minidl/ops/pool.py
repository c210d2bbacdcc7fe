"""Pooling over sliding windows: maxima, means and p-norms.

A maximum or sum over a window is taken along one dimension after the other, as the running maximum or sum of strided
slices, one for each place in the kernel. A max pool's backward finds again which place won (the first of equal ones; a
NaN before any number): one small integer for each output serves derivatives of all orders.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..core import Tensor, data_of, dtype_of, primitive, public, wrap
from ..core.checks import n_tuple, require_tensor
from ..core.dtypes import word
from .conv.geometry import Geometry
from .conv.layout import Sizes, empty, full_like, is_channels_last
from .powers import pow
from .relu import relu
from .rounding import abs, sign


class Windows(NamedTuple):
    """The kernel's sizes, where it lies, and how many places it has (`ceil_mode` may add one)."""

    kernel: Sizes
    geo: Geometry
    out: Sizes


# Small images are pooled faster than these are found again: hence the caches.
@lru_cache
def steps(w: Windows, axis: int, n: int) -> list[tuple[slice, slice]]:
    """Along a dimension of size `n`, for each place in the kernel, the inputs there and the outputs that read them."""
    return [w.geo.overlap(axis, k, n, 0, w.out[axis]) for k in range(w.kernel[axis])]


@lru_cache
def places(w: Windows, size: Sizes) -> list[tuple[int, Any, Any]]:
    """For each place in the kernel its number and the indices of the inputs there and of the outputs that read them."""
    pairs = product(*[steps(w, axis, n) for axis, n in enumerate(size)])
    return [(number, (..., *[i for i, _ in pair]), (..., *[o for _, o in pair])) for number, pair in enumerate(pairs)]


def windows(op: str, x: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Windows:
    """The windows that the arguments describe; TypeError or RuntimeError, in PyTorch's words, if they do not fit."""
    require_tensor(op, "input", x)
    dims = int(op[-2])
    kernel = n_tuple(kernel_size, dims, op, "kernel_size")
    strides = kernel if stride is None or stride in ((), []) else n_tuple(stride, dims, op, "stride")
    pads, dilations = n_tuple(padding, dims, op, "padding"), n_tuple(dilation, dims, op, "dilation")
    return windows_on(op, check_shape(op, x, dims), kernel, strides, pads, dilations, bool(ceil_mode))


@lru_cache
def windows_on(op: str, size: Sizes, kernel: Sizes, strides: Sizes, pads: Sizes, dilations: Sizes, ceil_mode: bool) -> Windows:
    """The windows on an image of `size`, or an error."""
    for name, values, least in (("kernel_size", kernel, 1), ("stride", strides, 1), ("dilation", dilations, 1),
                                ("padding", pads, 0)):
        if min(values) < least:
            raise RuntimeError(f"{op}: {name} should be {'greater than zero' if least else 'non-negative'}, but got "
                               f"{values}")
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilations)]
    if any(p > r // 2 for p, r in zip(pads, reach)):
        raise RuntimeError(f"{op}: pad should be at most half of effective kernel size, but got pad={pads}, "
                           f"kernel_size={kernel} and dilation={dilations}")
    out = []
    for n, r, s, p in zip(size, reach, strides, pads):
        count = (n + 2 * p - r + (s - 1 if ceil_mode else 0)) // s + 1
        out.append(count - 1 if ceil_mode and (count - 1) * s >= n + p else count)  # windows start inside
    if min(out) < 1:
        raise RuntimeError(f"{op}: Given input size: {'x'.join(map(str, size))}. Calculated output size: "
                           f"{'x'.join(map(str, out))}. Output size is too small")
    return Windows(kernel, Geometry(strides, tuple([(p, p) for p in pads]), dilations), tuple(out))


def check_shape(op: str, x: Any, dims: int, full: int = 1) -> Sizes:
    """The spatial sizes; RuntimeError unless one or two dimensions are before, and the last dims + `full` not empty."""
    shape = list(x.shape)
    if len(shape) not in (dims + 1, dims + 2) or 0 in shape[-dims - full:]:
        raise RuntimeError(f"{op}: Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch "
                           f"size for input, but got: {shape}")
    return tuple(shape[-dims:])


def last(shape: Sizes, dims: int) -> Sizes:
    """The spatial sizes."""
    return shape[len(shape) - dims:]


def running(ufunc: Any, x: np.ndarray, start: float, w: Windows) -> np.ndarray:
    """`ufunc` over each window, beginning with `start`: along one dimension after the other."""
    first = x.ndim - len(w.kernel)
    for axis, count in enumerate(w.out):
        y = empty((*x.shape[:first + axis], count, *x.shape[first + axis + 1:]), x.dtype, is_channels_last(x))
        at = (slice(None),) * (first + axis)
        for place, (i, o) in enumerate(steps(w, axis, x.shape[first + axis])):
            if place == 0 and o == slice(0, count):
                y[...] = x[(*at, i)]
                continue
            if place == 0:
                y[...] = start
            part = y[(*at, o)]
            ufunc(part, x[(*at, i)], out=part)
        x = y
    return x


# ---- maxima


def maxima(x: np.ndarray, w: Windows) -> np.ndarray:
    return running(np.maximum, x, -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min, w)


def winners(x: np.ndarray, w: Windows) -> np.ndarray:
    """For each window, the place in the kernel of the first maximum, or of the last NaN."""
    y, size = maxima(x, w), last(x.shape, len(w.kernel))
    count = np.min_scalar_type(prod(w.kernel)).type(prod(w.kernel))
    winner = full_like(x, y.shape, count, count.dtype)
    for number, i, o in places(w, size):
        missed = (x[i] != y[o]) * count  # as numbers, which is faster than a masked copy
        part = winner[o]
        np.minimum(part, np.maximum(missed, number), out=part)
    if x.dtype.kind == "f" and np.isnan(y).any():
        for number, i, o in places(w, size):
            np.copyto(winner[o], number, where=np.isnan(x[i]))
    return winner


def share(x: np.ndarray, hit: np.ndarray, finite: bool) -> np.ndarray:
    """x where hit, else 0: a product is twice as fast as a choice, if no infinity makes it NaN."""
    return x * hit if finite else np.where(hit, x, x.dtype.type(0))


@primitive(x=lambda g, winner, w: from_winners(g, winner, w), arrays="winner")
def to_winners(x: Any, winner: Any, w: Windows, size: Sizes) -> Any:
    """y = zeros of `size` with each x added at the place that won its window."""
    y = full_like(x, (*x.shape[:x.ndim - len(size)], *size), 0)
    finite = bool(np.isfinite(x).all())
    for number, i, o in places(w, size):
        y[i] += share(x[o], winner[o] == number, finite)
    return y


@primitive(x=lambda g, winner, w, x_shape: to_winners(g, winner, w, last(x_shape, len(w.kernel))), arrays="winner")
def from_winners(x: Any, winner: Any, w: Windows) -> Any:
    """y = the value at the place that won each window; the transpose of `to_winners`."""
    size = last(x.shape, len(w.kernel))
    y = full_like(x, (*x.shape[:x.ndim - len(size)], *w.out), 0)
    for number, i, o in places(w, size):
        np.copyto(y[o], x[i], where=winner[o] == number)
    return y


def max_pooling(dims: int) -> Any:
    def max_pool(x: Any, w: Windows) -> Any:
        return maxima(x, w)

    return primitive(x=lambda g, x, w: to_winners(g, winners(data_of(x), w), w, last(tuple(x.shape), dims)),
                     grad_name=f"MaxPool{dims}DWithIndicesBackward0")(max_pool)


MAX_POOL = {dims: max_pooling(dims) for dims in (1, 2, 3)}


def winner_indices(x: np.ndarray, w: Windows) -> np.ndarray:
    """The place of each window's maximum in the flattened spatial dimensions."""
    won = np.unravel_index(winners(x, w), w.kernel)
    index = np.zeros((), np.int64)
    for axis, n in enumerate(last(x.shape, len(w.kernel))):
        start = np.arange(w.out[axis]) * w.geo.stride[axis] - w.geo.padding[axis][0]
        column = start.reshape(-1, *[1] * (len(w.out) - 1 - axis))
        index = index * n + column + won[axis] * w.geo.dilation[axis]
    return index


def max_pool(op: str, x: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
             return_indices: bool) -> Any:
    w = windows(op, x, kernel_size, stride, padding, dilation, ceil_mode)
    if dtype_of(x).kind == "b":
        raise NotImplementedError(f"{op}: not implemented for '{word(dtype_of(x))}'")
    y = MAX_POOL[len(w.kernel)](x, w)
    if not return_indices:
        return y
    index = winner_indices(data_of(x), w)
    return y, wrap(index) if isinstance(x, Tensor) else index


# ---- means


def divisors(w: Windows, size: Sizes, include: bool, override: int | None, dtype: np.dtype) -> Any:
    """What each window's sum is divided by: the elements it holds, padding too if `include`, or `override`."""
    if override is not None:
        return override
    total = np.ones((), np.int64)
    for n, k, s, (p, _), out in zip(size, w.kernel, w.geo.stride, w.geo.padding, w.out):
        start = np.arange(out) * s - p
        stop = np.minimum(start + k, n + p)
        total = np.multiply.outer(total, stop - start if include else np.minimum(stop, n) - np.maximum(start, 0))
    return int(total.flat[0]) if (total == total.flat[0]).all() else total.astype(dtype)


def mean_pool(x: np.ndarray, w: Windows, include: bool, override: int | None) -> np.ndarray:
    y = running(np.add, x, 0, w)
    by = divisors(w, last(x.shape, len(w.kernel)), include, override, x.dtype)
    if x.dtype.kind == "f":
        y /= by
        return y
    return np.sign(y) * (np.abs(y) // np.abs(by)) * np.sign(by)


def mean_spread(x: np.ndarray, w: Windows, include: bool, override: int | None, size: Sizes) -> np.ndarray:
    """The transpose of `mean_pool`: each value shared out among its window."""
    y = x / divisors(w, size, include, override, x.dtype)
    first = x.ndim - len(size)
    for axis in reversed(range(len(size))):
        at = (slice(None),) * (first + axis)
        z = full_like(y, (*y.shape[:first + axis], size[axis], *y.shape[first + axis + 1:]), 0)
        for i, o in steps(w, axis, size[axis]):
            z[(*at, i)] += y[(*at, o)]
        y = z
    return y


def avg_pooling(dims: int) -> Any:
    def avg_pool(x: Any, w: Windows, include: bool, override: Any) -> Any:
        return mean_pool(x, w, include, override)

    def avg_spread(x: Any, w: Windows, include: bool, override: Any, size: Sizes) -> Any:
        return mean_spread(x, w, include, override, size)

    pool = primitive(x=lambda g, w, include, override, x_shape: spread(g, w, include, override, last(x_shape, dims)),
                     grad_name=f"AvgPool{dims}DBackward0")(avg_pool)
    spread = primitive(x=lambda g, w, include, override: pool(g, w, include, override),
                       grad_name=f"AvgPool{dims}DBackwardBackward0")(avg_spread)
    return pool


AVG_POOL = {dims: avg_pooling(dims) for dims in (1, 2, 3)}


def avg_pool(op: str, x: Any, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, include: bool,
             override: int | None) -> Any:
    w = windows(op, x, kernel_size, stride, padding, 1, ceil_mode)
    if len(w.kernel) == 3 and any(n < k for n, k in zip(x.shape[-3:], w.kernel)):
        raise RuntimeError(f"{op}: input image {tuple(x.shape[-3:])} smaller than kernel size {w.kernel}")
    if override == 0:
        raise RuntimeError(f"{op}: divisor must be not zero")
    if dtype_of(x).kind == "b":
        raise NotImplementedError(f"{op}: not implemented for '{word(dtype_of(x))}'")
    return AVG_POOL[len(w.kernel)](x, w, include, override)


def lp_pool(op: str, x: Any, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Any:
    mean = avg_pool(op, pow(x, norm_type), kernel_size, stride, 0, ceil_mode, True, None)
    size = prod(n_tuple(kernel_size, int(op[-2]), op, "kernel_size"))
    return pow(sign(mean) * relu(abs(mean)) * size, 1.0 / norm_type)


# ---- the public functions


@public(where="torch nn.functional")
def max_pool1d(input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The maximum of each window of (N, C, L) or (C, L), padded with -inf; the gradient goes to the first one.

    `stride` is the kernel's size by default; `ceil_mode` adds a last window that starts inside but does not fit. With
    `return_indices` also the place of each maximum in the flattened spatial dimensions. RuntimeError where nothing
    fits.

    >>> import minidl as torch
    >>> max_pool1d(torch.tensor([[1., 3., 2., 2., 5.]]), 2, ceil_mode=True, return_indices=True)
    (tensor([[3., 2., 5.]]), tensor([[1, 2, 4]]))
    """
    return max_pool("max_pool1d", input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@public(where="torch nn.functional")
def max_pool2d(input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The maximum of each window of (N, C, H, W) or (C, H, W), padded with -inf. See `max_pool1d`."""
    return max_pool("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@public(where="torch nn.functional")
def max_pool3d(input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The maximum of each window of (N, C, D, H, W) or (C, D, H, W), padded with -inf. See `max_pool1d`."""
    return max_pool("max_pool3d", input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@public(where="torch nn.functional")
def avg_pool1d(input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True) -> Any:
    """The mean of each window of (N, C, L) or (C, L).

    `stride` is the kernel's size by default; `ceil_mode` adds a last window that starts inside but does not fit. Zeros
    of the padding count as elements unless `count_include_pad` is false. RuntimeError where nothing fits.

    >>> import minidl as torch
    >>> avg_pool1d(torch.tensor([[1., 3., 2., 2., 5.]]), 2)
    tensor([[2., 2.]])
    """
    return avg_pool("avg_pool1d", input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


@public(where="nn.functional")
def avg_pool2d(input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int | None = None) -> Any:
    """The mean of each window of (N, C, H, W) or (C, H, W), or its sum over `divisor_override`.

    See `avg_pool1d`. RuntimeError where nothing fits or the divisor is 0.
    """
    return avg_pool("avg_pool2d", input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@public(where="nn.functional")
def avg_pool3d(input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int | None = None) -> Any:
    """The mean of each window of (N, C, D, H, W) or (C, D, H, W), or its sum over `divisor_override`.

    See `avg_pool1d`. RuntimeError where nothing fits or the divisor is 0.
    """
    return avg_pool("avg_pool3d", input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@public(where="nn.functional")
def lp_pool1d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """(sum of x^p)^(1/p) over each window of (N, C, L) or (C, L), with p = `norm_type`; 0 where the sum is negative."""
    return lp_pool("lp_pool1d", input, norm_type, kernel_size, stride, ceil_mode)


@public(where="nn.functional")
def lp_pool2d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """(sum of x^p)^(1/p) over each window of (N, C, H, W) or (C, H, W), with p = `norm_type`; 0 if the sum is < 0."""
    return lp_pool("lp_pool2d", input, norm_type, kernel_size, stride, ceil_mode)


@public(where="nn.functional")
def lp_pool3d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """(sum of x^p)^(1/p) for windows of (N, C, D, H, W) or (C, D, H, W), with p = `norm_type`."""
    return lp_pool("lp_pool3d", input, norm_type, kernel_size, stride, ceil_mode)
