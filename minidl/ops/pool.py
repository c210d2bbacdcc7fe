"""Pooling over sliding windows: maxima, means and p-norms.

A maximum or sum over a window is taken along one dimension after the other, as the running maximum or sum of strided
slices, one for each place in the kernel. So is the way back: a max pool's gradient goes to the place that won along each
dimension, a small integer, and the same integers serve the derivatives of all orders. In PyTorch the first of equal maxima
wins, row by row; that is the first place along the last dimension in the row that wins first: hence the order of dimensions there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ..core import Tensor, data_of, dtype_of, primitive, public, wrap
from ..core.checks import n_tuple, require_tensor
from ..core.dtypes import word
from ..core.threads import by_rows, pays, split
from .conv.geometry import Geometry
from .conv.layout import Sizes, empty, full_like, is_channels_last
from .powers import pow
from .relu import relu
from .rounding import abs, sign


@dataclass(eq=False)
class Windows:
    """The kernel's sizes, where it lies, and how many places it has (`ceil_mode` may add one). One object for each kind."""

    kernel: Sizes
    geo: Geometry
    out: Sizes


# Small images are pooled faster than these are found again: hence the caches.
@lru_cache
def steps(w: Windows, axis: int, n: int) -> list[tuple[slice, slice]]:
    """Along a dimension of size `n`, for each place in the kernel, the inputs there and the outputs that read them."""
    return [w.geo.overlap(axis, k, n, 0, w.out[axis]) for k in range(w.kernel[axis])]


