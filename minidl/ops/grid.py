"""Sampling an image at given places, and the places of an affine map (spatial transformers; Jaderberg et al. 2015,
arXiv:1506.02025).

Along each axis a place c has *taps*: inputs, each with a weight w(c) and the slope dw/dc. The output sums over all
combinations of the axes' taps the input times the product of weights; its derivatives are such sums too.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..core import data_of, dtype_of, primitive, public
from ..core.checks import require_tensor
from .join import stack
from .matmul import matmul
from .reduce import _sum
from .select import _where
from .shape import transpose


class Sampling(NamedTuple):
    mode: str
    padding: str
    align_corners: bool


class Tap(NamedTuple):
    source: np.ndarray
    weight: Any
    slope: Any


def in_every_channel(index: np.ndarray, shape: Any) -> np.ndarray:
    """The positions in a whole array of `shape`, (N, C, *I), of those at index[n] in each image."""
    lines = np.arange(shape[0] * shape[1]).reshape(*shape[:2], 1) * math.prod(shape[2:])
    return lines + index.reshape(len(index), 1, -1)


@primitive(x=lambda g, x_shape, index: place_pixels(g, index, x_shape), arrays="index")
def take_pixels(x: Any, index: Any) -> Any:
    """y[n, c, *o] = x[n, c] at the flat position index[n, *o]; the transpose of `place_pixels`."""
    return x.reshape(-1).take(in_every_channel(index, x.shape)).reshape(*x.shape[:2], *index.shape[1:])


@primitive(x=lambda g, index: take_pixels(g, index), arrays="index")
def place_pixels(x: Any, index: Any, shape: Any) -> Any:
    """Zeros of `shape`, to which x is added at flat positions; the transpose of `take_pixels`."""
    y = np.zeros(shape, x.dtype)
    np.add.at(y.reshape(-1), in_every_channel(index, shape).ravel(), x.ravel())
    return y


def bounded(c: np.ndarray, n: int, how: Sampling) -> tuple[Any, Any]:
    """Where padding moves a coordinate, as factor and shift: c' = a c + b, piecewise."""
    a, b = np.ones_like(c), np.zeros_like(c)
    if how.padding == "reflection":  # about the centres, or the outer edges, of the outermost inputs
        low, span = (0.0, n - 1.0) if how.align_corners else (-0.5, float(n))
        if span == 0:
            return np.zeros_like(c), b
        flips = np.floor(np.abs(c - low) / span)
        odd, sign = flips % 2 == 1, np.where(c < low, -1, 1).astype(c.dtype)
        a = np.where(odd, -sign, sign)
        b = low - a * low + np.where(odd, (flips + 1) * span, -flips * span).astype(c.dtype)
        c = a * c + b
    inside = (c > 0) & (c < n - 1)
    return np.where(inside, a, 0), np.where(inside, b, np.where(c > 0, n - 1, 0)).astype(c.dtype)


def axis_taps(c: Any, n: int, how: Sampling) -> list[Tap]:
    """The taps along an axis of n inputs for the coordinate c in [-1, 1]."""
    factor = (n - 1) / 2 if how.align_corners else n / 2
    c = c * factor + (n - 1) / 2
    move: Any = 1.0
    if how.mode != "bicubic" and how.padding != "zeros":
        move, shift = bounded(data_of(c), n, how)
        c = _where(move != 0, c * move, 0.0) + shift  # infinity stays at a border, too
    if how.mode == "nearest":
        taps = [(np.rint(data_of(c)), 1.0, 0.0)]
    else:
        low = np.floor(data_of(c))
        t = c - low
        if how.mode == "bilinear":
            taps = [(low, 1 - t, -1.0), (low + 1, t, 1.0)]
        else:
            taps = [(low + k, *cubic(t - k if k < 1 else k - t, k)) for k in (-1, 0, 1, 2)]
    result = []
    for place, weight, slope in taps:
        if how.mode == "bicubic" and how.padding != "zeros":
            a, b = bounded(place, n, how)
            place = a * place + b
        index = np.clip(np.nan_to_num(place), 0, n - 1).astype(np.int64)
        valid = (index == place).astype(place.dtype)
        result.append(Tap(index, weight * valid, slope * valid * move * factor))
    return result


def cubic(distance: Any, k: int) -> tuple[Any, Any]:
    """Keys's kernel with a = -0.75 at the distance of tap k, and its derivative by the coordinate."""
    d, sign = distance, 1.0 if k < 1 else -1.0
    if k in (0, 1):
        return (1.25 * d - 2.25) * d * d + 1, sign * (3.75 * d - 4.5) * d
    return -0.75 * (((d - 5) * d + 8) * d - 4), sign * -0.75 * ((3 * d - 10) * d + 8)


def all_taps(shape: Any, grid: Any, how: Sampling) -> Iterator[tuple[Any, list[Tap]]]:
    """The combinations of the axes' taps, with their flat position; the grid names the last axis first."""
    sizes = tuple(shape[2:])
    axes = [axis_taps(grid[..., len(sizes) - 1 - d], n, how) for d, n in enumerate(sizes)]
    for taps in itertools.product(*axes):
        yield np.ravel_multi_index([t.source for t in taps], sizes), list(taps)


def weigh(taps: list[Tap], by: int | None = None) -> Any:
    """The product of the weights, or its derivative by one coordinate; with a dimension for the channels."""
    y: Any = 1.0
    for d, tap in enumerate(taps):
        y = y * (tap.slope if d == by else tap.weight)
    return y[:, None] if getattr(y, "ndim", 0) else y


