"""Pixels that move and change: warps, colours, tones, blur. Pillow's result for Pillow's images, PyTorch's or a formula's for
tensors."""

import colorsys
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageEnhance, ImageOps

import minidl
from minidl.transforms import InterpolationMode
from minidl.transforms import functional as F
from tests.pictures import BYTES, FLOATS, MODES, PIL, equal, pil_of, pixels, tensor_of

# ---- warps


@pytest.mark.parametrize("quarter", range(4))
def test_quarter_turns(quarter):
    square = FLOATS[:, :, :23]
    expected = np.rot90(square.numpy(), quarter, (1, 2))
    equal(F.rotate(square, 90 * quarter), expected)
    equal(F.rotate(FLOATS, 90 * quarter, expand=True), np.rot90(FLOATS.numpy(), quarter, (1, 2)))
    equal(F.rotate(PIL, 90 * quarter, expand=True), np.rot90(pixels(PIL), quarter, (1, 2)))


def places_of(matrix, height, width):
    """torch's sampling grid of the map, in pixels counted from the middle."""
    y, x = np.mgrid[:height, :width].astype(float)
    x, y = x - (width - 1) / 2, y - (height - 1) / 2
    u, v = np.tensordot(np.asarray(matrix), np.stack([x, y, np.ones_like(x)]), 1)
    return torch.from_numpy(np.stack([u / (width / 2), v / (height / 2)], -1))[None]


@given(st.floats(-180, 180), st.integers(-5, 5), st.integers(-5, 5), st.floats(0.5, 2), st.floats(-30, 30))
def test_affine_of_a_tensor_is_grid_sample(angle, dx, dy, scale, shear):
    a, s = math.radians(angle), math.radians(shear)
    forward = scale * np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]]) @ [[1, -math.tan(s)], [0, 1]]
    back = np.linalg.inv(forward)
    matrix = np.column_stack([back, -back @ [dx, dy]])
    expected = torch.nn.functional.grid_sample(torch.from_numpy(FLOATS.numpy())[None], places_of(matrix, 23, 31),
                                               "bilinear", "zeros", align_corners=False)
    result = F.affine(FLOATS, angle, (dx, dy), scale, shear, InterpolationMode.BILINEAR)
    equal(result, expected[0].numpy(), atol=1e-9)


@pytest.mark.parametrize("img", [PIL, BYTES])
def test_affine_moves_by_whole_pixels(img):
    expected = np.zeros((3, 23, 31), np.uint8)
    expected[:, :20, 4:] = pixels(img)[:, 3:, :27]
    equal(F.affine(img, 0, (4, -3), 1, 0), expected)
    expected[:, 20:], expected[:, :, :4] = 9, 9
    equal(F.affine(img, 0, (4, -3), 1, 0, fill=9), expected)
    equal(F.affine(img, 0, (4, -3), 1, 0, fill=[9, 9, 9]), expected)


@pytest.mark.parametrize("angle", [17.0, -140.0])
def test_rotate_agrees_with_pillow_inside(angle):
    smooth = np.add.outer(np.arange(40), 2 * np.arange(40)).astype(np.uint8)[:, :, None]
    ours = F.rotate(tensor_of(smooth), angle, InterpolationMode.BILINEAR, center=[18, 21])
    theirs = pil_of(smooth).rotate(angle, Image.Resampling.BILINEAR, center=(18, 21))
    equal(ours[:, 14:26, 14:26], pixels(theirs)[:, 14:26, 14:26], atol=1)
    equal(F.rotate(pil_of(smooth), angle, InterpolationMode.BILINEAR, center=[18, 21]), theirs)


def test_rotate_fills_softly_at_the_rim():
    turned = F.rotate(minidl.ones(1, 1, 20, 20), 45, InterpolationMode.BILINEAR, expand=True, fill=5)
    inside = F.rotate(minidl.ones(1, 1, 20, 20), 45, InterpolationMode.BILINEAR, expand=True)
    # 1 where the image is, 5 elsewhere, and between the two as much of each as there is
    np.testing.assert_allclose(turned.numpy(), inside.numpy() ** 2 + 5 * (1 - inside.numpy()), atol=1e-5)
    assert turned.shape[-2:] == (30, 30) and turned[0, 0, 0, 0] == 5


