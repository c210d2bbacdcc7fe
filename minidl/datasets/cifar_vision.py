"""CIFAR-10 and CIFAR-100 in torchvision's form, from the pickles of the Python version or the records of the binary one."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any, ClassVar

import numpy as np

from ..transforms.functional import to_pil_image
from .cifar import CIFAR10_CLASSES, read_cifar10_batch, read_cifar100
from .mnist import not_found
from .vision import Path, VisionDataset

__all__ = ["CIFAR10", "CIFAR100"]

# All that the pickled arrays need: nothing else of a file is looked up, so nothing in it can run.
_ALLOWED = {("numpy", "ndarray"): np.ndarray, ("numpy", "dtype"): np.dtype,
            ("_codecs", "encode"): lambda text, encoding: text.encode("latin1"),
            **{(module, "_reconstruct"): np.zeros(0).__reduce__()[0]
               for module in ("numpy.core.multiarray", "numpy._core.multiarray")}}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"expected arrays, lists and strings only, got {module}.{name}")
        return _ALLOWED[module, name]


def read_pickle(path: FilePath) -> dict[str, Any]:
    try:
        content = _Unpickler(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    except Exception as error:  # a damaged pickle raises nearly anything
        raise ValueError(f"{path}: cannot be read as a pickle of CIFAR: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected a dict, got {type(content).__name__}")
    return content


class CIFAR10(VisionDataset):
    """Colour images of 10 classes: (Pillow image, label), of `data` uint8 (N, 32, 32, 3) and the list `targets`.

    The files lie in `root/cifar-10-batches-py`, torchvision's place, or in `root/cifar-10-batches-bin`. Nothing is
    downloaded: RuntimeError if they are not there. ValueError, naming the file, for one that is damaged or mislabelled.
    """

    folders = ("cifar-10-batches-py", "cifar-10-batches-bin")
    parts: ClassVar[dict[bool, tuple[str, ...]]] = {True: tuple(f"data_batch_{i}" for i in range(1, 6)), False: ("test_batch",)}
    label_key = "labels"

    def __init__(self, root: Path, train: bool = True, transform: Callable[..., Any] | None = None,
                 target_transform: Callable[..., Any] | None = None, download: bool = False) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        pickles, records = (FilePath(self.root, folder) for folder in self.folders)
        names = self.parts[train]
        if all((pickles / name).is_file() for name in names):
            self.classes = self.read_classes(pickles)
            batches = [self.read_batch(pickles / name) for name in names]
        elif all((records / f"{name}.bin").is_file() for name in names):
            self.classes = self.read_classes(records)
            batches = [self.read_records(records / f"{name}.bin") for name in names]
        else:
            raise not_found(self, f"{', '.join(names)} in {pickles} (or, with .bin, in {records})", download)
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        self.data = np.concatenate([images for images, _ in batches]).transpose(0, 2, 3, 1)
        self.targets = [label for _, labels in batches for label in labels]

    def read_batch(self, path: FilePath) -> tuple[Any, list[int]]:
        content = read_pickle(path)
        data, labels = content.get("data"), content.get(self.label_key)
        if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3072:
            got = f"{data.dtype} of shape {data.shape}" if isinstance(data, np.ndarray) else type(data).__name__
            raise ValueError(f"{path}: expected 'data' to be uint8 of shape (N, 3072), got {got}")
        if not isinstance(labels, list) or len(labels) != len(data):
            count = len(labels) if isinstance(labels, list) else type(labels).__name__
            raise ValueError(f"{path}: expected {self.label_key!r} to be a list of {len(data)} labels, got {count}")
        wrong = [label for label in labels if not isinstance(label, int) or not 0 <= label < len(self.classes)]
        if wrong:
            raise ValueError(f"{path}: expected labels of 0 to {len(self.classes) - 1}, got {wrong[0]!r}")
        return data.reshape(-1, 3, 32, 32), labels

    def read_records(self, path: FilePath) -> tuple[Any, list[int]]:
        images, labels = read_cifar10_batch(path)
        return images, labels.tolist()

    def read_classes(self, folder: FilePath) -> list[str]:
        return list(CIFAR10_CLASSES)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.transformed(to_pil_image(self.data[index]), self.targets[index])

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class CIFAR100(CIFAR10):
    """As `CIFAR10`, of 100 classes, in `root/cifar-100-python` or `root/cifar-100-binary`, whose names are beside them."""

    folders = ("cifar-100-python", "cifar-100-binary")
    parts: ClassVar[dict[bool, tuple[str, ...]]] = {True: ("train",), False: ("test",)}
    label_key = "fine_labels"

    def read_records(self, path: FilePath) -> tuple[Any, list[int]]:
        images, labels = read_cifar100(path)
        return images, labels.tolist()

    def read_classes(self, folder: FilePath) -> list[str]:
        pickled, text = folder / "meta", folder / "fine_label_names.txt"
        if not pickled.is_file() and not text.is_file():
            raise RuntimeError(f"CIFAR100: expected the names of the classes in {pickled} or {text}, found neither")
        names = read_pickle(pickled).get("fine_label_names") if pickled.is_file() else text.read_text().split()
        if not isinstance(names, list) or len(names) != 100:
            raise ValueError(f"{pickled if pickled.is_file() else text}: expected the names of 100 classes, got "
                             f"{len(names) if isinstance(names, list) else type(names).__name__}")
        return names
