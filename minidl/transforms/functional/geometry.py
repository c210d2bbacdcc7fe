"""Where pixels are taken from along the axes: crops, pads, flips and sizes. No pixel moves off its row or column."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core import Tensor, data_of, wrap
from ...ops.gather import index_select
from ...ops.pad import pad as pad_tensor
from ...ops.resample import interpolate
from .convert import InterpolationMode, as_batch, get_dimensions, interpolation_mode, like, require_image, require_pil

__all__ = ["center_crop", "crop", "five_crop", "hflip", "pad", "resize", "resized_crop", "ten_crop", "vflip"]

BILINEAR = InterpolationMode.BILINEAR


def hflip(img: Any) -> Any:
    """Left and right exchanged."""
    if isinstance(img, Tensor):
        return require_image(img).flip(-1)
    return require_pil(img).transpose(0)  # Pillow's FLIP_LEFT_RIGHT


def vflip(img: Any) -> Any:
    """Top and bottom exchanged."""
    if isinstance(img, Tensor):
        return require_image(img).flip(-2)
    return require_pil(img).transpose(1)  # Pillow's FLIP_TOP_BOTTOM


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """The window of `height` x `width` pixels whose first is (top, left); zero outside the image."""
    bottom, right = top + height, left + width
    if not isinstance(img, Tensor):
        return require_pil(img).crop((left, top, right, bottom))
    _, h, w = get_dimensions(img)
    inside = img[..., max(top, 0):max(bottom, 0), max(left, 0):max(right, 0)]
    outside = [max(min(right, 0) - left, 0), max(min(bottom, 0) - top, 0), max(right - max(w, left), 0),
               max(bottom - max(h, top), 0)]
    return pad(inside, outside) if any(outside) else inside


def pair(size: Any) -> tuple[int, int]:
    """(height, width) from one number, or a sequence of one or two."""
    sizes = tuple(size) if isinstance(size, Sequence) else (int(size),)
    if len(sizes) not in (1, 2):
        raise ValueError(f"Please provide only two dimensions (h, w) for size, got {size}")
    return sizes[0], sizes[-1]


def center_crop(img: Any, output_size: Any) -> Any:
    """The window of `output_size` (a side, or height and width) in the middle; zero where the image is too small."""
    height, width = pair(output_size)
    _, h, w = get_dimensions(img)
    dh, dw = max(height - h, 0), max(width - w, 0)
    if dh or dw:
        img = pad(img, [dw // 2, dh // 2, (dw + 1) // 2, (dh + 1) // 2])
    return crop(img, round((h + dh - height) / 2), round((w + dw - width) / 2), height, width)


def five_crop(img: Any, size: Any) -> tuple[Any, ...]:
    """Crops of the corners (top left, top right, bottom left, bottom right), then of the centre.

    ValueError if the image is smaller than `size`.
    """
    height, width = pair(size)
    _, h, w = get_dimensions(img)
    if height > h or width > w:
        raise ValueError(f"Requested crop size {(height, width)} is bigger than input size {(h, w)}")
    corners = [crop(img, top, left, height, width) for top in (0, h - height) for left in (0, w - width)]
    return (*corners, center_crop(img, (height, width)))


def ten_crop(img: Any, size: Any, vertical_flip: bool = False) -> tuple[Any, ...]:
    """`five_crop` of the image, then of its horizontal (or vertical) flip."""
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)


# ---- padding


def sides(padding: Any) -> list[int]:
    """[left, top, right, bottom] from one number, [horizontal, vertical], or all four."""
    if not isinstance(padding, (int, tuple, list)):
        raise TypeError("Got inappropriate padding arg")
    given = [padding] if isinstance(padding, int) else list(padding)
    if len(given) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(given)} element tuple")
    return given * (4 // len(given))


def check_padding_mode(padding_mode: Any) -> None:
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")


def pil_fill(img: Any, fill: Any) -> Any:
    """The colour in the form that Pillow takes for the image's mode."""
    channels = len(img.getbands())
    values = list(fill) if isinstance(fill, (tuple, list)) else [fill or 0]
    if len(values) not in (1, channels):
        raise ValueError("The number of elements in 'fill' does not match the number of channels of the image "
                         f"({len(values)} != {channels})")
    colour = [value if img.mode == "F" else int(value) for value in values * (channels // len(values))]
    return tuple(colour) if channels > 1 or isinstance(fill, (tuple, list)) else colour[0]


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """The image with pixels added at its sides (or, where negative, taken away).

    `padding`: one number, (left and right, top and bottom), or (left, top, right, bottom). `padding_mode`: "constant"
    (`fill`: a number; for Pillow's images also one for each channel), "edge" (the outermost pixel repeated), "reflect"
    (mirrored about the outermost pixel's centre), "symmetric" (about its edge).
    """
    left, top, right, bottom = sides(padding)
    check_padding_mode(padding_mode)
    if fill is not None and not isinstance(fill, (int, float, tuple, list)):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(img, Tensor):
        return _pad_pil(require_pil(img), (left, top, right, bottom), fill, padding_mode)
    require_image(img)
    if isinstance(fill, (tuple, list)):
        raise TypeError(f"Got inappropriate fill arg: expected a number for a tensor, got {fill}")
    if padding_mode == "constant":
        return pad_tensor(img, [left, right, top, bottom], value=float(fill or 0))
    h, w = img.shape[-2:]
    if padding_mode == "symmetric":
        rows, columns = (np.pad(np.arange(max(-before, 0), n - max(-after, 0)), (max(before, 0), max(after, 0)), "symmetric")
                         for n, before, after in ((h, top, bottom), (w, left, right)))
        return index_select(index_select(img, -2, wrap(rows)), -1, wrap(columns))
    mode = "replicate" if padding_mode == "edge" else "reflect"
    return like(pad_tensor(as_batch(img), [left, right, top, bottom], mode=mode), img)


def _pad_pil(img: Any, padding: tuple[int, int, int, int], fill: Any, padding_mode: str) -> Any:
    from PIL import Image, ImageOps

    palette = img.getpalette() if img.mode == "P" else None
    if padding_mode == "constant":
        result = ImageOps.expand(img, padding, pil_fill(img, fill))
    else:
        left, top, right, bottom = padding
        img = img.crop((max(-left, 0), max(-top, 0), img.width - max(-right, 0), img.height - max(-bottom, 0)))
        pixels = np.asarray(img)
        widths = [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0)), (0, 0)]
        result = Image.fromarray(np.pad(pixels, widths[:pixels.ndim], padding_mode))  # type: ignore[call-overload]
    if palette:
        result.putpalette(palette)
    return result