def test_perspective_is_a_projective_map():
    corners, ends = [[0, 0], [30, 0], [30, 22], [0, 22]], [[3, 5], [29, 1], [25, 20], [2, 19]]
    rows = [row for (x, y), (u, v) in zip(ends, corners)
            for row in ([x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y])]
    c = np.linalg.solve(np.array(rows, float), np.array(corners, float).ravel()).astype(np.float32).astype(float)
    y, x = np.mgrid[:23, :31] + 0.5
    depth = c[6] * x + c[7] * y + 1
    grid = np.stack([(c[0] * x + c[1] * y + c[2]) / depth / 15.5 - 1, (c[3] * x + c[4] * y + c[5]) / depth / 11.5 - 1], -1)
    for mode, pillow in (("BILINEAR", Image.Resampling.BILINEAR), ("NEAREST", Image.Resampling.NEAREST)):
        expected = torch.nn.functional.grid_sample(torch.from_numpy(FLOATS.numpy())[None], torch.from_numpy(grid)[None],
                                                   mode.lower(), "zeros", align_corners=False)
        equal(F.perspective(FLOATS, corners, ends, MODES[mode]), expected[0].numpy(), atol=1e-5)
        theirs = PIL.transform(PIL.size, Image.Transform.PERSPECTIVE, c.tolist(), pillow)
        equal(F.perspective(PIL, corners, ends, MODES[mode]), theirs)
    with pytest.raises(ValueError, match="exactly four corners, got 3"):
        F.perspective(PIL, corners[:3], corners)


@pytest.mark.parametrize("dtype", [minidl.float32, minidl.uint8])
@pytest.mark.parametrize("mode", ["BILINEAR", "NEAREST"])
def test_the_horizon_of_a_perspective_is_outside(mode, dtype):
    """The place of the pixel in the lower left corner is divided by zero."""
    corners, ends = [[0, 0], [3, 0], [3, 3], [0, 3]], [[1, 1], [3, 0], [2, 2], [1, 2]]
    seen = F.perspective(minidl.full((1, 4, 4), 9, dtype=dtype), corners, ends, MODES[mode], fill=5)
    assert seen[0, 3, 0] == 5 and seen[0, 1].tolist() == [5, 9, 9, 5]


def test_elastic_transform_of_nothing_is_nothing_and_of_a_shift_a_shift():
    equal(F.elastic_transform(FLOATS, minidl.zeros(1, 23, 31, 2)), FLOATS, atol=1e-6)
    shift = minidl.zeros(1, 23, 31, 2)
    shift[..., 0] = 2 / 31 * 3
    for img in (BYTES, PIL):
        expected = np.zeros((3, 23, 31), np.uint8)
        expected[:, :, :28] = pixels(img)[:, :, 3:]
        equal(F.elastic_transform(img, shift, InterpolationMode.NEAREST), expected)
    with pytest.raises(ValueError, match="should be \\(1, 23, 31, 2\\)"):
        F.elastic_transform(BYTES, minidl.zeros(1, 2, 2, 2))


@pytest.mark.parametrize("call, error, text", [
    (lambda: F.rotate(BYTES, "x"), TypeError, "angle"),
    (lambda: F.rotate(BYTES, 1, center=3), TypeError, "center"),
    (lambda: F.rotate(BYTES, 1, InterpolationMode.BICUBIC), ValueError, "'bicubic' is unsupported with Tensor"),
    (lambda: F.rotate(BYTES, 1, fill=[1, 2]), ValueError, "\\(2 != 3\\)"),
    (lambda: F.rotate(PIL, 1, fill=[1, 2]), ValueError, "\\(2 != 3\\)"),
    (lambda: F.affine(BYTES, 1, 2, 1, 0), TypeError, "translate"),
    (lambda: F.affine(BYTES, 1, (2,), 1, 0), ValueError, "translate"),
    (lambda: F.affine(BYTES, 1, (2, 2), 0, 0), ValueError, "scale should be positive, got 0"),
    (lambda: F.affine(BYTES, 1, (2, 2), 1, "a"), TypeError, "Shear"),
    (lambda: F.affine(BYTES, 1, (2, 2), 1, (1, 2, 3)), ValueError, "Shear"),
])
def test_warps_refuse(call, error, text):
    with pytest.raises(error, match=text):
        call()


# ---- colours


@pytest.mark.parametrize("name, enhance", [("brightness", ImageEnhance.Brightness), ("contrast", ImageEnhance.Contrast),
                                           ("saturation", ImageEnhance.Color), ("sharpness", ImageEnhance.Sharpness)])
