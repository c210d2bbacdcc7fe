"""Rotations, affine maps, perspective: for each pixel of the result, the place in the image that it is taken from.

Tensors go through `grid_sample`, whose places are -1 and 1 at the image's borders; Pillow has warps of its own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core import Tensor, data_of, wrap
from ...ops.create import ones, tensor
from ...ops.grid import grid_sample
from ...ops.join import cat
from ...ops.select import where
from .convert import InterpolationMode, as_batch, get_dimensions, interpolation_mode, like, pil_to_tensor, require_image, require_pil, to_pil_image
from .geometry import pil_fill

__all__ = ["affine", "elastic_transform", "perspective", "rotate"]

NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


def check_angle(angle: Any, center: Any) -> None:
    if not isinstance(angle, (int, float)):
        raise TypeError(f"Argument angle should be int or float, got {type(angle).__name__}")
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError(f"Argument center should be a sequence, got {type(center).__name__}")


def inverse_matrix(center: Any, angle: float, translate: Any, scale: float, shear: Any) -> list[float]:
    """The two rows of the map from a place (x, y, 1) in the result to its source: the inverse of T C R S C^-1.

    T translates, C moves the origin to the center, R S rotates by the angle (degrees, clockwise on the screen),
    shears and scales:  R S = scale [[cos(a - sy) / cos(sy), -cos(a - sy) tan(sx) / cos(sy) - sin(a)],
                                     [sin(a - sy) / cos(sy), -sin(a - sy) tan(sx) / cos(sy) + cos(a)]].
    """
    rotation, sx, sy = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    a = math.cos(rotation - sy) / math.cos(sy)
    b = -math.cos(rotation - sy) * math.tan(sx) / math.cos(sy) - math.sin(rotation)
    c = math.sin(rotation - sy) / math.cos(sy)
    d = -math.sin(rotation - sy) * math.tan(sx) / math.cos(sy) + math.cos(rotation)
    x, y = center[0] + translate[0], center[1] + translate[1]
    # The determinant of [[a, b], [c, d]] is 1.
    a, b, c, d = d / scale, -b / scale, -c / scale, a / scale
    return [a, b, center[0] - a * x - b * y, c, d, center[1] - c * x - d * y]


def expanded_size(matrix: list[float], height: int, width: int) -> tuple[int, int]:
    """The height and width that hold the whole turned image; hundredths of a percent of a pixel do not count."""
    corners = np.array([[-width, -height], [-width, height], [width, height], [width, -height]], np.float32) / 2
    rows = np.array(matrix, np.float32).reshape(2, 3)
    moved = corners @ rows[:, :2].T + rows[:, 2] + np.array([width, height], np.float32) / 2
    low, high = np.trunc(moved.min(0) / np.float32(1e-4)), np.trunc(moved.max(0) / np.float32(1e-4))
    new_width, new_height = np.ceil(high * np.float32(1e-4)) - np.floor(low * np.float32(1e-4))
    return int(new_height), int(new_width)


def places(height: int, width: int, first: float, dtype: Any) -> np.ndarray:
    """(x, y, 1) of all pixels' centres, (H W, 3): x starts at `first` of the width, y of the height."""
    x, y = (np.linspace(first * n + 0.5, first * n + n - 0.5, n, dtype=dtype) for n in (width, height))
    xs, ys = np.meshgrid(x, y)
    return np.stack([xs, ys, np.ones_like(xs)], -1).reshape(-1, 3)


def warp(img: Tensor, grid: np.ndarray, mode: InterpolationMode, fill: Any) -> Tensor:
    """The image at the places of the grid (1, H, W, 2); `fill` (a number or one for each channel) outside it.

    A row of ones that is sampled too tells how much of a pixel comes from inside.
    """
    if mode not in (NEAREST, BILINEAR):
        raise ValueError(f"Interpolation mode '{mode.value}' is unsupported with Tensor input")
    colour = [] if fill is None else list(fill) if isinstance(fill, (tuple, list)) else [fill]
    channels = get_dimensions(img)[0]
    if len(colour) > 1 and len(colour) != channels:
        raise ValueError("The number of elements in 'fill' cannot broadcast to match the number of channels of the image "
                         f"({len(colour)} != {channels})")
    x = as_batch(img)
    batch, _, h, w = x.shape
    if colour:
        x = cat([x, ones(batch, 1, h, w, dtype=x.dtype)], 1)
    y = grid_sample(x, wrap(np.broadcast_to(grid, (batch, *grid.shape[1:]))), mode.value, "zeros", False)
    if colour:
        inside, y = y[:, -1:], y[:, :-1]
        outside = tensor(colour, dtype=x.dtype).view(1, -1, 1, 1)
        y = where(inside < 0.5, outside, y) if mode is NEAREST else y * inside + (1 - inside) * outside
    return like(y, img)


def affine_warp(img: Tensor, matrix: list[float], size: tuple[int, int], mode: InterpolationMode, fill: Any) -> Tensor:
    """`matrix` maps places, counted from the middle, of a result of `size` to those of the image."""
    require_image(img)
    dtype = data_of(as_batch(img)).dtype
    half = np.array([0.5 * img.shape[-1], 0.5 * img.shape[-2]], dtype)
    theta = np.array(matrix, dtype).reshape(2, 3).T / half
    return warp(img, (places(*size, -0.5, dtype) @ theta).reshape(1, *size, 2), mode, fill)


def from_middle(img: Tensor, center: Any) -> list[float]:
    _, h, w = get_dimensions(img)
    return [0.0, 0.0] if center is None else [center[0] - w * 0.5, center[1] - h * 0.5]


