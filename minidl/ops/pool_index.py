"""Pooling by index: elements picked at, or put back to, given places of the flattened spatial dimensions."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..core import Tensor, data_of, dtype_of, primitive, public, wrap
from ..core.checks import n_tuple, require_tensor
from ..core.dtypes import word
from .conv.layout import Sizes, full_like
from .pool import check_shape, last
from .random import rand


def flat(x: np.ndarray, dims: int) -> np.ndarray:
    """x with its last `dims` dimensions as one."""
    return x.reshape(*x.shape[:x.ndim - dims], prod(last(x.shape, dims)))


def pick_maxima(grad_name: str) -> Any:
    """The primitive y = x at `index`, under the name PyTorch gives the pooling that found the index."""
    def pick(x: Any, index: Any, dims: int) -> Any:
        y = full_like(x, index.shape, 0)
        y[...] = np.take_along_axis(flat(x, dims), flat(index, dims), -1).reshape(index.shape)
        return y

    return primitive(x=lambda g, index, dims, x_shape: put(g, index, last(x_shape, dims)),
                     arrays="index", grad_name=grad_name)(pick)


pick = pick_maxima("GatherBackward0")


@primitive(x=lambda g, index, size: pick(g, index, len(size)), arrays="index")
def put(x: Any, index: Any, size: Sizes) -> Any:
    """y = zeros with each x added at its index; the transpose of `pick`."""
    lead, places = x.shape[:x.ndim - len(size)], prod(last(x.shape, len(size)))
    y = np.zeros((prod(lead), prod(size)), x.dtype)
    rows = np.arange(len(y))[:, None]
    np.add.at(y, (rows, index.reshape(len(y), places)), x.reshape(len(y), places))
    return y.reshape(*lead, *size)


# ---- the inverse of max pooling


def unpooling(dims: int) -> Any:
    def max_unpool(x: Any, index: Any, size: Sizes) -> Any:
        y = np.zeros((*x.shape[:x.ndim - dims], prod(size)), x.dtype)
        np.put_along_axis(y, flat(index, dims), flat(x, dims), -1)
        return y.reshape(*x.shape[:x.ndim - dims], *size)

    return primitive(x=lambda g, index: pick(g, index, dims), arrays="index",
                     grad_name=f"MaxUnpool{dims}DBackward0")(max_unpool)


MAX_UNPOOL = {dims: unpooling(dims) for dims in (1, 2, 3)}


def unpooled_size(op: str, size: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, given: Any) -> Sizes:
    """The sizes that pooling came from: `given`, checked, or (n - 1) stride + kernel - 2 padding."""
    usual = tuple([(n - 1) * s + k - 2 * p for n, k, s, p in zip(size, kernel, stride, padding)])
    if given is None:
        return usual
    given, dims = [int(n) for n in given], len(size)
    if len(given) not in (dims, dims + 2):
        raise ValueError(f"{op}: output_size should be a sequence containing {dims} or {dims + 2} elements, but it "
                         f"has a length of '{len(given)}'")
    given = given[-dims:]
    for axis, (n, m, s) in enumerate(zip(given, usual, stride)):
        if not m - s < n < m + s:
            raise ValueError(f'{op}: invalid output_size "{given}" (dim {axis} must be between {m - s} and {m + s})')
    return tuple(given)


def max_unpool(op: str, x: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any) -> Any:
    dims = int(op[-2])
    require_tensor(op, "input", x)
    require_tensor(op, "indices", indices)
    kernel = n_tuple(kernel_size, dims, op, "kernel_size")
    strides = kernel if stride is None else n_tuple(stride, dims, op, "stride")
    shape = check_shape(op, data_of(x).shape, dims)
    if dtype_of(indices) != np.int64:
        raise RuntimeError(f"{op}: elements in indices should be type int64 but got: {word(dtype_of(indices))}")
    if tuple(indices.shape) != tuple(x.shape):
        raise RuntimeError(f"{op}: Expected shape of indices to be same as that of the input tensor ({list(x.shape)}) "
                           f"but got indices tensor with shape: {list(indices.shape)}")
    size = unpooled_size(op, shape, kernel, strides, n_tuple(padding, dims, op, "padding"), output_size)
    index = data_of(indices)
    wrong = index[(index < 0) | (index >= prod(size))]
    if wrong.size:
        raise RuntimeError(f"{op}: Found an invalid max index: {wrong[0]} (output volumes are of size "
                           f"{'x'.join(map(str, size))})")
    return MAX_UNPOOL[dims](x, index, size)


@public(where="nn.functional")
def max_unpool1d(input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 output_size: Any = None) -> Any:
    """Puts maxima back where `max_pool1d` with `return_indices` found them, and 0 elsewhere.

    `output_size` chooses among the sizes that pool to the input's. Of equal indices the last wins. RuntimeError or
    ValueError where indices and sizes do not fit.

    >>> import minidl as torch
    >>> max_unpool1d(torch.tensor([[3., 5.]]), torch.tensor([[1, 2]]), 2)
    tensor([[0., 3., 5., 0.]])
    """
    return max_unpool("max_unpool1d", input, indices, kernel_size, stride, padding, output_size)


@public(where="nn.functional")
def max_unpool2d(input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 output_size: Any = None) -> Any:
    """Puts maxima back where `max_pool2d` with `return_indices` found them, and 0 elsewhere."""
    return max_unpool("max_unpool2d", input, indices, kernel_size, stride, padding, output_size)


@public(where="nn.functional")
def max_unpool3d(input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 output_size: Any = None) -> Any:
    """Puts maxima back where `max_pool3d` with `return_indices` found them, and 0 elsewhere."""
    return max_unpool("max_unpool3d", input, indices, kernel_size, stride, padding, output_size)


# ---- windows of random size


def starts(sample: np.ndarray, n: int, k: int, m: int) -> np.ndarray:
    """Where m windows of size k in n places start, for each random number in [0, 1): floor((i + u) a) - floor(u a)."""
    last = np.full((*sample.shape, 1), n - k, np.int64)
    if m == 1:
        return last
    a = sample.dtype.type((n - k) / (m - 1))
    u = sample[..., None]
    i = np.arange(m - 1, dtype=sample.dtype)
    return np.concatenate([((i + u) * a).astype(np.int64) - (u * a).astype(np.int64), last], -1)


def fractional_maxima(x: np.ndarray, kernel: Sizes, size: Sizes, samples: np.ndarray) -> np.ndarray:
    """The place of each window's first maximum, or last NaN, in the flattened spatial dimensions."""
    dims = len(size)
    shape = last(x.shape, dims)
    order = (1, 0) if dims == 2 else (0, 1, 2)  # PyTorch's numbers: width, height; depth, height, width
    begin = [starts(samples[..., order[axis]], n, k, m) for axis, (n, k, m) in enumerate(zip(shape, kernel, size))]
    begin = [b.reshape(*b.shape[:2], *[m if a == axis else 1 for a in range(dims)])
             for axis, (b, m) in enumerate(zip(begin, size))]
    images = x.reshape(*samples.shape[:2], *shape)
    best: Any = None
    index: Any = None
    for k in np.ndindex(*kernel):
        places = np.broadcast_arrays(*[b + step for b, step in zip(begin, k)])
        here = np.ravel_multi_index(places, shape)
        value = np.take_along_axis(flat(images, dims), flat(here, dims), -1).reshape(here.shape)
        better = True if best is None else (value > best) | np.isnan(value)
        best = value if best is None else np.where(better, value, best)
        index = here if index is None else np.where(better, here, index)
    return index.reshape(*x.shape[:x.ndim - dims], *size)


