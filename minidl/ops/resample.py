"""Resampling: interpolation to another size, and rearrangement between channels and positions.

Interpolation is linear and separable: along each axis y = A x with a sparse matrix A, kept as *taps*: output i is the
sum over k of weight[i, k] x[source[i, k]]. The transpose of A, which carries the gradient, has the same form.
"""

from __future__ import annotations

import operator
import warnings
from typing import Any, NamedTuple

import numpy as np

from ..core import dtype_of, primitive, public
from ..core.checks import require_tensor
from ..core.dtypes import word
from .memory import is_channels_last


class Taps(NamedTuple):
    """One axis: source and weight (outputs, taps), None for weights of one; and the number of inputs."""

    axis: int
    source: np.ndarray
    weight: np.ndarray | None
    inputs: int


def transposed(taps: Taps) -> Taps:
    """The taps of the transposed matrix: for each input, the outputs it goes to."""
    outputs, width = taps.source.shape
    order = np.argsort(taps.source, axis=None, kind="stable")
    targets = taps.source.ravel()[order]
    counts = np.bincount(targets, minlength=taps.inputs)
    slot = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    index = np.zeros((taps.inputs, max(counts.max(initial=0), 1)), np.int64)
    weight = np.zeros(index.shape)
    index[targets, slot] = order // width
    weight[targets, slot] = 1 if taps.weight is None else taps.weight.ravel()[order]
    return Taps(taps.axis, index, weight, outputs)


def apply(x: np.ndarray, taps: Taps) -> Any:
    y: Any = 0
    for k in range(taps.source.shape[1]):
        part = x.take(taps.source[:, k], axis=taps.axis)
        if taps.weight is not None:
            part *= taps.weight[:, k].astype(x.dtype).reshape((-1,) + (1,) * (x.ndim - 1 - taps.axis))
        y = part if k == 0 else np.add(y, part, out=y)
    return y


def resampled(x: Any, taps: Any) -> Any:
    """The matrices of `taps`, applied one after the other; row-major, or channels-last as x."""
    order = sorted(range(x.ndim), key=lambda d: -x.strides[d]) if is_channels_last(x) else list(range(x.ndim))
    y = x.transpose(order)
    for t in taps:
        y = apply(y, t._replace(axis=order.index(t.axis)))
    return y.transpose(np.argsort(order))


def resampled_rule(g: Any, taps: Any) -> Any:
    return resample(g, tuple([transposed(t) for t in taps]))


resample = primitive(resampled, x=resampled_rule)
NODES = {"nearest": "UpsampleNearest{}D", "nearest-exact": "UpsampleNearestExact{}D", "linear": "UpsampleLinear{}D",
         "bilinear": "UpsampleBilinear{}D", "trilinear": "UpsampleTrilinear{}D", "bicubic": "UpsampleBicubic{}D",
         "area": "AdaptiveAvgPool{}D"}
_upsample = {(mode, n): primitive(resampled, x=resampled_rule, grad_name=f"{name.format(n)}Backward0")
             for mode, name in NODES.items() for n in (1, 2, 3)}
_antialiased = {mode: primitive(resampled, x=resampled_rule, grad_name=f"Upsample{mode.capitalize()}2DAaBackward0")
                for mode in ("bilinear", "bicubic", "lanczos")}


# ---- the taps of each mode: `ratio` is the step between outputs, measured in inputs

def ratio_of(inputs: int, outputs: int, scale: float | None, align_corners: bool) -> float:
    if align_corners:
        return (inputs - 1) / (outputs - 1) if outputs > 1 else 0.0
    return 1 / scale if scale else inputs / outputs


def nearest_taps(axis: int, inputs: int, outputs: int, scale: float | None, exact: bool, dtype: np.dtype) -> Taps:
    """floor(i ratio), or floor((i + 1/2) ratio), computed in the type of x, so that ties fall as in PyTorch."""
    step = dtype.type(1 / scale) if scale else dtype.type(inputs) / dtype.type(outputs)
    place = (np.arange(outputs, dtype=dtype) + dtype.type(0.5 if exact else 0)) * step
    return Taps(axis, np.minimum(place.astype(np.int64), inputs - 1)[:, None], None, inputs)


