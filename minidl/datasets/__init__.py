"""Labelled images: whole sets as NumPy arrays (the digits that ship here, IDX files, CIFAR-10 binaries, folders of
images), and torchvision's datasets, sample by sample (`ImageFolder`, `MNIST`, `CIFAR10`, ...), with pairs of image and
mask and drawn shapes beside them.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .cifar import CIFAR10_CLASSES, CIFAR10_FILES, load_cifar10, read_cifar10_batch, read_cifar100
from .cifar_vision import CIFAR10, CIFAR100
from .digits import digits, load_digits
from .folder import load_folder
from .idx import find_mnist, load_mnist, read_idx
from .image_folder import DatasetFolder, ImageFolder
from .mnist import KMNIST, MNIST, FashionMNIST
from .segmentation import SegmentationFolder
from .shapes import SHAPES, Scene, ShapesDetection, ShapesSegmentation, draw_shapes
from .split import stratified_split
from .vision import FakeData, StandardTransform, VisionDataset

__all__ = ["CIFAR10", "CIFAR100", "KMNIST", "MNIST", "SHAPES", "DatasetFolder", "FakeData", "FashionMNIST", "ImageData",
           "ImageFolder", "Scene", "SegmentationFolder", "ShapesDetection", "ShapesSegmentation", "StandardTransform",
           "VisionDataset", "digits", "draw_shapes", "load", "load_cifar10", "load_digits", "load_folder", "load_mnist",
           "read_cifar100", "read_cifar10_batch", "read_idx", "stratified_split"]


@dataclass(frozen=True, eq=False)
class ImageData:
    """A training and a test set: images uint8 (N, C, H, W) of values 0 to `scale`, labels int64 (N,) into `classes`."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    classes: tuple[str, ...]
    scale: int = 255


def load(path_or_name: str | os.PathLike[str], *, size: int | tuple[int, int] | None = None, grayscale: bool = False,
         seed: int = 0) -> ImageData:
    """The data set of a name or directory, recognised by what is there.

    `"digits"` is the set that ships here (for a folder of that name write `./digits`). A directory is MNIST's IDX
    files, CIFAR-10's binary files or else a folder of images by class: see `load_mnist`, `load_cifar10`, `load_folder`.
    `size` and `grayscale` are for the last; `seed` draws the held-out fifth of digits and of a folder without a split.

    Raises FileNotFoundError if there is no such path, ValueError if it is none of these.

    >>> data = load("digits")
    >>> data.train_images.shape, data.test_images.shape, data.scale
    ((1437, 1, 8, 8), (360, 1, 8, 8), 16)
    """
    path = Path(path_or_name)
    if path_or_name == "digits":
        images, labels, test_images, test_labels = *digits(True, seed), *digits(False, seed)
        data = ImageData(images[:, None], labels, test_images[:, None], test_labels, _numbers(10), scale=16)
    elif not path.exists():
        raise FileNotFoundError(f"load: expected 'digits' or a directory, {str(path)!r} does not exist")
    elif not path.is_dir():
        raise ValueError(f"load: expected 'digits' or a directory, {str(path)!r} is a file")
    elif find_mnist(path):
        images, labels, test_images, test_labels = load_mnist(path)
        data = ImageData(images, labels, test_images, test_labels, _numbers(1 + max(labels.max(), test_labels.max())))
    elif any((path / name).is_file() for name in CIFAR10_FILES):
        data = ImageData(*load_cifar10(path), CIFAR10_CLASSES)
    elif any(entry.is_dir() and not entry.name.startswith(".") for entry in path.iterdir()):
        return ImageData(*load_folder(path, size, grayscale, seed))
    else:
        entries = sorted(entry.name for entry in path.iterdir())
        raise ValueError(
            f"load: expected MNIST's IDX files (train-images-idx3-ubyte, ...), CIFAR-10's binary files "
            f"({CIFAR10_FILES[0]}, ...) or a subfolder of images for each class in {str(path)!r}, "
            f"found {entries[:10]}{f' and {len(entries) - 10} more' if len(entries) > 10 else ''}")
    if size is not None or grayscale:
        raise ValueError(f"load: size and grayscale are for a folder of images by class, "
                         f"{str(path_or_name)!r} is not one, got size={size}, grayscale={grayscale}")
    return data


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(count))