def sample(x: Any, grid: Any, how: Any) -> Any:
    y: Any = 0.0
    for index, taps in all_taps(x.shape, grid, how):
        y = y + take_pixels(x, index) * weigh(taps)
    return y


def sample_rule(g: Any, x: Any, grid: Any, how: Any, needs: Any) -> Any:
    dx: Any = None
    dims = range(x.ndim - 2)
    slopes: list[Any] = [0.0] * len(dims)
    for index, taps in all_taps(x.shape, grid, how):
        if needs[0]:
            part = place_pixels(g * weigh(taps), index, tuple(x.shape))
            dx = part if dx is None else dx + part
        if needs[1]:
            values = _sum(g * take_pixels(x, index), (1,), True)
            for d in dims:
                slopes[d] = slopes[d] + values * weigh(taps, d)
    dgrid = stack([_sum(s, (1,)) for s in reversed(slopes)], -1) if needs[1] else None
    return dx, dgrid


_grid_sample = {d: primitive(sample, joint=("x grid", sample_rule), grad_name=f"GridSampler{d}DBackward0")
                for d in (2, 3)}


def corners(align_corners: bool | None) -> bool:
    if align_corners is None:
        warnings.warn("Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. "
                      "Please specify align_corners=True if the old behavior is desired.", stacklevel=4)
    return bool(align_corners)


@public(where="nn.functional")
def grid_sample(input: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros",
                align_corners: bool | None = None) -> Any:
    """y[n, :, *o] = x[n, :] at the place grid[n, *o], whose components (x, y, or x, y, z) are -1 and 1 at the image's
    borders.

    x: (N, C, H, W) and grid (N, *O, 2), or (N, C, D, H, W) and (N, *O, 3). mode: "bilinear", "nearest", "bicubic"
    (4-D only). padding_mode for places outside: "zeros", "border", "reflection". `align_corners`: the borders are the
    centres of the outermost pixels, rather than their outer edges.
    """
    require_tensor("grid_sample", "input", input)
    require_tensor("grid_sample", "grid", grid)
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError("nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but "
                         f"got: '{mode}'")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError("nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
                         f"'reflection', but got: '{padding_mode}'")
    shape, places = tuple(input.shape), tuple(grid.shape)
    if len(shape) not in (4, 5) or len(places) != len(shape):
        raise RuntimeError("grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got "
                           f"input with sizes {list(shape)} and grid with sizes {list(places)}")
    if shape[0] != places[0]:
        raise RuntimeError("grid_sampler(): expected grid and input to have same batch size, but got input with sizes "
                           f"{list(shape)} and grid with sizes {list(places)}")
    if places[-1] != len(shape) - 2:
        raise RuntimeError(f"grid_sampler(): expected grid to have size {len(shape) - 2} in last dimension, but got "
                           f"grid with sizes {list(places)}")
    if 0 in shape[2:]:
        raise RuntimeError("grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes "
                           f"{list(shape)}")
    if dtype_of(input) != dtype_of(grid):
        raise RuntimeError("grid_sampler(): expected input and grid to have same dtype, but input has "
                           f"{dtype_of(input)} and grid has {dtype_of(grid)}")
    if mode == "bicubic" and len(shape) == 5:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    return _grid_sample[len(shape) - 2](input, grid, Sampling(mode, padding_mode, corners(align_corners)))


@primitive(theta=lambda g, base: matmul(transpose(g, 1, 2), base), arrays="base",
           grad_name="AffineGridGeneratorBackward0")
def _affine_grid(theta: Any, base: Any) -> Any:
    return np.matmul(base, theta.swapaxes(1, 2))


@public(where="nn.functional")
def affine_grid(theta: Any, size: Any, align_corners: bool | None = None) -> Any:
    """The grid for `grid_sample` of an affine map: at each place p of an image of `size`, theta [p, 1].

    theta: (N, 2, 3) for size (N, C, H, W), giving (N, H, W, 2); (N, 3, 4) for (N, C, D, H, W), giving (N, D, H, W, 3).
    """
    require_tensor("affine_grid", "theta", theta)
    align = corners(align_corners)
    d = dtype_of(theta)
    if d.kind != "f":
        raise ValueError(f"Expected theta to have floating point type, but got {d}")
    n = len(size) - 2
    if n not in (2, 3):
        raise NotImplementedError("affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
                                  f"respectively. Got size {tuple(size)}.")
    if theta.ndim != 3 or tuple(theta.shape[1:]) != (n, n + 1):
        raise ValueError(f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size {tuple(size)}. "
                         f"Got {tuple(theta.shape)}.")
    if align and min(size[2:]) == 1:
        warnings.warn("Since version 1.3.0, affine_grid behavior has changed for unit-size grids when "
                      "align_corners=True.", stacklevel=3)
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {tuple(size)}")
    if theta.shape[0] != size[0]:
        raise RuntimeError(f"affine_grid: expected {size[0]} matrices for size {tuple(size)}, got {theta.shape[0]}")
    lines = [np.linspace(-1, 1, s) * (1 if align else (s - 1) / s) if s > 1 else np.zeros(1) for s in size[2:]]
    places = np.meshgrid(*lines, indexing="ij")
    base = np.stack([*reversed(places), np.ones(tuple(size[2:]))], -1).reshape(1, -1, n + 1).astype(d)
    return _affine_grid(theta, base).reshape((size[0], *size[2:], n))
