"""Pictures that the tests of transforms share, of either kind, and what makes them comparable."""

import numpy as np
from PIL import Image

import minidl
from minidl.transforms import InterpolationMode

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (23, 31, 3), dtype=np.uint8)
PIL = Image.fromarray(PICTURE)
BYTES = minidl.from_numpy(np.ascontiguousarray(PICTURE.transpose(2, 0, 1)))
FLOATS = minidl.from_numpy(RNG.random((3, 23, 31)))
MODES = {mode.name: mode for mode in InterpolationMode}


def pil_of(array):
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def tensor_of(array):
    return minidl.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


def pixels(img):
    """(C, H, W) of an image of either kind; an array is that already."""
    if isinstance(img, np.ndarray):
        return img
    if isinstance(img, minidl.Tensor):
        return img.detach().numpy()
    array = np.asarray(img)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def equal(img, expected, atol=0):
    array, expected = pixels(img), pixels(expected)
    assert array.shape == expected.shape and array.dtype == expected.dtype
    np.testing.assert_allclose(array.astype(float), expected.astype(float), rtol=0, atol=atol)
