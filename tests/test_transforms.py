"""What transforms do to an image: Pillow's result for Pillow's images, PyTorch's or a formula's for tensors."""

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

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (23, 31, 3), dtype=np.uint8)
PIL = Image.fromarray(PICTURE)
BYTES = minidl.from_numpy(np.ascontiguousarray(PICTURE.transpose(2, 0, 1)))
FLOATS = minidl.from_numpy(RNG.random((3, 23, 31)))
MODES = {mode.name: mode for mode in InterpolationMode}

sides = st.integers(1, 12)
pictures = st.tuples(sides, sides, st.sampled_from([1, 3, 4])).flatmap(lambda shape: hnp.arrays(np.uint8, shape))


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


# ---- from one kind to another


@given(pictures)
def test_there_and_back(array):
    tensor = F.to_tensor(pil_of(array))
    assert tensor.dtype == minidl.float32 and tensor.shape == (array.shape[2], *array.shape[:2]) and tensor.is_contiguous()
    np.testing.assert_array_equal(tensor.numpy(), array.transpose(2, 0, 1).astype(np.float32) / 255)
    equal(F.to_pil_image(tensor), array.transpose(2, 0, 1))
    equal(F.to_pil_image(array), array.transpose(2, 0, 1))
    equal(F.pil_to_tensor(pil_of(array)), array.transpose(2, 0, 1))
    equal(F.to_tensor(array), tensor)


def test_every_byte_comes_back():
    line = np.arange(256, dtype=np.uint8)[None]
    equal(F.to_pil_image(F.to_tensor(line)), line[None])


@pytest.mark.parametrize("mode, dtype", [("1", "float32"), ("I", "int32"), ("F", "float32"), ("I;16", "int16")])
def test_pillow_modes(mode, dtype):
    gray = Image.fromarray(np.array([[0, 200], [90, 255]], np.uint8))
    image = gray.convert("I").convert("I;16") if mode == "I;16" else gray.convert(mode)
    tensor = F.to_tensor(image)
    assert tensor.dtype == getattr(minidl, dtype)
    np.testing.assert_array_equal(tensor.numpy(), np.asarray(image).astype(dtype)[None])


@pytest.mark.parametrize("dtype, mode", [("uint8", "L"), ("int16", "I;16"), ("int32", "I")])
def test_gray_integers_have_modes(dtype, mode):
    image = F.to_pil_image(np.array([[0, 7]], dtype))
    assert image.mode == mode and np.asarray(image).tolist() == [[0, 7]]
    assert F.to_pil_image(np.array([[0.5, -7]], np.float32), "F").getpixel((1, 0)) == -7
    assert F.to_pil_image(PICTURE, "HSV").mode == "HSV"


def test_floats_are_cut_to_bytes():
    assert F.to_pil_image(minidl.tensor([[0.0, 0.999, 1.0]])).tobytes() == bytes([0, 254, 255])


@pytest.mark.parametrize("call, error, text", [
    (lambda: F.to_tensor([1]), TypeError, "PIL Image or ndarray. Got <class 'list'>"),
    (lambda: F.to_tensor(np.zeros(3)), ValueError, "2/3 dimensional. Got 1"),
    (lambda: F.to_pil_image([1]), TypeError, "Tensor or ndarray"),
    (lambda: F.to_pil_image(np.zeros((2, 2, 5))), ValueError, "Got 5 channels"),
    (lambda: F.to_pil_image(np.zeros((2, 2, 2, 2))), ValueError, "Got 4 dimensions"),
    (lambda: F.to_pil_image(np.zeros((2, 2, 3), np.int32)), TypeError, "int32 is not supported"),
    (lambda: F.to_pil_image(PICTURE, "L"), ValueError, "Incorrect mode \\(L\\)"),
    (lambda: F.pil_to_tensor(BYTES), TypeError, "should be PIL Image"),
    (lambda: F.get_dimensions(np.zeros((2, 2))), TypeError, "ndarray"),
    (lambda: F.hflip(minidl.zeros(3)), TypeError, "at least 2 dimensions, but found 1"),
])
def test_what_is_no_image_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("given_, dtype, expected", [
    (np.array([[0, 127, 255]], np.uint8), "float32", np.array([[0, 127 / 255, 1]], np.float32)),
    (np.array([[0, 127, 255]], np.uint8), "int16", np.array([[0, 127 * 128, 255 * 128]], np.int16)),
    (np.array([[0, 300, 32767]], np.int16), "uint8", np.array([[0, 2, 255]], np.uint8)),
    (np.array([[0, 0.5, 1]], np.float32), "uint8", np.array([[0, 127, 255]], np.uint8)),
    (np.array([[0, 0.5, 1]], np.float32), "float64", np.array([[0, 0.5, 1]])),
    (np.array([[3, 4]], np.uint8), "uint8", np.array([[3, 4]], np.uint8)),
])
def test_convert_image_dtype_keeps_white(given_, dtype, expected):
    result = F.convert_image_dtype(minidl.from_numpy(given_), getattr(minidl, dtype)).numpy()
    assert result.dtype == expected.dtype and np.array_equal(result, expected)


