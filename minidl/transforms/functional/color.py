"""What changes the values of pixels by themselves: brightness, contrast, hue, gamma, tone curves, gray.

Tensors have 1 or 3 channels (..., C, H, W) with values from 0 to white: 255 for uint8, 1 for floats. Pillow's images go
through Pillow's own operations.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core import Tensor, data_of, wrap
from ...ops.join import stack
from ...ops.select import where
from .convert import convert_image_dtype, get_dimensions, max_value, require_image, require_pil

__all__ = ["adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue", "adjust_saturation", "autocontrast",
           "equalize", "invert", "posterize", "rgb_to_grayscale", "solarize", "to_grayscale"]


def require_channels(img: Any) -> int:
    """The number of channels, which must be 1 or 3."""
    channels = get_dimensions(img)[0]
    if channels not in (1, 3):
        raise TypeError(f"Input image tensor permitted channel values are [1, 3], but found {channels}")
    return channels


def require_factor(name: str, factor: float) -> None:
    if factor < 0:
        raise ValueError(f"{name} ({factor}) is not non-negative.")


def blend(img: Any, other: Any, factor: float) -> Any:
    """factor img + (1 - factor) other, between black and white."""
    y = float(factor) * img + (1.0 - float(factor)) * other
    return y.clamp(0, max_value(img.dtype)).to(img.dtype)


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """The luma 0.2989 R + 0.587 G + 0.114 B (ITU-R 601), in one channel or three equal ones."""
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels should be either 1 or 3, got {num_output_channels}")
    if not isinstance(img, Tensor):
        from PIL import Image

        gray = require_pil(img).convert("L")
        return gray if num_output_channels == 1 else Image.merge("RGB", [gray] * 3)
    if require_channels(require_image(img, 3)) == 3:
        r, g, b = img.unbind(-3)
        gray = (0.2989 * r + 0.587 * g + 0.114 * b).to(img.dtype).unsqueeze(-3)
    else:
        gray = img.clone()
    return gray.expand((*gray.shape[:-3], 3, *gray.shape[-2:])) if num_output_channels == 3 else gray


def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """`rgb_to_grayscale` of a Pillow image."""
    return rgb_to_grayscale(require_pil(img), num_output_channels)


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """The image blended with black: 0 gives black, 1 the image, 2 twice as bright."""
    if not isinstance(img, Tensor):
        from PIL import ImageEnhance

        return ImageEnhance.Brightness(require_pil(img)).enhance(brightness_factor)
    require_factor("brightness_factor", brightness_factor)
    require_channels(img)
    return blend(img, 0, brightness_factor)


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """The image blended with the mean of its gray: 0 gives plain gray, 1 the image."""
    if not isinstance(img, Tensor):
        from PIL import ImageEnhance

        return ImageEnhance.Contrast(require_pil(img)).enhance(contrast_factor)
    require_factor("contrast_factor", contrast_factor)
    gray = rgb_to_grayscale(img) if require_channels(img) == 3 else img
    dtype = img.dtype if img.dtype.is_floating_point else np.float32
    return blend(img, gray.to(dtype).mean((-3, -2, -1) if img.ndim > 2 else (-2, -1), keepdim=True), contrast_factor)


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """The image blended with its gray: 0 gives gray, 1 the image."""
    if not isinstance(img, Tensor):
        from PIL import ImageEnhance

        return ImageEnhance.Color(require_pil(img)).enhance(saturation_factor)
    require_factor("saturation_factor", saturation_factor)
    return img if require_channels(img) == 1 else blend(img, rgb_to_grayscale(img), saturation_factor)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """The hue turned by `hue_factor` of the circle of colours, in [-0.5, 0.5]. Gray images have none."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if not isinstance(img, Tensor):
        from PIL import Image

        if require_pil(img).mode in ("L", "1", "I", "F"):
            return img
        h, s, v = img.convert("HSV").split()
        turned = h.point([(i + int(hue_factor * 255)) % 256 for i in range(256)])
        return Image.merge("HSV", (turned, s, v)).convert(img.mode)
    if require_channels(img) == 1:
        return img
    h, s, v = hue_saturation_value(convert_image_dtype(img, np.float32))
    return convert_image_dtype(rgb_of((h + hue_factor) % 1.0, s, v), img.dtype)


