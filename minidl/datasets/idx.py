"""IDX files, the format of MNIST and its relatives (http://yann.lecun.com/exdb/mnist/).

A file is two zero bytes, a dtype code, the rank, the dimensions as big-endian uint32 and the values, big-endian.
"""

import gzip
import math
import os
import re
import struct
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_DTYPES = {code: np.dtype(name) for code, name in
           ((0x08, ">u1"), (0x09, ">i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8"))}
_MNIST_NAME = re.compile(r"(train|t10k)[-.](?:(images)[-.]idx3|(labels)[-.]idx1)[-.]ubyte(\.gz)?")
_CHUNK = 1 << 20


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """The array of an IDX file, plain or gzip (told by its first bytes, not by its name), in native byte order.

    Raises ValueError, naming the file, for a wrong magic number or dtype code, for more or fewer bytes than the header
    promises, for a shape NumPy cannot hold and for a broken gzip stream.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "labels-idx1-ubyte")
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     read_idx(path)
    array([7, 2, 1], dtype=uint8)
    """
    with open(path, "rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not compressed:
            return _parse(file, path)
        try:
            with gzip.GzipFile(fileobj=file) as stream:
                return _parse(stream, path)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"read_idx: {path}: broken gzip stream: {error}") from error


def _parse(stream: IO[bytes] | gzip.GzipFile, path: str | os.PathLike[str]) -> NDArray[Any]:
    header = stream.read(4)
    if len(header) < 4 or header[:2] != b"\0\0":
        raise ValueError(f"read_idx: {path}: expected a 4-byte header that starts with two zero bytes, got {header!r}")
    code, rank = header[2:]
    if code not in _DTYPES:
        raise ValueError(f"read_idx: {path}: expected a dtype code of {[hex(c) for c in _DTYPES]}, got {code:#x}")
    dimensions = stream.read(4 * rank)
    if len(dimensions) < 4 * rank:
        raise ValueError(f"read_idx: {path}: expected {4 * rank} bytes of dimensions, got {len(dimensions)}")
    shape = struct.unpack(f">{rank}I", dimensions)
    dtype = _DTYPES[code]
    expected = math.prod(shape) * dtype.itemsize
    data = bytearray()
    # In chunks, since read(n) allocates n bytes at once and a damaged header may promise any number of them.
    while chunk := stream.read(min(_CHUNK, expected + 1 - len(data))):
        data += chunk
    if len(data) != expected:
        got = "more" if len(data) > expected else len(data)
        raise ValueError(f"read_idx: {path}: expected {expected} bytes of data for shape {shape}, got {got}")
    try:
        values: NDArray[Any] = np.ndarray(shape, dtype, data)
    except ValueError as error:
        raise ValueError(f"read_idx: {path}: expected a shape that NumPy can hold, got {shape}: {error}") from error
    return values.astype(dtype.newbyteorder("="), copy=False)


def find_mnist(directory: str | os.PathLike[str]) -> dict[str, Path]:
    """MNIST's files in a directory, by role: train_images, train_labels, test_images, test_labels; absent if not there.

    The names are `train-images-idx3-ubyte` and so on, `.` may stand for `-`, `.gz` may follow; plain goes before gzip.
    """
    found: dict[str, Path] = {}
    for path in sorted(Path(directory).iterdir(), key=lambda path: (path.suffix == ".gz", path.name)):
        if (match := _MNIST_NAME.fullmatch(path.name)) and path.is_file():
            part = "train" if match[1] == "train" else "test"
            found.setdefault(f"{part}_{match[2] or match[3]}", path)
    return found


def load_mnist(directory: str | os.PathLike[str]) -> tuple[
        NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
    """Training images, uint8 (N, 1, H, W), and labels, int64 (N,), then those of the test set, from MNIST's four files.

    Raises ValueError if one of the four is missing or if their dtypes, ranks, counts or image sizes do not agree.
    """
    found = find_mnist(directory)
    missing = {"train_images", "train_labels", "test_images", "test_labels"} - found.keys()
    if missing:
        raise ValueError(f"load_mnist: {directory}: expected MNIST's four IDX files, missing {sorted(missing)}")
    (train, train_labels), (test, test_labels) = read_part(found, "train"), read_part(found, "test")
    if train.shape[1:] != test.shape[1:]:
        raise ValueError(f"load_mnist: {found['test_images']}: expected images of {train.shape[1:]} as in training, "
                         f"got {test.shape[1:]}")
    return train[:, None], train_labels, test[:, None], test_labels


def read_part(found: dict[str, Path], part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images, uint8 (N, H, W), and labels, int64 (N,), of "train" or "test" of the files of `find_mnist`."""
    images, labels = (read_idx(found[f"{part}_{kind}"]) for kind in ("images", "labels"))
    for kind, array, rank in (("images", images, 3), ("labels", labels, 1)):
        if array.dtype != np.uint8 or array.ndim != rank:
            raise ValueError(f"load_mnist: {found[f'{part}_{kind}']}: expected uint8 of rank {rank}, "
                             f"got {array.dtype} of shape {array.shape}")
    if len(images) != len(labels) or not images.size:
        raise ValueError(f"load_mnist: {found[f'{part}_labels']}: expected one label for each image and at least "
                         f"one image, got {len(labels)} labels and images of shape {images.shape}")
    return images, labels.astype(np.int64)
