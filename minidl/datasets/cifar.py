"""CIFAR-10 and CIFAR-100, binary version (https://www.cs.toronto.edu/~kriz/cifar.html).

A file is a run of records: a label byte (CIFAR-100: the coarse label's, then the fine one's) and the 3 x 32 x 32 bytes of
an image, red plane first.
"""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR10_FILES = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")
_PIXELS = 3 * 32 * 32


def read_cifar10_batch(path: str | os.PathLike[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images, uint8 (N, 3, 32, 32), and labels, int64 (N,), of one file.

    Raises ValueError, naming the file, if it is no whole number of records or if a label is not in 0 to 9.
    """
    return _read("read_cifar10_batch", path, (10,))


def read_cifar100(path: str | os.PathLike[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images, uint8 (N, 3, 32, 32), and fine labels, int64 (N,), of CIFAR-100's `train.bin` or `test.bin`.

    Raises ValueError, naming the file, if it is no whole number of records or if a label is out of range.
    """
    return _read("read_cifar100", path, (20, 100))


def _read(op: str, path: str | os.PathLike[str], counts: tuple[int, ...]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images and the last of the labels, of which there are so many of each kind."""
    size = len(counts) + _PIXELS
    data = Path(path).read_bytes()
    if not data or len(data) % size:
        raise ValueError(f"{op}: {path}: expected one or more records of {size} bytes, got {len(data)} bytes")
    records = np.frombuffer(data, np.uint8).reshape(-1, size)
    for i, count in enumerate(counts):
        labels = records[:, i].astype(np.int64)
        if labels.max() >= count:
            first = int(np.argmax(labels >= count))
            raise ValueError(f"{op}: {path}: expected labels of 0 to {count - 1}, got {labels[first]} in record {first}")
    return records[:, len(counts):].copy().reshape(-1, 3, 32, 32), labels


def load_cifar10(directory: str | os.PathLike[str]) -> tuple[
        NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
    """Training images and labels (`data_batch_1.bin` to `data_batch_5.bin`), then those of `test_batch.bin`.

    Raises ValueError if one of the six files is missing.
    """
    paths = [Path(directory, name) for name in CIFAR10_FILES]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise ValueError(f"load_cifar10: {directory}: expected CIFAR-10's six binary files, missing {missing}")
    *train, (test_images, test_labels) = (read_cifar10_batch(path) for path in paths)
    return (np.concatenate([images for images, _ in train]), np.concatenate([labels for _, labels in train]),
            test_images, test_labels)
