"""Images with a class for each pixel: pairs of files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from .image_folder import IMG_EXTENSIONS, open_image
from .vision import Path, VisionDataset

__all__ = ["SegmentationFolder"]


class SegmentationFolder(VisionDataset):
    """(image, mask) of `root/images/NAME.jpg` and `root/masks/NAME.png`: Pillow images of modes RGB and L.

    A mask's pixels (gray, or a palette's indices) are class numbers, below `num_classes` if that is given, or
    `ignore_index`. `transforms` is called on both: ``transforms(image, mask)``, as a `Compose` of the library's
    transforms takes them; `transform` and `target_transform` on one each. `samples`: pairs of paths, sorted by name.

    ValueError, naming the file, for an image without a mask or the reverse, two files of a name, and, when it is read,
    for a mask of another size than its image, in colour, or with another value.
    """

    def __init__(self, root: Path, num_classes: int | None = None, ignore_index: int = 255, image_folder: str = "images",
                 mask_folder: str = "masks", transforms: Callable[..., Any] | None = None,
                 transform: Callable[..., Any] | None = None, target_transform: Callable[..., Any] | None = None) -> None:
        super().__init__(root, transforms, transform, target_transform)
        self.num_classes, self.ignore_index = num_classes, ignore_index
        images, masks = (by_name(FilePath(self.root, folder)) for folder in (image_folder, mask_folder))
        for name in sorted(images.keys() ^ masks.keys()):
            alone, other = (images[name], mask_folder) if name in images else (masks[name], image_folder)
            raise ValueError(f"{alone}: expected a file {name!r} in {FilePath(self.root, other)} to go with it, found none")
        self.samples = [(str(images[name]), str(masks[name])) for name in sorted(images)]

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image_path, mask_path = self.samples[index]
        image, mask = open_image(image_path).convert("RGB"), open_image(mask_path)
        self.check(mask_path, mask, image_path, image)
        return self.transformed(image, labels_of(mask))

    def check(self, mask_path: str, mask: Any, image_path: str, image: Any) -> None:
        if mask.mode not in ("L", "P", "1"):
            raise ValueError(f"{mask_path}: expected a mask in gray or with a palette, got Pillow's mode {mask.mode!r}")
        if mask.size != image.size:
            raise ValueError(f"{mask_path}: expected width and height {image.size} as of {image_path}, got {mask.size}")
        values = np.asarray(labels_of(mask))
        if self.num_classes is not None:
            wrong = (values >= self.num_classes) & (values != self.ignore_index)
            if wrong.any():
                row, column = np.argwhere(wrong)[0].tolist()
                raise ValueError(f"{mask_path}: expected classes of 0 to {self.num_classes - 1}, or {self.ignore_index} to "
                                 f"ignore, got {values[row, column]} in row {row}, column {column}")

    def __len__(self) -> int:
        return len(self.samples)


def labels_of(mask: Any) -> Any:
    """The pixels' numbers as an image of mode L: a palette's indices, not their colours; 0 and 1 of a bitmap."""
    from PIL import Image

    return Image.fromarray(np.asarray(mask).astype(np.uint8))


def by_name(folder: FilePath) -> dict[str, FilePath]:
    """The images of a folder by their names without extension."""
    if not folder.is_dir():
        raise FileNotFoundError(f"SegmentationFolder: expected a folder {folder}, there is none")
    found: dict[str, FilePath] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in IMG_EXTENSIONS and not path.name.startswith("."):
            if path.stem in found:
                raise ValueError(f"{path}: expected one file for each name, {found[path.stem].name} has it too")
            found[path.stem] = path
    if not found:
        raise ValueError(f"SegmentationFolder: {folder}: expected images ({', '.join(IMG_EXTENSIONS)}), found none")
    return found
