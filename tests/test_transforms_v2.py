"""What the transforms of version 2 have beyond the first: torchvision's draws under its seeds, and results by their definition."""

import numpy as np
import pytest
import torch
from PIL import Image

import minidl
from minidl.transforms import functional as first
from minidl.transforms import v2
from minidl.transforms.v2 import functional as F

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
PIL = Image.fromarray(PICTURE)
BYTES = minidl.from_numpy(np.ascontiguousarray(PICTURE.transpose(2, 0, 1)))
UNIT = F.to_dtype(BYTES, minidl.float32, scale=True)


def pixels(img):
    return img.numpy() if isinstance(img, minidl.Tensor) else np.atleast_3d(np.asarray(img)).transpose(2, 0, 1)


def seeded(transform, *inputs, seed):
    minidl.manual_seed(seed)
    torch.manual_seed(seed)
    return transform(*inputs)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("img", [PIL, BYTES, UNIT], ids=["pillow", "bytes", "floats"])
def test_channels_permuted(img, seed):
    result = seeded(v2.RandomChannelPermutation(), img, seed=seed)
    assert np.array_equal(pixels(result), pixels(img)[torch.randperm(3).numpy()])
    with pytest.raises(ValueError, match="Length of permutation does not match number of channels: 2 != 3"):
        F.permute_channels(img, [1, 0])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("img", [PIL, BYTES], ids=["pillow", "bytes"])
def test_photometric_distortion(img, seed):
    result = seeded(v2.RandomPhotometricDistort(p=0.6), img, seed=seed)
    factors = [torch.empty(1).uniform_(*r).item() if torch.rand(1) < 0.6 else None for r in ((0.875, 1.125), (0.5, 1.5), (0.5, 1.5), (-0.05, 0.05))]
    before = torch.rand(()) < 0.5
    expected = img
    for i in (0, 1, 2, 3) if before else (0, 2, 3, 1):
        if factors[i] is not None:
            expected = [first.adjust_brightness, first.adjust_contrast, first.adjust_saturation, first.adjust_hue][i](expected, factors[i])
    expected = pixels(expected)[torch.randperm(3).numpy()] if torch.rand(1) < 0.6 else pixels(expected)
    assert np.array_equal(pixels(result), expected)
    assert minidl.rand(1).item() == torch.rand(1).item()


@pytest.mark.parametrize("seed", range(4))
def test_sizes_drawn(seed):
    mask = (BYTES[:1] > 99).long()
    for transform, draw in [
            (v2.RandomResize(10, 60), lambda: (size := int(torch.randint(10, 60, ())), int(size * 50 / 40))),
            (v2.RandomShortestSize([20, 30, 70], 80), lambda: ((20, 25), (30, 37), (64, 80))[int(torch.randint(3, ()))]),
            (v2.ScaleJitter((30, 40), (0.5, 1.5)), lambda: (int(40 * (ratio := 0.6 * (0.5 + torch.rand(1)))), int(50 * ratio)))]:
        image, moved = seeded(transform, BYTES, mask, seed=seed)
        size = list(draw())
        assert list(image.shape[1:]) == size
        assert np.array_equal(image.numpy(), first.resize(BYTES, size, antialias=True).numpy())
        assert np.array_equal(moved.numpy(), first.resize(mask, size, first.InterpolationMode.NEAREST).numpy())


def test_noise():
    for seed in range(3):
        found = seeded(v2.GaussianNoise(0.1, 0.2), UNIT, seed=seed)
        noise = torch.randn(3, 40, 50)
        np.testing.assert_allclose(found.numpy(), np.clip(UNIT.numpy() + 0.1 + 0.2 * noise.numpy(), 0, 1), atol=1e-6)
        found = seeded(v2.GaussianNoise(0.1, 0.2), BYTES, seed=seed)
        whole = (0.1 * 255 + noise * (0.2 * 255)).to(torch.int16)
        assert found.tolist() == (torch.tensor(BYTES.numpy()) + whole).clamp(0, 255).tolist() and found.dtype == minidl.uint8
        free = seeded(v2.GaussianNoise(0.0, 3.0, False), UNIT, seed=seed)
        assert free.numpy().min() < -1 and free.numpy().max() > 2
    for wrong, img, message in ((-1.0, UNIT, "sigma shouldn't be negative. Got -1.0"), (1.0, BYTES.long(), "expected to be in uint8 or float dtype"),
                                (1.0, PIL, "Gaussian Noise is not implemented for PIL images")):
        with pytest.raises(ValueError, match=message):
            F.gaussian_noise(img, 0.0, wrong)


def test_rgb_sizes_and_what_changes_nothing():
    grey = F.rgb_to_grayscale(BYTES)
    assert np.array_equal(v2.RGB()(grey).numpy(), grey.numpy().repeat(3, 0)) and v2.RGB()(BYTES) is BYTES
    assert v2.RGB()(PIL.convert("L")).mode == "RGB"
    assert F.get_size(PIL) == F.get_size(BYTES) == [40, 50] and F.get_num_channels(grey) == 1
    assert v2.Identity()(BYTES) is BYTES and v2.ToPureTensor()(BYTES) is BYTES
    for name, other in (("horizontal_flip", first.hflip), ("vertical_flip", first.vflip), ("elastic", first.elastic_transform)):
        assert getattr(F, name) is other


def test_types():
    assert np.array_equal(UNIT.numpy(), BYTES.numpy() * np.float32(1 / 255))
    assert np.array_equal(F.to_dtype(BYTES, minidl.int16, scale=True).numpy(), first.convert_image_dtype(BYTES, minidl.int16).numpy())
    assert F.to_dtype(UNIT, minidl.uint8, scale=True).tolist() == BYTES.tolist() and F.to_dtype(BYTES).dtype == minidl.float32
    assert F.to_dtype(BYTES, minidl.float64).numpy().max() == 255


def test_interpolation_by_name():
    assert np.array_equal(v2.Resize(20, "nearest")(BYTES).numpy(), v2.Resize(20, v2.InterpolationMode.NEAREST)(BYTES).numpy())
    assert np.array_equal(pixels(v2.RandomResize(20, 21, "bicubic")(PIL)), pixels(first.resize(PIL, 20, first.InterpolationMode.BICUBIC)))
    with pytest.raises(ValueError, match="'cubic' is not a valid InterpolationMode"):
        v2.Resize(20, "cubic")


def test_texts():
    assert str(v2.RandomResize(10, 60)) == "RandomResize(min_size=10, max_size=60, interpolation=bilinear, antialias=True)"
    assert str(v2.RandomShortestSize(33)) == "RandomShortestSize(min_size=[33], interpolation=bilinear, antialias=True)"
    assert str(v2.ScaleJitter((30, 40))) == "ScaleJitter(target_size=(30, 40), scale_range=(0.1, 2.0), interpolation=bilinear, antialias=True)"
    assert str(v2.GaussianNoise()) == "GaussianNoise(mean=0.0, sigma=0.1, clip=True)"
