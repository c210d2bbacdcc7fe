"""Images on disk, one folder a class."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .split import stratified_split

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def load_folder(
    root: str | os.PathLike[str], size: int | tuple[int, int] | None = None, grayscale: bool = False, seed: int = 0,
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64], tuple[str, ...]]:
    """Training images, uint8 (N, C, H, W), and labels, int64 (N,), then the test set's, then the names of the classes.

    Classes are the subfolders in order of name. If `root` holds `train` and `test` (or else `val`), these two are the
    split and hold the classes; otherwise a seeded fifth is held out by `stratified_split`. `size` (a side, or height
    and width) resizes every image, bilinear; C is 3, or 1 if `grayscale`. Needs Pillow; an animation gives its first
    frame.

    Raises ValueError for no classes, a class without images, a test class that training lacks, a class of one image
    where there is no split, an image that cannot be read or has more than 8 bits a channel, and images that differ in
    size when `size` is not given.
    """
    root = Path(root)
    height_width = _check_size(size)
    test_root = next((root / name for name in ("test", "val") if (root / name).is_dir()), None)
    if test_root is not None and (root / "train").is_dir():
        classes, train_paths, train_labels = _list(root / "train")
        test_classes, test_paths, test_labels = _list(test_root)
        unknown = sorted(set(test_classes) - set(classes))
        if unknown:
            raise ValueError(f"load_folder: {test_root}: expected classes of {root / 'train'}, got {unknown} too")
        test_labels = np.array([classes.index(name) for name in test_classes])[test_labels]
        images = _decode(train_paths + test_paths, height_width, grayscale)
        return images[:len(train_paths)], train_labels, images[len(train_paths):], test_labels, tuple(classes)
    classes, paths, labels = _list(root)
    for name, count in zip(classes, np.bincount(labels)):
        if count < 2:
            raise ValueError(f"load_folder: {root / name}: expected at least 2 images, to train on and to hold out, "
                             f"got 1")
    images = _decode(paths, height_width, grayscale)
    train, test = stratified_split(labels, seed)
    return images[train], labels[train], images[test], labels[test], tuple(classes)


def _check_size(size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    sides = tuple(size) if isinstance(size, Sequence) else (size, size)
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        raise ValueError(f"load_folder: expected size to be a positive int or two (height, width), got {size!r}")
    return sides


def _list(root: Path) -> tuple[list[str], list[Path], NDArray[np.int64]]:
    """The classes under `root`, the paths of all images in order of class and name, and their labels."""
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not folders:
        raise ValueError(f"load_folder: {root}: expected a subfolder for each class, found none")
    paths: list[Path] = []
    labels: list[int] = []
    for label, folder in enumerate(folders):
        files = sorted(path for path in folder.iterdir()
                       if path.suffix.lower() in EXTENSIONS and not path.name.startswith("."))
        if not files:
            raise ValueError(f"load_folder: {folder}: expected images ({', '.join(EXTENSIONS)}) in a class's folder, "
                             f"found none")
        paths += files
        labels += [label] * len(files)
    return [folder.name for folder in folders], paths, np.array(labels, dtype=np.int64)


def _decode(paths: Sequence[Path], size: tuple[int, int] | None, grayscale: bool) -> NDArray[np.uint8]:
    """The images as uint8 (N, C, H, W)."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("load_folder: reading image files needs Pillow (the package `pillow`)") from error
    images: list[NDArray[np.uint8]] = []
    for path in paths:
        try:
            with Image.open(path) as image:
                mode = image.mode
                converted = image.convert("L" if grayscale else "RGB")
        except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, struct.error and others
            raise ValueError(f"load_folder: {path}: cannot be read as an image: {error}") from error
        # Pillow clips these to 0..255 in convert, which would turn most of a 16-bit image white.
        if mode.startswith(("I", "F")):
            raise ValueError(f"load_folder: {path}: expected at most 8 bits a channel, got Pillow's mode {mode!r}")
        if size is not None:
            converted = converted.resize(size[::-1], Image.Resampling.BILINEAR)
        pixels = np.asarray(converted)
        images.append(pixels[None] if grayscale else pixels.transpose(2, 0, 1))
        if images[-1].shape != images[0].shape:
            raise ValueError(f"load_folder: {path}: expected height and width {images[0].shape[1:]} as in {paths[0]} "
                             f"(or give size), got {images[-1].shape[1:]}")
    return np.ascontiguousarray(np.stack(images))  # stack alone keeps Pillow's channels-last layout
