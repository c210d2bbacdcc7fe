"""Image data on plain arrays: what is written is what is read, and what is damaged is refused by name."""

import gzip
import hashlib
import re
import struct
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from minidl.datasets import digits, load, load_cifar10, load_digits, load_folder, load_mnist, read_cifar10_batch, read_idx, stratified_split
from minidl.datasets.idx import find_mnist

pytestmark = pytest.mark.filterwarnings("error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning")

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
MNIST = {"train_images": "train-images-idx3-ubyte", "train_labels": "train-labels-idx1-ubyte",
         "test_images": "t10k-images-idx3-ubyte", "test_labels": "t10k-labels-idx1-ubyte"}
CIFAR = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]


def idx_bytes(array):
    array = np.asarray(array)
    header = bytes([0, 0, CODES[array.dtype.str[1:]], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def refuses(function, path, *rules, **options):
    """The call raises ValueError, and its message names the file and has every one of `rules`."""
    with pytest.raises(ValueError) as caught:
        function(path, **options)
    for text in (str(path), *rules):
        assert text in str(caught.value)


def ready(data):
    """The images are contiguous and may be written to, as the arrays a Tensor is made of must be."""
    return all(images.flags.c_contiguous and images.flags.writeable for images in (data.train_images, data.test_images))


def peak_memory(function):
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# digits


def test_digits_are_the_published_ones():
    images, labels = load_digits()
    assert images.shape == (1797, 8, 8) and images.dtype == np.uint8 and (images.min(), images.max()) == (0, 16)
    assert labels.shape == (1797,) and labels.dtype == np.int64
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert images[0, 2].tolist() == [0, 3, 15, 2, 0, 11, 8, 0]
    # SHA-256 of scikit-learn's load_digits, as uint8.
    assert (hashlib.sha256(images.tobytes()).hexdigest()
            == "8f26b2bd9d135c256808f68f14fdabddde6d9c7f869ae419704b051f0f14b3b3")
    assert (hashlib.sha256(labels.astype(np.uint8).tobytes()).hexdigest()
            == "8ba4f891220f5e4c9c819638d1602d74b83618f167043c6da52a2a247841ddf0")


def test_digits_split_is_a_stratified_partition_under_the_seed():
    images, labels = load_digits()
    (train, train_labels), (test, test_labels) = digits(), digits(train=False)
    assert train.shape == (1437, 8, 8) and test.shape == (360, 8, 8)
    both = np.concatenate([train, test]).reshape(1797, 64), np.concatenate([train_labels, test_labels])
    rows = sorted(np.column_stack(both).tolist())
    assert rows == sorted(np.column_stack([images.reshape(1797, 64), labels]).tolist())
    assert np.abs(np.bincount(test_labels) - np.bincount(labels) / 5).max() < 1
    assert np.array_equal(test, digits(train=False, seed=0)[0])
    assert not np.array_equal(test, digits(train=False, seed=1)[0])


def test_split_is_the_same_on_every_machine():
    train, test = stratified_split(np.array([0, 1] * 5), seed=3)
    assert (train.tolist(), test.tolist()) == ([0, 1, 2, 3, 6, 7, 8, 9], [4, 5])


@given(st.lists(st.integers(0, 4), max_size=60), st.integers(0, 2**32 - 1))
def test_split_holds_out_a_fifth_of_the_whole_and_of_each_class(labels, seed):
    labels = np.array(labels, dtype=np.int64)
    train, test = stratified_split(labels, seed)
    assert sorted([*train, *test]) == list(range(len(labels)))
    assert (np.diff(train) > 0).all() and (np.diff(test) > 0).all()
    assert len(test) == -(-len(labels) // 5)
    held, whole = np.bincount(labels[test], minlength=5), np.bincount(labels, minlength=5)
    assert (held >= whole // 5).all() and (held <= -(-whole // 5)).all()


# IDX


@given(st.sampled_from(sorted(CODES)).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4))), st.booleans())
def test_idx_round_trip(tmp_path_factory, array, compressed):
    path = tmp_path_factory.getbasetemp() / "array.idx"
    path.write_bytes(gzip.compress(idx_bytes(array)) if compressed else idx_bytes(array))
    read = read_idx(path)
    assert read.dtype == array.dtype and read.dtype.isnative and read.shape == array.shape
    assert read.tobytes() == array.tobytes() and read.flags.writeable


def test_idx_longer_than_one_chunk(tmp_path):
    array = np.random.default_rng(0).integers(-2**31, 2**31, (3, 300_001), dtype=np.int32)
    (tmp_path / "big").write_bytes(idx_bytes(array))
    assert np.array_equal(read_idx(tmp_path / "big"), array)


@pytest.mark.parametrize("dtype", sorted(CODES))
@pytest.mark.parametrize("compressed", [False, True])
def test_idx_cut_anywhere_is_refused(tmp_path, dtype, compressed):
    whole = idx_bytes(np.arange(6, dtype=dtype).reshape(2, 3))
    whole = gzip.compress(whole) if compressed else whole
    path = tmp_path / "cut.idx"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        refuses(read_idx, path)


@pytest.mark.parametrize("content, rules", [
    (b"", ["two zero bytes", "b''"]),
    (b"\0\1\x08\1\0\0\0\1\7", ["two zero bytes", r"b'\x00\x01\x08\x01'"]),
    (b"\0\0\x0a\1\0\0\0\1\7", ["dtype code", "got 0xa"]),
    (b"\0\0\x08\2\0\0\0\1\0", ["8 bytes of dimensions", "got 5"]),
    (b"\0\0\x08\1\0\0\0\3\7\7", ["expected 3 bytes of data for shape (3,)", "got 2"]),
    (b"\0\0\x08\1\0\0\0\3\7\7\7\7", ["expected 3 bytes of data for shape (3,)", "got more"]),
    (b"\0\0\x0c\0\7\7\7\7\7", ["expected 4 bytes of data for shape ()", "got more"]),
    (b"\0\0\x08\x41" + b"\0\0\0\1" * 65 + b"\7", ["a shape that NumPy can hold", "65"]),
    (b"\0\0\x08\4\0\0\0\0" + b"\xff" * 12, ["a shape that NumPy can hold", "(0, 4294967295"]),
])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_that_breaks_a_rule_is_refused(tmp_path, content, rules, pack):
    (tmp_path / "bad.idx").write_bytes(pack(content))
    refuses(read_idx, tmp_path / "bad.idx", *rules)


def test_idx_gzip_damage_is_refused(tmp_path):
    whole = gzip.compress(idx_bytes(np.arange(200, dtype=np.uint8)))
    path = tmp_path / "bad.gz"
    for position in range(10, len(whole) - 4):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1:])
        refuses(read_idx, path)
    path.write_bytes(whole + b"rest")
    refuses(read_idx, path, "gzip")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_idx_reads_no_more_than_the_header_promises(tmp_path, pack):
    path = tmp_path / "huge.idx"
    path.write_bytes(pack(b"\0\0\x0e\2" + b"\xff" * 8 + b"\7"))
    assert peak_memory(lambda: refuses(read_idx, path, "got 1")) < 8e6
    path.write_bytes(pack(b"\0\0\x08\1\0\0\0\3" + bytes(50_000_000)))
    assert peak_memory(lambda: refuses(read_idx, path, "got more")) < 8e6