FRACTIONAL = {dims: pick_maxima(f"FractionalMaxPool{dims}DBackward0") for dims in (2, 3)}


def fractional_max_pool(op: str, x: Any, kernel_size: Any, output_size: Any, output_ratio: Any, return_indices: bool,
                        samples: Any) -> Any:
    dims = int(op[-2])
    require_tensor(op, "input", x)
    shape = check_shape(op, data_of(x).shape, dims, full=x.ndim - dims - 1)
    if output_size is None:
        if output_ratio is None:
            raise ValueError(f"{op} requires specifying either an output_size or an output_ratio")
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * dims
        output_size = [int(n * ratio) for n, ratio in zip(shape, ratios, strict=True)]
    kernel, size = n_tuple(kernel_size, dims, op, "kernel_size"), n_tuple(output_size, dims, op, "output_size")
    for n, k, m in zip(shape, kernel, size):
        if k < 1 or m < 1 or m + k - 1 > n - (dims == 3):
            raise RuntimeError(f"{op}: pool size {k} with output size {m} too large relative to input size {n}")
    batch = x.shape[0] if x.ndim == dims + 2 else 1
    channels = x.shape[-dims - 1]
    if samples is None:
        samples = rand(batch, channels, dims, dtype=dtype_of(x))
    if samples.shape[0] < batch or tuple(samples.shape[1:]) != (channels, dims):
        raise RuntimeError(f"{op}: Expect _random_samples of shape {(batch, channels, dims)}, or with more in front, "
                           f"but got {tuple(samples.shape)}")
    index = fractional_maxima(data_of(x), kernel, size, data_of(samples)[:batch].astype(dtype_of(x), copy=False))
    y = FRACTIONAL[dims](x, index, dims)
    return (y, wrap(index) if isinstance(x, Tensor) else index) if return_indices else y


@public(where="nn.functional")
def fractional_max_pool2d(input: Any, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
                          return_indices: bool = False, _random_samples: Any = None) -> Any:
    """Maxima of windows with random starts, so that an input may shrink by a factor that is no integer.

    Give `output_size`, or `output_ratio` in (0, 1). The windows of `kernel_size` start at random places, which grow by
    (n - k) / (m - 1) on average. Graham, Fractional Max-Pooling, 2014, https://arxiv.org/abs/1412.6071.
    RuntimeError or ValueError where the sizes do not fit.
    """
    return fractional_max_pool("fractional_max_pool2d", input, kernel_size, output_size, output_ratio, return_indices,
                               _random_samples)


@public(where="nn.functional")
def fractional_max_pool3d(input: Any, kernel_size: Any, output_size: Any = None, output_ratio: Any = None,
                          return_indices: bool = False, _random_samples: Any = None) -> Any:
    """Maxima of windows with random starts, so that an input may shrink by a factor that is no integer."""
    return fractional_max_pool("fractional_max_pool3d", input, kernel_size, output_size, output_ratio, return_indices,
                               _random_samples)
