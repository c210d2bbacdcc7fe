"""What detectors find, drawn on images: boxes, masks, points."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import Tensor
from ..core.modes import no_grad
from ..ops.create import tensor
from ..transforms.functional import pil_to_tensor, to_pil_image
from ..transforms.v2.functional import to_dtype

__all__ = ["draw_bounding_boxes", "draw_keypoints", "draw_segmentation_masks"]

Color = str | tuple[int, int, int]


def check_image(image: Any, channels: tuple[int, ...]) -> None:
    if not isinstance(image, Tensor):
        raise TypeError(f"Tensor expected, got {type(image)}")
    if str(image.dtype) != "torch.uint8" and not image.is_floating_point():
        raise ValueError(f"The image dtype must be uint8 or float, got {image.dtype}")
    if image.dim() != 3:
        raise ValueError(f"Pass individual images, not batches; got {image.dim()} dimensions")
    if image.shape[0] not in channels:
        raise ValueError(f"Only {'grayscale and ' if 1 in channels else ''}RGB images are supported, got {image.shape[0]} channels")


def parsed(colors: Any, count: int) -> list[tuple[int, ...]]:
    """Colours as (red, green, blue) from 0 to 255: of a list, one for all, or a palette of torchvision's."""
    from PIL import ImageColor

    if colors is None:
        colors = [tuple(i * each % 255 for each in (2 ** 25 - 1, 2 ** 15 - 1, 2 ** 21 - 1)) for i in range(count)]
    elif isinstance(colors, list):
        if len(colors) < count:
            raise ValueError(f"Number of colors must be equal or larger than the number of objects, but got {len(colors)} < {count}.")
    elif not isinstance(colors, (tuple, str)):
        raise ValueError(f"colors must be a tuple or a string, or a list thereof, but got {colors}.")
    elif isinstance(colors, tuple) and len(colors) != 3:
        raise ValueError(f"If passed as tuple, colors should be an RGB triplet, but got {colors}.")
    else:
        colors = [colors] * count
    return [ImageColor.getrgb(color) if isinstance(color, str) else color for color in colors]


def canvas(image: Any) -> Any:
    """The image for Pillow, in colour."""
    image = image.expand(3, -1, -1)
    return to_pil_image(to_dtype(image, np.uint8, scale=True))


def drawn(picture: Any, like: Any) -> Tensor:
    """Pillow's image as a tensor of the type of `like`."""
    return to_dtype(pil_to_tensor(picture), like.dtype, scale=True)


@no_grad()
def draw_bounding_boxes(image: Tensor, boxes: Any, labels: Sequence[str] | None = None, colors: list[Color] | Color | None = None,
                        fill: bool | None = False, width: int = 1, font: str | None = None, font_size: int | None = None,
                        label_colors: list[Color] | Color | None = None, label_background_colors: list[Color] | Color | None = None,
                        fill_labels: bool = False) -> Tensor:
    """The image (1 or 3, H, W), of bytes or from 0 to 1, in colour, with the outlines of boxes (N, 4), x1, y1, x2, y2, and their labels.

    A colour is a name, ``"#rrggbb"`` or (red, green, blue); there is one for all boxes, or a list. `fill` shades the boxes, `fill_labels` the ground of
    the labels. `font` is a TrueType file. Rotated boxes (N, 8) are not drawn. As ``torchvision.utils.draw_bounding_boxes``.

    >>> from minidl import zeros
    >>> draw_bounding_boxes(zeros(3, 5, 5).byte(), tensor([[1, 1, 3, 3]]), colors="red")[0, 1].tolist()
    [0, 255, 255, 255, 0]
    """
    from PIL import ImageDraw, ImageFont

    check_image(image, (1, 3))
    if (boxes[:, 0] > boxes[:, 2]).any() or (boxes[:, 1] > boxes[:, 3]).any():
        raise ValueError("Boxes need to be in (xmin, ymin, xmax, ymax) format. Use torchvision.ops.box_convert to convert them")
    count = len(boxes)
    if not count:
        warnings.warn("boxes doesn't contain any box. No box was drawn")
        return image
    if labels is not None and len(labels) != count:
        raise ValueError(f"Number of boxes ({count}) and labels ({len(labels)}) mismatch. Please specify labels for each box.")
    outlines = parsed(colors, count)
    texts = parsed(label_colors or "black", count) if label_colors or fill_labels else outlines
    grounds = parsed(label_background_colors, count) if fill_labels and label_background_colors else outlines
    if font is None and font_size is not None:
        warnings.warn("Argument 'font_size' will be ignored since 'font' is not set.")
    letters: Any = ImageFont.load_default() if font is None else ImageFont.truetype(font, font_size or 10)
    words: Sequence[str | None] = labels or [None] * count
    picture = canvas(image)
    draw = ImageDraw.Draw(picture, "RGBA" if fill else None)
    for box, label, outline, text, ground in zip(boxes.long().tolist(), words, outlines, texts, grounds):
        draw.rectangle(box, width=width, outline=outline, fill=(*outline, 100) if fill else None)
        if label is not None:
            at = box[0] + width + 1, box[1] + width + 1
            if fill_labels:
                left, top, right, bottom = draw.textbbox(at, label, font=letters)
                draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=ground)
            draw.text(at, label, fill=text, font=letters)
    return drawn(picture, image)


