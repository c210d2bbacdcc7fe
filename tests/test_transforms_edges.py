"""Values at the edges of what bytes hold, against Pillow's."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

import minidl
from minidl.transforms import InterpolationMode
from minidl.transforms import functional as F


@pytest.mark.parametrize("seed", range(4))
def test_equalize_is_pillows(seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, (256, 40, 3, 200)[seed], (61, 67)).astype(np.uint8)
    have = F.equalize(minidl.from_numpy(pixels)[None]).numpy()[0]
    np.testing.assert_array_equal(have, np.asarray(ImageOps.equalize(Image.fromarray(pixels))))


@pytest.mark.parametrize("threshold", [0, 1, 127, 128, 255])
def test_solarize_is_pillows(threshold: int) -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    have = F.solarize(minidl.from_numpy(pixels)[None], threshold).numpy()[0]
    np.testing.assert_array_equal(have, np.asarray(ImageOps.solarize(Image.fromarray(pixels), threshold)))


def test_a_cubic_that_overshoots_stays_within_a_byte() -> None:
    pixels = np.kron(np.indices((4, 4)).sum(0) % 2, np.ones((3, 3))).astype(np.uint8) * 255
    size, mode = (31, 29), InterpolationMode.BICUBIC
    have = F.resize(minidl.from_numpy(pixels)[None], size, mode).numpy()[0]
    exact = F.resize(minidl.from_numpy(pixels.astype(np.float64))[None], size, mode).numpy()[0]
    assert exact.min() < -5 and exact.max() > 260
    assert np.abs(have - np.clip(exact, 0, 255)).max() <= 1