def hue_saturation_value(img: Any) -> tuple[Any, Any, Any]:
    """H = place on the circle red (0), green (1/3), blue (2/3); S = (max - min) / max; V = max. (Smith 1978)"""
    r, g, b = img.unbind(-3)
    high, low = img.amax(-3), img.amin(-3)
    span = high - low
    gray = high == low
    divisor = where(gray, 1.0, span)
    red, green, blue = ((high - c) / divisor for c in (r, g, b))
    place = where(high == r, blue - green, where(high == g, 2.0 + red - blue, 4.0 + green - red))
    return (place / 6.0 + 1.0) % 1.0, span / where(gray, 1.0, high), high


def rgb_of(h: Any, s: Any, v: Any) -> Any:
    """The inverse of `hue_saturation_value`: each channel goes through v, a slope, and p = v (1 - s)."""
    sector = (h * 6.0).floor()
    f = h * 6.0 - sector
    p, q, t = ((v * (1.0 - s * x)).clamp(0, 1) for x in (1.0, f, 1.0 - f))
    sector = sector % 6

    def channel(*values: Tensor) -> Tensor:
        y = values[0]
        for i in range(1, 6):
            y = where(sector == i, values[i], y)
        return y

    return stack([channel(v, q, p, p, t, v), channel(t, v, v, q, p, p), channel(p, p, t, v, v, q)], -3)


def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """gain x^gamma for x in [0, 1]: gamma > 1 makes shadows darker, < 1 lighter."""
    if gamma < 0:
        raise ValueError(f"Gamma should be a non-negative real number, got {gamma}")
    if not isinstance(img, Tensor):
        curve = [int((256 - 1e-3) * gain * (i / 255) ** gamma) for i in range(256)]
        return require_pil(img).convert("RGB").point(curve * 3).convert(img.mode)
    require_channels(img)
    x: Any = img if img.dtype.is_floating_point else convert_image_dtype(img, np.float32)
    return convert_image_dtype((gain * x ** gamma).clamp(0, 1), img.dtype)


# ---- tone curves


def invert(img: Any) -> Any:
    """white - x."""
    if not isinstance(img, Tensor):
        from PIL import ImageOps

        return ImageOps.invert(require_pil(img))
    require_channels(require_image(img, 3))
    x: Any = img
    return max_value(x.dtype) - x


def require_bytes(img: Any) -> None:
    require_channels(require_image(img, 3))
    if data_of(img).dtype != np.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")


def posterize(img: Any, bits: int) -> Any:
    """Only the highest `bits` of each of the 8-bit values."""
    if not 0 <= bits <= 8:
        raise ValueError(f"The number if bits should be between 0 and 8. Got {bits}")
    if not isinstance(img, Tensor):
        from PIL import ImageOps

        return ImageOps.posterize(require_pil(img), bits)
    require_bytes(img)
    return img & (256 - 2 ** (8 - bits))


def solarize(img: Any, threshold: Any) -> Any:
    """Values from `threshold` on inverted."""
    if not isinstance(img, Tensor):
        from PIL import ImageOps

        return ImageOps.solarize(require_pil(img), threshold)
    require_channels(require_image(img, 3))
    if threshold > max_value(img.dtype):
        raise TypeError(f"Threshold should be less than bound of img, got {threshold}")
    return where(img >= threshold, invert(img), img)


def autocontrast(img: Any) -> Any:
    """Each channel stretched so that it runs from black to white; a channel of one value stays."""
    if not isinstance(img, Tensor):
        from PIL import ImageOps

        return ImageOps.autocontrast(require_pil(img))
    require_channels(require_image(img, 3))
    white = max_value(img.dtype)
    dtype = img.dtype if img.dtype.is_floating_point else np.float32
    low, high = (m.to(dtype) for m in (img.amin((-2, -1), keepdim=True), img.amax((-2, -1), keepdim=True)))
    varied = high != low
    scale = white / where(varied, high - low, float(white))
    return ((img - where(varied, low, 0.0)) * scale).clamp(0, white).to(img.dtype)


def equalize(img: Any) -> Any:
    """Each 8-bit channel through its own cumulative histogram, so that values are spread evenly."""
    if not isinstance(img, Tensor):
        from PIL import ImageOps

        return ImageOps.equalize(require_pil(img))
    require_bytes(img)
    array = data_of(img)
    channels = [_equalized(channel) for channel in array.reshape(-1, *array.shape[-2:])]
    return wrap(np.stack(channels).reshape(array.shape))


def _equalized(channel: np.ndarray) -> np.ndarray:
    counts = np.bincount(channel.ravel(), minlength=256)
    step = (channel.size - counts[np.flatnonzero(counts)[-1]]) // 255
    if step == 0:
        return channel
    before = np.concatenate([[0], (np.cumsum(counts) + step // 2)[:-1] // step])
    return np.minimum(before, 255).astype(np.uint8)[channel]
