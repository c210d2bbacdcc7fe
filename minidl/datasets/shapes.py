"""Circles, squares and triangles on textured backgrounds, drawn by a seed, with what there is to find in them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core import wrap
from ..transforms.functional import to_pil_image
from .vision import VisionDataset

__all__ = ["SHAPES", "Scene", "ShapesDetection", "ShapesSegmentation", "draw_shapes"]

SHAPES = ("background", "circle", "square", "triangle")
_CORNERS = {2: 4, 3: 3}


class Scene(NamedTuple):
    """image uint8 (3, H, W); mask uint8 (H, W) of class numbers; boxes float32 (K, 4) and labels int64 (K,) of the shapes.

    A box is (x1, y1, x2, y2), the outer edges of its shape's pixels: x2 - x1 is their width.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]


def draw_shapes(seed: int, image_size: int = 64, max_shapes: int = 4) -> Scene:
    """A square picture with 1 to `max_shapes` shapes that lie within it and apart from each other.

    Radii run from a tenth to a quarter of the side; angles, places, colours and textures are random. A place that is
    taken is drawn anew, twenty times at most. Classes are the places in `SHAPES`, of which 0 is the background.

    >>> scene = draw_shapes(0)
    >>> scene.image.shape, scene.mask.shape, len(scene.boxes) == len(scene.labels)
    ((3, 64, 64), (64, 64), True)
    """
    if image_size < 16 or max_shapes < 1:
        raise ValueError(f"draw_shapes: expected image_size >= 16 and max_shapes >= 1, got {image_size} and {max_shapes}")
    # RandomState, since its stream alone is promised never to change between NumPy versions.
    rng = np.random.RandomState(seed)
    background = rng.uniform(40, 215, 3)
    picture = background[:, None, None] + texture(rng, image_size)
    mask = np.zeros((image_size, image_size), np.uint8)
    placed: list[NDArray[np.float64]] = []
    boxes: list[tuple[int, ...]] = []
    labels: list[int] = []
    wanted = rng.randint(1, max_shapes + 1)
    for _ in range(20 * wanted):
        if len(labels) == wanted:
            break
        radius = rng.uniform(image_size / 10, image_size / 4)
        center = rng.uniform(radius, image_size - radius, 2)
        if any(math.dist(center, other[:2]) <= radius + other[2] + 1 for other in placed):
            continue
        label = int(rng.randint(1, len(SHAPES)))
        inside = region(label, center, radius, rng.uniform(0, 2 * math.pi), image_size)
        mask[inside] = label
        surface = colour_apart(rng, background)[:, None, None] + texture(rng, image_size)
        picture[:, inside] = surface[:, inside]
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        boxes.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
        labels.append(label)
        placed.append(np.array([*center, radius]))
    return Scene(np.clip(picture, 0, 255).astype(np.uint8), mask, np.array(boxes, np.float32), np.array(labels, np.int64))


def texture(rng: np.random.RandomState, size: int) -> NDArray[np.float64]:
    """Coarse noise, interpolated from 5 x 5 places, and fine noise: (3, size, size)."""
    place = np.linspace(0, 4, size)[:, None]
    weights = np.maximum(0, 1 - np.abs(place - np.arange(5)))
    coarse: NDArray[np.float64] = weights @ rng.uniform(-30, 30, (3, 5, 5)) @ weights.T
    return coarse + rng.normal(0, 8, (3, size, size))


def colour_apart(rng: np.random.RandomState, background: NDArray[np.float64]) -> NDArray[np.float64]:
    """A colour that stands out: some channel differs by 80 at least from the background's."""
    while True:
        colour: NDArray[np.float64] = rng.uniform(0, 255, 3)
        if np.abs(colour - background).max() >= 80:
            return colour


def region(label: int, center: NDArray[np.float64], radius: float, angle: float, size: int) -> NDArray[np.bool_]:
    """The pixels whose middle is in the shape: a circle, or the regular polygon in it, n half-planes at radius cos(pi / n)."""
    y, x = np.mgrid[:size, :size] + 0.5 - center[::-1, None, None]
    if label not in _CORNERS:
        inside: NDArray[np.bool_] = x * x + y * y <= radius * radius
        return inside
    n = _CORNERS[label]
    turns = angle + 2 * math.pi * np.arange(n) / n
    reach = np.max([math.cos(t) * x + math.sin(t) * y for t in turns], axis=0)
    return np.asarray(reach <= radius * math.cos(math.pi / n))


class _Shapes(VisionDataset):
    """`size` scenes of `draw_shapes`, the same for the same seed."""

    classes = SHAPES

    def __init__(self, size: int = 1000, image_size: int = 64, max_shapes: int = 4, seed: int = 0,
                 transforms: Callable[..., Any] | None = None, transform: Callable[..., Any] | None = None,
                 target_transform: Callable[..., Any] | None = None) -> None:
        super().__init__(None, transforms, transform, target_transform)
        self.size, self.image_size, self.max_shapes, self.seed = size, image_size, max_shapes, seed

    def scene(self, index: int) -> Scene:
        """The picture's arrays."""
        if not 0 <= index < self.size:
            raise IndexError(f"{type(self).__name__} index out of range: {index} of {self.size}")
        seed = np.random.RandomState([self.seed, index]).randint(2**31)
        return draw_shapes(int(seed), self.image_size, self.max_shapes)

    def __len__(self) -> int:
        return self.size


class ShapesSegmentation(_Shapes):
    """(image, mask): Pillow images of modes RGB and L, the mask's pixels the places in `SHAPES`.

    `transforms` is called on both, as a `Compose` of the library's transforms takes them.

    >>> image, mask = ShapesSegmentation(10)[3]
    >>> image.mode, mask.mode, image.size == mask.size
    ('RGB', 'L', True)
    """

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        scene = self.scene(index)
        return self.transformed(to_pil_image(scene.image.transpose(1, 2, 0)), to_pil_image(scene.mask))


class ShapesDetection(_Shapes):
    """(image, {"boxes": float32 (K, 4) in xyxy, "labels": int64 (K,)}): a Pillow image and tensors, as `Scene`'s."""

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        scene = self.scene(index)
        return self.transformed(to_pil_image(scene.image.transpose(1, 2, 0)), {"boxes": wrap(scene.boxes), "labels": wrap(scene.labels)})
