"""Datasets in torchvision's form: samples, attributes, texts; pairs of image and mask; drawn shapes; damage named."""

import gzip
import os
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import minidl
from minidl import transforms as T
from minidl.datasets import (
    CIFAR10,
    CIFAR100,
    KMNIST,
    MNIST,
    SHAPES,
    DatasetFolder,
    FakeData,
    FashionMNIST,
    ImageFolder,
    SegmentationFolder,
    ShapesDetection,
    ShapesSegmentation,
    VisionDataset,
    draw_shapes,
    read_cifar100,
)
from minidl.utils.data import DataLoader
from tests.test_datasets import MNIST as MNIST_NAMES
from tests.test_datasets import idx_bytes, write_images

RNG = np.random.default_rng(0)


def refuses(call, *texts, error=ValueError):
    with pytest.raises(error) as caught:
        call()
    for text in texts:
        assert str(text) in str(caught.value)


# ---- folders


def tree(root):
    for name in ("dog/b.png", "dog/a.PNG", "dog/more/c.bmp", "cat/x.png"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 256, (5, 6, 3), dtype=np.uint8)).save(path)
    (root / "cat" / "notes.txt").write_text("not an image")
    (root / "loose.png").write_bytes(b"no class")
    return root


def test_image_folder(tmp_path):
    data = ImageFolder(tree(tmp_path), T.ToTensor(), lambda target: -target)
    assert data.classes == ["cat", "dog"] and data.class_to_idx == {"cat": 0, "dog": 1} and len(data) == 4
    paths = [str(tmp_path / name) for name in ("cat/x.png", "dog/a.PNG", "dog/b.png", "dog/more/c.bmp")]
    assert data.samples == data.imgs == list(zip(paths, [0, 1, 1, 1])) and data.targets == [0, 1, 1, 1]
    for i, path in enumerate(paths):
        image, target = data[i]
        assert target == -data.targets[i]
        assert np.array_equal(image.numpy(), np.asarray(Image.open(path)).transpose(2, 0, 1) / np.float32(255))
    images, targets = next(iter(DataLoader(data, batch_size=4)))
    assert images.shape == (4, 3, 5, 6) and targets.tolist() == [0, -1, -1, -1]


def test_a_gray_image_is_read_in_colour(tmp_path):
    write_images(tmp_path / "a", 1, shape=(4, 6))
    assert ImageFolder(tmp_path)[0][0].mode == "RGB"


def test_dataset_folder_of_other_files(tmp_path):
    for name in ("b/2.npy", "a/1.npy"):
        (tmp_path / name).parent.mkdir()
        np.save(tmp_path / name, np.array([ord(name[0])]))
    data = DatasetFolder(str(tmp_path), np.load, (".npy",))
    assert [(x.tolist(), y) for x, y in (data[0], data[1])] == [([97], 0), ([98], 1)]
    only = DatasetFolder(tmp_path, np.load, is_valid_file=lambda path: "2" in os.path.basename(path), allow_empty=True)
    assert only.targets == [1] and only.classes == ["a", "b"]
    refuses(lambda: DatasetFolder(tmp_path, np.load), "cannot be None or not None at the same time")
    refuses(lambda: DatasetFolder(tmp_path, np.load, (".npy",), is_valid_file=bool), "at the same time")


def test_a_folder_that_breaks_a_rule_is_refused(tmp_path):
    refuses(lambda: ImageFolder(tmp_path), "any class folder", tmp_path, error=FileNotFoundError)
    (tmp_path / "empty").mkdir()
    refuses(lambda: ImageFolder(tmp_path), "no valid file for the classes empty", ".jpg", error=FileNotFoundError)
    path = tmp_path / "empty" / "a.png"
    path.write_text("text")
    refuses(lambda: ImageFolder(tmp_path)[0], path, "cannot be read as an image")
    data = ImageFolder(tmp_path)
    path.unlink()
    refuses(lambda: data[0], path, error=FileNotFoundError)