def places(inputs: int, outputs: int, scale: float | None, align_corners: bool) -> np.ndarray:
    """Where outputs lie on the inputs' axis."""
    ratio = ratio_of(inputs, outputs, scale, align_corners)
    i = np.arange(outputs)
    return ratio * i if align_corners else ratio * (i + 0.5) - 0.5


def linear_taps(axis: int, inputs: int, outputs: int, scale: float | None, align_corners: bool) -> Taps:
    place = np.maximum(places(inputs, outputs, scale, align_corners), 0)
    if inputs == outputs:
        place = np.arange(outputs)
    low = np.minimum(place.astype(np.int64), inputs - 1)
    t = np.minimum(place - low, 1)
    return Taps(axis, np.stack([low, np.minimum(low + 1, inputs - 1)], 1), np.stack([1 - t, t], 1), inputs)


def cubic(x: Any, a: float) -> Any:
    """The cubic convolution kernel; Keys 1981."""
    x = np.abs(x)
    return np.where(x <= 1, ((a + 2) * x - (a + 3)) * x * x + 1, np.where(x < 2, (((x - 5) * x + 8) * x - 4) * a, 0.0))


def cubic_taps(axis: int, inputs: int, outputs: int, scale: float | None, align_corners: bool) -> Taps:
    place = places(inputs, outputs, scale, align_corners)[:, None]
    index = np.floor(place).astype(np.int64) + np.arange(-1, 3)
    return Taps(axis, np.clip(index, 0, inputs - 1), cubic(place - index, -0.75), inputs)


FILTERS: dict[str, tuple[int, Any]] = {  # radius and kernel
    "bilinear": (1, lambda x: np.maximum(1 - np.abs(x), 0)),
    "bicubic": (2, lambda x: cubic(x, -0.5)),
    "lanczos": (3, lambda x: np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)),
}


def antialias_taps(axis: int, inputs: int, outputs: int, scale: float | None, align_corners: bool, mode: str) -> Taps:
    """The filter widened to the step between outputs, normalised: PIL's way of making images smaller."""
    radius, kernel = FILTERS[mode]
    ratio = ratio_of(inputs, outputs, scale, align_corners)
    stretch = max(ratio, 1)
    centre = ratio * (np.arange(outputs) + 0.5)[:, None]
    first = np.maximum((centre - radius * stretch + 0.5).astype(np.int64), 0)
    last = np.minimum((centre + radius * stretch + 0.5).astype(np.int64), inputs)
    index = first + np.arange(max((last - first).max(initial=1), 1))
    weight = np.where(index < last, kernel((index - centre + 0.5) / stretch), 0.0)
    return Taps(axis, np.minimum(index, inputs - 1), weight / weight.sum(axis=1, keepdims=True), inputs)


