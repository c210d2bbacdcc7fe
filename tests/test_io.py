"""Image files: what is written is what is read, and what is no image is refused by name."""

import io
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

import minidl
from minidl.io import ImageReadMode, decode_image, encode_jpeg, encode_png, read_file, read_image, write_file, write_jpeg, write_png

images = st.tuples(st.sampled_from([1, 3]), st.integers(1, 9), st.integers(1, 9)).flatmap(lambda shape: hnp.arrays(np.uint8, shape))
PICTURE = np.add.outer(np.arange(0, 120, 40), np.add.outer(np.arange(30), 2 * np.arange(40))).astype(np.uint8)
TENSOR = minidl.from_numpy(PICTURE)


@given(images, st.integers(0, 9))
def test_png_is_exact_at_every_level(array, level):
    data = encode_png(minidl.from_numpy(array), level)
    assert data.dtype == minidl.uint8 and data.ndim == 1
    assert np.array_equal(decode_image(data).numpy(), array)
    pillow = np.asarray(Image.open(io.BytesIO(data.numpy().tobytes())))
    assert np.array_equal(np.atleast_3d(pillow).transpose(2, 0, 1), array)


def test_levels_and_qualities_have_their_sizes(tmp_path):
    sizes = [len(encode_png(TENSOR, level)) for level in (0, 1, 9)]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > PICTURE.size > sizes[2]
    errors = [np.abs(decode_image(encode_jpeg(TENSOR, quality)).numpy().astype(int) - PICTURE).mean() for quality in (5, 75, 100)]
    assert errors == sorted(errors, reverse=True) and errors[2] < 1.5
    write_jpeg(TENSOR, tmp_path / "a.jpg", 60)
    Image.fromarray(PICTURE.transpose(1, 2, 0)).save(tmp_path / "b.jpg", quality=60)
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()


def test_files(tmp_path):
    path = tmp_path / "a.png"
    write_png(TENSOR, path, 1)
    assert np.array_equal(read_image(path).numpy(), PICTURE) and np.array_equal(decode_image(str(path)).numpy(), PICTURE)
    assert read_file(path).numpy().tobytes() == path.read_bytes()
    write_file(path, minidl.tensor([1, 2], dtype=minidl.uint8))
    assert path.read_bytes() == b"\1\2" and os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "CMYK"])
def test_modes(tmp_path, mode):
    path = tmp_path / ("a.tiff" if mode == "CMYK" else "a.png")
    image = Image.fromarray(PICTURE.transpose(1, 2, 0)).convert(mode)
    image.save(path)
    for wanted, pillow in (("GRAY", "L"), ("GRAY_ALPHA", "LA"), ("RGB", "RGB"), ("RGB_ALPHA", "RGBA")):
        expected = np.atleast_3d(np.asarray(image.convert(pillow))).transpose(2, 0, 1)
        for form in (ImageReadMode[wanted], wanted, wanted.lower()):
            assert np.array_equal(read_image(path, form).numpy(), expected)
    kept = {"P": "RGB", "1": "L"}.get(mode, mode)
    assert np.array_equal(read_image(path).numpy(), np.atleast_3d(np.asarray(image.convert(kept))).transpose(2, 0, 1))


def test_a_palette_with_transparency_has_four_channels(tmp_path):
    image = Image.fromarray(PICTURE.transpose(1, 2, 0)).convert("P")
    image.save(tmp_path / "a.png", transparency=0)
    assert read_image(tmp_path / "a.png").shape == (4, 30, 40)


def test_exif_orientation(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter to the left when it was taken
    Image.fromarray(PICTURE.transpose(1, 2, 0)).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "a.png").numpy(), PICTURE)
    assert np.array_equal(read_image(tmp_path / "a.png", apply_exif_orientation=True).numpy(), np.rot90(PICTURE, -1, (1, 2)))


def refuses(call, *texts):
    with pytest.raises(RuntimeError) as caught:
        call()
    for text in texts:
        assert text in str(caught.value)


def test_what_is_no_image_is_refused_by_name(tmp_path):
    path = tmp_path / "a.png"
    refuses(lambda: read_image(path), "[Errno 2] No such file or directory", str(path))
    refuses(lambda: read_image(tmp_path), "[Errno 21]", str(tmp_path))
    path.write_text("text")
    refuses(lambda: read_image(path), f"read_image: {path}: cannot be read as an image")
    refuses(lambda: decode_image(read_file(path)), "cannot be read as an image")
    write_png(TENSOR, path)
    whole = path.read_bytes()
    for length in [*range(0, whole.index(b"IDAT") + 4, 3), len(whole) // 2]:
        path.write_bytes(whole[:length])
        refuses(lambda: read_image(path), str(path), "cannot be read as an image")
    Image.fromarray(np.array([[0, 60000]], np.uint16)).save(path)
    refuses(lambda: read_image(path), str(path), "8 bits a channel", "'I;16'")


def test_a_bomb_is_refused(monkeypatch):
    data = encode_png(TENSOR)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    refuses(lambda: decode_image(data), "exceeds limit of 1000 pixels")


def test_what_cannot_be_written_is_refused(tmp_path):
    for write, name in ((encode_png, "encode_png"), (encode_jpeg, "encode_jpeg")):
        refuses(lambda write=write: write(TENSOR.float()), name, "uint8, got torch.float32")
        for shape in ((2, 3, 3), (3, 3), (4, 3, 3), (3, 0, 3)):
            refuses(lambda write=write, shape=shape: write(minidl.zeros(shape, dtype=minidl.uint8)), name, f"got shape {shape}")
    refuses(lambda: encode_png(TENSOR, 10), "between 0 and 9, got 10")
    refuses(lambda: write_file(tmp_path / "a", TENSOR), "uint8 vector", "(3, 30, 40)")
    with pytest.raises(ValueError, match="between 1 and 100, got 0"):
        encode_jpeg(TENSOR, 0)
    path = tmp_path / "a.png"
    path.write_bytes(b"before")
    refuses(lambda: write_png(TENSOR.float(), path), "uint8")
    assert path.read_bytes() == b"before" and os.listdir(tmp_path) == ["a.png"]
    with pytest.raises(OSError, match="none"):
        write_png(TENSOR, tmp_path / "none" / "a.png")
