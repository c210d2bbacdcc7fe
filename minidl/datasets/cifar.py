"""CIFAR-10, binary version (https://www.cs.toronto.edu/~kriz/cifar.html).

A file is a run of records: a label byte and the 3 x 32 x 32 bytes of an image, red plane first.
"""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR10_FILES = (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin")
_RECORD = 1 + 3 * 32 * 32


def read_cifar10_batch(path: str | os.PathLike[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images, uint8 (N, 3, 32, 32), and labels, int64 (N,), of one file.

    Raises ValueError, naming the file, if it is no whole number of records or if a label is not in 0 to 9.
    """
    data = Path(path).read_bytes()
    if not data or len(data) % _RECORD:
        raise ValueError(f"read_cifar10_batch: {path}: expected one or more records of {_RECORD} bytes, "
                         f"got {len(data)} bytes")
    records = np.frombuffer(data, np.uint8).reshape(-1, _RECORD)
    labels = records[:, 0].astype(np.int64)
    if labels.max() > 9:
        first = int(np.argmax(labels > 9))
        raise ValueError(f"read_cifar10_batch: {path}: expected labels of 0 to 9, "
                         f"got {labels[first]} in record {first}")
    return records[:, 1:].copy().reshape(-1, 3, 32, 32), labels


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
