"""For every transform of `minidl.transforms` a strategy of settings, and what it should make of a drawn picture, by Pillow, PyTorch or NumPy.

A row gives a transform and a function from the picture, an array (C, H, W), to what is expected, or None where numbers are drawn that only
tests/test_transforms_*.py compares: such a row has the properties that all have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

import minidl
from minidl import transforms as T
from minidl.testing.strategies import tensors
from minidl.transforms import functional as F
from minidl.transforms import v2

Expected = Callable[[np.ndarray], Any]
Row = tuple[Any, Expected | None]  # a transform, what it makes of a picture
SIDES = st.tuples(*[st.integers(2, 7)] * 2)
BYTES = SIDES.flatmap(lambda size: tensors((3, *size), dtype="uint8", high=256))
FLOATS = SIDES.flatmap(lambda size: tensors((3, *size), "unit", dtype=st.sampled_from(["float64", "float32"])))
BOTH = BYTES | FLOATS
P = st.sampled_from([0.0, 0.3, 1.0])


def pillow(change: Callable[[Any], Any]) -> Expected:
    """What Pillow's function makes of the picture."""
    def expected(x: np.ndarray) -> np.ndarray:
        y = np.asarray(change(Image.fromarray(np.ascontiguousarray(x.transpose(1, 2, 0)))))
        return y[None] if y.ndim == 2 else y.transpose(2, 0, 1)
    return expected


def with_p(p: float, change: Expected) -> Expected:
    """The change if the first number of the stream is below p."""
    return lambda x: change(x) if torch.rand(1).item() < p else x


def after(draws: Callable[[np.ndarray], tuple[Any, ...]], change: Callable[..., Any]) -> Expected:
    """The change with the numbers that the transform's `get_params` draws."""
    return lambda x: change(minidl.from_numpy(x), *draws(x)).numpy()


def resized(size: tuple[int, int]) -> Expected:
    def expected(x: np.ndarray) -> np.ndarray:
        image = torch.from_numpy(x)[None].contiguous(memory_format=torch.channels_last)
        return torch.nn.functional.interpolate(image, size, mode="bilinear", antialias=True)[0].numpy()
    return expected