@pytest.mark.parametrize("factor", [0, 0.4, 1, 1.8])
def test_adjustments_are_pillows(name, enhance, factor):
    adjust = getattr(F, f"adjust_{name}")
    expected = enhance(PIL).enhance(factor)
    equal(adjust(PIL, factor), expected)
    # Pillow rounds gray, mean and blur to bytes before it blends, which the factor makes larger.
    equal(adjust(BYTES, factor), expected, atol=2)
    with pytest.raises(ValueError, match=f"{name}_factor \\(-1\\) is not non-negative"):
        adjust(BYTES, -1)


@given(hnp.arrays(np.float64, (3, 2, 2), elements=st.floats(0, 1)), st.floats(0, 3))
def test_adjustments_of_floats_are_blends(x, factor):
    gray = 0.2989 * x[0] + 0.587 * x[1] + 0.114 * x[2]
    img = minidl.from_numpy(x)
    for adjusted, other in ((F.adjust_brightness(img, factor), 0), (F.adjust_contrast(img, factor), gray.mean()),
                            (F.adjust_saturation(img, factor), gray)):
        np.testing.assert_allclose(adjusted.numpy(), np.clip(factor * x + (1 - factor) * other, 0, 1), atol=1e-12)
    np.testing.assert_allclose(F.rgb_to_grayscale(img, 3).numpy(), np.stack([gray] * 3), atol=1e-12)


@given(hnp.arrays(np.float32, (3, 2, 2), elements=st.integers(0, 16).map(lambda i: i / 16)), st.floats(-0.5, 0.5))
def test_hue_turns_as_in_colorsys(x, turn):
    result = F.adjust_hue(minidl.from_numpy(x), turn).numpy()
    for i in np.ndindex(2, 2):
        h, s, v = colorsys.rgb_to_hsv(*(float(channel[i]) for channel in x))
        np.testing.assert_allclose([channel[i] for channel in result], colorsys.hsv_to_rgb((h + turn) % 1, s, v), atol=2e-5)


def test_hue_of_pillows_images():
    h, s, v = PIL.convert("HSV").split()
    turned = Image.fromarray((np.asarray(h).astype(int) + int(0.3 * 255)).astype(np.uint8))
    equal(F.adjust_hue(PIL, 0.3), Image.merge("HSV", (turned, s, v)).convert("RGB"))
    for gray in (PIL.convert("L"), BYTES[:1]):
        assert F.adjust_hue(gray, 0.3) is gray
    for img in (PIL, BYTES):
        with pytest.raises(ValueError, match="not in \\[-0.5, 0.5\\]"):
            F.adjust_hue(img, 0.6)


def test_gamma():
    x = FLOATS.numpy()
    np.testing.assert_allclose(F.adjust_gamma(FLOATS, 2.2, 1.5).numpy(), np.clip(1.5 * x ** 2.2, 0, 1), rtol=1e-12)
    table = [int(255.999 * (i / 255) ** 0.5) for i in range(256)]
    equal(F.adjust_gamma(PIL, 0.5), np.array(table, np.uint8)[pixels(PIL)])
    equal(F.adjust_gamma(BYTES, 0.5), np.array(table, np.uint8)[pixels(PIL)], atol=1)
    with pytest.raises(ValueError, match="non-negative real number, got -1"):
        F.adjust_gamma(PIL, -1)


@pytest.mark.parametrize("ours, theirs, atol", [
    (F.invert, ImageOps.invert, 0), (F.equalize, ImageOps.equalize, 0), (F.autocontrast, ImageOps.autocontrast, 1),
    (lambda img: F.posterize(img, 3), lambda img: ImageOps.posterize(img, 3), 0),
    (lambda img: F.solarize(img, 100), lambda img: ImageOps.solarize(img, 100), 0),
    (F.rgb_to_grayscale, lambda img: img.convert("L"), 1),
    (lambda img: F.rgb_to_grayscale(img, 3), lambda img: img.convert("L").convert("RGB"), 1),
])
@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_tones_are_pillows(ours, theirs, atol, height, width, data):
    array = data.draw(hnp.arrays(np.uint8, (height, width, 3), elements=st.sampled_from([0, 3, 90, 91, 200, 255])))
    equal(ours(pil_of(array)), theirs(pil_of(array)))
    equal(ours(tensor_of(array)), theirs(pil_of(array)), atol)


def test_autocontrast_of_floats_stretches_each_channel():
    x = minidl.tensor([[[0.2, 0.4]], [[0.5, 0.5]], [[0.0, 0.25]]])
    np.testing.assert_allclose(F.autocontrast(x).numpy(), [[[0, 1]], [[0.5, 0.5]], [[0, 1]]], atol=1e-6)


