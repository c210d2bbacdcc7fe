"""MNIST, FashionMNIST and KMNIST in torchvision's form, from the IDX files of `idx`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any, ClassVar

import numpy as np

from ..core import Tensor, wrap
from ..transforms.functional import to_pil_image
from .idx import find_mnist, read_part
from .vision import Path, VisionDataset

__all__ = ["KMNIST", "MNIST", "FashionMNIST"]


class MNIST(VisionDataset):
    """Handwritten digits: (Pillow image of mode L, label), of `data` uint8 (N, 28, 28) and `targets` int64 (N).

    The four IDX files, plain or gzip, lie in `root/MNIST/raw`, torchvision's place, or in `root` itself. Nothing is
    downloaded: RuntimeError if they are not there. ValueError, naming the file, for one that is damaged.
    """

    classes: ClassVar[list[str]] = ["0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six",
                                   "7 - seven", "8 - eight", "9 - nine"]

    def __init__(self, root: Path, train: bool = True, transform: Callable[..., Any] | None = None,
                 target_transform: Callable[..., Any] | None = None, download: bool = False) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        part = "train" if train else "test"
        for folder in (self.raw_folder, os.fspath(self.root)):
            found = find_mnist(folder) if os.path.isdir(folder) else {}
            if f"{part}_images" in found and f"{part}_labels" in found:
                break
        else:
            raise not_found(self, f"the IDX files of the {part}ing set (train-images-idx3-ubyte, t10k-images-idx3-ubyte, "
                                  f"...) in {self.raw_folder} or {os.fspath(self.root)}", download)
        images, labels = read_part(found, part)
        if labels.max() >= len(self.classes):
            first = int(np.argmax(labels >= len(self.classes)))
            raise ValueError(f"{found[f'{part}_labels']}: expected labels of 0 to {len(self.classes) - 1}, got "
                             f"{labels[first]} at {first}")
        self.data: Tensor = wrap(images)
        self.targets: Tensor = wrap(labels)

    @property
    def raw_folder(self) -> str:
        return str(FilePath(self.root, type(self).__name__, "raw"))

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.classes)}

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.transformed(to_pil_image(self.data[index].numpy()), int(self.targets[index]))

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class FashionMNIST(MNIST):
    """Pictures of clothes in MNIST's form (Xiao et al. 2017), in `root/FashionMNIST/raw` or `root`."""

    classes: ClassVar[list[str]] = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
                                   "Ankle boot"]


class KMNIST(MNIST):
    """Cursive Japanese characters in MNIST's form (Clanuwat et al. 2018), in `root/KMNIST/raw` or `root`."""

    classes: ClassVar[list[str]] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


def not_found(dataset: VisionDataset, expected: str, download: bool) -> RuntimeError:
    note = " (download=True: nothing is downloaded here; put the files there)" if download else ""
    return RuntimeError(f"{type(dataset).__name__}: Dataset not found: expected {expected}{note}")
