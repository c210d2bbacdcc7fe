"""The names of ``torchvision.transforms.v2.functional``: those of the first version, and those that are only there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core import Tensor, wrap
from ...core.dtypes import as_numpy_dtype
from ...core.generator import default_generator
from ..functional import *
from ..functional import (
    convert_image_dtype,
    elastic_transform,
    get_image_num_channels,
    hflip,
    pil_to_tensor,
    rgb_to_grayscale,
    to_pil_image,
    vflip,
)
from ..functional.convert import interpolation_mode as interpolation_mode
from ..functional.convert import max_value

elastic, get_num_channels, horizontal_flip, vertical_flip = elastic_transform, get_image_num_channels, hflip, vflip


def get_size(img: Any) -> list[int]:
    """[height, width]: the other way round than the first version's `get_image_size`."""
    return get_dimensions(img)[1:]


def to_image(img: Any) -> Tensor:
    """A Pillow image or an array (H, W, C) as a tensor (C, H, W) of its own type, without scaling."""
    if isinstance(img, Tensor):
        return img
    if isinstance(img, np.ndarray):
        return wrap(np.ascontiguousarray(img.reshape(*img.shape[:2], -1).transpose(2, 0, 1)))
    return pil_to_tensor(img)


def to_dtype(img: Any, dtype: Any = np.float32, scale: bool = False) -> Tensor:
    """Another type; with `scale`, white stays white, as by `convert_image_dtype`, but integers are multiplied by 1 / max, not divided by max.

    >>> from minidl import float32, tensor, uint8
    >>> to_dtype(tensor([[[0, 51, 255]]], dtype=uint8), float32, scale=True)
    tensor([[[0.0000, 0.2000, 1.0000]]])
    """
    if not scale:
        return img.to(dtype)
    old, new = as_numpy_dtype(img.dtype), as_numpy_dtype(dtype)
    return img.to(dtype) * (1 / max_value(old)) if new.kind == "f" and old.kind != "f" else convert_image_dtype(img, dtype)


def grayscale_to_rgb(img: Any) -> Any:
    """Three channels, equal where there was one."""
    if not isinstance(img, Tensor):
        return img.convert("RGB")
    return img if img.shape[-3] >= 3 else rgb_to_grayscale(img, 3)


def permute_channels(img: Any, permutation: Sequence[int]) -> Any:
    """Channel `permutation[i]` as channel i."""
    if not isinstance(img, Tensor):
        return to_pil_image(permute_channels(pil_to_tensor(img), permutation))
    if len(permutation) != img.shape[-3]:
        raise ValueError(f"Length of permutation does not match number of channels: {len(permutation)} != {img.shape[-3]}")
    return img.index_select(-3, wrap(np.asarray(permutation)))


def gaussian_noise(img: Any, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> Any:
    """Noise of N(mean, sigma^2) added, in units of white; `clip` keeps the result between black and white. Tensors only."""
    if sigma < 0:
        raise ValueError(f"sigma shouldn't be negative. Got {sigma}")
    if not isinstance(img, Tensor):
        raise ValueError("Gaussian Noise is not implemented for PIL images.")
    if not img.is_floating_point() and as_numpy_dtype(img.dtype) != np.uint8:
        raise ValueError(f"Input tensor is expected to be in uint8 or float dtype, got dtype={img.dtype}")
    white = 1 if img.is_floating_point() else 255
    noise: Any = wrap(default_generator.normal(img.shape, dtype=as_numpy_dtype(img.dtype) if white == 1 else np.float32))
    noise = mean * white + noise * (sigma * white)
    total: Any = img + (noise if white == 1 else noise.to(np.int16))
    return (total.clamp(0, white) if clip else total).to(img.dtype)