def test_colours_refuse():
    two, floats = minidl.zeros(2, 4, 4), minidl.zeros(3, 4, 4)
    for call, error, text in (
            (lambda: F.adjust_brightness(two, 1), TypeError, "\\[1, 3\\], but found 2"),
            (lambda: F.rgb_to_grayscale(BYTES, 2), ValueError, "either 1 or 3, got 2"),
            (lambda: F.equalize(floats), TypeError, "Only torch.uint8"), (lambda: F.posterize(PIL, 9), ValueError, "Got 9"),
            (lambda: F.solarize(floats, 2), TypeError, "less than bound"), (lambda: F.rgb_to_bgr(two), TypeError, "\\[3\\]"),
            (lambda: F.to_grayscale(BYTES), TypeError, "PIL Image")):
        with pytest.raises(error, match=text):
            call()


# ---- numbers


@given(hnp.arrays(np.float64, (2, 3, 2, 2), elements=st.floats(-2, 2)))
def test_normalize(x):
    mean, std = [0.1, 0.2, 0.3], [0.5, 2.0, 0.25]
    expected = (x - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    img = minidl.from_numpy(x.copy())
    np.testing.assert_allclose(F.normalize(img, mean, std).numpy(), expected, atol=1e-14)
    assert np.array_equal(img.numpy(), x)
    assert F.normalize(img, mean, std, inplace=True) is img
    np.testing.assert_allclose(img.numpy(), expected, atol=1e-14)


@pytest.mark.parametrize("img, std, error, text", [
    (PIL, [1.0], TypeError, "should be Tensor Image"), (BYTES, [1.0], TypeError, "float tensor. Got torch.uint8"),
    (minidl.zeros(2, 2), [1.0], ValueError, "\\(..., C, H, W\\)"), (FLOATS, [1.0, 0.0, 1.0], ValueError, "division by zero"),
    (FLOATS[:1], [1.0, 1.0, 1.0], RuntimeError, "shape"),
])
def test_normalize_refuses(img, std, error, text):
    with pytest.raises(error, match=text):
        F.normalize(img, [0.0] * len(std), std)


def test_erase():
    result = F.erase(FLOATS, 2, 3, 4, 5, minidl.tensor([1.0, 2.0, 3.0]).view(3, 1, 1))
    expected = FLOATS.numpy().copy()
    expected[:, 2:6, 3:8] = np.reshape([1, 2, 3], (3, 1, 1))
    equal(result, expected)
    assert F.erase(result, 0, 0, 23, 31, 0, inplace=True) is result and not result.any()


@pytest.mark.parametrize("size, sigma", [((3, 5), (0.7, 1.9)), ((7, 7), (1.0, 1.0)), ((1, 3), (2.0, 0.5))])
def test_gaussian_blur_is_a_convolution(size, sigma):
    across, down = (np.exp(-0.5 * (np.arange(n) - n // 2) ** 2 / s ** 2) for n, s in zip(size, sigma))
    kernel = torch.from_numpy(np.outer(down / down.sum(), across / across.sum())).expand(3, 1, *size[::-1])
    x = torch.from_numpy(FLOATS.numpy())[None]
    padded = torch.nn.functional.pad(x, [size[0] // 2] * 2 + [size[1] // 2] * 2, mode="reflect")
    equal(F.gaussian_blur(FLOATS, size, sigma), torch.nn.functional.conv2d(padded, kernel, groups=3)[0].numpy(), atol=1e-12)
    equal(F.gaussian_blur(PIL, size, sigma), F.gaussian_blur(BYTES, size, sigma))


def test_gaussian_blur_refuses_and_has_a_sigma_of_its_own():
    equal(F.gaussian_blur(FLOATS, 5), F.gaussian_blur(FLOATS, 5, 5 * 0.15 + 0.35))
    for arguments, error in (((4,), ValueError), (("a",), TypeError), ((3, 0.0), ValueError), ((3, "a"), TypeError),
                             (((3, 3, 3),), ValueError)):
        with pytest.raises(error):
            F.gaussian_blur(BYTES, *arguments)


def test_gradients_go_through():
    ours, theirs = minidl.from_numpy(FLOATS.numpy()).requires_grad_(), torch.from_numpy(FLOATS.numpy()).requires_grad_()
    small = F.normalize(F.resize(F.hflip(ours), (9, 11)), [0.5] * 3, [0.1, 0.2, 0.3])
    (small ** 2).sum().backward()
    std = torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1).double()
    expected = (torch.nn.functional.interpolate(theirs.flip(-1)[None], (9, 11), mode="bilinear", antialias=True)[0] - 0.5) / std
    (expected ** 2).sum().backward()
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-6)
