"""Random rotations, affine maps, perspectives and elastic deformations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core import wrap
from ..core.generator import default_generator
from ..ops.join import cat
from . import functional as F
from .base import Geometric, randint, uniform
from .functional import InterpolationMode
from .functional.convert import interpolation_mode

__all__ = ["ElasticTransform", "RandomAffine", "RandomPerspective", "RandomRotation"]

NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


def numbers(value: Any, name: str, lengths: tuple[int, ...]) -> None:
    expected = " or ".join(map(str, lengths))
    if not isinstance(value, Sequence):
        raise TypeError(f"{name} should be a sequence of length {expected}.")
    if len(value) not in lengths:
        raise ValueError(f"{name} should be a sequence of length {expected}, got {value}")


def angles(value: Any, name: str, lengths: tuple[int, ...] = (2,)) -> list[float]:
    """[-value, value] of one number, or the numbers."""
    if isinstance(value, (int, float)):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be positive, got {value}")
        value = [-value, value]
    numbers(value, name, lengths)
    return [float(angle) for angle in value]


def colour(fill: Any) -> Any:
    if fill is not None and not isinstance(fill, (int, float, Sequence)):
        raise TypeError(f"Fill should be either a sequence or a number, got {type(fill).__name__}")
    return 0 if fill is None else fill


class RandomRotation(Geometric):
    """`functional.rotate` by an angle of U[-degrees, degrees), or of U[low, high) for degrees = (low, high)."""

    def __init__(self, degrees: Any, interpolation: Any = NEAREST, expand: bool = False, center: Any = None,
                 fill: Any = 0) -> None:
        super().__init__()
        self.degrees = angles(degrees, "degrees")
        if center is not None:
            numbers(center, "center", (2,))
        self.interpolation = interpolation_mode(interpolation)
        self.expand, self.center, self.fill = expand, center, colour(fill)

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        return uniform(float(degrees[0]), float(degrees[1]))

    def draw(self, img: Any) -> tuple[Any, ...]:
        return (self.get_params(self.degrees),)

    def transform(self, img: Any, angle: float) -> Any:
        return F.rotate(img, angle, self.interpolation, self.expand, self.center, self.fill)

    def extra_repr(self) -> str:
        center = "" if self.center is None else f", center={self.center}"
        return f"degrees={self.degrees}, interpolation={self.interpolation.value}, expand={self.expand}{center}, fill={self.fill}"


class RandomAffine(Geometric):
    """`functional.affine` with random numbers: an angle of U[-degrees, degrees); a shift of up to `translate` times the
    width and the height; a factor of U[scale); angles of U[-shear, shear), of U[a, b), or (a, b, c, d) along x and y."""

    def __init__(self, degrees: Any, translate: Any = None, scale: Any = None, shear: Any = None,
                 interpolation: Any = NEAREST, fill: Any = 0, center: Any = None) -> None:
        super().__init__()
        self.degrees = angles(degrees, "degrees")
        for name, value in (("translate", translate), ("scale", scale), ("center", center)):
            if value is not None:
                numbers(value, name, (2,))
        if translate is not None and not all(0 <= t <= 1 for t in translate):
            raise ValueError(f"translation values should be between 0 and 1, got {translate}")
        if scale is not None and min(scale) <= 0:
            raise ValueError(f"scale values should be positive, got {scale}")
        self.translate, self.scale, self.center = translate, scale, center
        self.shear = None if shear is None else angles(shear, "shear", (2, 4))
        self.interpolation, self.fill = interpolation_mode(interpolation), colour(fill)

    @staticmethod
    def get_params(degrees: Any, translate: Any, scale_ranges: Any, shears: Any,
                   img_size: Sequence[int]) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """(angle, (dx, dy), scale, (shear along x, along y)); `img_size` is (width, height)."""
        angle = uniform(float(degrees[0]), float(degrees[1]))
        dx = dy = 0
        if translate is not None:
            dx, dy = (round(uniform(-part * size, part * size)) for part, size in zip(map(float, translate), img_size))
        scale = 1.0 if scale_ranges is None else uniform(*scale_ranges)
        shear_x = 0.0 if shears is None else uniform(*shears[:2])
        shear_y = uniform(*shears[2:]) if shears is not None and len(shears) == 4 else 0.0
        return angle, (dx, dy), scale, (shear_x, shear_y)

    def draw(self, img: Any) -> tuple[Any, ...]:
        return self.get_params(self.degrees, self.translate, self.scale, self.shear, F.get_image_size(img))

    def transform(self, img: Any, angle: float, translate: Any, scale: float, shear: Any) -> Any:
        return F.affine(img, angle, translate, scale, shear, self.interpolation, self.fill, self.center)

    def extra_repr(self) -> str:
        shown = {"translate": self.translate, "scale": self.scale, "shear": self.shear}
        parts = [f"degrees={self.degrees}", *(f"{name}={value}" for name, value in shown.items() if value is not None)]
        if self.interpolation is not NEAREST:
            parts.append(f"interpolation={self.interpolation.value}")
        if self.fill != 0:
            parts.append(f"fill={self.fill}")
        if self.center is not None:
            parts.append(f"center={self.center}")
        return ", ".join(parts)


class RandomPerspective(Geometric):
    """`functional.perspective`, with probability p: each corner moves inwards by up to `distortion_scale` times half the
    width and half the height."""

    def __init__(self, distortion_scale: float = 0.5, p: float = 0.5, interpolation: Any = BILINEAR, fill: Any = 0) -> None:
        super().__init__()
        self.distortion_scale, self.p = distortion_scale, p
        self.interpolation, self.fill = interpolation_mode(interpolation), colour(fill)

    @staticmethod
    def get_params(width: int, height: int, distortion_scale: float) -> tuple[list[list[int]], list[list[int]]]:
        """The corners (x, y), clockwise from the top left, and where they go."""
        dx, dy = int(distortion_scale * (width // 2)), int(distortion_scale * (height // 2))
        left, right, top, bottom = (0, dx + 1), (width - dx - 1, width), (0, dy + 1), (height - dy - 1, height)
        ends = [[randint(*x), randint(*y)] for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]
        return [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], ends

    def draw(self, img: Any) -> tuple[Any, ...]:
        _, h, w = F.get_dimensions(img)
        return self.get_params(w, h, self.distortion_scale) if uniform() < self.p else (None, None)

    def transform(self, img: Any, startpoints: Any, endpoints: Any) -> Any:
        return F.perspective(img, startpoints, endpoints, self.interpolation, self.fill) if startpoints else img

    def extra_repr(self) -> str:
        return f"p={self.p}"


def each_way(value: Any, name: str) -> list[float]:
    if not isinstance(value, (float, Sequence)):
        raise TypeError(f"{name} should be float or a sequence of floats. Got {type(value)}")
    values = [value] * 2 if isinstance(value, float) else list(value)
    if len(values) != 2:
        raise ValueError(f"If {name} is a sequence its length should be 2. Got {len(values)}")
    if not all(isinstance(v, float) for v in values):
        raise TypeError(f"{name} should be a sequence of floats. Got {value}")
    return values


class ElasticTransform(Geometric):
    """`functional.elastic_transform` by U[-1, 1) noise, blurred with `sigma` pixels, times `alpha` pixels (Simard et al.
    2003)."""

    def __init__(self, alpha: Any = 50.0, sigma: Any = 5.0, interpolation: Any = BILINEAR, fill: Any = 0) -> None:
        super().__init__()
        self.alpha, self.sigma = each_way(alpha, "alpha"), each_way(sigma, "sigma")
        self.interpolation = interpolation_mode(interpolation)
        if not isinstance(fill, (int, float, list, tuple)):
            raise TypeError(f"fill should be int or float or a list or tuple of them. Got {type(fill)}")
        self.fill = [float(f) for f in fill] if isinstance(fill, (list, tuple)) else [float(fill)]

    @staticmethod
    def get_params(alpha: Sequence[float], sigma: Sequence[float], size: Sequence[int]) -> Any:
        """The displacement (1, H, W, 2)."""
        parts: list[Any] = []
        for strength, width, side in zip(alpha, sigma, reversed(size)):
            noise: Any = wrap(2 * default_generator.uniform((1, 1, *size)) - 1)
            if width > 0:
                noise = F.gaussian_blur(noise, int(8 * width + 1) | 1, list(sigma))
            parts.append(noise * strength / side)
        return cat(parts, 1).permute(0, 2, 3, 1)

    def draw(self, img: Any) -> tuple[Any, ...]:
        return (self.get_params(self.alpha, self.sigma, F.get_dimensions(img)[1:]),)

    def transform(self, img: Any, displacement: Any) -> Any:
        return F.elastic_transform(img, displacement, self.interpolation, self.fill)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}, sigma={self.sigma}, interpolation={self.interpolation}, fill={self.fill}"