def blurred(size: int, sigma: float) -> Expected:
    def expected(x: np.ndarray) -> np.ndarray:
        taps = np.exp(-0.5 * (np.arange(size) - size // 2) ** 2 / sigma ** 2)
        kernel = torch.from_numpy(np.outer(taps, taps) / taps.sum() ** 2).to(torch.from_numpy(x[:0]).dtype).expand(3, 1, size, size)
        wide = torch.nn.functional.pad(torch.from_numpy(x)[None], [size // 2] * 4, mode="reflect")
        return torch.nn.functional.conv2d(wide, kernel, groups=3)[0].numpy()
    return expected


def cropped(x: np.ndarray, top: int, left: int, height: int, width: int) -> np.ndarray:
    return x[:, top:top + height, left:left + width]


def centre(size: tuple[int, int]) -> Expected:
    return lambda x: cropped(x, round((x.shape[1] - size[0]) / 2), round((x.shape[2] - size[1]) / 2), *size)


def crops(size: tuple[int, int]) -> Expected:
    def expected(x: np.ndarray) -> list[np.ndarray]:
        h, w = size
        down, right = x.shape[1] - h, x.shape[2] - w
        return [*(cropped(x, top, left, h, w) for top, left in ((0, 0), (0, right), (down, 0), (down, right))), centre(size)(x)]
    return expected


def ten_crops(size: tuple[int, int], vertical: bool) -> Expected:
    return lambda x: [*crops(size)(x), *crops(size)(np.flip(x, 1 if vertical else 2))]


def jittered(jitter: Any) -> Expected:
    changes = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)

    def expected(x: np.ndarray) -> np.ndarray:
        order, *factors = jitter.get_params(jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue)
        image = minidl.from_numpy(x)
        for i in order:
            image = image if factors[i] is None else changes[i](image, factors[i])
        return image.numpy()
    return expected


def small(x: np.ndarray) -> tuple[int, int]:
    return x.shape[1], x.shape[2]


def shortest(x: np.ndarray, n: int) -> tuple[int, int]:
    """The size whose short side is n."""
    height, width = small(x)
    return (n, int(n * width / height)) if height <= width else (int(n * height / width), n)


def flip(x: np.ndarray) -> np.ndarray:
    return x[:, :, ::-1]


def crop_of_torch(size: tuple[int, int], padding: int) -> Expected:
    def expected(x: np.ndarray) -> np.ndarray:
        x = np.pad(x, [(0, 0), (padding, padding), (padding, padding)])
        if small(x) == size:
            return x
        return cropped(x, *(int(torch.randint(0, n - s + 1, (1,))) for n, s in zip(small(x), size)), *size)
    return expected


def rows(name: str) -> st.SearchStrategy[tuple[np.ndarray, Row]]:
    """A picture and a row of the transform of this name."""
    pictures, settings, make = ROWS[name]
    return st.tuples(pictures, settings).map(lambda drawn: (drawn[0], make(drawn[1])))


def each(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


ONE = st.just(None)
TWO = st.tuples(*[st.integers(1, 2)] * 2)
GRAY = pillow(lambda img: img.convert("L"))
MATRIX = np.linspace(-1, 1, 144).reshape(12, 12)
PAIR = tensors((3, 2, 2))
WARPS = each(T.InterpolationMode.NEAREST, T.InterpolationMode.BILINEAR)

# The pictures, the settings, and the row that they make.
ROWS: dict[str, tuple[st.SearchStrategy[np.ndarray], st.SearchStrategy[Any], Callable[[Any], Row]]] = {
    "CenterCrop": (BOTH, TWO, lambda size: (T.CenterCrop(size), centre(size))),
    "FiveCrop": (BOTH, TWO, lambda size: (T.FiveCrop(size), crops(size))),
    "TenCrop": (BOTH, st.tuples(TWO, st.booleans()), lambda s: (T.TenCrop(*s), ten_crops(*s))),
    "RandomCrop": (BOTH, st.tuples(TWO, st.integers(0, 2)), lambda s: (T.RandomCrop(s[0], s[1] or None), crop_of_torch(*s))),
    "Pad": (BOTH, st.tuples(st.integers(0, 1), each("constant", "edge", "reflect", "symmetric")), lambda s: (
        T.Pad(s[0], padding_mode=s[1]), lambda x: np.pad(x, [(0, 0), (s[0],) * 2, (s[0],) * 2], s[1]))),
    "RandomHorizontalFlip": (BOTH, P, lambda p: (T.RandomHorizontalFlip(p), with_p(p, flip))),
    "RandomVerticalFlip": (BOTH, P, lambda p: (T.RandomVerticalFlip(p), with_p(p, lambda x: x[:, ::-1]))),
    "Resize": (FLOATS, SIDES, lambda size: (T.Resize(size), resized(size))),
    "RandomResizedCrop": (FLOATS, SIDES, lambda size: (T.RandomResizedCrop(size), lambda x: resized(size)(np.ascontiguousarray(
        cropped(x, *T.RandomResizedCrop.get_params(minidl.from_numpy(x), [0.08, 1.0], [3 / 4, 4 / 3])))))),
    "RandomRotation": (BOTH.filter(lambda x: (x.shape[1] - x.shape[2]) % 2 == 0), st.integers(0, 3), lambda n: (T.RandomRotation((90 * n, 90 * n), expand=True), lambda x: np.rot90(x, n, (1, 2)))),
    "RandomAffine": (BOTH, WARPS, lambda mode: (T.RandomAffine(30, (0.2, 0.1), (0.8, 1.2), 5, mode), after(
        lambda x: T.RandomAffine.get_params([-30.0, 30.0], [0.2, 0.1], [0.8, 1.2], [-5.0, 5.0], [x.shape[2], x.shape[1]]), lambda x, *a: F.affine(x, *a, mode, 0)))),
    "RandomPerspective": (BOTH, WARPS, lambda mode: (T.RandomPerspective(0.5, 1.0, mode), after(
        lambda x: (minidl.rand(1), *T.RandomPerspective.get_params(x.shape[2], x.shape[1], 0.5))[1:], lambda x, *a: F.perspective(x, *a, mode, 0)))),
    "ElasticTransform": (BOTH.filter(lambda x: min(small(x)) > 4), each(0.0, 10.0), lambda alpha: (T.ElasticTransform(alpha, 1.0), after(
        lambda x: (T.ElasticTransform.get_params([alpha] * 2, [1.0, 1.0], list(small(x))),), lambda x, d: F.elastic_transform(x, d, T.InterpolationMode.BILINEAR, [0.0])))),
    "ColorJitter": (BOTH, st.tuples(each(0.0, 0.5), each(0.0, 0.5), each(0.0, 0.5), each(0.0, 0.3)), lambda s: (T.ColorJitter(*s), jittered(T.ColorJitter(*s)))),
    "Grayscale": (BYTES, ONE, lambda _: (T.Grayscale(), GRAY)),
    "RandomGrayscale": (BYTES, P, lambda p: (T.RandomGrayscale(p), with_p(p, lambda x: np.repeat(GRAY(x), 3, 0)))),
    "RandomInvert": (BYTES, P, lambda p: (T.RandomInvert(p), with_p(p, pillow(ImageOps.invert)))),
    "RandomEqualize": (BYTES, P, lambda p: (T.RandomEqualize(p), with_p(p, pillow(ImageOps.equalize)))),
    "RandomAutocontrast": (BYTES, P, lambda p: (T.RandomAutocontrast(p), with_p(p, pillow(ImageOps.autocontrast)))),
    "RandomPosterize": (BYTES, st.tuples(st.integers(1, 8), P), lambda s: (T.RandomPosterize(*s), with_p(s[1], pillow(lambda img: ImageOps.posterize(img, s[0]))))),
    "RandomSolarize": (BYTES, st.tuples(st.integers(0, 255), P), lambda s: (T.RandomSolarize(*s), with_p(s[1], pillow(lambda img: ImageOps.solarize(img, s[0]))))),
    "RandomAdjustSharpness": (BYTES, st.tuples(each(0.0, 0.5, 2.0), P), lambda s: (
        T.RandomAdjustSharpness(*s), with_p(s[1], pillow(lambda img: ImageEnhance.Sharpness(img).enhance(s[0]))))),
    "GaussianBlur": (FLOATS, st.tuples(each(1, 3), each(0.5, 1.5)), lambda s: (T.GaussianBlur(s[0], (s[1], s[1])), blurred(*s))),
    "Normalize": (FLOATS, each(0.5, 2.0), lambda std: (T.Normalize([0.1, 0.2, 0.3], [std, 1.0, 0.25]), lambda x: (
        (x - np.reshape([0.1, 0.2, 0.3], (3, 1, 1)).astype(x.dtype)) / np.reshape([std, 1.0, 0.25], (3, 1, 1)).astype(x.dtype)))),
    "LinearTransformation": (PAIR, tensors((12,), layout="contiguous"), lambda mean: (
        T.LinearTransformation(minidl.from_numpy(MATRIX), minidl.from_numpy(mean)), lambda x: ((x.ravel() - mean) @ MATRIX).reshape(x.shape))),
    "RandomErasing": (FLOATS, P, lambda p: (T.RandomErasing(p, value=7), None)),
    "ConvertImageDtype": (BYTES, ONE, lambda _: (T.ConvertImageDtype(minidl.float32), lambda x: x.astype(np.float32) / 255)),
    "ToDtype": (BYTES, ONE, lambda _: (v2.ToDtype(minidl.float32, scale=True), lambda x: x.astype(np.float32) / 255)),
    "ToImage": (BYTES, ONE, lambda _: (lambda x: v2.ToImage()(x.permute(1, 2, 0).numpy()), lambda x: x)),
    "ToTensor": (BYTES, ONE, lambda _: (lambda x: T.ToTensor()(x.permute(1, 2, 0).numpy()), lambda x: x.astype(np.float32) / 255)),
    "ToPILImage": (BYTES, ONE, lambda _: (T.ToPILImage(), lambda x: x)),
    "PILToTensor": (BYTES, ONE, lambda _: (lambda x: T.PILToTensor()(T.ToPILImage()(x)), lambda x: x)),
    "Lambda": (BOTH, ONE, lambda _: (T.Lambda(lambda x: x[:, 1:]), lambda x: x[:, 1:])),
    "Compose": (BOTH, ONE, lambda _: (T.Compose([T.RandomVerticalFlip(1.0), T.CenterCrop(2)]), lambda x: centre((2, 2))(x[:, ::-1]))),
    "RandomApply": (BOTH, P, lambda p: (T.RandomApply([T.Lambda(lambda x: x.flip(2))], p), lambda x: x if p < torch.rand(1).item() else flip(x))),
    "RandomChoice": (BOTH, ONE, lambda _: (T.RandomChoice([T.RandomHorizontalFlip(1.0)] * 2), flip)),
    "RandomOrder": (BOTH, ONE, lambda _: (T.RandomOrder([T.RandomHorizontalFlip(1.0), T.RandomVerticalFlip(1.0)]), lambda x: x[:, ::-1, ::-1])),
    **{name: (BOTH, ONE, lambda _, name=name: (getattr(v2, name)(), lambda x: x)) for name in ("Identity", "ToPureTensor", "RGB")},  # type: ignore[misc]
    "RandomChannelPermutation": (BOTH, ONE, lambda _: (v2.RandomChannelPermutation(), lambda x: x[torch.randperm(3).numpy()])),
    "RandomPhotometricDistort": (BOTH, P, lambda p: (v2.RandomPhotometricDistort(p=p), None)),
    "GaussianNoise": (FLOATS, each(0.1, 1.0), lambda sigma: (v2.GaussianNoise(0.2, sigma), lambda x: (
        (torch.from_numpy(x) + 0.2 + torch.randn_like(torch.from_numpy(x)) * sigma).clamp(0, 1).numpy()))),
    "RandomResize": (FLOATS, st.integers(2, 6), lambda low: (v2.RandomResize(low, low + 3), lambda x: resized(shortest(x, int(torch.randint(low, low + 3, (1,)))))(x))),
    "RandomShortestSize": (FLOATS, st.integers(3, 6), lambda n: (v2.RandomShortestSize(n), None)),
    "ScaleJitter": (FLOATS, st.tuples(*[st.integers(4, 7)] * 2), lambda size: (v2.ScaleJitter(size, (1.0, 2.0)), None)),  # smaller: nothing left
    **{name: (BYTES, ONE, lambda _, name=name: (getattr(T, name)(), None)) for name in ("AutoAugment", "RandAugment", "TrivialAugmentWide", "AugMix")},  # type: ignore[misc]
}
# Pillow rounds gray, mean and blur to bytes before it goes on; positions and Gaussians are of float32 in PyTorch.
NEAR = {"Grayscale": 1, "RandomGrayscale": 1, "RandomAutocontrast": 1, "RandomAdjustSharpness": 2}
# Batches are mixed, not pictures (a test of their own), and two names of options.
OTHERS = {"MixUp", "CutMix", "InterpolationMode", "AutoAugmentPolicy"}
