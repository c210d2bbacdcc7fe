"""Pooling whose windows follow from the output's size: adaptive means and maxima.

Along a dimension of n places, output i of m reads the places from floor(i n / m) to ceil((i + 1) n / m).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Tensor, data_of, dtype_of, primitive, public, wrap
from ..core.checks import require_tensor
from ..core.dtypes import word
from .conv.layout import Sizes, full_like
from .pool import last
from .pool_index import flat, pick_maxima
from .reduce import mean


def spans(n: int, m: int) -> list[slice]:
    """The windows along one dimension."""
    return [slice(i * n // m, -((i + 1) * n // -m)) for i in range(m)]


def target_size(op: str, x: Any, output_size: Any) -> Sizes:
    """The output's sizes, None standing for the input's; TypeError or RuntimeError, as PyTorch's, for other values."""
    require_tensor(op, "input", x)
    dims, shape = int(op[-2]), list(x.shape)
    if len(shape) not in (dims + 1, dims + 2):
        raise RuntimeError(f"{op}: Expected {dims + 1}D or {dims + 2}D tensor, but got {shape}")
    given = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * dims
    if len(given) != dims:
        raise RuntimeError(f"{op}: output_size must be {dims}, but got {given}")
    if dims == 1 and given[0] is None:
        raise TypeError(f"{op}: argument 'output_size' must be int, not NoneType")
    size = tuple([int(n if m is None else m) for n, m in zip(shape[-dims:], given)])
    if min(size) < 0:
        raise RuntimeError(f"{op}: elements of output_size must be greater than or equal to 0 but received {given}")
    if 0 in (shape[1:] if "max" in op else shape[-dims:]):
        raise RuntimeError(f"{op}: Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                           f"{shape}")
    if dtype_of(x).kind != "f":
        raise NotImplementedError(f"{op}: not implemented for '{word(dtype_of(x))}'")
    return size


# ---- means


def adaptive_mean(x: np.ndarray, size: Sizes) -> np.ndarray:
    """One dimension after the other, the mean of each span."""
    for axis, m in enumerate(size, x.ndim - len(size)):
        at = (slice(None),) * axis
        y = full_like(x, (*x.shape[:axis], m, *x.shape[axis + 1:]), 0)
        for i, span in enumerate(spans(x.shape[axis], m)):
            np.mean(x[(*at, span)], axis, out=y[(*at, i)])  # type: ignore[arg-type]
        x = y
    return x


def adaptive_spread(x: np.ndarray, size: Sizes) -> np.ndarray:
    """The transpose of `adaptive_mean`: each value shared out among its span."""
    for axis, n in reversed(list(enumerate(size, x.ndim - len(size)))):
        at = (slice(None),) * axis
        y = full_like(x, (*x.shape[:axis], n, *x.shape[axis + 1:]), 0)
        for i, span in enumerate(spans(n, x.shape[axis])):
            y[(*at, span)] += x[(*at, slice(i, i + 1))] / (span.stop - span.start)
        x = y
    return x


def adaptive_averaging(dims: int) -> Any:
    def adaptive_avg_pool(x: Any, size: Sizes) -> Any:
        return adaptive_mean(x, size)

    def adaptive_avg_spread(x: Any, size: Sizes) -> Any:
        return adaptive_spread(x, size)

    name = f"AdaptiveAvgPool{dims}DBackward"
    pool = primitive(x=lambda g, x_shape: spread(g, last(x_shape, dims)), grad_name=name + "0")(adaptive_avg_pool)
    spread = primitive(x=lambda g, x_shape: pool(g, last(x_shape, dims)),
                       grad_name=name + "Backward0")(adaptive_avg_spread)
    return pool


AVG_POOL = {dims: adaptive_averaging(dims) for dims in (1, 2, 3)}


def adaptive_avg_pool(op: str, x: Any, output_size: Any) -> Any:
    size = target_size(op, x, output_size)
    if max(size) == min(size) == 1:
        return mean(x, tuple(range(-len(size), 0)), True)
    return AVG_POOL[len(size)](x, size)


# ---- maxima


def first_maximum(x: np.ndarray) -> np.ndarray:
    """Where the first maximum, or the last NaN, lies along the last dimension."""
    i = x.argmax(-1)
    if np.isnan(x).any():
        nan = np.isnan(x)
        i = np.where(nan.any(-1), x.shape[-1] - 1 - nan[..., ::-1].argmax(-1), i)
    return i


def adaptive_maxima(x: np.ndarray, size: Sizes) -> np.ndarray:
    """The place of each window's maximum in the flattened spatial dimensions."""
    first = x.ndim - len(size)
    index = np.empty((*x.shape[:first], *size), np.int64)
    along = [spans(n, m) for n, m in zip(x.shape[first:], size)]
    for o in np.ndindex(*size):
        window = x[(..., *[spans[i] for spans, i in zip(along, o)])]
        within = np.unravel_index(first_maximum(flat(window, len(size))), window.shape[first:])
        places = [spans[i].start + w for spans, i, w in zip(along, o, within)]
        index[(..., *o)] = np.ravel_multi_index(places, x.shape[first:])
    return index


MAX_POOL = {dims: pick_maxima(f"AdaptiveMaxPool{dims}DBackward0") for dims in (1, 2, 3)}


def adaptive_max_pool(op: str, x: Any, output_size: Any, return_indices: bool) -> Any:
    size = target_size(op, x, output_size)
    index = adaptive_maxima(data_of(x), size)
    y = MAX_POOL[len(size)](x, index, len(size))
    return (y, wrap(index) if isinstance(x, Tensor) else index) if return_indices else y


# ---- the public functions


@public(where="torch nn.functional")
def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """The means of windows that divide (N, C, L) or (C, L) evenly, as many as `output_size` says.

    RuntimeError where the sizes are impossible.

    >>> import minidl as torch
    >>> adaptive_avg_pool1d(torch.tensor([[1., 3., 2., 2., 5.]]), 2)
    tensor([[2., 3.]])
    """
    return adaptive_avg_pool("adaptive_avg_pool1d", input, output_size)


@public(where="nn.functional")
def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """The means of windows that divide (N, C, H, W) or (C, H, W) evenly. None in `output_size` keeps a size."""
    return adaptive_avg_pool("adaptive_avg_pool2d", input, output_size)


@public(where="nn.functional")
def adaptive_avg_pool3d(input: Any, output_size: Any) -> Any:
    """The means of windows that divide (N, C, D, H, W) or (C, D, H, W) evenly. None in `output_size` keeps a size."""
    return adaptive_avg_pool("adaptive_avg_pool3d", input, output_size)


@public(where="torch nn.functional")
def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of windows that divide (N, C, L) or (C, L) evenly; also their places, as `max_pool1d` gives them."""
    return adaptive_max_pool("adaptive_max_pool1d", input, output_size, return_indices)


@public(where="nn.functional")
def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of windows that divide (N, C, H, W) or (C, H, W) evenly; also their places, as in `max_pool2d`."""
    return adaptive_max_pool("adaptive_max_pool2d", input, output_size, return_indices)


@public(where="nn.functional")
def adaptive_max_pool3d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of windows dividing (N, C, D, H, W) or (C, D, H, W) evenly, and their places as in `max_pool3d`."""
    return adaptive_max_pool("adaptive_max_pool3d", input, output_size, return_indices)
