"""From Pillow's images and arrays to tensors, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Tensor
from . import functional as F
from .base import Transform

__all__ = ["ConvertImageDtype", "PILToTensor", "ToPILImage", "ToTensor"]


def labels(mask: Any) -> Any:
    """A Pillow mask as a tensor (H, W) of int64 labels."""
    return mask if isinstance(mask, Tensor) else F.pil_to_tensor(mask).to(np.int64).squeeze(0)


class ToTensor(Transform):
    """`functional.to_tensor`: 8 bits a channel (H, W, C) to floats (C, H, W) in [0, 1]; a mask to int64 (H, W)."""

    def transform(self, img: Any) -> Any:
        return F.to_tensor(img)

    def transform_mask(self, mask: Any) -> Any:
        return labels(mask)


class PILToTensor(Transform):
    """`functional.pil_to_tensor`: (C, H, W) of the image's own type; a mask to int64 (H, W)."""

    def transform(self, img: Any) -> Any:
        return F.pil_to_tensor(img)

    def transform_mask(self, mask: Any) -> Any:
        return labels(mask)


class ToPILImage(Transform):
    """`functional.to_pil_image`."""

    def __init__(self, mode: str | None = None) -> None:
        super().__init__()
        self.mode = mode

    def transform(self, img: Any) -> Any:
        return F.to_pil_image(img, self.mode)

    def transform_mask(self, mask: Any) -> Any:
        return F.to_pil_image(mask.to(np.uint8))

    def extra_repr(self) -> str:
        return "" if self.mode is None else f"mode={self.mode}"


class ConvertImageDtype(Transform):
    """`functional.convert_image_dtype`."""

    def __init__(self, dtype: Any) -> None:
        super().__init__()
        self.dtype = dtype

    def transform(self, img: Any) -> Any:
        return F.convert_image_dtype(img, self.dtype)