def test_texts_are_torchvisions(tmp_path):
    assert repr(FakeData(3)) == "Dataset FakeData\n    Number of datapoints: 3"
    data = ImageFolder(tree(tmp_path), T.Compose([T.Resize(3)]), len)
    assert repr(data) == (
        f"Dataset ImageFolder\n    Number of datapoints: 4\n    Root location: {tmp_path}\n    StandardTransform\n"
        "Transform: Compose(\n               Resize(size=3, interpolation=bilinear, max_size=None, antialias=True)\n"
        "           )\nTarget transform: <built-in function len>")


def test_transforms_or_transform():
    refuses(lambda: VisionDataset("a", transforms=len, transform=len), "Only transforms or transform/target_transform")
    assert ShapesSegmentation(2, 16, transforms=lambda image, mask: (1, 2))[0] == (1, 2)


# ---- sets by name


def test_fake_data_is_noise_of_the_index():
    data = FakeData(4, (3, 6, 5), 7, random_offset=2)
    minidl.manual_seed(0)
    for i in range(4):
        torch.manual_seed(i + 2)
        noise = torch.randn(3, 6, 5).mul(255).to(torch.int64).to(torch.uint8).permute(1, 2, 0).numpy()
        image, target = data[i]
        assert np.array_equal(image, noise) and target == torch.randint(0, 7, (1,)).item()
    torch.manual_seed(0)
    assert minidl.rand(1).item() == torch.rand(1).item()
    refuses(lambda: data[4], "4 of 4", error=IndexError)


def write_mnist(folder, pack=bytes, suffix="", **changed):
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"train_images": RNG.integers(0, 256, (5, 28, 28), dtype=np.uint8), "train_labels": np.array([0, 9, 1, 0, 2], np.uint8),
              "test_images": RNG.integers(0, 256, (2, 28, 28), dtype=np.uint8), "test_labels": np.array([3, 0], np.uint8), **changed}
    for role, array in arrays.items():
        (folder / (MNIST_NAMES[role] + suffix)).write_bytes(pack(idx_bytes(array)))
    return arrays


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST, KMNIST])
@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("download", [True, False])
def test_mnist(tmp_path, kind, train, download):
    pack, suffix = (gzip.compress, ".gz") if download else (bytes, "")
    place = tmp_path if download and not train else tmp_path / kind.__name__ / "raw"
    arrays = write_mnist(place, pack, suffix)
    part = "train" if train else "test"
    data = kind(tmp_path, train, T.PILToTensor(), download=download)
    assert np.array_equal(data.data.numpy(), arrays[f"{part}_images"]) and data.data.dtype == minidl.uint8
    assert np.array_equal(data.targets.numpy(), arrays[f"{part}_labels"]) and data.targets.dtype == minidl.int64
    assert np.array_equal(data[1][0].numpy()[0], arrays[f"{part}_images"][1]) and data[1][1] == arrays[f"{part}_labels"][1]
    assert type(data[1][1]) is int and len(data) == len(data.data) and f"Split: {part.title()}" in repr(data)
    assert data.class_to_idx[data.classes[9]] == 9 and len(data.classes) == 10


def test_mnist_that_breaks_a_rule_is_refused(tmp_path):
    refuses(lambda: MNIST(tmp_path), "MNIST: Dataset not found", tmp_path / "MNIST" / "raw", error=RuntimeError)
    refuses(lambda: MNIST(tmp_path, download=True), "nothing is downloaded here", error=RuntimeError)
    write_mnist(tmp_path / "MNIST" / "raw", train_labels=np.array([0, 1, 10, 2, 3], np.uint8), test_labels=np.array([1], np.uint8))
    refuses(lambda: MNIST(tmp_path), MNIST_NAMES["train_labels"], "labels of 0 to 9, got 10 at 2")
    refuses(lambda: MNIST(tmp_path, train=False), MNIST_NAMES["test_labels"], "one label for each image", "1 labels")


