"""Blur, sharpness, normalisation and erasing, on tensors; the first two take Pillow's images too."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core import Tensor, data_of, wrap
from ...ops.conv.functional import conv2d
from ...ops.create import as_tensor
from ...ops.pad import pad
from .color import blend, require_channels, require_factor
from .convert import as_batch, like, pil_to_tensor, require_image, require_pil, to_pil_image

__all__ = ["adjust_sharpness", "erase", "gaussian_blur", "normalize"]


def normalize(tensor: Any, mean: Any, std: Any, inplace: bool = False) -> Tensor:
    """y = (x - mean) / std for each channel of a float image (..., C, H, W).

    >>> import minidl as torch
    >>> normalize(torch.tensor([0., 0.5, 1.]).view(1, 1, 3), [0.5], [0.25])
    tensor([[[-2.,  0.,  2.]]])
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if not tensor.dtype.is_floating_point:
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError("Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = "
                         f"{tensor.size()}")
    m, s = (as_tensor(values, dtype=tensor.dtype) for values in (mean, std))
    if not data_of(s).all():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
    m, s = (values.view(-1, 1, 1) if values.ndim == 1 else values for values in (m, s))
    return (tensor if inplace else tensor.clone()).sub_(m).div_(s)


def erase(img: Any, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Tensor:
    """The image with `v` in the window of h x w pixels at (i, j)."""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    y = require_image(img) if inplace else img.clone()
    y[..., i:i + h, j:j + w] = v
    return y


def each_channel(x: Tensor, kernel: np.ndarray) -> Tensor:
    """The valid correlation of each channel of (N, C, H, W) with the kernel."""
    channels = x.shape[1]
    weight = np.broadcast_to(kernel.astype(data_of(x).dtype), (channels, 1, *kernel.shape))
    return conv2d(x, wrap(np.ascontiguousarray(weight)), groups=channels)


def gaussian(size: int, sigma: float, dtype: Any) -> np.ndarray:
    """exp(-x^2 / (2 sigma^2)) at whole x around the middle, of sum 1."""
    x = np.linspace(-(size - 1) / 2, (size - 1) / 2, size, dtype=dtype)
    weights = np.exp(-0.5 * (x / dtype.type(sigma)) ** 2)
    return weights / weights.sum()


def two(value: Any, name: str, kinds: str) -> list[Any]:
    if not isinstance(value, (int, float, list, tuple)):
        raise TypeError(f"{name} should be {kinds}. Got {type(value)}")
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(values) not in (1, 2):
        raise ValueError(f"If {name} is a sequence, its length should be 2. Got {len(values)}")
    return values * (2 // len(values))


def gaussian_blur(img: Any, kernel_size: Any, sigma: Any = None) -> Any:
    """The image convolved with a Gaussian, mirrored at its borders.

    `kernel_size`: odd, one or (x, y). `sigma`: pixels, one or (x, y); 0.15 kernel_size + 0.35 by default.
    """
    sizes = two(kernel_size, "kernel_size", "int or a sequence of integers")
    if any(size % 2 == 0 or size < 0 for size in sizes):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {kernel_size}")
    sigmas = [size * 0.15 + 0.35 for size in sizes] if sigma is None else two(sigma, "sigma", "either float or sequence of floats")
    if min(sigmas) <= 0:
        raise ValueError(f"sigma should have positive values. Got {sigma}")
    if not isinstance(img, Tensor):
        return to_pil_image(gaussian_blur(pil_to_tensor(img), sizes, sigmas), img.mode)
    x = as_batch(require_image(img))
    across, down = (gaussian(size, s, data_of(x).dtype) for size, s in zip(sizes, sigmas))
    reach = [size // 2 for size in sizes for _ in range(2)]
    return like(each_channel(pad(x, reach, mode="reflect"), np.outer(down, across)), img)


def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    """The image blended with its blur (a 3 x 3 kernel; the border stays): 0 gives the blur, 1 the image, 2 sharper."""
    if not isinstance(img, Tensor):
        from PIL import ImageEnhance

        return ImageEnhance.Sharpness(require_pil(img)).enhance(sharpness_factor)
    require_factor("sharpness_factor", sharpness_factor)
    require_channels(img)
    if min(img.shape[-2:]) <= 2:
        return img
    kernel = np.ones((3, 3), np.float32)
    kernel[1, 1] = 5
    blurred = img.clone()
    blurred[..., 1:-1, 1:-1] = like(each_channel(as_batch(img), kernel / kernel.sum()), img)
    return blend(img, blurred, sharpness_factor)