def write_mnist(folder, rename=lambda name: name, pack=bytes, **changed):
    rng = np.random.default_rng(0)
    arrays = {"train_images": rng.integers(0, 256, (5, 4, 3), dtype=np.uint8),
              "train_labels": np.array([0, 2, 1, 0, 2], np.uint8),
              "test_images": rng.integers(0, 256, (2, 4, 3), dtype=np.uint8),
              "test_labels": np.array([3, 0], np.uint8), **changed}
    for role, array in arrays.items():
        if array is not None:
            (folder / rename(MNIST[role])).write_bytes(pack(idx_bytes(array)))
    return arrays


@pytest.mark.parametrize("rename", [
    lambda name: name,
    lambda name: name + ".gz",
    lambda name: name.replace("-idx", ".idx"),
    lambda name: name.replace("-", ".") + ".gz",
])
def test_mnist(tmp_path, rename):
    written = write_mnist(tmp_path, rename, gzip.compress if rename("x").endswith(".gz") else bytes)
    assert find_mnist(tmp_path) == {role: tmp_path / rename(name) for role, name in MNIST.items()}
    data = load(tmp_path)
    assert np.array_equal(data.train_images, written["train_images"][:, None])
    assert np.array_equal(data.test_images, written["test_images"][:, None])
    assert data.train_labels.tolist() == [0, 2, 1, 0, 2] and data.test_labels.tolist() == [3, 0]
    assert data.train_images.dtype == np.uint8 and data.train_labels.dtype == data.test_labels.dtype == np.int64
    assert data.classes == ("0", "1", "2", "3") and data.scale == 255 and ready(data)