def windows(op: str, x: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Windows:
    """The windows that the arguments describe; TypeError or RuntimeError, in PyTorch's words, if they do not fit."""
    require_tensor(op, "input", x)
    arguments = [tuple(a) if isinstance(a, list) else a for a in (kernel_size, stride, padding, dilation)]
    return windows_on(op, data_of(x).shape, *arguments, bool(ceil_mode))


@lru_cache(typed=True)
def windows_on(op: str, shape: Sizes, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Windows:
    """The windows on images of `shape`, or an error."""
    dims = int(op[-2])
    kernel = n_tuple(kernel_size, dims, op, "kernel_size")
    strides = kernel if stride is None or stride == () else n_tuple(stride, dims, op, "stride")
    pads, dilations = n_tuple(padding, dims, op, "padding"), n_tuple(dilation, dims, op, "dilation")
    size = check_shape(op, shape, dims)
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


def check_shape(op: str, shape: Sizes, dims: int, full: int = 1) -> Sizes:
    """The spatial sizes; RuntimeError unless one or two dimensions are before, and the last dims + `full` not empty."""
    if len(shape) not in (dims + 1, dims + 2) or 0 in shape[-dims - full:]:
        raise RuntimeError(f"{op}: Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch "
                           f"size for input, but got: {list(shape)}")
    return tuple(shape[-dims:])


def last(shape: Sizes, dims: int) -> Sizes:
    """The spatial sizes."""
    return shape[len(shape) - dims:]


def parts(x: np.ndarray, w: Windows, axis: int, begin: int = 0, end: int | None = None) -> Iterator[tuple[np.ndarray, Any]]:
    """Along one dimension, for each of the kernel's places [begin:end], the inputs there and the index of the outputs that read them."""
    d = x.ndim - len(w.kernel) + axis
    at, scattered = (slice(None),) * d, w.geo.stride[axis] > 1 and x.strides[d] == x.itemsize
    for i, o in steps(w, axis, x.shape[d])[begin:end]:
        part = x[(*at, i)]
        yield (part.copy() if scattered else part), (*at, o)  # NumPy compares side by side many at a time, else one by one


def pooled_shape(x: np.ndarray, w: Windows, axis: int) -> Sizes:
    """x's shape with the number of windows along one dimension."""
    d = x.ndim - len(w.kernel) + axis
    return (*x.shape[:d], w.out[axis], *x.shape[d + 1:])


def running_along(ufunc: Any, x: np.ndarray, start: float, w: Windows, axis: int) -> np.ndarray:
    """`ufunc` over the part of each window that lies along one dimension, beginning with `start`."""
    last, d = not x.flags.c_contiguous and is_channels_last(x), x.ndim - len(w.kernel) + axis
    at, (i, o) = (slice(None),) * d, steps(w, axis, x.shape[d])[0]
    first = x[(*at, i)]
    if o.stop - o.start == w.out[axis]:
        y = first.copy("K" if last else "C")
    else:
        y = empty(pooled_shape(x, w, axis), x.dtype, last)
        y[...] = start
        ufunc(y[(*at, o)], first, out=y[(*at, o)])
    for part, o in parts(x, w, axis, 1):
        whole = y[o]
        ufunc(whole, part, out=whole)
    return y


def running(ufunc: Any, x: np.ndarray, start: float, w: Windows) -> np.ndarray:
    """`ufunc` over each window: along one dimension after the other."""
    if pays(sum(w.kernel) * x.size):
        return by_rows(lambda x: running(ufunc, x, start, w), x)
    for axis in range(len(w.out)):
        x = running_along(ufunc, x, start, w, axis)
    return x


# ---- maxima


def least(dtype: np.dtype) -> float:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min


def winners(x: np.ndarray, w: Windows) -> list[np.ndarray]:
    """For each dimension the place in the kernel of the first maximum along it, or of the last NaN.

    Those of the last dimension are for each row of the image, those of the one before for each row of windows, and so on.
    """
    if pays(2 * sum(w.kernel) * x.size):
        return [np.concatenate(same) for same in zip(*split(lambda part: winners(x[part], w), len(x)))]
    found = []
    for axis in reversed(range(len(w.out))):
        y = running_along(np.maximum, x, least(x.dtype), w, axis)
        found.append(winners_along(x, y, w, axis))
        x = y
    return found[::-1]


def winners_along(x: np.ndarray, y: np.ndarray, w: Windows, axis: int) -> np.ndarray:
    beaten = np.ones_like(y, bool)  # by all places so far
    winner = np.zeros_like(y, np.min_scalar_type(w.kernel[axis]))
    for part, o in parts(x, w, axis, 0, -1):  # what beats all others is the last
        np.logical_and(beaten[o], part != y[o], out=beaten[o])
        winner += beaten
    if x.dtype.kind == "f" and np.isnan(np.minimum.reduce(y, axis=None, initial=np.inf)):
        for place, (part, o) in enumerate(parts(x, w, axis)):
            np.copyto(winner[o], place, where=np.isnan(part))
    return winner


def share(x: np.ndarray, hit: np.ndarray, finite: bool) -> np.ndarray:
    """x where hit, else 0: a product is twice as fast as a choice, if no infinity makes it NaN."""
    return x * hit if finite else np.where(hit, x, x.dtype.type(0))


@primitive(x=lambda g, winner, w, axis: from_winners(g, winner, w, axis), arrays="winner")
def to_winners(x: Any, winner: Any, w: Windows, axis: int, size: int) -> Any:
    """y = zeros, of `size` along one dimension, with each x added at the place that won its window there."""
    if pays(3 * w.kernel[axis] * x.size):
        return by_rows(lambda x, winner: to_winners(x, winner, w, axis, size), x, winner)
    d = x.ndim - len(w.kernel) + axis
    at, y = (slice(None),) * d, full_like(x, (*x.shape[:d], size, *x.shape[d + 1:]), 0)
    finite = bool(np.isfinite(np.add.reduce(x, axis=None)))
    apart = w.geo.stride[axis] > (w.kernel[axis] - 1) * w.geo.dilation[axis]
    for place, (i, o) in enumerate(steps(w, axis, size)):
        part, value = y[(*at, i)], share(x[(*at, o)], winner[(*at, o)] == place, finite)
        if apart:
            part[...] = value
        else:
            part += value
    return y


@primitive(x=lambda g, winner, w, axis, x_shape: to_winners(g, winner, w, axis, x_shape[axis - len(w.out)]), arrays="winner")
def from_winners(x: Any, winner: Any, w: Windows, axis: int) -> Any:
    """y = the value at the place that won each window along one dimension; the transpose of `to_winners`."""
    y = full_like(x, pooled_shape(x, w, axis), 0)
    for place, (part, o) in enumerate(parts(x, w, axis)):
        np.copyto(y[o], part, where=winner[o] == place)
    return y


def max_pool_rule(g: Any, x: Any, w: Windows) -> Any:
    size = last(x.shape, len(w.out))
    for axis, winner in enumerate(winners(data_of(x), w)):
        g = to_winners(g, winner, w, axis, size[axis])
    return g


def max_pooling(dims: int) -> Any:
    def max_pool(x: Any, w: Windows) -> Any:
        return running(np.maximum, x, least(x.dtype), w)

    return primitive(x=max_pool_rule, grad_name=f"MaxPool{dims}DWithIndicesBackward0")(max_pool)


MAX_POOL = {dims: max_pooling(dims) for dims in (1, 2, 3)}


def winner_indices(x: np.ndarray, w: Windows) -> np.ndarray:
    """The place of each window's maximum in the flattened spatial dimensions."""
    index, step = np.zeros(x.shape, np.int64), 1
    for axis, winner in reversed(list(enumerate(winners(x, w)))):
        start = np.arange(w.out[axis]) * w.geo.stride[axis] - w.geo.padding[axis][0]
        place = start.reshape(-1, *[1] * (len(w.out) - 1 - axis)) + winner.astype(np.int64) * w.geo.dilation[axis]
        index = from_winners(index, winner, w, axis) + place * step
        step *= x.shape[axis - len(w.out)]
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
