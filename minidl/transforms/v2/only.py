"""Transforms that the first version does not have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.generator import default_generator
from ..base import Geometric, Transform, randint, uniform
from . import functional as F

__all__ = ["GaussianNoise", "Identity", "RGB", "RandomChannelPermutation", "RandomPhotometricDistort", "RandomResize", "RandomShortestSize",
           "ScaleJitter", "ToDtype", "ToImage", "ToPureTensor"]


class Identity(Transform):
    """The image as it is."""

    def transform(self, img: Any) -> Any:
        return img


class ToPureTensor(Identity):
    """The image as it is: tensors of a type of their own, which torchvision's makes plain, are not here."""


class ToImage(Transform):
    """`functional.to_image`."""

    def transform(self, img: Any) -> Any:
        return F.to_image(img)

    def transform_mask(self, mask: Any) -> Any:
        return F.to_image(mask)


class ToDtype(Transform):
    """`functional.to_dtype`."""

    def __init__(self, dtype: Any, scale: bool = False) -> None:
        super().__init__()
        self.dtype, self.scale = dtype, scale

    def transform(self, img: Any) -> Any:
        return F.to_dtype(img, self.dtype, self.scale)

    def extra_repr(self) -> str:
        return f"scale={self.scale}"


class RGB(Transform):
    """`functional.grayscale_to_rgb`."""

    def transform(self, img: Any) -> Any:
        return F.grayscale_to_rgb(img)


class GaussianNoise(Transform):
    """`functional.gaussian_noise`."""

    def __init__(self, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> None:
        super().__init__()
        self.mean, self.sigma, self.clip = mean, sigma, clip

    def transform(self, img: Any) -> Any:
        return F.gaussian_noise(img, self.mean, self.sigma, self.clip)

    def extra_repr(self) -> str:
        return f"mean={self.mean}, sigma={self.sigma}, clip={self.clip}"


class RandomChannelPermutation(Transform):
    """The channels in a random order."""

    def draw(self, img: Any) -> tuple[Any, ...]:
        return (default_generator.randperm(F.get_num_channels(img)),)

    def transform(self, img: Any, permutation: Any) -> Any:
        return F.permute_channels(img, permutation)


class RandomPhotometricDistort(Transform):
    """Brightness, contrast (before or after the next two), saturation, hue and the channels' order, each changed with probability p.

    Liu et al.: SSD: single shot multibox detector, 2016.
    """

    def __init__(self, brightness: Sequence[float] = (0.875, 1.125), contrast: Sequence[float] = (0.5, 1.5), saturation: Sequence[float] = (0.5, 1.5),
                 hue: Sequence[float] = (-0.05, 0.05), p: float = 0.5) -> None:
        super().__init__()
        self.brightness, self.contrast, self.hue, self.saturation, self.p = brightness, contrast, hue, saturation, p

    def draw(self, img: Any) -> tuple[Any, ...]:
        ranges = (self.brightness, self.contrast, self.saturation, self.hue)
        factors = [uniform(*r) if uniform() < self.p else None for r in ranges]
        before = uniform() < 0.5
        return factors, before, default_generator.randperm(F.get_num_channels(img)) if uniform() < self.p else None

    def transform(self, img: Any, factors: Any, contrast_before: bool, permutation: Any) -> Any:
        adjust = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for i in (0, 1, 2, 3) if contrast_before else (0, 2, 3, 1):
            if factors[i] is not None:
                img = adjust[i](img, factors[i])
        return img if permutation is None else F.permute_channels(img, permutation)

    def extra_repr(self) -> str:
        return f"brightness={self.brightness}, contrast={self.contrast}, hue={self.hue}, saturation={self.saturation}, p={self.p}"


class _Resized(Geometric):
    """`functional.resize` to a size that is drawn."""

    shown: tuple[str, ...]

    def __init__(self, interpolation: Any, antialias: bool | None) -> None:
        super().__init__()
        self.interpolation, self.antialias = F.interpolation_mode(interpolation), antialias

    def transform(self, img: Any, size: Any) -> Any:
        return F.resize(img, size, self.interpolation, antialias=self.antialias)

    def extra_repr(self) -> str:
        given = [(name, getattr(self, name)) for name in self.shown]
        return ", ".join([*(f"{name}={value}" for name, value in given if value is not None),
                          f"interpolation={self.interpolation.value}, antialias={self.antialias}"])


class RandomResize(_Resized):
    """The short side becomes one of min_size, ..., max_size - 1."""

    shown = ("min_size", "max_size")

    def __init__(self, min_size: int, max_size: int, interpolation: Any = "bilinear", antialias: bool | None = True) -> None:
        super().__init__(interpolation, antialias)
        self.min_size, self.max_size = min_size, max_size

    def draw(self, img: Any) -> tuple[Any, ...]:
        return ([randint(self.min_size, self.max_size)],)


class RandomShortestSize(_Resized):
    """The short side becomes one of `min_size`, or less where the long one would be above `max_size`."""

    shown = ("min_size", "max_size")

    def __init__(self, min_size: int | Sequence[int], max_size: int | None = None, interpolation: Any = "bilinear",
                 antialias: bool | None = True) -> None:
        super().__init__(interpolation, antialias)
        self.min_size, self.max_size = [min_size] if isinstance(min_size, int) else list(min_size), max_size

    def draw(self, img: Any) -> tuple[Any, ...]:
        height, width = F.get_size(img)
        ratio = self.min_size[randint(0, len(self.min_size))] / min(height, width)
        if self.max_size is not None:
            ratio = min(ratio, self.max_size / max(height, width))
        return ((int(height * ratio), int(width * ratio)),)


class ScaleJitter(_Resized):
    """The size that fits into `target_size`, times a factor of U[scale_range)."""

    shown = ("target_size", "scale_range")

    def __init__(self, target_size: tuple[int, int], scale_range: tuple[float, float] = (0.1, 2.0),
                 interpolation: Any = "bilinear", antialias: bool | None = True) -> None:
        super().__init__(interpolation, antialias)
        self.target_size, self.scale_range = target_size, scale_range

    def draw(self, img: Any) -> tuple[Any, ...]:
        height, width = F.get_size(img)
        low, high = self.scale_range
        scale = np.float32(low + np.float32(uniform()) * (high - low))
        ratio = np.float32(min(self.target_size[1] / height, self.target_size[0] / width) * scale)
        return ((int(height * ratio), int(width * ratio)),)
