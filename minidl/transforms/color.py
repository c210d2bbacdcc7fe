"""Random changes of colour and tone; a mask stays as it is."""

from __future__ import annotations

from typing import Any

from ..core.generator import default_generator
from . import functional as F
from .base import Transform, uniform

__all__ = ["ColorJitter", "Grayscale", "RandomAdjustSharpness", "RandomAutocontrast", "RandomEqualize",
           "RandomGrayscale", "RandomInvert", "RandomPosterize", "RandomSolarize"]


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed in a random order, each by a factor of its own.

    A number b draws the factor from U[max(0, 1 - b), 1 + b), a pair (low, high) from U[low, high); hue, in [0, 0.5],
    from U[-hue, hue). 0 leaves it.
    """

    def __init__(self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0) -> None:
        super().__init__()
        self.brightness, self.contrast = jitter_range(brightness, "brightness"), jitter_range(contrast, "contrast")
        self.saturation = jitter_range(saturation, "saturation")
        self.hue = jitter_range(hue, "hue", 0.0, (-0.5, 0.5))

    @staticmethod
    def get_params(brightness: Any, contrast: Any, saturation: Any, hue: Any) -> tuple[Any, ...]:
        """The order, then the four factors, None where there is no range."""
        order = default_generator.randperm(4)
        return (order, *(None if r is None else uniform(*r) for r in (brightness, contrast, saturation, hue)))

    def draw(self, img: Any) -> tuple[Any, ...]:
        return self.get_params(self.brightness, self.contrast, self.saturation, self.hue)

    def transform(self, img: Any, order: Any, *factors: Any) -> Any:
        adjust = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for i in order:
            if factors[i] is not None:
                img = adjust[i](img, factors[i])
        return img

    def extra_repr(self) -> str:
        return f"brightness={self.brightness}, contrast={self.contrast}, saturation={self.saturation}, hue={self.hue}"


def jitter_range(value: Any, name: str, center: float = 1.0, bound: tuple[float, float] = (0, float("inf"))) -> Any:
    if isinstance(value, (int, float)):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be non negative, got {value}")
        low, high = center - float(value), center + float(value)
        low = max(low, 0.0) if center else low
    elif isinstance(value, (tuple, list)) and len(value) == 2:
        low, high = map(float, value)
    else:
        raise TypeError(f"{name} should be a single number or a list/tuple with length 2, got {value!r}")
    if not bound[0] <= low <= high <= bound[1]:
        raise ValueError(f"{name} values should be between {bound}, but got {[low, high]}.")
    return None if low == high == center else (low, high)


class Grayscale(Transform):
    """`functional.rgb_to_grayscale`."""

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def transform(self, img: Any) -> Any:
        return F.rgb_to_grayscale(img, self.num_output_channels)

    def extra_repr(self) -> str:
        return f"num_output_channels={self.num_output_channels}"


class _Sometimes(Transform):
    """`change`, with probability p."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def draw(self, img: Any) -> tuple[Any, ...]:
        return (uniform() < self.p,)

    def transform(self, img: Any, changed: bool) -> Any:
        return self.change(img) if changed else img

    def change(self, img: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no change")

    def extra_repr(self) -> str:
        return f"p={self.p}"


class RandomGrayscale(_Sometimes):
    """`functional.rgb_to_grayscale` of as many channels as before, with probability p."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__(p)

    def change(self, img: Any) -> Any:
        return F.rgb_to_grayscale(img, F.get_image_num_channels(img))


class RandomInvert(_Sometimes):
    """`functional.invert`, with probability p."""

    def change(self, img: Any) -> Any:
        return F.invert(img)


class RandomAutocontrast(_Sometimes):
    """`functional.autocontrast`, with probability p."""

    def change(self, img: Any) -> Any:
        return F.autocontrast(img)


class RandomEqualize(_Sometimes):
    """`functional.equalize`, with probability p."""

    def change(self, img: Any) -> Any:
        return F.equalize(img)


class RandomPosterize(_Sometimes):
    """`functional.posterize`, with probability p."""

    def __init__(self, bits: int, p: float = 0.5) -> None:
        super().__init__(p)
        self.bits = bits

    def change(self, img: Any) -> Any:
        return F.posterize(img, self.bits)

    def extra_repr(self) -> str:
        return f"bits={self.bits},p={self.p}"


class RandomSolarize(_Sometimes):
    """`functional.solarize`, with probability p."""

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.threshold = threshold

    def change(self, img: Any) -> Any:
        return F.solarize(img, self.threshold)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold},p={self.p}"


class RandomAdjustSharpness(_Sometimes):
    """`functional.adjust_sharpness`, with probability p."""

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def change(self, img: Any) -> Any:
        return F.adjust_sharpness(img, self.sharpness_factor)

    def extra_repr(self) -> str:
        return f"sharpness_factor={self.sharpness_factor},p={self.p}"
