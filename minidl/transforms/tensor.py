"""Normalisation, erasing, whitening and blur: what is done to numbers rather than to a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core import Tensor, wrap
from ..core.generator import default_generator
from ..ops.create import tensor
from . import functional as F
from .base import Transform, randint, uniform
from .functional.geometry import pair
from .geometry import check_ranges, draw_sides

__all__ = ["GaussianBlur", "LinearTransformation", "Normalize", "RandomErasing"]


class Normalize(Transform):
    """`functional.normalize`: (x - mean) / std for each channel of a tensor."""

    def __init__(self, mean: Any, std: Any, inplace: bool = False) -> None:
        super().__init__()
        self.mean, self.std, self.inplace = mean, std, inplace

    def transform(self, img: Any) -> Any:
        return F.normalize(img, self.mean, self.std, self.inplace)

    def extra_repr(self) -> str:
        return f"mean={self.mean}, std={self.std}"


class RandomErasing(Transform):
    """A rectangle of a tensor image overwritten, with probability p (Zhong et al. 2020).

    Its part of the area is of U[scale), its ratio height / width of `ratio`, uniform in its logarithm. `value`: one
    number, one for each channel, or "random" for standard normal noise.
    """

    def __init__(self, p: float = 0.5, scale: Sequence[float] = (0.02, 0.33), ratio: Sequence[float] = (0.3, 3.3),
                 value: Any = 0, inplace: bool = False) -> None:
        super().__init__()
        if not isinstance(value, (int, float, str, tuple, list)):
            raise TypeError(f"Argument value should be either a number or str or a sequence, got {type(value).__name__}")
        if isinstance(value, str) and value != "random":
            raise ValueError(f"If value is str, it should be 'random', got {value!r}")
        check_ranges(scale, ratio)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError(f"Scale should be between 0 and 1, got {scale}")
        if not 0 <= p <= 1:
            raise ValueError(f"Random erasing probability should be between 0 and 1, got {p}")
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    @staticmethod
    def get_params(img: Tensor, scale: Sequence[float], ratio: Sequence[float],
                   value: Sequence[float] | None = None) -> tuple[int, int, int, int, Tensor]:
        """(top, left, height, width, what to write); after ten draws that do not fit, all of the image, as it is."""
        channels, h, w = img.shape[-3:]
        for _ in range(10):
            height, width = draw_sides(h * w, scale, ratio)
            if height < h and width < w:
                if value is None:
                    filling = wrap(default_generator.normal((channels, height, width)))
                else:
                    filling = tensor(value).view(-1, 1, 1)
                top = randint(0, h - height + 1)
                return top, randint(0, w - width + 1), height, width, filling
        return 0, 0, h, w, img

    def draw(self, img: Any) -> tuple[Any, ...]:
        if not uniform() < self.p:
            return ()
        value = None if self.value == "random" else [float(v) for v in (
            self.value if isinstance(self.value, (tuple, list)) else [self.value])]
        if value is not None and len(value) not in (1, img.shape[-3]):
            raise ValueError(f"If value is a sequence, it should have either a single value or {img.shape[-3]} (number of "
                             f"input channels), got {len(value)}")
        return self.get_params(img, self.scale, self.ratio, value)

    def transform(self, img: Any, *window: Any) -> Any:
        if not window:
            return img
        top, left, height, width, value = window
        return F.erase(img, top, left, height, width, value, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, scale={self.scale}, ratio={self.ratio}, value={self.value}, inplace={self.inplace}"


class LinearTransformation(Transform):
    """y = (x - mean) M of a tensor image made flat, such as whitening: M (D, D), mean (D), D = C H W."""

    def __init__(self, transformation_matrix: Tensor, mean_vector: Tensor) -> None:
        super().__init__()
        n, m = transformation_matrix.shape
        if n != m:
            raise ValueError(f"transformation_matrix should be square. Got {(n, m)} rectangular matrix.")
        if mean_vector.shape[0] != n:
            raise ValueError(f"mean_vector should have the same length {mean_vector.shape[0]} as any one of the dimensions "
                             f"of the transformation_matrix [{(n, m)}]")
        if transformation_matrix.dtype != mean_vector.dtype:
            raise ValueError(f"Input tensors should have the same dtype. Got {transformation_matrix.dtype} and "
                             f"{mean_vector.dtype}")
        self.transformation_matrix, self.mean_vector = transformation_matrix, mean_vector

    def transform(self, img: Any) -> Any:
        c, h, w = img.shape[-3:]
        if c * h * w != len(self.transformation_matrix):
            raise ValueError(f"Input tensor and transformation matrix have incompatible shape.[{c} x {h} x {w}] != "
                             f"{len(self.transformation_matrix)}")
        flat = img.reshape(-1, c * h * w) - self.mean_vector
        return (flat @ self.transformation_matrix.to(flat.dtype)).view(img.shape)

    def extra_repr(self) -> str:
        return f"transformation_matrix={self.transformation_matrix.tolist()}, mean_vector={self.mean_vector.tolist()}"


class GaussianBlur(Transform):
    """`functional.gaussian_blur` with a sigma of U[low, high)."""

    def __init__(self, kernel_size: Any, sigma: Any = (0.1, 2.0)) -> None:
        super().__init__()
        self.kernel_size = pair(kernel_size)
        if any(size <= 0 or size % 2 == 0 for size in self.kernel_size):
            raise ValueError(f"Kernel size value should be an odd and positive number, got {kernel_size}")
        self.sigma = (sigma, sigma) if isinstance(sigma, (int, float)) else sigma
        if not isinstance(self.sigma, Sequence) or len(self.sigma) != 2:
            raise ValueError(f"sigma should be a single number or a list/tuple with length 2, got {sigma}")
        if not 0 < self.sigma[0] <= self.sigma[1]:
            raise ValueError(f"sigma values should be positive and of the form (min, max), got {sigma}")

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        return uniform(sigma_min, sigma_max)

    def draw(self, img: Any) -> tuple[Any, ...]:
        return (self.get_params(*self.sigma),)

    def transform(self, img: Any, sigma: float) -> Any:
        return F.gaussian_blur(img, self.kernel_size, [sigma, sigma])

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, sigma={self.sigma}"
