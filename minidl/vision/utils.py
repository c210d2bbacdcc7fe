"""Many images as one: ``torchvision.utils``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core import Tensor
from ..core.modes import no_grad
from ..ops.create import full
from ..ops.join import stack
from ..transforms.functional import to_pil_image
from .draw import draw_bounding_boxes as draw_bounding_boxes
from .draw import draw_keypoints as draw_keypoints
from .draw import draw_segmentation_masks as draw_segmentation_masks

__all__ = ["draw_bounding_boxes", "draw_keypoints", "draw_segmentation_masks", "make_grid", "save_image"]


@no_grad()
def make_grid(tensor: Tensor | list[Tensor], nrow: int = 8, padding: int = 2, normalize: bool = False, value_range: tuple[float, float] | None = None,
              scale_each: bool = False, pad_value: float = 0.0) -> Tensor:
    """Images (N, C, H, W), `nrow` of them beside each other, as one of three channels, or C; `padding` pixels between and around them.

    `normalize` brings them to [0, 1] from `value_range`, or from their own least and greatest value: of all, or with `scale_each` of each.

    >>> from minidl import rand
    >>> make_grid(rand(10, 1, 28, 28)).shape
    torch.Size([3, 62, 242])
    """
    if not isinstance(tensor, Tensor) and not (isinstance(tensor, list) and all(isinstance(t, Tensor) for t in tensor)):
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    x: Any = tensor if isinstance(tensor, Tensor) else stack(tensor)
    x = x.reshape(*[1] * (4 - x.dim()), *x.shape)
    if x.shape[1] == 1:
        x = x.expand(-1, 3, -1, -1)
    if normalize:
        if value_range is not None and not isinstance(value_range, tuple):
            raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
        x = stack([scaled(image, image if scale_each else x, value_range) for image in x])
    if len(x) == 1:
        return x[0].clone()
    columns = min(nrow, len(x))
    rows = -(-len(x) // columns)
    height, width = x.shape[2] + padding, x.shape[3] + padding
    grid = full((x.shape[1], height * rows + padding, width * columns + padding), pad_value, dtype=x.dtype)
    for i, image in enumerate(x):
        top, left = i // columns * height + padding, i % columns * width + padding
        grid[:, top:top + x.shape[2], left:left + x.shape[3]] = image
    return grid


def scaled(image: Any, of: Any, value_range: Sequence[float] | None) -> Any:
    low, high = (float(of.min()), float(of.max())) if value_range is None else value_range
    return image.clamp(low, high).sub(low).div(max(high - low, 1e-5))


@no_grad()
def save_image(tensor: Tensor | list[Tensor], fp: Any, format: str | None = None, **kwargs: Any) -> None:
    """Writes `make_grid` of images from 0 to 1 to a file."""
    grid: Any = make_grid(tensor, **kwargs)
    to_pil_image((grid * 255 + 0.5).clamp(0, 255).byte()).save(fp, format=format)