def test_mnist_plain_goes_before_gzip_and_other_names_are_left_alone(tmp_path):
    write_mnist(tmp_path, lambda name: name.replace("-", "."))
    for name in ("train-images-idx3-ubyte.gz", "my-train-images-idx3-ubyte", "train-images-idx1-ubyte"):
        (tmp_path / name).write_bytes(b"")
    assert find_mnist(tmp_path) == {role: tmp_path / name.replace("-", ".") for role, name in MNIST.items()}


@pytest.mark.parametrize("role, array, rules", [
    ("train_images", np.zeros((5, 4), np.uint8), ["uint8 of rank 3", "got uint8 of shape (5, 4)"]),
    ("test_images", np.zeros((2, 4, 3), np.int16), ["uint8 of rank 3", "got int16"]),
    ("test_labels", np.zeros((2, 1), np.uint8), ["uint8 of rank 1", "(2, 1)"]),
    ("train_labels", np.zeros(4, np.uint8), ["one label for each image", "4 labels"]),
    ("test_images", np.zeros((2, 3, 4), np.uint8), ["(4, 3) as in training", "got (3, 4)"]),
])
def test_mnist_that_does_not_agree_is_refused(tmp_path, role, array, rules):
    write_mnist(tmp_path, **{role: array})
    refuses(load_mnist, tmp_path, MNIST[role], *rules)


def test_mnist_without_images_is_refused(tmp_path):
    write_mnist(tmp_path, test_images=np.zeros((0, 4, 3), np.uint8), test_labels=np.zeros(0, np.uint8))
    refuses(load, tmp_path, "at least one image", "(0, 4, 3)")


def test_mnist_with_a_missing_file_is_refused(tmp_path):
    write_mnist(tmp_path, test_labels=None)
    refuses(load, tmp_path, "missing ['test_labels']")


# CIFAR-10


def write_cifar(folder, count=3):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (6, count, 3, 32, 32), dtype=np.uint8), rng.integers(0, 10, (6, count))
    for name, x, y in zip(CIFAR, images, labels):
        (folder / name).write_bytes(b"".join(bytes([b]) + a.tobytes() for a, b in zip(x, y)))
    return images, labels


def test_cifar10(tmp_path):
    images, labels = write_cifar(tmp_path)
    data = load(tmp_path)
    assert np.array_equal(data.train_images, images[:5].reshape(15, 3, 32, 32)) and data.train_images.dtype == np.uint8
    assert np.array_equal(data.train_labels, labels[:5].ravel()) and data.train_labels.dtype == np.int64
    assert np.array_equal(data.test_images, images[5]) and np.array_equal(data.test_labels, labels[5])
    assert ready(data)
    assert len(data.classes) == 10 and (data.classes[0], data.classes[9]) == ("airplane", "truck") and data.scale == 255


@pytest.mark.parametrize("length", [0, 1, 3072, 3074, 2 * 3073 - 1, 2 * 3073 + 1])
def test_cifar10_of_another_length_is_refused(tmp_path, length):
    (tmp_path / "cut.bin").write_bytes(bytes(length))
    refuses(read_cifar10_batch, tmp_path / "cut.bin", "records of 3073 bytes", f"got {length} bytes")


def test_cifar10_label_out_of_range_is_refused(tmp_path):
    (tmp_path / "bad.bin").write_bytes(bytes([9]) + bytes(3072) + bytes([10]) + bytes(3072))
    refuses(read_cifar10_batch, tmp_path / "bad.bin", "labels of 0 to 9", "got 10 in record 1")