def rotate(img: Any, angle: float, interpolation: Any = NEAREST, expand: bool = False, center: Any = None,
           fill: Any = None) -> Any:
    """The image turned by `angle` degrees counter-clockwise about `center` (x, y; the middle by default).

    `expand` makes the result as large as the whole turned image. `fill`: the colour of what comes from outside, a
    number or one for each channel (black by default). Tensors: nearest or bilinear.
    """
    mode = interpolation_mode(interpolation)
    check_angle(angle, center)
    if not isinstance(img, Tensor):
        return require_pil(img).rotate(angle, mode.pillow, expand, center, fillcolor=pil_fill(img, fill))
    matrix = inverse_matrix(from_middle(img, center), -angle, (0, 0), 1.0, (0, 0))
    _, h, w = get_dimensions(img)
    return affine_warp(img, matrix, expanded_size(matrix, h, w) if expand else (h, w), mode, fill)


def affine(img: Any, angle: float, translate: Any, scale: float, shear: Any, interpolation: Any = NEAREST,
           fill: Any = None, center: Any = None) -> Any:
    """The image turned by `angle` degrees clockwise, scaled and sheared about `center`, then moved by `translate` pixels.

    `shear`: degrees along x, or (along x, along y). `fill` as in `rotate`. Tensors: nearest or bilinear.
    """
    mode = interpolation_mode(interpolation)
    check_angle(angle, center)
    if not isinstance(translate, (list, tuple)):
        raise TypeError("Argument translate should be a sequence")
    if len(translate) != 2:
        raise ValueError(f"Argument translate should be a sequence of length 2, got {translate}")
    if scale <= 0:
        raise ValueError(f"Argument scale should be positive, got {scale}")
    if not isinstance(shear, (int, float, list, tuple)):
        raise TypeError("Shear should be either a single value or a sequence of two values")
    shears = [shear, 0.0] if isinstance(shear, (int, float)) else list(shear) * (2 if len(shear) == 1 else 1)
    if len(shears) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {shear}")
    _, h, w = get_dimensions(img)
    if isinstance(img, Tensor):
        matrix = inverse_matrix(from_middle(img, center), angle, translate, scale, shears)
        return affine_warp(img, matrix, (h, w), mode, fill)
    matrix = inverse_matrix(center or (w * 0.5, h * 0.5), angle, translate, scale, shears)
    return img.transform(img.size, 0, matrix, mode.pillow, fillcolor=pil_fill(img, fill))  # Pillow's AFFINE


def perspective_coefficients(startpoints: Any, endpoints: Any) -> list[float]:
    """a ... h of  x' = (a x + b y + c) / (g x + h y + 1),  y' = (d x + e y + f) / (g x + h y + 1),  which takes the four
    endpoints back to the startpoints."""
    if len(startpoints) != 4 or len(endpoints) != 4:
        raise ValueError(f"Please provide exactly four corners, got {len(startpoints)} startpoints and "
                         f"{len(endpoints)} endpoints.")
    rows = []
    for (x, y), (u, v) in zip(endpoints, startpoints):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    solution = np.linalg.lstsq(np.array(rows, float), np.array(startpoints, float).ravel())[0]
    return solution.astype(np.float32).tolist()


def perspective(img: Any, startpoints: Any, endpoints: Any, interpolation: Any = BILINEAR, fill: Any = None) -> Any:
    """The image seen so that its four `startpoints` (x, y) come to lie at the `endpoints`.

    `fill` as in `rotate`. Tensors: nearest or bilinear.
    """
    mode = interpolation_mode(interpolation)
    coefficients = perspective_coefficients(startpoints, endpoints)
    if not isinstance(img, Tensor):
        return require_pil(img).transform(img.size, 2, coefficients, mode.pillow,  # Pillow's PERSPECTIVE
                                          fillcolor=pil_fill(img, fill))
    require_image(img)
    _, h, w = get_dimensions(img)
    dtype = data_of(as_batch(img)).dtype
    numerator = np.array(coefficients[:6], dtype).reshape(2, 3).T / np.array([0.5 * w, 0.5 * h], dtype)
    denominator = np.array([*coefficients[6:], 1], dtype)
    pixels = places(h, w, 0.0, dtype)
    with np.errstate(all="ignore"):  # a pixel of the horizon comes from infinity, which is outside of the image, as all beyond 2 is
        grid = np.clip(np.nan_to_num(pixels @ numerator / (pixels @ denominator)[:, None] - 1, nan=2.0), -2.0, 2.0)
    return warp(img, grid.reshape(1, h, w, 2), mode, fill)


def elastic_transform(img: Any, displacement: Any, interpolation: Any = BILINEAR, fill: Any = None) -> Any:
    """The image whose pixel at p comes from p + displacement (1, H, W, 2: x and y, where the image is 2 wide and high)."""
    mode = interpolation_mode(interpolation)
    if not isinstance(displacement, Tensor):
        raise TypeError("Argument displacement should be a Tensor")
    if not isinstance(img, Tensor):
        return to_pil_image(elastic_transform(pil_to_tensor(img), displacement, mode, fill), img.mode)
    _, h, w = get_dimensions(img)
    if tuple(displacement.shape) != (1, h, w, 2):
        raise ValueError(f"Argument displacement shape should be {(1, h, w, 2)}, but given {tuple(displacement.shape)}")
    dtype = data_of(as_batch(img)).dtype
    identity = places(h, w, -0.5, dtype)[:, :2] / np.array([0.5 * w, 0.5 * h], dtype)
    return warp(img, (identity.reshape(1, h, w, 2) + data_of(displacement)).astype(dtype), mode, fill)