@no_grad()
def draw_segmentation_masks(image: Any, masks: Any, alpha: float = 0.8, colors: list[Color] | Color | None = None) -> Tensor:
    """The image (3, H, W) with a share `alpha` of a colour where each of the masks, (N, H, W) or (H, W) of bools, is True; black where several are.

    As ``torchvision.utils.draw_segmentation_masks``.

    >>> from minidl import ones
    >>> draw_segmentation_masks(ones(3, 1, 2), tensor([[True, False]]), 0.5, "red")[:, 0].tolist()
    [[1.0, 1.0], [0.5, 1.0], [0.5, 1.0]]
    """
    check_image(image, (3,))
    masks = masks[None] if masks.dim() == 2 else masks
    if masks.dim() != 3:
        raise ValueError(f"masks must be of shape (H, W) or (batch_size, H, W), got {tuple(masks.shape)}")
    if str(masks.dtype) != "torch.bool":
        raise ValueError(f"The masks must be of dtype bool. Got {masks.dtype}")
    if masks.shape[-2:] != image.shape[-2:]:
        raise ValueError(f"The image and the masks must have the same height and width, got {tuple(image.shape)} and {tuple(masks.shape)}")
    if not len(masks):
        warnings.warn("masks doesn't contain any mask. No mask was drawn")
        return image
    painted = image.detach().clone()
    for mask, color in zip(masks, parsed(colors, len(masks))):
        painted[:, mask] = tensor([c / 255 if image.is_floating_point() else c for c in color], dtype=image.dtype)[:, None]
    painted[:, masks.sum(0) > 1] = 0
    return (image * (1 - alpha) + painted * alpha).to(image.dtype)


@no_grad()
def draw_keypoints(image: Tensor, keypoints: Any, connectivity: Sequence[tuple[int, int]] | None = None, colors: Color | None = None, radius: int = 2,
                   width: int = 3, visibility: Any = None) -> Tensor:
    """The image (3, H, W) with a disc at each of the points (N, K, 2), x and y, and lines between the pairs of points in `connectivity`.

    `visibility` (N, K) leaves points, and lines from them, out. As ``torchvision.utils.draw_keypoints``.
    """
    from PIL import ImageDraw

    check_image(image, (3,))
    if keypoints.dim() != 3:
        raise ValueError(f"keypoints must be of shape (num_instances, K, 2), got {tuple(keypoints.shape)}")
    if visibility is None:
        visibility = tensor(True).expand(keypoints.shape[:-1])
    if visibility.dim() == 3:
        visibility = visibility.squeeze(-1)
    if visibility.shape != keypoints.shape[:-1]:
        raise ValueError("keypoints and visibility must have the same dimensionality for num_instances and K. "
                         f"Got {tuple(visibility.shape)} and {tuple(keypoints.shape)}")
    picture = canvas(image)
    draw = ImageDraw.Draw(picture)
    for points, seen in zip(keypoints.long().tolist(), visibility.bool().tolist()):
        for (x, y, *_), there in zip(points, seen):
            if there:
                draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colors, outline=None, width=0)
        for a, b in connectivity or ():
            if seen[a] and seen[b]:
                draw.line((*points[a][:2], *points[b][:2]), width=width)
    return drawn(picture, image)
