"""Samples in one folder for each class, read when they are asked for: torchvision's DatasetFolder and ImageFolder."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from .vision import Path, VisionDataset

__all__ = ["IMG_EXTENSIONS", "DatasetFolder", "ImageFolder", "default_loader", "find_classes", "make_dataset", "pil_loader"]

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def pil_loader(path: Path) -> Any:
    """The file as a Pillow image of mode RGB. ValueError, naming the file, if it cannot be read as one."""
    return open_image(path).convert("RGB")


default_loader = pil_loader


def open_image(path: Path) -> Any:
    from PIL import Image

    try:
        with open(path, "rb") as file:
            image = Image.open(file)
            image.load()
            return image
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, struct.error and others
        raise ValueError(f"{os.fspath(path)}: cannot be read as an image: {error}") from error


def find_classes(directory: Path) -> tuple[list[str], dict[str, int]]:
    """The names of the subfolders, sorted, and their numbers. FileNotFoundError if there are none."""
    classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    if not classes:
        raise FileNotFoundError(f"Couldn't find any class folder in {os.fspath(directory)}.")
    return classes, {name: i for i, name in enumerate(classes)}


def make_dataset(directory: Path, class_to_idx: dict[str, int] | None = None,
                 extensions: str | tuple[str, ...] | None = None, is_valid_file: Callable[[str], bool] | None = None,
                 allow_empty: bool = False) -> list[tuple[str, int]]:
    """(path, class) of all files in the classes' folders and below, sorted; by extension or by `is_valid_file`.

    FileNotFoundError for a class without files, unless `allow_empty`.
    """
    directory = os.path.expanduser(directory)
    if class_to_idx is None:
        _, class_to_idx = find_classes(directory)
    elif not class_to_idx:
        raise ValueError("'class_to_index' must have at least one entry to collect any samples.")
    if (extensions is None) == (is_valid_file is None):
        raise ValueError("Both extensions and is_valid_file cannot be None or not None at the same time")
    valid = is_valid_file or (lambda path: path.lower().endswith(extensions or ()))
    samples: list[tuple[str, int]] = []
    empty: list[str] = []
    for name in sorted(class_to_idx):
        walk = sorted(os.walk(os.path.join(directory, name), followlinks=True))
        paths = [path for folder, _, files in walk for path in (os.path.join(folder, file) for file in sorted(files))]
        found = [(path, class_to_idx[name]) for path in paths if valid(path)]
        samples += found
        empty += [] if found else [name]
    if empty and not allow_empty:
        shown = extensions if isinstance(extensions, str) else ", ".join(extensions or ())
        raise FileNotFoundError(f"Found no valid file for the classes {', '.join(empty)}. "
                                + (f"Supported extensions are: {shown}" if extensions is not None else ""))
    return samples


class DatasetFolder(VisionDataset):
    """Files of some kind, by class: (loader(path), class), through `transform` and `target_transform`.

    `classes`: names, sorted; `class_to_idx`; `samples`: (path, class); `targets`: classes.
    """

    def __init__(self, root: Path, loader: Callable[[str], Any], extensions: tuple[str, ...] | None = None,
                 transform: Callable[..., Any] | None = None, target_transform: Callable[..., Any] | None = None,
                 is_valid_file: Callable[[str], bool] | None = None, allow_empty: bool = False) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.loader, self.extensions = loader, extensions
        self.classes, self.class_to_idx = self.find_classes(self.root)
        self.samples = self.make_dataset(self.root, self.class_to_idx, extensions, is_valid_file, allow_empty)
        self.targets = [target for _, target in self.samples]

    @staticmethod
    def make_dataset(directory: Path, class_to_idx: dict[str, int], extensions: Any = None, is_valid_file: Any = None,
                     allow_empty: bool = False) -> list[tuple[str, int]]:
        """The samples; a subclass may find them elsewhere."""
        return make_dataset(directory, class_to_idx, extensions, is_valid_file, allow_empty)

    def find_classes(self, directory: Path) -> tuple[list[str], dict[str, int]]:
        """The classes; a subclass may take some of them only."""
        return find_classes(directory)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self.transformed(self.loader(path), target)

    def __len__(self) -> int:
        return len(self.samples)


class ImageFolder(DatasetFolder):
    """Images by class, `root/dog/1.png`, `root/cat/a/2.jpg`, ...: (image, class), the image read by `loader` (Pillow's, in
    RGB). `imgs` is `samples`."""

    def __init__(self, root: Path, transform: Callable[..., Any] | None = None,
                 target_transform: Callable[..., Any] | None = None, loader: Callable[[str], Any] = default_loader,
                 is_valid_file: Callable[[str], bool] | None = None, allow_empty: bool = False) -> None:
        super().__init__(root, loader, IMG_EXTENSIONS if is_valid_file is None else None, transform, target_transform,
                         is_valid_file, allow_empty)
        self.imgs = self.samples
