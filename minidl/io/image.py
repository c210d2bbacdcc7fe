"""PNG, JPEG and what else Pillow reads, as uint8 tensors (C, H, W); red first, as everywhere here.

For the order of OpenCV's arrays (blue first) there is `transforms.functional.rgb_to_bgr`.
"""

from __future__ import annotations

import io
import os
import warnings
from enum import Enum
from typing import Any

import numpy as np

from ..core import Tensor, wrap
from ..serialization.write import replacing

__all__ = ["ImageReadMode", "decode_image", "encode_jpeg", "encode_png", "read_file", "read_image", "write_file",
           "write_jpeg", "write_png"]

Path = str | os.PathLike[str]


class ImageReadMode(Enum):
    """What channels to give: those of the file (a palette's colours are looked up), or these."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4


_PILLOW_MODES = {"GRAY": "L", "GRAY_ALPHA": "LA", "RGB": "RGB", "RGB_ALPHA": "RGBA"}
_KEPT = ("L", "LA", "RGB", "RGBA", "CMYK")


def read_file(path: Path) -> Tensor:
    """The bytes of a file, uint8 (N). RuntimeError, naming the file, if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return wrap(np.frombuffer(bytearray(file.read()), np.uint8))
    except OSError as error:
        raise RuntimeError(f"[Errno {error.errno}] {error.strerror}: '{os.fspath(path)}'") from error


def write_file(filename: Path, data: Tensor) -> None:
    """The bytes of a uint8 vector as a file, which takes the name when it is whole."""
    if str(data.dtype) != "torch.uint8" or data.ndim != 1:
        raise RuntimeError(f"write_file: expected a uint8 vector, got {data.dtype} of shape {tuple(data.shape)}")
    with replacing(filename) as file:
        file.write(data.numpy().tobytes())


def read_image(path: Path, mode: Any = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False) -> Tensor:
    """An image file as uint8 (C, H, W). `mode` is an `ImageReadMode` or its name.

    RuntimeError, naming the file, if it is missing, cut short, no image, or has more than 8 bits a channel.
    """
    try:
        return decode_image(read_file(path), mode, apply_exif_orientation)
    except RuntimeError as error:
        text = str(error)
        raise RuntimeError(text if os.fspath(path) in text else f"read_image: {os.fspath(path)}: {text}") from error


def decode_image(input: Any, mode: Any = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False) -> Tensor:
    """The bytes of an image file, uint8 (N), or the file's name, as uint8 (C, H, W); see `read_image`.

    >>> import minidl as torch
    >>> pixels = torch.arange(12, dtype=torch.uint8).view(3, 2, 2)
    >>> bool((decode_image(encode_png(pixels)) == pixels).all())
    True
    """
    if not isinstance(input, Tensor):
        return read_image(input, mode, apply_exif_orientation)
    from PIL import Image, ImageOps

    name = ImageReadMode[mode.upper()].name if isinstance(mode, str) else mode.name
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image: Any = Image.open(io.BytesIO(input.numpy().tobytes()))
            image.load()
            image = ImageOps.exif_transpose(image) if apply_exif_orientation else image
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, struct.error and others
        raise RuntimeError(f"cannot be read as an image: {error}") from error
    # Pillow clips these to 0..255 in convert, which would turn most of a 16-bit image white.
    if image.mode.startswith(("I", "F")):
        raise RuntimeError(f"expected at most 8 bits a channel, got Pillow's mode {image.mode!r}")
    if name != "UNCHANGED":
        image = image.convert(_PILLOW_MODES[name])
    elif image.mode not in _KEPT:
        alpha = "A" if image.has_transparency_data else ""
        image = image.convert("L" if image.mode == "1" else f"RGB{alpha}")
    array = np.array(image)
    return wrap(np.ascontiguousarray(array.reshape(image.height, image.width, -1).transpose(2, 0, 1)))


def encode_png(input: Tensor, compression_level: int = 6) -> Tensor:
    """A uint8 image (1 or 3, H, W) as the bytes of a PNG file: `compression_level` 0 (none) to 9 (smallest, slowest).

    The pixels are the same at every level. RuntimeError for another level, type or shape.
    """
    if not 0 <= compression_level <= 9:
        raise RuntimeError(f"Compression level should be between 0 and 9, got {compression_level}")
    return _encode("encode_png", input, "PNG", compress_level=compression_level)


def encode_jpeg(input: Tensor, quality: int = 75) -> Tensor:
    """A uint8 image (1 or 3, H, W) as the bytes of a JPEG file: `quality` 1 to 100, at no level without loss.

    ValueError for another quality, RuntimeError for another type or shape.
    """
    if not 1 <= quality <= 100:
        raise ValueError(f"Image quality should be a positive number between 1 and 100, got {quality}")
    return _encode("encode_jpeg", input, "JPEG", quality=quality)


def write_png(input: Tensor, filename: Path, compression_level: int = 6) -> None:
    """`encode_png` into a file, which takes the name when it is whole."""
    write_file(filename, encode_png(input, compression_level))


def write_jpeg(input: Tensor, filename: Path, quality: int = 75) -> None:
    """`encode_jpeg` into a file, which takes the name when it is whole."""
    write_file(filename, encode_jpeg(input, quality))


def _encode(op: str, input: Tensor, format: str, **options: Any) -> Tensor:
    from PIL import Image

    if str(input.dtype) != "torch.uint8":
        raise RuntimeError(f"{op}: Input tensor dtype should be uint8, got {input.dtype}")
    if input.ndim != 3 or input.shape[0] not in (1, 3) or 0 in input.shape:
        raise RuntimeError(f"{op}: Input data should be 3-dimensional with 1 or 3 channels, got shape {tuple(input.shape)}")
    channels, height, width = input.shape
    pixels = np.ascontiguousarray(input.numpy().transpose(1, 2, 0)).tobytes()
    buffer = io.BytesIO()
    Image.frombytes("L" if channels == 1 else "RGB", (width, height), pixels).save(buffer, format, **options)
    return wrap(np.frombuffer(bytearray(buffer.getvalue()), np.uint8))
