"""Sizes, crops, pads and flips."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import functional as F
from .base import Geometric, randint, uniform
from .functional import InterpolationMode
from .functional.convert import interpolation_mode
from .functional.geometry import check_padding_mode, pair, sides

__all__ = ["CenterCrop", "FiveCrop", "Pad", "RandomCrop", "RandomHorizontalFlip", "RandomResizedCrop",
           "RandomVerticalFlip", "Resize", "TenCrop"]

BILINEAR = InterpolationMode.BILINEAR


class Resize(Geometric):
    """`functional.resize`: `size` is (height, width), or the short side, whose rule of thumb is 1 / 0.875 of the crop
    that follows (see `Compose`)."""

    def __init__(self, size: Any, interpolation: Any = BILINEAR, max_size: int | None = None,
                 antialias: bool | None = True) -> None:
        super().__init__()
        if not isinstance(size, (int, Sequence)):
            raise TypeError(f"Size should be int or sequence. Got {type(size)}")
        if isinstance(size, Sequence) and len(size) not in (1, 2):
            raise ValueError(f"If size is a sequence, it should have 1 or 2 values, got {size}")
        self.size, self.max_size, self.antialias = size, max_size, antialias
        self.interpolation = interpolation_mode(interpolation)

    def transform(self, img: Any) -> Any:
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def extra_repr(self) -> str:
        return (f"size={self.size}, interpolation={self.interpolation.value}, max_size={self.max_size}, "
                f"antialias={self.antialias}")


class _Sized(Geometric):
    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = pair(size)

    def extra_repr(self) -> str:
        return f"size={self.size}"


class CenterCrop(_Sized):
    """`functional.center_crop`."""

    def transform(self, img: Any) -> Any:
        return F.center_crop(img, self.size)


class FiveCrop(_Sized):
    """`functional.five_crop`: a tuple of five images; a `Lambda` after it may stack them."""

    def transform(self, img: Any) -> Any:
        return F.five_crop(img, self.size)


class TenCrop(_Sized):
    """`functional.ten_crop`: a tuple of ten images."""

    def __init__(self, size: Any, vertical_flip: bool = False) -> None:
        super().__init__(size)
        self.vertical_flip = vertical_flip

    def transform(self, img: Any) -> Any:
        return F.ten_crop(img, self.size, self.vertical_flip)

    def extra_repr(self) -> str:
        return f"size={self.size}, vertical_flip={self.vertical_flip}"


class Pad(Geometric):
    """`functional.pad`."""

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        sides(padding)
        check_padding_mode(padding_mode)
        if not isinstance(fill, (int, float, tuple, list)):
            raise TypeError(f"Got inappropriate fill arg: {fill!r}")
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def transform(self, img: Any) -> Any:
        return F.pad(img, self.padding, self.fill, self.padding_mode)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode}"


class RandomCrop(_Sized):
    """A window of `size` at a place drawn uniformly, of the image padded by `padding` and, with `pad_if_needed`, by what
    it lacks on either side.

    ValueError for an image that is too small.
    """

    def __init__(self, size: Any, padding: Any = None, pad_if_needed: bool = False, fill: Any = 0,
                 padding_mode: str = "constant") -> None:
        super().__init__(size)
        self.padding, self.pad_if_needed, self.fill, self.padding_mode = padding, pad_if_needed, fill, padding_mode

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """(top, left, height, width); no number is drawn for an image of just the size."""
        _, h, w = F.get_dimensions(img)
        height, width = output_size
        if h < height or w < width:
            raise ValueError(f"Required crop size {(height, width)} is larger than input image size {(h, w)}")
        if (h, w) == (height, width):
            return 0, 0, h, w
        top = randint(0, h - height + 1)
        return top, randint(0, w - width + 1), height, width

    def padded(self, img: Any) -> Any:
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        _, h, w = F.get_dimensions(img)
        if self.pad_if_needed and w < self.size[1]:
            img = F.pad(img, [self.size[1] - w, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and h < self.size[0]:
            img = F.pad(img, [0, self.size[0] - h], self.fill, self.padding_mode)
        return img

    def draw(self, img: Any) -> tuple[Any, ...]:
        return self.get_params(self.padded(img), self.size)

    def transform(self, img: Any, top: int, left: int, height: int, width: int) -> Any:
        return F.crop(self.padded(img), top, left, height, width)

    def extra_repr(self) -> str:
        return f"size={self.size}, padding={self.padding}"


def check_ranges(scale: Any, ratio: Any) -> None:
    for name, value in (("Scale", scale), ("Ratio", ratio)):
        if not isinstance(value, Sequence):
            raise TypeError(f"{name} should be a sequence, got {type(value).__name__}")
    if scale[0] > scale[1] or ratio[0] > ratio[1]:
        warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=3)


def draw_sides(area: float, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int]:
    """sqrt(A r) and sqrt(A / r), rounded: A uniform in `scale` times the area, log r uniform in log `ratio`."""
    part = area * uniform(scale[0], scale[1])
    low, high = np.log(np.array(ratio, np.float32)).tolist()
    r = float(np.exp(np.float32(uniform(low, high))))
    return round(math.sqrt(part * r)), round(math.sqrt(part / r))


class RandomResizedCrop(Geometric):
    """A window of a random part of the area (`scale`) and of a random `ratio` width / height, resized to `size`.

    From GoogLeNet's training (Szegedy et al. 2015). After ten draws that do not fit it is the middle of the image, cut
    to the nearest allowed ratio.
    """

    def __init__(self, size: Any, scale: Sequence[float] = (0.08, 1.0), ratio: Sequence[float] = (3 / 4, 4 / 3),
                 interpolation: Any = BILINEAR, antialias: bool | None = True) -> None:
        super().__init__()
        check_ranges(scale, ratio)
        self.size, self.scale, self.ratio, self.antialias = pair(size), scale, ratio, antialias
        self.interpolation = interpolation_mode(interpolation)

    @staticmethod
    def get_params(img: Any, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int, int, int]:
        """(top, left, height, width)."""
        _, h, w = F.get_dimensions(img)
        for _ in range(10):
            width, height = draw_sides(h * w, scale, ratio)
            if 0 < width <= w and 0 < height <= h:
                top = randint(0, h - height + 1)
                return top, randint(0, w - width + 1), height, width
        width, height = w, h
        if w / h < min(ratio):
            height = round(w / min(ratio))
        elif w / h > max(ratio):
            width = round(h * max(ratio))
        return (h - height) // 2, (w - width) // 2, height, width

    def draw(self, img: Any) -> tuple[Any, ...]:
        return self.get_params(img, self.scale, self.ratio)

    def transform(self, img: Any, top: int, left: int, height: int, width: int) -> Any:
        return F.resized_crop(img, top, left, height, width, self.size, self.interpolation, self.antialias)

    def extra_repr(self) -> str:
        scale, ratio = (tuple(round(x, 4) for x in values) for values in (self.scale, self.ratio))
        return (f"size={self.size}, scale={scale}, ratio={ratio}, interpolation={self.interpolation.value}, "
                f"antialias={self.antialias}")


class _RandomFlip(Geometric):
    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def draw(self, img: Any) -> tuple[Any, ...]:
        return (uniform() < self.p,)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class RandomHorizontalFlip(_RandomFlip):
    """Left and right exchanged, with probability p."""

    def transform(self, img: Any, flip: bool) -> Any:
        return F.hflip(img) if flip else img


class RandomVerticalFlip(_RandomFlip):
    """Top and bottom exchanged, with probability p."""

    def transform(self, img: Any, flip: bool) -> Any:
        return F.vflip(img) if flip else img