CIFAR_FILES = {CIFAR10: [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"], CIFAR100: ["train", "test"]}


def write_cifar(root, kind, binary, protocol=2):
    folder = root / kind.folders[binary]
    folder.mkdir(parents=True)
    coarse, names = kind is CIFAR100, [f"name {i}" if not binary else f"name_{i}" for i in range(100)]
    written = []
    for file in CIFAR_FILES[kind]:
        images, labels = RNG.integers(0, 256, (3, 3072), dtype=np.uint8), [0, len(names) - 1 if coarse else 9, 5]
        written.append((images.reshape(3, 3, 32, 32).transpose(0, 2, 3, 1), labels))
        if binary:
            rows = [bytes([19] * coarse + [label]) + image.tobytes() for image, label in zip(images, labels)]
            (folder / f"{file}.bin").write_bytes(b"".join(rows))
        else:
            content = {"data": images, "fine_labels" if coarse else "labels": labels, "filenames": ["a"] * 3}
            (folder / file).write_bytes(pickle.dumps(content, protocol))
    if coarse and binary:
        (folder / "fine_label_names.txt").write_text("\n".join(names) + "\n")
    elif coarse:
        (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": names}, protocol))
    return folder, written, names


@pytest.mark.parametrize("kind", [CIFAR10, CIFAR100])
@pytest.mark.parametrize("binary, protocol", [(False, 2), (False, 4), (True, 2)])
def test_cifar(tmp_path, kind, binary, protocol):
    _, written, names = write_cifar(tmp_path, kind, binary, protocol)
    train, test = kind(tmp_path, transform=T.PILToTensor(), download=True), kind(str(tmp_path), train=False)
    assert np.array_equal(train.data, np.concatenate([images for images, _ in written[:-1]])) and train.data.dtype == np.uint8
    assert train.targets == [label for _, labels in written[:-1] for label in labels] and test.targets == written[-1][1]
    assert np.array_equal(train[1][0].numpy(), written[0][0][1].transpose(2, 0, 1)) and train[1][1] == written[0][1][1]
    assert np.array_equal(test[2][0], written[-1][0][2]) and "Split: Test" in repr(test)
    assert train.classes == (names if kind is CIFAR100 else ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"])
    assert train.class_to_idx[train.classes[3]] == 3


def test_cifar_that_breaks_a_rule_is_refused(tmp_path):
    refuses(lambda: CIFAR10(tmp_path), "Dataset not found", "data_batch_1", tmp_path / "cifar-10-batches-py", error=RuntimeError)
    folder, _, _ = write_cifar(tmp_path, CIFAR10, False)
    path, good = folder / "test_batch", (folder / "test_batch").read_bytes()
    images = np.zeros((2, 3072), np.uint8)
    for content, texts in (
            (good[:-20], ["cannot be read as a pickle"]), (b"", ["cannot be read as a pickle"]),
            (pickle.dumps(print), ["cannot be read as a pickle", "got builtins.print"]), (pickle.dumps([1]), ["expected a dict, got list"]),
            (pickle.dumps({"labels": [1]}), ["'data' to be uint8 of shape (N, 3072), got NoneType"]),
            (pickle.dumps({"data": images[:, :9], "labels": [1, 2]}), ["(N, 3072), got uint8 of shape (2, 9)"]),
            (pickle.dumps({"data": images, "labels": [1]}), ["a list of 2 labels, got 1"]),
            (pickle.dumps({"data": images}), ["a list of 2 labels, got NoneType"]),
            (pickle.dumps({"data": images, "labels": [1, 10]}), ["labels of 0 to 9, got 10"])):
        path.write_bytes(content)
        refuses(lambda: CIFAR10(tmp_path, train=False), path, *texts)
    assert len(CIFAR10(tmp_path)) == 15
    folder, _, _ = write_cifar(tmp_path, CIFAR100, True)
    for content, texts in ((bytes(3073), ["records of 3074 bytes, got 3073"]), (bytes([20]) + bytes(3073), ["labels of 0 to 19, got 20"]),
                           (bytes([0, 100]) + bytes(3072), ["labels of 0 to 99, got 100 in record 0"])):
        (folder / "test.bin").write_bytes(content)
        refuses(lambda: read_cifar100(folder / "test.bin"), folder / "test.bin", *texts)
        refuses(lambda: CIFAR100(tmp_path, train=False), folder / "test.bin", *texts)
    (folder / "fine_label_names.txt").write_text("one two")
    refuses(lambda: CIFAR100(tmp_path), "fine_label_names.txt", "100 classes, got 2")
    (folder / "fine_label_names.txt").unlink()
    refuses(lambda: CIFAR100(tmp_path), "expected the names of the classes", error=RuntimeError)


# ---- image and mask


def write_pairs(root, count=3):
    (root / "images").mkdir()
    (root / "masks").mkdir()
    masks = RNG.choice([0, 1, 2, 255], (count, 8, 6)).astype(np.uint8)
    for i, mask in enumerate(masks):
        Image.fromarray(np.stack([mask] * 3, -1)).save(root / "images" / f"{i}.png")
        Image.fromarray(mask).save(root / "masks" / f"{i}.png")
    return masks


def test_pairs_keep_together(tmp_path):
    masks = write_pairs(tmp_path)
    data = SegmentationFolder(tmp_path, num_classes=3)
    assert data.samples[1] == (str(tmp_path / "images" / "1.png"), str(tmp_path / "masks" / "1.png")) and len(data) == 3
    for (image, mask), expected in zip((data[i] for i in range(3)), masks):
        assert image.mode == "RGB" and mask.mode == "L" and np.array_equal(mask, expected)
    joint = T.Compose([T.RandomHorizontalFlip(), T.RandomVerticalFlip(), T.RandomCrop(5), T.ToTensor()])
    for image, mask in DataLoader(SegmentationFolder(tmp_path, transforms=joint), batch_size=3):
        assert image.shape == (3, 3, 5, 5) and mask.dtype == minidl.int64
        assert np.array_equal((image[:, 0] * 255).round().numpy(), mask.numpy())


def test_masks_of_palettes_and_bits(tmp_path):
    masks = write_pairs(tmp_path) % 3
    for i, mask in enumerate(masks[:2]):
        image = Image.fromarray(mask)
        image.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200])
        image.save(tmp_path / "masks" / f"{i}.png")
    Image.fromarray(masks[2] > 0).save(tmp_path / "masks" / "2.png")
    data = SegmentationFolder(tmp_path, 3)
    assert np.array_equal(data[0][1], masks[0]) and np.array_equal(data[1][1], masks[1])
    assert np.array_equal(data[2][1], masks[2] > 0)


def test_pairs_that_break_a_rule_are_refused(tmp_path):
    refuses(lambda: SegmentationFolder(tmp_path), tmp_path / "images", error=FileNotFoundError)
    masks = write_pairs(tmp_path)
    mask_path = tmp_path / "masks" / "1.png"

    def read(mask):
        mask.save(mask_path)
        return lambda: SegmentationFolder(tmp_path, 3)[1]

    wrong = masks[1].copy()
    wrong[2, 4] = 7
    wrong[:2] = 0
    wrong[2, :4] = 0
    refuses(read(Image.fromarray(wrong)), mask_path, "classes of 0 to 2, or 255", "got 7 in row 2, column 4")
    refuses(read(Image.new("L", (6, 9))), mask_path, "(6, 8)", "1.png", "got (6, 9)")
    refuses(read(Image.new("RGB", (6, 8))), mask_path, "gray or with a palette", "'RGB'")
    mask_path.write_bytes(b"text")
    refuses(lambda: SegmentationFolder(tmp_path)[1], mask_path, "cannot be read as an image")
    mask_path.unlink()
    refuses(lambda: SegmentationFolder(tmp_path), tmp_path / "images" / "1.png", "'1'", tmp_path / "masks", "found none")
    write_images(tmp_path / "masks", 1, shape=(8, 6), first=9)
    (tmp_path / "images" / "1.png").unlink()
    refuses(lambda: SegmentationFolder(tmp_path), tmp_path / "masks" / "009.png", tmp_path / "images")
    write_images(tmp_path / "masks", 1, shape=(8, 6), first=9, suffix=".bmp")
    refuses(lambda: SegmentationFolder(tmp_path), "one file for each name", "009.bmp", "009.png")
    (tmp_path / "none").mkdir()
    refuses(lambda: SegmentationFolder(tmp_path, image_folder="none"), tmp_path / "none", "expected images", "found none")


# ---- drawn shapes


@given(st.integers(0, 2**32 - 1), st.integers(16, 70), st.integers(1, 6))
def test_a_scene_is_what_it_says(seed, size, most):
    image, mask, boxes, labels = draw_shapes(seed, size, most)
    assert image.shape == (3, size, size) and image.dtype == mask.dtype == np.uint8 and mask.shape == (size, size)
    assert boxes.dtype == np.float32 and labels.dtype == np.int64 and boxes.shape == (len(labels), 4) and 1 <= len(labels) <= most
    rest = mask.copy()
    for (x1, y1, x2, y2), label in zip(boxes.astype(int), labels):
        assert 0 <= x1 < x2 <= size and 0 <= y1 < y2 <= size and 1 <= label < len(SHAPES)
        inside = mask[y1:y2, x1:x2] == label
        # tight: every side of the box touches the shape
        assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))
        if size >= 32:  # of a smaller picture the shapes are a few pixels each
            assert {1: 0.6, 2: 0.4, 3: 0.3}[int(label)] < inside.mean() <= 1, "about pi/4, 1/2 to 1, and 1/2 of the box"
        rest[y1:y2, x1:x2][inside] = 0
    assert not rest.any(), "nothing outside the boxes"
    again = draw_shapes(seed, size, most)
    assert all(np.array_equal(a, b) for a, b in zip((image, mask, boxes, labels), again))


