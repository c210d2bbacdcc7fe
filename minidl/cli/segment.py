"""Images with a class for each pixel: drawn shapes, or folders of images and masks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..core.tensor import Tensor
from ..datasets import SHAPES, ImageData, SegmentationFolder, ShapesSegmentation
from ..nn import Module
from .task import Section, Task, predictions

__all__ = ["Segmentation", "dice", "iou"]

IGNORE = 255  # in masks: no class
DRAWN = 1000, 200  # shapes to learn from, and held out


class Segmentation(Task):
    name = "segment"
    defaults: ClassVar = {"model": "unet_small", "data": "shapes", "epochs": 8, "batch_size": 8, "optimizer": "adamw", "lr": 0.003, "augment": ["flip"]}
    measures: ClassVar = {"iou": "mean IoU", "dice": "mean Dice"}
    things = "pixels"
    ignore_index = IGNORE

    def read(self, config: dict[str, Any]) -> ImageData:
        if config["data"] == "shapes":
            return drawn(config["seed"], config["size"] or 64)
        return read_pairs(Path(config["data"]), config["seed"], config["size"])

    def score_shape(self, config: dict[str, Any]) -> tuple[int, ...]:
        return (1, len(config["classes"]), *config["shape"][1:])

    def measure(self, counts: np.ndarray) -> dict[str, float]:
        return {"iou": float(np.nanmean(iou(counts))), "dice": float(np.nanmean(dice(counts)))}

    def sections(self, model: Module, x: Tensor, data: ImageData, counts: np.ndarray) -> Iterator[Section]:
        from ..viz import plot_confusion
        from ..viz.gallery import plot_overlays
        guesses = np.concatenate([scores.argmax(1).numpy() for _, scores in predictions(model, x)])
        wrong = ((guesses != data.test_labels) & (data.test_labels != IGNORE)).mean((1, 2))

        def overlays(chosen: np.ndarray) -> Any:
            return plot_overlays(data.test_images[chosen], data.test_labels[chosen], guesses[chosen], data.classes,
                                 [f"{wrong[i]:.2%} wrong" for i in chosen])

        yield Section("Overlays", "The first of the held-out images.", figure=overlays(np.arange(min(6, len(wrong)))), name="overlays")
        rows = [("class", "pixels", "IoU", "Dice")]
        rows += [(c, f"{n:,}", f"{i:.2%}", f"{d:.2%}") for c, n, i, d in zip(data.classes, counts.sum(1), iou(counts), dice(counts))]
        yield Section("Each class", table=rows)
        yield Section("Worst mistakes", "The images with the most wrong pixels.", figure=overlays(np.argsort(-wrong, kind="stable")[:6]))
        yield Section("Confusion of pixels", figure=plot_confusion(counts, data.classes, what="pixels"), name="confusion")


def iou(counts: np.ndarray) -> np.ndarray:
    """Intersection over union of each class: TP / (TP + FP + FN), from counts of (true, predicted); nan for a class that is in neither.

    >>> iou(np.array([[2, 1], [1, 4]])).round(3).tolist()
    [0.5, 0.667]
    """
    hits = counts.diagonal()
    with np.errstate(invalid="ignore"):
        return np.asarray(hits / (counts.sum(0) + counts.sum(1) - hits))


def dice(counts: np.ndarray) -> np.ndarray:
    """Dice's coefficient of each class: 2 TP / (2 TP + FP + FN), which is F1; nan for a class that is in neither.

    >>> dice(np.array([[2, 1], [1, 4]])).round(3).tolist()
    [0.667, 0.8]
    """
    with np.errstate(invalid="ignore"):
        return np.asarray(2 * counts.diagonal() / (counts.sum(0) + counts.sum(1)))


def drawn(seed: int, size: int) -> ImageData:
    """Shapes on textured backgrounds."""
    train, test = DRAWN
    shapes = ShapesSegmentation(train + test, size, seed=seed)
    scenes = [shapes.scene(i) for i in range(train + test)]
    images, masks = np.stack([s.image for s in scenes]), np.stack([s.mask for s in scenes]).astype(np.int64)
    return ImageData(images[:train], masks[:train], images[train:], masks[train:], SHAPES)


def read_pairs(root: Path, seed: int, size: int | None) -> ImageData:
    """`images/` and `masks/` of a directory, a fifth of them held out; or of its `train/` and its `test/` or `val/`. With `size` all are brought
    to that side; without, they must agree (ValueError)."""
    if (root / "train").is_dir():
        held_out = next((root / name for name in ("test", "val") if (root / name).is_dir()), root / "test")
        parts = [read_folder(part, size) for part in (root / "train", held_out)]
    else:
        images, masks = read_folder(root, size)
        order = np.random.RandomState(seed).permutation(len(images))
        some = len(images) - max(1, len(images) // 5)
        parts = [(images[chosen], masks[chosen]) for chosen in (np.sort(order[:some]), np.sort(order[some:]))]
    (images, masks), (test_images, test_masks) = parts
    if not len(images) or images.shape[1:] != test_images.shape[1:]:
        raise ValueError(f"{root}: expected images to train on and images held out, all of one size, got {images.shape} and {test_images.shape}; "
                         "--size brings them to one")
    present = np.concatenate([masks.ravel(), test_masks.ravel()])
    classes = 1 + int(present[present != IGNORE].max(initial=1))
    return ImageData(images, masks, test_images, test_masks, tuple(map(str, range(classes))))


def read_folder(root: Path, size: int | None) -> tuple[np.ndarray, np.ndarray]:
    from PIL import Image
    pairs = SegmentationFolder(root)
    images, masks = [], []
    for i, (path, _) in enumerate(pairs.samples):
        image, mask = pairs[i]
        if size is not None:
            image, mask = image.resize((size, size), Image.Resampling.BILINEAR), mask.resize((size, size), Image.Resampling.NEAREST)
        images.append(np.asarray(image).transpose(2, 0, 1))
        masks.append(np.asarray(mask).astype(np.int64))
        if images[-1].shape != images[0].shape:
            raise ValueError(f"{path}: expected an image of {images[0].shape[1:]} as the first, got {images[-1].shape[1:]}; --size brings them to one")
    return np.stack(images), np.stack(masks)