def area_taps(axis: int, inputs: int, outputs: int) -> Taps:
    """The mean over inputs floor(i n / m) up to ceil((i + 1) n / m)."""
    i = np.arange(outputs)
    first, last = (i * inputs // outputs)[:, None], (-(-(i + 1) * inputs // outputs))[:, None]
    index = first + np.arange((last - first).max(initial=1))
    return Taps(axis, np.minimum(index, inputs - 1), (index < last) / (last - first), inputs)


# ---- the public functions

NEEDS = {"linear": 3, "bilinear": 4, "bicubic": 4, "lanczos": 4, "trilinear": 5}


def sizes_of(x: Any, size: Any, scale_factor: Any, recompute: bool) -> tuple[list[int], list[float | None]]:
    """The output's sizes, and the scale factors that count in the computation."""
    spatial = list(x.shape[2:])
    given = size if scale_factor is None else scale_factor
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined (interpolate)")
    if given is None:
        raise ValueError("either size or scale_factor should be defined (interpolate)")
    values = list(given) if isinstance(given, (tuple, list)) else [given] * len(spatial)
    if len(values) != len(spatial):
        raise ValueError("Input and output must have the same number of spatial dimensions, but got input with "
                         f"spatial dimensions of {spatial} and "
                         f"{'output size' if scale_factor is None else 'scale_factor'} of {given} (interpolate)")
    if scale_factor is not None:
        return [int(n * s) for n, s in zip(spatial, values)], [None if recompute else float(s) for s in values]
    if recompute:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    try:
        return [operator.index(v) for v in values], [None] * len(values)
    except TypeError:
        raise TypeError(f"expected size to be one of int or tuple of ints, got {size!r} (interpolate)") from None


@public(where="nn.functional")
def interpolate(input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
                align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
                antialias: bool = False) -> Any:
    """x (N, C, *S) resampled to spatial sizes `size`, or floor(S * scale_factor).

    mode: "nearest" (floor(i / scale)), "nearest-exact" (of the pixels' centres), "area" (`adaptive_avg_pool`),
    "linear" (3-D), "bilinear" and "bicubic" (4-D; Keys's kernel with a = -0.75), "trilinear" (5-D), "lanczos" (4-D,
    with antialias). `align_corners` makes the outermost samples' centres coincide; by default their outer edges do. A
    given scale factor is the step itself, unless `recompute_scale_factor` takes it from the sizes. `antialias` widens
    the filter where the image becomes smaller.
    """
    require_tensor("interpolate", "input", input)
    if mode in ("nearest", "nearest-exact", "area"):
        if align_corners is not None:
            raise ValueError("align_corners option can only be set with the interpolating modes: linear | bilinear | "
                             "bicubic | trilinear")
    elif mode not in NEEDS:
        raise NotImplementedError(f"interpolate: unknown mode {mode!r} (got {input.ndim}D input)")
    n = input.ndim
    recompute = bool(recompute_scale_factor) or (mode == "area" and size is None)
    outputs, scales = sizes_of(input, size, scale_factor, recompute)
    if antialias and not (mode in FILTERS and n == 4):
        raise ValueError("Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D "
                         "tensor as input")
    if n not in (3, 4, 5) or NEEDS.get(mode, n) != n:
        raise NotImplementedError(f"Got {n}D input, but {mode} mode needs {NEEDS.get(mode, '3D to 5')}D input")
    if mode == "lanczos" and (align_corners or not antialias):
        raise ValueError("Lanczos mode requires antialias=True and does not support align_corners=True")
    inputs, d = list(input.shape[2:]), dtype_of(input)
    if min(inputs) <= 0 or min(outputs) <= 0:
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input {inputs} and output "
                           f"{outputs} (interpolate)")
    if d.kind != "f" and (mode not in ("nearest", "nearest-exact") or d != np.uint8):
        raise NotImplementedError(f"interpolate: mode '{mode}' not implemented for '{word(d)}'")
    corners = bool(align_corners)
    axes = list(zip(range(2, n), inputs, outputs, scales))
    if antialias:
        return _antialiased[mode](input, tuple([antialias_taps(*a, corners, mode) for a in axes]))
    if mode == "area":
        taps = [area_taps(*a[:3]) for a in axes]
    elif mode.startswith("nearest"):
        if mode == "nearest" and n == 4:  # PyTorch's kernels of this rank keep to the sizes where they are so simple
            axes = [(a, i, o, None if o in (i, 2 * i) else s) for a, i, o, s in axes]
        taps = [nearest_taps(*a, mode == "nearest-exact", d if d.kind == "f" else np.dtype(np.float32)) for a in axes]
    else:
        taps = [(cubic_taps if mode == "bicubic" else linear_taps)(*a, corners) for a in axes]
    return _upsample[mode, n - 2](input, tuple(taps))


