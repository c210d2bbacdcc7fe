"""Images from one kind to another, and pixels where they belong: sizes, crops, pads, flips. Pillow's result for Pillow's
images, PyTorch's or NumPy's for tensors."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

import minidl
from minidl.transforms import functional as F
from tests.pictures import BYTES, FLOATS, MODES, PICTURE, PIL, equal, pil_of, pixels, tensor_of

sides = st.integers(1, 12)
pictures = st.tuples(sides, sides, st.sampled_from([1, 3, 4])).flatmap(lambda shape: hnp.arrays(np.uint8, shape))


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
        F.resize(PIL, 3, 2.5)
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