def test_shapes_stand_out_and_differ():
    kinds = set()
    for seed in range(30):
        image, mask, _, labels = draw_shapes(seed)
        kinds |= set(labels.tolist())
        background = image[:, mask == 0].mean(1)
        for label in set(labels.tolist()):
            assert np.abs(image[:, mask == label].mean(1) - background).max() > 15
    assert kinds == {1, 2, 3}
    refuses(lambda: draw_shapes(0, 8), "image_size >= 16", "got 8")


def test_shapes_as_datasets():
    pairs, boxes = ShapesSegmentation(5, 32, seed=3), ShapesDetection(5, 32, seed=3, transform=T.ToTensor())
    for i in range(5):
        image, mask = pairs[i]
        tensor, target = boxes[i]
        assert np.array_equal(tensor.numpy(), T.ToTensor()(image).numpy()) and np.array_equal(pairs.scene(i).mask, mask)
        assert target["boxes"].dtype == minidl.float32 and target["boxes"].shape == (len(target["labels"]), 4)
        assert set(target["labels"].tolist()) == set(np.unique(mask).tolist()) - {0}
    assert not np.array_equal(pairs[0][0], pairs[1][0]) and not np.array_equal(pairs[0][0], ShapesSegmentation(5, 32)[0][0])
    refuses(lambda: pairs[5], "5 of 5", error=IndexError)
    joint = T.Compose([T.RandomResizedCrop(24), T.ColorJitter(0.2), T.ToTensor()])
    images, masks = next(iter(DataLoader(ShapesSegmentation(4, 32, transforms=joint), batch_size=4)))
    assert images.shape == (4, 3, 24, 24) and masks.shape == (4, 24, 24) and masks.max() <= 3