def warn_of_former_name(name: str) -> None:
    warnings.warn(f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=4)


@public(where="nn.functional")
def upsample(input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
             align_corners: bool | None = None) -> Any:
    """The former name of `interpolate`."""
    warn_of_former_name("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


@public(where="nn.functional")
def upsample_nearest(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """`interpolate` with mode "nearest"."""
    warn_of_former_name("upsample_nearest")
    return interpolate(input, size, scale_factor, "nearest")


@public(where="nn.functional")
def upsample_bilinear(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """`interpolate` with mode "bilinear" and aligned corners."""
    warn_of_former_name("upsample_bilinear")
    return interpolate(input, size, scale_factor, "bilinear", True)


# ---- channels to positions and back

@primitive(x=lambda g, r: _pixel_unshuffle(g, r), grad_name="PixelShuffleBackward0")
def _pixel_shuffle(x: Any, r: Any) -> Any:
    *lead, c, h, w = x.shape
    y = np.moveaxis(x.reshape(*lead, c // (r * r), r, r, h, w), (-4, -3), (-3, -1))
    return np.array(y).reshape(*lead, c // (r * r), h * r, w * r)


@primitive(x=lambda g, r: _pixel_shuffle(g, r), grad_name="PixelUnshuffleBackward0")
def _pixel_unshuffle(x: Any, r: Any) -> Any:
    *lead, c, h, w = x.shape
    y = np.moveaxis(x.reshape(*lead, c, h // r, r, w // r, r), (-3, -1), (-4, -3))
    return np.array(y).reshape(*lead, c * r * r, h // r, w // r)


@primitive(x=lambda g, x_shape, groups: _channel_shuffle(g, x_shape[1] // groups), grad_name="ChannelShuffleBackward0")
def _channel_shuffle(x: Any, groups: Any) -> Any:
    y = x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:]).swapaxes(1, 2)
    return np.array(y).reshape(x.shape)


def check_image(op: str, x: Any, factor_name: str, factor: Any) -> None:
    require_tensor(op, "input", x)
    if x.ndim < 3:
        raise RuntimeError(f"{op} expects input to have at least 3 dimensions, but got input with {x.ndim} "
                           "dimension(s)")
    if factor <= 0:
        raise RuntimeError(f"{op} expects a positive {factor_name}, but got {factor}")


@public(where="torch nn.functional")
def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """(*, C r^2, H, W) to (*, C, H r, W r): every r^2 channels become the r x r pixels of a block. Shi et al. 2016."""
    check_image("pixel_shuffle", input, "upscale_factor", upscale_factor)
    if input.shape[-3] % (upscale_factor ** 2):
        raise RuntimeError("pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
                           f"upscale_factor, but input.size(-3)={input.shape[-3]} is not divisible by "
                           f"{upscale_factor ** 2}")
    return _pixel_shuffle(input, upscale_factor)


@public(where="torch nn.functional")
def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """(*, C, H r, W r) to (*, C r^2, H, W): the inverse of `pixel_shuffle`."""
    check_image("pixel_unshuffle", input, "downscale_factor", downscale_factor)
    for name, d in (("height", -2), ("width", -1)):
        if input.shape[d] % downscale_factor:
            raise RuntimeError(f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but "
                               f"input.size({d})={input.shape[d]} is not divisible by {downscale_factor}")
    return _pixel_unshuffle(input, downscale_factor)


@public(where="torch nn.functional", aliases="native_channel_shuffle")
def channel_shuffle(input: Any, groups: int) -> Any:
    """(N, C, *): channel k of group j becomes channel j of group k. Zhang et al. 2018, arXiv:1707.01083."""
    require_tensor("channel_shuffle", "input", input)
    if input.ndim < 3:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(input.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups} "
                           "(channel_shuffle)")
    if input.shape[1] % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {input.shape[1]} channels and "
                           f"{groups} groups. (channel_shuffle)")
    return _channel_shuffle(input, groups)
