"""Images as tensors, as arrays and as Pillow's images, and from one to the other."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np

from ...core import Tensor, data_of, default_dtype, from_array, wrap
from ...core.dtypes import as_numpy_dtype

__all__ = ["InterpolationMode", "bgr_to_rgb", "convert_image_dtype", "get_dimensions", "get_image_num_channels",
           "get_image_size", "pil_to_tensor", "rgb_to_bgr", "to_pil_image", "to_tensor"]


class InterpolationMode(Enum):
    """How a pixel between pixels is found. Tensors know the first four, Pillow all (NEAREST_EXACT is its NEAREST)."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"

    @property
    def pillow(self) -> int:
        """Pillow's number of the mode."""
        return _PILLOW_NUMBERS[self]


_PILLOW_NUMBERS = {InterpolationMode.NEAREST: 0, InterpolationMode.LANCZOS: 1, InterpolationMode.BILINEAR: 2,
                   InterpolationMode.BICUBIC: 3, InterpolationMode.BOX: 4, InterpolationMode.HAMMING: 5,
                   InterpolationMode.NEAREST_EXACT: 0}


def interpolation_mode(interpolation: Any) -> InterpolationMode:
    """The mode, also from Pillow's number for it, or from its name, as version 2 takes it."""
    if isinstance(interpolation, InterpolationMode):
        return interpolation
    if isinstance(interpolation, str):
        return InterpolationMode(interpolation)
    for mode, number in _PILLOW_NUMBERS.items():
        if isinstance(interpolation, int) and number == interpolation:
            return mode
    raise TypeError("Argument interpolation should be a InterpolationMode or a corresponding Pillow integer constant, "
                    f"got {interpolation!r}")


def require_pil(img: Any) -> Any:
    """The image, which must be Pillow's."""
    from PIL import Image

    if not isinstance(img, Image.Image):
        raise TypeError(f"img should be PIL Image or Tensor. Got {type(img)}")
    return img


def require_image(img: Tensor, ndim: int = 2) -> Tensor:
    if img.ndim < ndim:
        raise TypeError(f"Input image tensor should have at least {ndim} dimensions, but found {img.ndim}")
    return img


def max_value(dtype: Any) -> int:
    """White: the largest integer of the type, 1 for floats and bool."""
    d = as_numpy_dtype(dtype)
    return int(np.iinfo(d).max) if d.kind in "iu" else 1


def get_dimensions(img: Any) -> list[int]:
    """[channels, height, width] of an image; a tensor's are its last three sizes, and a 2-D tensor has one channel."""
    if isinstance(img, Tensor):
        require_image(img)
        return [1 if img.ndim == 2 else img.shape[-3], *img.shape[-2:]]
    width, height = require_pil(img).size
    return [len(img.getbands()), height, width]