def test_cifar10_with_missing_files_is_refused(tmp_path):
    write_cifar(tmp_path)
    (tmp_path / "data_batch_2.bin").unlink()
    (tmp_path / "test_batch.bin").unlink()
    refuses(load_cifar10, tmp_path, "missing ['data_batch_2.bin', 'test_batch.bin']")


# folder of images


def write_images(folder, count, shape=(4, 6, 3), first=0, suffix=".png"):
    """Random images under `folder`; returned as (N, C, H, W)."""
    folder.mkdir(parents=True, exist_ok=True)
    images = np.random.default_rng([first, *folder.name.encode()]).integers(0, 256, (count, *shape), dtype=np.uint8)
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{first + i:03d}{suffix}")
    return images.transpose(0, 3, 1, 2) if len(shape) == 3 else images[:, None]


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".TIFF", ".ppm"])
def test_folder_with_its_own_split(tmp_path, suffix):
    cats = write_images(tmp_path / "train" / "cat", 2, suffix=suffix)
    dogs = write_images(tmp_path / "train" / "dog", 1, suffix=suffix)
    held = write_images(tmp_path / "test" / "dog", 2, first=9, suffix=suffix)
    write_images(tmp_path / "val" / "cat", 1)
    data = load(tmp_path)
    assert np.array_equal(data.train_images, np.concatenate([cats, dogs])) and data.train_images.dtype == np.uint8
    assert np.array_equal(data.test_images, held)
    assert data.train_labels.tolist() == [0, 0, 1] and data.test_labels.tolist() == [1, 1]
    assert data.train_labels.dtype == data.test_labels.dtype == np.int64
    assert data.classes == ("cat", "dog") and data.scale == 255 and ready(data)


def test_folder_with_val_in_place_of_test(tmp_path):
    write_images(tmp_path / "train" / "cat", 2)
    held = write_images(tmp_path / "val" / "cat", 1, first=5)
    assert np.array_equal(load(tmp_path).test_images, held)


def test_folder_split_is_seeded_and_complete(tmp_path):
    cats, trains = write_images(tmp_path / "cat", 10), write_images(tmp_path / "train", 5)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "notes.txt").write_text("not a class")
    (tmp_path / "cat" / "Thumbs.db").write_text("not an image")
    (tmp_path / "cat" / "._000.png").write_text("not an image")
    data, again, other = load(tmp_path), load(str(tmp_path), seed=0), load(tmp_path, seed=1)
    labels = np.array([0] * 10 + [1] * 5)
    train, test = stratified_split(labels, 0)
    everything = np.concatenate([cats, trains])
    assert np.array_equal(data.train_images, everything[train]) and np.array_equal(data.train_labels, labels[train])
    assert np.array_equal(data.test_images, everything[test]) and data.test_labels.tolist() == [0, 0, 1]
    assert data.classes == ("cat", "train") and ready(data)
    assert np.array_equal(data.test_images, again.test_images)
    assert not np.array_equal(data.test_images, other.test_images)


def test_folder_grayscale_and_rgb(tmp_path):
    images = write_images(tmp_path / "a", 2, shape=(4, 6))
    train, _, test, _, _ = load_folder(tmp_path, grayscale=True)
    assert sorted([train.tolist(), test.tolist()]) == sorted([images[:1].tolist(), images[1:].tolist()])
    rgb = load_folder(tmp_path)[0]
    assert np.array_equal(rgb, np.repeat(train, 3, axis=1))
    Image.new("RGB", (6, 4), (100, 50, 200)).save(tmp_path / "a" / "000.png")
    Image.new("RGB", (6, 4), (100, 50, 200)).save(tmp_path / "a" / "001.png")
    # ITU-R 601 luma: 0.299 * 100 + 0.587 * 50 + 0.114 * 200 = 82.05
    assert (load_folder(tmp_path, grayscale=True)[0] == 82).all()


@pytest.mark.parametrize("size, shape", [(5, (5, 5)), ((2, 3), (2, 3)), ([3, 2], (3, 2))])
def test_folder_size(tmp_path, size, shape):
    folder = tmp_path / "a"
    folder.mkdir()
    for i, (width, height) in enumerate([(6, 4), (9, 9)]):
        Image.new("RGB", (width, height), (10, 20, 30)).save(folder / f"{i}.png")
    refuses(load_folder, tmp_path, "1.png", "(4, 6) as in", "0.png", "got (9, 9)")
    data = load(tmp_path, size=size)
    assert data.train_images.shape == data.test_images.shape == (1, 3, *shape)
    assert (data.train_images == np.array([10, 20, 30])[:, None, None]).all()