def test_convert_image_dtype_refuses_to_lose_digits():
    with pytest.raises(RuntimeError, match="float32 to torch.int32 cannot be performed safely"):
        F.convert_image_dtype(minidl.zeros(2, 2), minidl.int32)


@given(pictures)
def test_bgr_is_rgb_reversed(array):
    array = np.repeat(array[:, :, :1], 3, 2) + np.arange(3, dtype=np.uint8)
    expected = array[:, :, ::-1].transpose(2, 0, 1)
    for img in (pil_of(array), tensor_of(array)):
        equal(F.rgb_to_bgr(img), expected)
        equal(F.bgr_to_rgb(F.rgb_to_bgr(img)), img)


# ---- sizes, crops, pads, flips


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.one_of(st.none(), st.integers(2, 60)))
def test_the_short_side_gets_the_size(height, width, size, max_size):
    img = Image.new("L", (width, height))
    if max_size is not None and max_size <= size:
        with pytest.raises(ValueError, match=f"max_size = {max_size} must be strictly greater"):
            F.resize(img, size, max_size=max_size)
        return
    try:
        w, h = F.resize(img, size, max_size=max_size).size
    except ValueError as error:  # a long strip whose short side would round to nothing
        assert max_size is not None and "height and width" in str(error)
        return
    long = int(size * max(height, width) / min(height, width))
    if max_size is None or long <= max_size:
        assert sorted([h, w]) == sorted([size, long])
    else:
        assert sorted([h, w]) == sorted([max_size, int(max_size * size / long)])
    assert (h >= w) == (height >= width) or h == w


@pytest.mark.parametrize("name", ["NEAREST", "BILINEAR", "BICUBIC", "BOX", "HAMMING", "LANCZOS"])
@pytest.mark.parametrize("size", [(11, 40), (50, 7)])
def test_resize_is_pillows(name, size):
    equal(F.resize(PIL, size, MODES[name]), PIL.resize(size[::-1], Image.Resampling[name]))
    equal(F.resize(PIL, size, int(Image.Resampling[name])), PIL.resize(size[::-1], Image.Resampling[name]))