def get_image_size(img: Any) -> list[int]:
    """[width, height], in Pillow's order."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img: Any) -> int:
    return get_dimensions(img)[0]


def pil_to_tensor(pic: Any) -> Tensor:
    """A Pillow image as a tensor (C, H, W) of its own type, without scaling. TypeError for mode I;16, of type uint16."""
    array = np.array(require_pil(pic))
    return from_array(array.reshape(pic.height, pic.width, -1).transpose(2, 0, 1))


def to_tensor(pic: Any) -> Tensor:
    """An image (H, W, C) of 8 bits a channel, Pillow's or an array, as floats (C, H, W) = pixels / 255 in [0, 1].

    Pixels of other types keep their type and values: Pillow's modes I (int32), I;16 (int16) and F (float32), and
    arrays. TypeError for anything else, ValueError for an array that is not 2-D or 3-D.

    >>> to_tensor(np.array([[0, 255]], np.uint8))
    tensor([[[0., 1.]]])
    """
    if isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        array = np.array(pic.reshape(*pic.shape[:2], -1).transpose(2, 0, 1), order="C")
    else:
        try:
            require_pil(pic)
        except TypeError:
            raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}") from None
        kept = {"I": np.int32, "I;16": np.int16, "F": np.float32}
        pixels = np.array(pic).astype(kept.get(pic.mode, np.uint8)) * (255 if pic.mode == "1" else 1)
        array = np.ascontiguousarray(pixels.reshape(pic.height, pic.width, -1).transpose(2, 0, 1))
    return wrap(array.astype(default_dtype()) / 255) if array.dtype == np.uint8 else from_array(array)


_MODES = {1: {"uint8": "L", "int16": "I;16", "int32": "I", "float32": "F"}, 2: {"uint8": "LA"}, 3: {"uint8": "RGB"},
          4: {"uint8": "RGBA"}}
_OTHER_MODES = {1: (), 2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A tensor (C, H, W) or (H, W), or an array (H, W, C) or (H, W), as Pillow's image; floats are cut to whole 255ths.

    The mode follows from channels and type: L, LA, RGB, RGBA for 8 bits, I;16, I and F for int16, int32 and float32
    (F only if asked for). `mode` may name another one for as many channels: YCbCr, HSV, CMYK, RGBX.
    """
    from PIL import Image

    if isinstance(pic, Tensor):
        array = pic.detach().numpy()
        array = array.transpose(1, 2, 0) if array.ndim == 3 else array
    elif isinstance(pic, np.ndarray):
        array = pic
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if array.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
    array = array.reshape(*array.shape[:2], -1)
    height, width, channels = array.shape
    if channels not in _MODES:
        raise ValueError(f"pic should have 1 to 4 channels. Got {channels} channels.")
    if array.dtype.kind == "f" and mode != "F":
        array = (array * 255).astype(np.uint8)
    own = _MODES[channels].get(array.dtype.name)
    if mode is None:
        if own is None:
            raise TypeError(f"Input type {array.dtype} is not supported")
        mode = own
    elif mode != own and (mode not in _OTHER_MODES[channels] or array.dtype != np.uint8):
        raise ValueError(f"Incorrect mode ({mode}) supplied for {channels} channels of type {array.dtype}. "
                         f"Should be {' or '.join(_OTHER_MODES[channels]) or own}")
    return Image.frombytes(mode, (width, height), np.ascontiguousarray(array).tobytes())


def convert_image_dtype(image: Any, dtype: Any = np.float32) -> Any:
    """An image of another type, its values scaled so that white stays white: 255 for uint8, 1.0 for floats.

    From float to integer floor(x (max + 1 - 0.001)); between integers by the power of two that separates them.
    RuntimeError for float32 to int32 or int64 and float64 to int64, which would lose digits.
    """
    if not isinstance(image, Tensor):
        raise TypeError("Input img should be Tensor Image")
    x: Any = image
    d, old = as_numpy_dtype(dtype), data_of(x).dtype
    if d == old:
        return x
    if old.kind == "f":
        if d.kind == "f":
            return x.to(dtype)
        if (old.name, d.name) in (("float32", "int32"), ("float32", "int64"), ("float64", "int64")):
            raise RuntimeError(f"The cast from torch.{old} to torch.{d} cannot be performed safely.")
        return (x * (max_value(d) + 1 - 1e-3)).to(dtype)
    if d.kind == "f":
        return x.to(dtype) / max_value(old)
    smaller, larger = max_value(old) + 1, max_value(d) + 1
    if smaller > larger:
        return (x // (smaller // larger)).to(dtype)
    return x.to(dtype) * (larger // smaller)


def rgb_to_bgr(img: Any) -> Any:
    """The image with its first and third channel exchanged: the order of OpenCV's images and of Caffe's networks.

    A tensor has shape (..., 3, H, W); a Pillow image stays of mode RGB, though its red now holds the blue.

    >>> import minidl as torch
    >>> rgb_to_bgr(torch.tensor([1, 2, 3]).view(3, 1, 1)).flatten()
    tensor([3, 2, 1])
    """
    channels = get_dimensions(img)[0]
    if channels != 3:
        raise TypeError(f"Input image permitted channel values are [3], but found {channels}")
    if isinstance(img, Tensor):
        return img.flip(-3)
    from PIL import Image

    return Image.merge(img.mode, img.split()[::-1])


bgr_to_rgb = rgb_to_bgr


def as_batch(img: Tensor) -> Tensor:
    """(N, C, H, W) in float32 or float64, to compute with."""
    missing = 4 - img.ndim
    batch = img.reshape((1,) * missing + tuple(img.shape)) if missing > 0 else img
    return batch if data_of(img).dtype in (np.float32, np.float64) else batch.to(np.float32)


def like(result: Tensor, img: Tensor) -> Tensor:
    """A result of `as_batch` in the dimensions and, rounded, in the type of the image it came from."""
    d = data_of(img).dtype
    result = result if img.ndim >= 4 else result.reshape((*img.shape[:-2], *result.shape[-2:]))
    if data_of(result).dtype == d:
        return result
    return (result.round() if d.kind in "iu" else result).to(d)