# ---- sizes


def resized(height: int, width: int, size: Any, max_size: int | None = None) -> tuple[int, int]:
    """The (height, width) that `resize` gives."""
    sizes = [size] if isinstance(size, int) else list(size)
    if len(sizes) not in (1, 2):
        raise ValueError(f"Size must be an int or a 1 or 2 element tuple/list, not a {len(sizes)} element tuple/list")
    if len(sizes) == 2:
        if max_size is not None:
            raise ValueError("max_size should only be passed if size specifies the length of the smaller edge, "
                             f"i.e. size should be an int, got {size}")
        return sizes[0], sizes[1]
    short, long = sorted((height, width))
    new_short, new_long = sizes[0], int(sizes[0] * long / short)
    if max_size is not None:
        if max_size <= new_short:
            raise ValueError(f"max_size = {max_size} must be strictly greater than the requested size for the smaller "
                             f"edge size = {size}")
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return (new_long, new_short) if width <= height else (new_short, new_long)


def resize(img: Any, size: Any, interpolation: Any = BILINEAR, max_size: int | None = None,
           antialias: bool | None = True) -> Any:
    """The image with `size` = (height, width); an int is the short side, and the other keeps the proportion (cut to an
    int; `max_size` bounds the long side).

    Pillow widens the filter where the image becomes smaller; tensors do so with `antialias` (bilinear and bicubic), and
    are then equal to Pillow's to rounding.
    """
    mode = interpolation_mode(interpolation)
    _, h, w = get_dimensions(img)
    new = resized(h, w, size, max_size)
    if new == (h, w):
        return img
    if not isinstance(img, Tensor):
        if antialias is False:
            warnings.warn("Anti-alias option is always applied for PIL Image input. Argument antialias is ignored.",
                          stacklevel=2)
        return img.resize(new[::-1], mode.pillow)
    smooth = mode in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC)
    result = interpolate(as_batch(img), new, mode=mode.value, align_corners=False if smooth else None,
                         antialias=bool(antialias) and smooth)
    if data_of(img).dtype == np.uint8:  # the bicubic kernel overshoots
        result = result.clamp(0, 255)
    return like(result, img)


def resized_crop(img: Any, top: int, left: int, height: int, width: int, size: Any, interpolation: Any = BILINEAR,
                 antialias: bool | None = True) -> Any:
    """`crop`, then `resize`."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)