def test_folder_size_resizes_bilinearly(tmp_path):
    (tmp_path / "a").mkdir()
    for i in range(2):
        Image.fromarray(np.array([[0, 100]], np.uint8)).save(tmp_path / "a" / f"{i}.png")
    assert load_folder(tmp_path, size=(1, 4), grayscale=True)[0].tolist() == [[[[0, 25, 75, 100]]]]


@pytest.mark.parametrize("size", [0, -3, 2.5, (4, 0), (1, 2, 3), (1.5, 2)])
def test_folder_size_must_be_positive(tmp_path, size):
    with pytest.raises(ValueError, match=re.escape(f"got {size!r}")):
        load_folder(tmp_path, size=size)


def test_folder_image_cut_short_is_refused(tmp_path):
    write_images(tmp_path / "a", 2)
    path = tmp_path / "a" / "001.png"
    whole = path.read_bytes()
    for length in range(whole.index(b"IDAT") + 4):
        path.write_bytes(whole[:length])
        refuses(load_folder, path.parents[1], str(path), "cannot be read as an image")


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_folder_image_of_more_than_8_bits_is_refused(tmp_path, mode):
    write_images(tmp_path / "a", 1)
    path = tmp_path / "a" / "deep.tiff"
    Image.new(mode, (6, 4)).save(path)
    refuses(load_folder, tmp_path, str(path), "8 bits a channel", repr(mode))


def test_folder_that_breaks_a_rule_is_refused(tmp_path):
    refuses(load_folder, tmp_path, "a subfolder for each class", "found none")
    write_images(tmp_path / "one", 1)
    refuses(load_folder, tmp_path, str(tmp_path / "one"), "at least 2 images", "got 1")
    (tmp_path / "empty").mkdir()
    refuses(load_folder, tmp_path, str(tmp_path / "empty"), "expected images", ".png", "found none")


def test_folder_with_a_test_class_that_training_lacks_is_refused(tmp_path):
    write_images(tmp_path / "train" / "cat", 1)
    write_images(tmp_path / "test" / "cow", 1)
    refuses(load_folder, tmp_path, str(tmp_path / "test"), "['cow']")


def test_folder_without_pillow_names_it(tmp_path, monkeypatch):
    write_images(tmp_path / "a", 2)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match="pillow"):
        load(tmp_path)


# the front door


def test_load_digits_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    data = load("digits", seed=2)
    assert np.array_equal(data.train_images[:, 0], digits(True, 2)[0])
    assert np.array_equal(data.test_images[:, 0], digits(False, 2)[0])
    assert np.array_equal(data.train_labels, digits(True, 2)[1])
    assert np.array_equal(data.test_labels, digits(False, 2)[1])
    assert data.classes == tuple("0123456789") and data.scale == 16 and ready(data)
    with pytest.raises(ValueError, match=re.escape("for each class in 'digits', found []")):
        load("./digits")


def test_load_what_it_does_not_know(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected 'digits' or a directory, 'mnist' does not exist"):
        load("mnist")
    (tmp_path / "data.csv").write_text("1,2")
    refuses(load, tmp_path / "data.csv", "expected 'digits' or a directory", "is a file")
    refuses(load, tmp_path, "train-images-idx3-ubyte", "data_batch_1.bin", "a subfolder of images for each class",
            "found ['data.csv']")
    for i in range(12):
        (tmp_path / f"{i:02d}.txt").write_text("")
    refuses(load, tmp_path, "'09.txt'] and 3 more")


@pytest.mark.parametrize("write", [write_mnist, write_cifar])
@pytest.mark.parametrize("options", [{"size": 8}, {"grayscale": True}])
def test_load_options_of_a_folder_are_for_a_folder(tmp_path, write, options):
    write(tmp_path)
    refuses(load, tmp_path, "size and grayscale", str(*options.values()), **options)
    refuses(load, "digits", "size and grayscale", **options)
