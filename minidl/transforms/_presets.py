"""What is done to an image before a trained network sees it, as ``torchvision.transforms._presets`` names it.

Images are Pillow's or tensors (..., C, H, W); a size of one number is that of the short side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.dtypes import float32
from ..core.tensor import Tensor
from ..nn import Module
from . import functional as F
from .functional import InterpolationMode

__all__ = ["ObjectDetection", "ImageClassification", "VideoClassification", "SemanticSegmentation"]

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's red, green and blue


def _floats(img: Any) -> Any:
    """In [0, 1], as a tensor."""
    return F.convert_image_dtype(img if isinstance(img, Tensor) else F.pil_to_tensor(img), float32)


class ObjectDetection(Module):
    """To floats in [0, 1]: the detectors resize and normalise themselves."""

    def forward(self, img: Any) -> Any:
        return _floats(img)


class SemanticSegmentation(Module):
    """Resized unless `resize_size` is None, then (x / 255 - mean) / std."""

    def __init__(self, *, resize_size: int | None, mean: Sequence[float] = MEAN, std: Sequence[float] = STD,
                 interpolation: InterpolationMode = InterpolationMode.BILINEAR, antialias: bool | None = True) -> None:
        super().__init__()
        self.resize_size = None if resize_size is None else [resize_size]
        self.mean, self.std, self.interpolation, self.antialias = list(mean), list(std), interpolation, antialias

    def extra_repr(self) -> str:
        return f"resize_size={self.resize_size}, mean={self.mean}, std={self.std}, interpolation={self.interpolation}"

    def resized(self, img: Any) -> Any:
        return img if self.resize_size is None else F.resize(img, self.resize_size, self.interpolation, antialias=self.antialias)

    def forward(self, img: Any) -> Any:
        return F.normalize(_floats(self.resized(img)), self.mean, self.std)


class ImageClassification(SemanticSegmentation):
    """Resized, the middle of `crop_size` cut out, then (x / 255 - mean) / std.

    >>> from minidl import zeros
    >>> ImageClassification(crop_size=224)(zeros(3, 300, 400)).shape
    torch.Size([3, 224, 224])
    """

    def __init__(self, *, crop_size: int, resize_size: int = 256, **kwargs: Any) -> None:
        super().__init__(resize_size=resize_size, **kwargs)
        self.crop_size = [crop_size]

    def extra_repr(self) -> str:
        return f"crop_size={self.crop_size}, {super().extra_repr()}"

    def resized(self, img: Any) -> Any:
        return F.center_crop(super().resized(img), self.crop_size)


class VideoClassification(Module):
    """Frames (..., T, C, H, W) as an image classifier's, then (..., C, T, H, W); both sizes are (height, width).

    Nothing is averaged where frames become smaller, as when the networks were trained.
    """

    def __init__(self, *, crop_size: Sequence[int], resize_size: Sequence[int], mean: Sequence[float] = (0.43216, 0.394666, 0.37645),
                 std: Sequence[float] = (0.22803, 0.22145, 0.216989), interpolation: InterpolationMode = InterpolationMode.BILINEAR) -> None:
        super().__init__()
        self.crop_size, self.resize_size, self.mean, self.std = list(crop_size), list(resize_size), list(mean), list(std)
        self.interpolation = interpolation

    def extra_repr(self) -> str:
        return (f"crop_size={self.crop_size}, resize_size={self.resize_size}, mean={self.mean}, std={self.std}, "
                f"interpolation={self.interpolation}")

    def forward(self, vid: Any) -> Any:
        frames = F.resize(vid.reshape(-1, *vid.shape[-3:]), self.resize_size, self.interpolation, antialias=False)
        frames = F.normalize(_floats(F.center_crop(frames, self.crop_size)), self.mean, self.std)
        return frames.reshape(*vid.shape[:-2], *self.crop_size).transpose(-4, -3)