@pytest.mark.parametrize("name", ["NEAREST", "NEAREST_EXACT", "BILINEAR", "BICUBIC"])
@pytest.mark.parametrize("antialias", [True, False])
@given(size=st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_resize_of_a_tensor_is_interpolate(name, antialias, size):
    smooth = name.startswith("BI")
    # Channels last, since PyTorch 2.13 repeats the first row for antialias of a contiguous image to a width of 1.
    x = torch.from_numpy(FLOATS.numpy())[None].contiguous(memory_format=torch.channels_last)
    expected = torch.nn.functional.interpolate(x, size, mode=MODES[name].value, align_corners=False if smooth else None,
                                               antialias=antialias and smooth)
    equal(F.resize(FLOATS, size, MODES[name], antialias=antialias), expected[0].numpy(), atol=1e-12)


@pytest.mark.parametrize("name", ["BILINEAR", "BICUBIC"])
def test_resize_with_antialias_is_pillows_to_rounding(name):
    equal(F.resize(BYTES, (9, 50), MODES[name]), F.resize(PIL, (9, 50), MODES[name]), atol=1)


def test_resize_refuses():
    for size, text in (((1, 2, 3), "not a 3 element"), ([], "not a 0 element")):
        with pytest.raises(ValueError, match=text):
            F.resize(PIL, size)
    with pytest.raises(ValueError, match="smaller edge"):
        F.resize(PIL, (3, 4), max_size=9)
    with pytest.raises(TypeError, match="InterpolationMode"):
        F.resize(PIL, 3, "bilinear")
    with pytest.warns(UserWarning, match="always applied for PIL"):
        F.resize(PIL, 3, antialias=False)


@given(pictures, st.integers(-6, 14), st.integers(-6, 14), st.integers(1, 14), st.integers(1, 14))
def test_crop_is_zero_outside(array, top, left, height, width):
    frame = np.pad(array, [(20, 20), (20, 20), (0, 0)])
    if top >= array.shape[0] or left >= array.shape[1] or top + height <= 0 or left + width <= 0:
        return  # nothing of the image is left
    expected = frame[20 + top:20 + top + height, 20 + left:20 + left + width].transpose(2, 0, 1)
    equal(F.crop(pil_of(array), top, left, height, width), expected)
    equal(F.crop(tensor_of(array), top, left, height, width), expected)


@given(pictures, st.integers(1, 14), st.integers(1, 14))
def test_center_crop_is_in_the_middle(array, height, width):
    result = F.center_crop(tensor_of(array), (height, width))
    assert result.shape[-2:] == (height, width)
    equal(result, F.center_crop(pil_of(array), (height, width)))
    y, x = (round((n - m) / 2) if n >= m else -((m - n) // 2) for n, m in zip(array.shape[:2], (height, width)))
    frame = np.pad(array, [(20, 20), (20, 20), (0, 0)])
    equal(result, frame[20 + y:20 + y + height, 20 + x:20 + x + width].transpose(2, 0, 1))


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
@given(st.integers(2, 6), st.integers(2, 6), st.lists(st.integers(0, 1), min_size=4, max_size=4), st.integers(0, 255))
def test_pad_is_numpys(mode, height, width, padding, fill):
    array = np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)
    left, top, right, bottom = padding
    options = {"constant_values": fill} if mode == "constant" else {}
    expected = np.pad(array, [(top, bottom), (left, right), (0, 0)], mode, **options).transpose(2, 0, 1)
    for img in (pil_of(array), tensor_of(array)):
        equal(F.pad(img, padding, fill, mode), expected)
    equal(F.pad(tensor_of(array).float(), padding, fill, mode), expected.astype(np.float32))


def test_pad_takes_one_two_or_four_sides_and_colours():
    one, two = F.pad(PIL, 2), F.pad(PIL, (3, 1))
    assert one.size == (35, 27) and two.size == (37, 25) and F.pad(BYTES, [3, 1]).shape == (3, 25, 37)
    assert F.pad(PIL, 1, (1, 2, 3)).getpixel((0, 0)) == (1, 2, 3)
    equal(F.pad(PIL, -2), F.crop(PIL, 2, 2, 19, 27))
    palette = PIL.convert("P")
    assert F.pad(palette, 1).mode == "P" and F.pad(palette, 1, padding_mode="edge").getpalette() == palette.getpalette()
    for call, error in ((lambda: F.pad(PIL, "a"), TypeError), (lambda: F.pad(PIL, (1, 2, 3)), ValueError),
                        (lambda: F.pad(PIL, 1, "a"), TypeError), (lambda: F.pad(PIL, 1, padding_mode="x"), ValueError),
                        (lambda: F.pad(PIL, 1, (1, 2)), ValueError), (lambda: F.pad(BYTES, 1, (1, 2, 3)), TypeError),
                        (lambda: F.pad(PIL, 1, padding_mode=1), TypeError)):
        with pytest.raises(error):
            call()


@given(pictures)
def test_flips(array):
    for img in (pil_of(array), tensor_of(array)):
        equal(F.hflip(img), array[:, ::-1].transpose(2, 0, 1))
        equal(F.vflip(img), array[::-1].transpose(2, 0, 1))


@pytest.mark.parametrize("img", [PIL, BYTES])
def test_five_and_ten_crops(img):
    whole = pixels(img)
    corners = [whole[:, :8, :9], whole[:, :8, -9:], whole[:, -8:, :9], whole[:, -8:, -9:], whole[:, 8:16, 11:20]]
    five, ten = F.five_crop(img, (8, 9)), F.ten_crop(img, (8, 9), vertical_flip=True)
    assert len(five) == 5 and len(ten) == 10
    for part, expected in zip([*five, *ten], [*corners, *corners, *map(pixels, F.five_crop(F.vflip(img), (8, 9)))]):
        equal(part, expected)
    with pytest.raises(ValueError, match="bigger than input size \\(23, 31\\)"):
        F.five_crop(img, 24)


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
