"""Policies: torchvision's choices under its seeds, operations one by one, and masks that move with their images."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import minidl
from minidl import transforms as T
from minidl.transforms import functional as F
from minidl.transforms.autoaugment import MOVES, Policy

PICTURE = np.random.default_rng(0).integers(0, 32, (40, 50, 3), dtype=np.uint8) + np.linspace(0, 200, 50).astype(np.uint8)[:, None]
PIL = Image.fromarray(PICTURE)
BYTES = minidl.from_numpy(np.ascontiguousarray(PICTURE.transpose(2, 0, 1)))

# The operations that torchvision 0.28 runs after manual_seed(0) to (3) on an image of 40 x 50.
CHOSEN = [
    (T.AutoAugment(), ["Equalize 0", "Equalize 0", "Color -0.4, Contrast -0.8", "Rotate 30, Equalize 0"]),
    (T.AutoAugment(T.AutoAugmentPolicy.CIFAR10), ["Color 0", "Solarize 113.333, AutoContrast 0", "Equalize 0", "Equalize 0, AutoContrast 0"]),
    (T.AutoAugment(T.AutoAugmentPolicy.SVHN),
     ["Invert 0", "Solarize 198.333, TranslateY 14.0987", "ShearY -0.166667, AutoContrast 0", "ShearY 0.266667, Invert 0"]),
    (T.RandAugment(), ["TranslateY -5.43807, Color 0.27", "Color -0.27, TranslateY 5.43807", "ShearY -0.09, Solarize 178.5",
                       "AutoContrast 0, Posterize 7"]),
    (T.RandAugment(3, 20), ["TranslateY -12.0846, Color 0.6, ShearX -0.2", "Color -0.6, TranslateY 12.0846, TranslateX -15.1057",
                            "ShearY -0.2, Solarize 85, ShearY 0.2", "AutoContrast 0, Posterize 5, TranslateX -15.1057"]),
    (T.TrivialAugmentWide(), ["TranslateY -32", "Color 0.825", "ShearY -0.627", "AutoContrast 0"]),
]

# Means of an image as AugMix of torchvision 0.28 changes it, after manual_seed(0) to (5).
MIXED = [(T.AugMix(), [113.112, 111.649, 113.771, 114.889, 118.058, 112.225]),
         (T.AugMix(5, 2, 2, 0.5, False), [110.757, 118.887, 119.516, 111.692, 114.473, 128.684])]


def pixels(img):
    return img.numpy() if isinstance(img, minidl.Tensor) else np.asarray(img).transpose(2, 0, 1)


@pytest.mark.parametrize("transform, expected", CHOSEN, ids=lambda value: type(value).__name__)
def test_the_choices_are_torchvisions(transform, expected):
    for seed, operations in enumerate(expected):
        minidl.manual_seed(seed)
        assert ", ".join(f"{name} {magnitude:.6g}" for name, magnitude in transform.draw(PIL)) == operations
        for img in (PIL, BYTES):
            minidl.manual_seed(seed)
            drawn = transform.draw(img)
            minidl.manual_seed(seed)
            assert np.array_equal(pixels(transform(img)), pixels(transform.transform(img, *drawn)))


def test_the_found_policies_are_torchvisions():
    assert [zlib.crc32(repr([list(pair) for pair in T.AutoAugment(policy).policies]).encode()) for policy in T.AutoAugmentPolicy] == [
        3195711338, 2549865765, 1436705027]
    with pytest.raises(ValueError, match="The provided policy mnist is not recognized"):
        T.AutoAugment("mnist")


@pytest.mark.parametrize("transform, means", MIXED, ids=["default", "narrow"])
def test_mixtures_are_torchvisions(transform, means):
    for seed, mean in enumerate(means):
        minidl.manual_seed(seed)
        mixed = transform(BYTES)
        assert mixed.dtype == minidl.uint8 and mixed.numpy().mean() == pytest.approx(mean, abs=0.02)
        minidl.manual_seed(seed)
        assert np.array_equal(pixels(transform(PIL)), mixed.numpy())
        minidl.manual_seed(seed)
        assert np.array_equal(transform(BYTES[None])[0].numpy(), mixed.numpy())


@pytest.mark.parametrize("name, magnitude, expected", [
    ("ShearX", 1.0, lambda x: F.affine(x, 0, (0, 0), 1, (45, 0), center=(0, 0), fill=7)),
    ("ShearY", -1.0, lambda x: F.affine(x, 0, (0, 0), 1, (0, -45), center=(0, 0), fill=7)),
    ("TranslateX", 3.9, lambda x: F.affine(x, 0, (3, 0), 1, (0, 0), fill=7)),
    ("TranslateY", -3.9, lambda x: F.affine(x, 0, (0, -3), 1, (0, 0), fill=7)),
    ("Rotate", 20.0, lambda x: F.rotate(x, 20, fill=7)),
    ("Brightness", -0.25, lambda x: F.adjust_brightness(x, 0.75)), ("Color", 0.5, lambda x: F.adjust_saturation(x, 1.5)),
    ("Contrast", 0.5, lambda x: F.adjust_contrast(x, 1.5)), ("Sharpness", 0.5, lambda x: F.adjust_sharpness(x, 1.5)),
    ("Posterize", 3.0, lambda x: F.posterize(x, 3)), ("Solarize", 99.5, lambda x: F.solarize(x, 99.5)), ("AutoContrast", 0.0, F.autocontrast),
    ("Equalize", 0.0, F.equalize), ("Invert", 0.0, F.invert), ("Identity", 0.0, lambda x: x)])
def test_each_operation(name, magnitude, expected):
    for img in (PIL, BYTES):
        changed = Policy(fill=7).transform(img, (name, magnitude))
        assert np.array_equal(pixels(changed), pixels(expected(img)))
        assert (name == "Identity") == np.array_equal(pixels(changed), pixels(img))


@given(st.integers(0, 2**32 - 1))
def test_masks_move_with_their_images(seed):
    mask = (BYTES[:1] > 100).long()
    transform = T.TrivialAugmentWide()
    transform.mask_fill = 255
    minidl.manual_seed(seed)
    (name, magnitude), = transform.draw(BYTES)
    minidl.manual_seed(seed)
    _, moved = transform(BYTES, mask)
    expected = Policy(fill=255).transform(mask, (name, magnitude)) if name in MOVES else mask
    assert np.array_equal(moved.numpy(), expected.numpy()) and set(np.unique(moved.numpy())) <= {0, 1, 255}


def test_errors_and_texts():
    with pytest.raises(NotImplementedError, match="AugMix: a mixture of an image moved in several ways has no mask"):
        T.AugMix()(BYTES, BYTES[:1])
    with pytest.raises(ValueError, match=r"The severity must be between \[1, 10\]. Got 11 instead"):
        T.AugMix(11)
    assert str(T.AutoAugment()) == "AutoAugment(policy=AutoAugmentPolicy.IMAGENET, fill=None)"
    assert str(T.RandAugment(fill=3)) == ("RandAugment(num_ops=2, magnitude=9, num_magnitude_bins=31, interpolation=InterpolationMode.NEAREST, "
                                          "fill=3)")
    assert str(T.AugMix()) == ("AugMix(severity=3, mixture_width=3, chain_depth=-1, alpha=1.0, all_ops=True, "
                               "interpolation=InterpolationMode.BILINEAR, fill=None)")
