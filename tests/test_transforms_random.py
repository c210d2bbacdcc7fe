"""What is drawn, and in which order; transforms of transforms; images with masks; batches mixed; texts."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import minidl
from minidl import nn
from minidl import transforms as T
from minidl.transforms import functional as F
from minidl.transforms import v2

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
PIL = Image.fromarray(PICTURE)
BYTES = minidl.from_numpy(np.ascontiguousarray(PICTURE.transpose(2, 0, 1)))
BLANK = minidl.zeros(3, 40, 50)
seeds = st.integers(0, 2**32 - 1)


def plain(value):
    """Tuples of numbers, in place of lists and arrays."""
    value = value.tolist() if isinstance(value, np.ndarray) else value
    return tuple(map(plain, value)) if isinstance(value, (list, tuple)) else value


# What torchvision 0.28 draws after manual_seed(0), (1) and (2), for an image of 3 x 40 x 50.
DRAWN = {
    "RandomCrop": (lambda: T.RandomCrop.get_params(BLANK, (20, 30)), [(11, 3, 20, 30), (7, 17, 20, 30), (9, 3, 20, 30)]),
    "RandomResizedCrop": (lambda: T.RandomResizedCrop.get_params(BLANK, [0.08, 1.0], [3 / 4, 4 / 3]),
                          [(1, 0, 30, 35), (6, 1, 28, 32), (1, 8, 37, 35)]),
    "RandomRotation": (lambda: T.RandomRotation.get_params([-30.0, 60.0]),
                       [14.663093566894531, 38.18684387207031, 25.322555541992188]),
    "RandomAffine": (lambda: T.RandomAffine.get_params([-10.0, 10.0], [0.1, 0.2], [0.8, 1.2], [-5.0, 5.0, -3.0, 8.0], [50, 40]),
                     [(-0.07486820220947266, (3, -7), 0.8528122305870056, (-1.9257718324661255, 3.974865436553955)),
                      (5.152631759643555, (-2, -2), 1.0938738584518433, (-4.707184314727783, 5.798444747924805)),
                      (2.2939014434814453, (-1, 2), 0.9897844791412354, (2.1359384059906006, 3.8094000816345215))]),
    "RandomPerspective": (lambda: plain(T.RandomPerspective.get_params(50, 40, 0.5)[1]),
                          [((3, 7), (38, 3), (49, 32), (3, 29)), ((6, 3), (40, 0), (43, 30), (7, 30)),
                           ((5, 8), (45, 10), (49, 31), (4, 38))]),
    "ColorJitter": (lambda: plain(T.ColorJitter.get_params([0.6, 1.4], None, [0.5, 2.0], [-0.1, 0.1])),
                    [((0, 1, 3, 2), 0.7056244015693665, None, 0.9611341953277588, 0.026815736666321754),
                     ((1, 3, 2, 0), 1.187747597694397, None, 0.5439223051071167, 0.059971727430820465),
                     ((0, 1, 3, 2), 0.9795688390731812, None, 1.5703907012939453, 0.023807276040315628)]),
    "RandomErasing": (lambda: T.RandomErasing.get_params(BLANK, (0.02, 0.33), (0.3, 3.3), [0.0])[:4],
                      [(8, 2, 26, 14), (12, 0, 17, 29), (9, 0, 18, 24)]),
    "GaussianBlur": (lambda: T.GaussianBlur.get_params(0.1, 2.0), [1.042887568473816, 1.5394999980926514, 1.2679206132888794]),
}


def pixels(img):
    return img.numpy() if isinstance(img, minidl.Tensor) else np.atleast_3d(np.asarray(img)).transpose(2, 0, 1)


def seeded(transform, *inputs, seed=0):
    minidl.manual_seed(seed)
    random.seed(seed)
    return transform(*inputs)


@pytest.mark.parametrize("name", DRAWN)
def test_the_numbers_are_torchvisions(name):
    draw, expected = DRAWN[name]
    assert [seeded(draw, seed=seed) for seed in range(3)] == expected


@given(seeds, st.floats(0.05, 0.95))
def test_flips_take_one_number_each(seed, p):
    torch.manual_seed(seed)
    flipped, turned = bool(torch.rand(1) < p), bool(torch.rand(1) < p)
    left, top = 1 - 2 * flipped, 1 - 2 * turned
    for img in (PIL, BYTES):
        result = seeded(T.Compose([T.RandomHorizontalFlip(p), T.RandomVerticalFlip(p)]), img, seed=seed)
        assert np.array_equal(pixels(result), pixels(img)[:, ::top, ::left])


@given(seeds)
def test_random_crop_takes_two_integers_or_none(seed):
    torch.manual_seed(seed)
    top, left = int(torch.randint(0, 31, (1,))), int(torch.randint(0, 33, (1,)))
    after = torch.rand(1).item()
    expected = np.pad(PICTURE, [(4, 4), (3, 3), (0, 0)])[top:top + 18, left:left + 24].transpose(2, 0, 1)
    for img in (PIL, BYTES):
        assert np.array_equal(pixels(seeded(T.RandomCrop((18, 24), padding=(3, 4)), img, seed=seed)), expected)
        assert minidl.rand(1).item() == after
    minidl.manual_seed(seed)
    T.RandomCrop((40, 50))(PIL)
    torch.manual_seed(seed)
    assert minidl.rand(1).item() == torch.rand(1).item()


def test_random_crop_pads_what_is_missing_or_refuses():
    result = T.RandomCrop((44, 20), pad_if_needed=True, fill=7)(BYTES)
    assert result.shape == (3, 44, 20) and (result[:, 0] == 7).any()
    with pytest.raises(ValueError, match=r"crop size \(44, 20\) is larger than input image size \(40, 50\)"):
        T.RandomCrop((44, 20))(BYTES)


@given(seeds, st.integers(1, 30), st.integers(1, 30))
def test_random_resized_crop_fits(seed, height, width):
    top, left, h, w = seeded(T.RandomResizedCrop.get_params, minidl.zeros(1, height, width), (0.2, 0.9), (0.5, 2), seed=seed)
    assert 0 <= top <= top + h <= height and 0 <= left <= left + w <= width and h > 0 and w > 0
    assert T.RandomResizedCrop((5, 4))(minidl.zeros(1, height, width)).shape == (1, 5, 4)


def test_random_resized_crop_falls_back_to_the_middle():
    assert T.RandomResizedCrop.get_params(minidl.zeros(1, 10, 90), (2, 3), (0.5, 2)) == (0, 35, 10, 20)
    assert T.RandomResizedCrop.get_params(minidl.zeros(1, 90, 10), (2, 3), (0.5, 2)) == (35, 0, 20, 10)
    assert T.RandomResizedCrop.get_params(minidl.zeros(1, 9, 10), (2, 3), (0.5, 2)) == (0, 0, 9, 10)


def test_random_erasing():
    *_, h, w = DRAWN["RandomErasing"][1][0]
    minidl.manual_seed(0)
    noise = T.RandomErasing.get_params(BLANK, (0.02, 0.33), (0.3, 3.3))[4]
    assert noise.shape == (3, h, w) and abs(noise.mean()) < 0.1 and abs(noise.std() - 1) < 0.1
    image = minidl.ones(3, 40, 50)
    erased = seeded(T.RandomErasing(1.0, value=[1.5, 2, 3]), image)
    changed = (erased != 1).numpy()
    assert changed.any() and (image == 1).all()
    rows, columns = np.flatnonzero(changed[0].any(1)), np.flatnonzero(changed[0].any(0))
    assert changed[0].sum() == len(rows) * len(columns)
    assert [float(erased[c, rows[0], columns[0]]) for c in range(3)] == [1.5, 2, 3]
    assert T.RandomErasing(0.0)(image) is image
    assert T.RandomErasing(1.0, (1.0, 1.0), (1.0, 1.0))(image).numpy().all()  # what never fits stays
    with pytest.raises(ValueError, match="3 \\(number of input channels\\), got 2"):
        T.RandomErasing(1.0, value=[1, 2])(image)


def test_colour_jitter_is_its_parts_in_order():
    order, b, _, s, h = DRAWN["ColorJitter"][1][1]
    expected = BYTES
    for i in order:
        if i != 1:
            expected = [F.adjust_brightness, None, F.adjust_saturation, F.adjust_hue][i](expected, [b, None, s, h][i])
    result = seeded(T.ColorJitter((0.6, 1.4), 0, (0.5, 2.0), 0.1), BYTES, seed=1)
    assert np.array_equal(result.numpy(), expected.numpy())
    assert T.ColorJitter()(BYTES) is BYTES


@pytest.mark.parametrize("transform, change", [
    (T.RandomGrayscale(0.5), lambda x: F.rgb_to_grayscale(x, 3)), (T.RandomInvert(), F.invert),
    (T.RandomPosterize(2), lambda x: F.posterize(x, 2)), (T.RandomSolarize(99), lambda x: F.solarize(x, 99)),
    (T.RandomAdjustSharpness(3), lambda x: F.adjust_sharpness(x, 3)), (T.RandomAutocontrast(), F.autocontrast),
    (T.RandomEqualize(), F.equalize),
], ids=lambda value: type(value).__name__)
def test_sometimes(transform, change):
    for seed in range(6):
        torch.manual_seed(seed)
        expected = change(BYTES) if torch.rand(1) < 0.5 else BYTES
        assert np.array_equal(seeded(transform, BYTES, seed=seed).numpy(), expected.numpy())


def test_elastic_transform_is_small_noise():
    assert np.array_equal(pixels(seeded(T.ElasticTransform(0.0), PIL)), pixels(PIL))
    moved = T.ElasticTransform.get_params([50.0, 30.0], [4.0, 4.0], [40, 50]).numpy()
    assert moved.shape == (1, 40, 50, 2) and 0.01 < moved.std() < 0.5
    first = seeded(T.ElasticTransform(), PIL)
    assert np.array_equal(first, seeded(T.ElasticTransform(), PIL)) and not np.array_equal(first, PIL)


def test_linear_transformation_whitens():
    rng = np.random.default_rng(0)
    data = rng.standard_normal((400, 12)) @ rng.standard_normal((12, 12)) + 3
    values, vectors = np.linalg.eigh(np.cov(data.T))
    matrix = minidl.from_numpy(vectors / np.sqrt(values) @ vectors.T)
    whiten = T.LinearTransformation(matrix, minidl.from_numpy(data.mean(0)))
    white = np.stack([whiten(minidl.from_numpy(x.reshape(3, 2, 2))).numpy().ravel() for x in data])
    np.testing.assert_allclose(np.cov(white.T), np.eye(12), atol=1e-10)
    for matrix, mean, text in ((minidl.zeros(2, 3), minidl.zeros(2), "square"), (minidl.eye(2), minidl.zeros(3), "length 3"),
                               (minidl.eye(2), minidl.zeros(2).double(), "same dtype")):
        with pytest.raises(ValueError, match=text):
            T.LinearTransformation(matrix, mean)
    with pytest.raises(ValueError, match=r"\[3 x 40 x 50\] != 12"):
        whiten(BLANK.double())


# ---- transforms of transforms


def marks(n):
    """n transforms that append their number to a list; an identity on the image."""
    seen = []
    return seen, [T.Lambda(lambda img, i=i: (seen.append(i), img)[1]) for i in range(n)]


def test_random_apply_takes_all_or_none():
    for seed in range(8):
        seen, transforms = marks(2)
        torch.manual_seed(seed)
        expected = [] if 0.6 < torch.rand(1) else [0, 1]
        seeded(T.RandomApply(transforms, 0.6), BYTES, seed=seed)
        assert seen == expected
    seen, transforms = marks(2)
    T.RandomApply(nn.ModuleList(transforms), 1.0)(BYTES)
    assert seen == [0, 1]


def test_random_order_and_choice_follow_pythons_random():
    for seed in range(4):
        seen, transforms = marks(5)
        seeded(T.RandomOrder(transforms), BYTES, seed=seed)
        seeded(T.RandomChoice(transforms, [1, 2, 3, 4, 5]), BYTES, seed=seed)
        order = list(range(5))
        random.seed(seed)
        random.shuffle(order)
        random.seed(seed)
        assert seen == [*order, *random.choices(range(5), [1, 2, 3, 4, 5])]


def test_v2_order_and_choice_follow_the_librarys_generator():
    # torchvision 0.28, seeds 0 to 5
    chosen = [seeded(v2.RandomChoice([v2.CenterCrop(i) for i in (1, 2, 3, 4)], [1, 2, 3, 4]), BLANK, seed=seed).shape[-1]
              for seed in range(6)]
    assert chosen == [3, 4, 2, 1, 3, 4]
    orders = []
    for seed in range(3):
        seen, transforms = marks(4)
        seeded(v2.RandomOrder(transforms), BLANK, seed=seed)
        orders.append(seen)
    assert orders == [[0, 1, 3, 2], [1, 3, 2, 0], [0, 1, 3, 2]]
    with pytest.raises(ValueError, match="1 != 2"):
        v2.RandomChoice(marks(2)[1], [1])


def test_v2_to_image_and_to_dtype():
    pipe = v2.Compose([v2.ToImage(), v2.ToDtype(minidl.float32, scale=True)])
    for img in (PIL, PICTURE, BYTES):
        np.testing.assert_array_equal(pipe(img).numpy(), PICTURE.transpose(2, 0, 1) * np.float32(1 / 255))
    assert v2.ToDtype(minidl.int64)(BYTES).dtype == minidl.int64
    assert v2.functional.rotate is F.rotate and v2.MixUp is T.MixUp


def test_in_a_sequential():
    pipe = nn.Sequential(T.CenterCrop(10), T.ConvertImageDtype(minidl.float32), T.Normalize((0.5,) * 3, (0.5,) * 3))
    expected = (pixels(F.center_crop(PIL, 10)) / 255 - 0.5) / 0.5
    np.testing.assert_allclose(pipe(BYTES).numpy(), expected, atol=1e-6)


# ---- images with masks

GEOMETRIC = {
    "Resize": lambda: T.Resize(21), "CenterCrop": lambda: T.CenterCrop(30), "Pad": lambda: T.Pad(3),
    "RandomCrop": lambda: T.RandomCrop(20, padding=4), "RandomResizedCrop": lambda: T.RandomResizedCrop(16),
    "RandomHorizontalFlip": lambda: T.RandomHorizontalFlip(), "RandomVerticalFlip": lambda: T.RandomVerticalFlip(),
    "RandomRotation": lambda: T.RandomRotation(40), "RandomAffine": lambda: T.RandomAffine(20, (0.1, 0.1), (0.8, 1.2), 5),
    "RandomPerspective": lambda: T.RandomPerspective(0.4, 0.8), "ElasticTransform": lambda: T.ElasticTransform(20.0),
    "nested": lambda: T.Compose([T.RandomApply([T.RandomRotation(9), T.RandomCrop(30)], 0.6),
                                 T.RandomChoice([T.RandomHorizontalFlip(), T.RandomResizedCrop(25)]),
                                 T.RandomOrder([T.Pad(2), T.RandomAffine(9)])]),
}


@pytest.mark.parametrize("name", GEOMETRIC)
@pytest.mark.parametrize("kind", ["pil", "tensor"])
def test_a_mask_goes_the_way_of_its_image(name, kind):
    """The image is its own mask here, so moved alike, by the nearest pixel, they stay equal."""
    transform = GEOMETRIC[name]()
    for part in (transform, *getattr(transform, "transforms", ())):
        for leaf in (part, *getattr(part, "transforms", ())):
            leaf.interpolation = T.InterpolationMode.NEAREST
    labels = np.random.default_rng(1).integers(0, 5, (40, 50)).astype(np.uint8)
    image = Image.fromarray(labels) if kind == "pil" else minidl.from_numpy(labels)[None]
    for seed in range(4):
        alone = seeded(transform, image, seed=seed)
        moved, mask = seeded(transform, image, image, seed=seed)
        assert np.array_equal(pixels(moved), pixels(alone)), "the same numbers with a mask and without"
        assert np.array_equal(pixels(mask), pixels(moved))


@given(seeds)
def test_a_mask_has_no_labels_but_its_own(seed):
    labels = np.kron([[0, 7], [7, 3]], np.ones((20, 25))).astype(np.uint8)
    turn = T.RandomRotation(90, T.InterpolationMode.BILINEAR)
    turn.mask_fill = 255
    image, mask = seeded(T.Compose([turn, T.Resize(17), T.ToTensor()]), PIL, Image.fromarray(labels), seed=seed)
    assert image.dtype == minidl.float32 and mask.dtype == minidl.int64 and mask.shape == image.shape[1:]
    assert set(mask.unique().tolist()) <= {0, 3, 7, 255}


def test_colours_and_numbers_leave_the_mask():
    mask = minidl.randint(0, 5, (40, 50))
    floats = BYTES / 255
    for transform in (T.ColorJitter(0.5, 0.5, 0.5, 0.2), T.GaussianBlur(3), T.RandomErasing(1.0), T.Grayscale(),
                      T.Normalize([0.5] * 3, [0.5] * 3), T.Lambda(lambda img: img * 2), T.RandomInvert(1.0),
                      T.ConvertImageDtype(minidl.uint8), v2.ToDtype(minidl.int64), T.ToPILImage()):
        image, same = transform(floats, mask)
        assert np.array_equal(same, mask)
        assert not np.array_equal(pixels(image), floats.numpy())
    image, labels = T.PILToTensor()(PIL, Image.fromarray(mask.numpy().astype(np.uint8)))
    assert image.dtype == minidl.uint8 and labels.dtype == minidl.int64 and np.array_equal(labels.numpy(), mask.numpy())


# ---- batches

# The first label's probability and the first image's mean, for images of 0 and 1: torchvision 0.28, seeds 0 to 3.
MIXED = [
    (T.MixUp, 0.2, [(1.31e-05, 0.9999868), (0.9600224, 0.0399776), (0.5117183, 0.4882817), (0.9933072, 0.0066928)]),
    (T.MixUp, 1.0, [(0.8637616, 0.1362384), (0.6003065, 0.3996935), (0.675415, 0.324585), (0.6556679, 0.3443321)]),
    (T.MixUp, 4.0, [(0.7047897, 0.2952103), (0.5475184, 0.4524817), (0.5786571, 0.4213429), (0.5751029, 0.4248972)]),
    (T.CutMix, 0.2, [(0.625, 0.375), (1.0, 0.0), (0.8125, 0.1875), (1.0, 0.0)]),
    (T.CutMix, 1.0, [(0.9375, 0.0625), (0.90625, 0.09375), (0.90625, 0.09375), (0.75, 0.25)]),
    (T.CutMix, 4.0, [(0.8125, 0.1875), (0.90625, 0.09375), (0.90625, 0.09375), (0.75, 0.25)]),
]


@pytest.mark.parametrize("mix, alpha, expected", MIXED)
def test_mixes_are_torchvisions(mix, alpha, expected):
    images = minidl.stack([minidl.zeros(1, 8, 8), minidl.ones(1, 8, 8)])
    for seed, (probability, mean) in enumerate(expected):
        mixed, labels = seeded(mix(alpha=alpha, num_classes=2), images, minidl.tensor([0, 1]), seed=seed)
        assert labels[0, 0].item() == pytest.approx(probability, abs=1e-7)
        assert mixed[0].mean().item() == pytest.approx(mean, abs=1e-7)


@pytest.mark.parametrize("alpha", [0.05, 0.3, 1.0, 2.5])
def test_the_share_is_pytorchs_beta(alpha):
    for seed in range(25):
        torch.manual_seed(seed)
        expected = torch.distributions.Beta(torch.tensor([alpha]), torch.tensor([alpha])).sample(()).item()
        after = torch.rand(1).item()
        _, labels = seeded(T.MixUp(alpha=alpha, num_classes=2), minidl.zeros(2, 1, 1, 1), minidl.tensor([0, 1]), seed=seed)
        assert labels[0, 0].item() == pytest.approx(expected, rel=1e-6) and minidl.rand(1).item() == after


@given(seeds, st.integers(1, 5), st.integers(2, 9), st.integers(2, 9), st.sampled_from([T.MixUp, T.CutMix]))
def test_labels_go_with_pixels(seed, n, height, width, mix):
    values = minidl.arange(n, dtype=minidl.float64)
    images = values.view(n, 1, 1, 1).expand(n, 2, height, width)
    soft = nn.functional.one_hot(minidl.arange(n), n).double()
    mixed, labels = seeded(mix(alpha=0.7), (images, soft), seed=seed)
    np.testing.assert_allclose(labels.sum(1).numpy(), 1, rtol=1e-12)
    np.testing.assert_allclose(mixed.mean((1, 2, 3)).numpy(), (labels @ values).numpy(), atol=1e-9)


@pytest.mark.parametrize("images, labels, classes, error, text", [
    (PIL, minidl.tensor([0]), 2, ValueError, "does not support Image"),
    (minidl.zeros(2, 1, 2, 2), [0, 1], 2, ValueError, "must be a tensor"),
    (minidl.zeros(2, 1, 2, 2), minidl.zeros(2, 1, 1), 2, ValueError, "labels should be index based"),
    (minidl.zeros(2, 1, 2, 2), minidl.tensor([0, 1]), None, ValueError, "num_classes must be passed"),
    (minidl.zeros(2, 1, 2, 2), minidl.zeros(2, 3), 2, ValueError, "3 != 2"),
    (minidl.zeros(2, 2, 2), minidl.tensor([0, 1]), 2, ValueError, "4 dims, but got 3"),
    (minidl.zeros(3, 1, 2, 2), minidl.tensor([0, 1]), 2, ValueError, "3 != 2"),
])
def test_mixes_refuse(images, labels, classes, error, text):
    for mix in (T.MixUp, T.CutMix):
        with pytest.raises(error, match=text):
            mix(num_classes=classes)(images, labels)


def test_mixup_needs_floats_and_a_positive_alpha():
    with pytest.raises(RuntimeError, match="expected float images, got torch.uint8"):
        T.MixUp(num_classes=2)(minidl.zeros(2, 1, 2, 2, dtype=minidl.uint8), minidl.tensor([0, 1]))
    with pytest.raises(ValueError, match="alpha > 0, got 0"):
        T.CutMix(alpha=0, num_classes=2)


# ---- texts, and arguments that are refused

REPR = [
    (T.Resize((3, 4), T.InterpolationMode.NEAREST), "Resize(size=(3, 4), interpolation=nearest, max_size=None, antialias=True)"),
    (T.CenterCrop(3), "CenterCrop(size=(3, 3))"), (T.RandomCrop(3, 1), "RandomCrop(size=(3, 3), padding=1)"),
    (T.Pad(2, 1), "Pad(padding=2, fill=1, padding_mode=constant)"), (T.TenCrop(3), "TenCrop(size=(3, 3), vertical_flip=False)"),
    (T.RandomResizedCrop(3), "RandomResizedCrop(size=(3, 3), scale=(0.08, 1.0), ratio=(0.75, 1.3333), interpolation=bilinear, antialias=True)"),
    (T.RandomHorizontalFlip(0.3), "RandomHorizontalFlip(p=0.3)"), (T.ToPILImage("RGB"), "ToPILImage(mode=RGB)"),
    (T.RandomRotation(5, center=(1, 2)), "RandomRotation(degrees=[-5.0, 5.0], interpolation=nearest, expand=False, center=(1, 2), fill=0)"),
    (T.RandomAffine(0, scale=(1, 2), fill=3), "RandomAffine(degrees=[0.0, 0.0], scale=(1, 2), fill=3)"),
    (T.RandomAffine(1, (0, 1), None, 2, T.InterpolationMode.BILINEAR, 0, (1, 2)),
     "RandomAffine(degrees=[-1.0, 1.0], translate=(0, 1), shear=[-2.0, 2.0], interpolation=bilinear, center=(1, 2))"),
    (T.RandomPerspective(), "RandomPerspective(p=0.5)"), (T.Lambda(len), "Lambda()"), (T.ToTensor(), "ToTensor()"),
    (T.ColorJitter(0.2, hue=0.1), "ColorJitter(brightness=(0.8, 1.2), contrast=None, saturation=None, hue=(-0.1, 0.1))"),
    (T.Grayscale(3), "Grayscale(num_output_channels=3)"), (T.RandomPosterize(2), "RandomPosterize(bits=2,p=0.5)"),
    (T.Normalize([0.5], [0.2]), "Normalize(mean=[0.5], std=[0.2])"), (T.GaussianBlur(3), "GaussianBlur(kernel_size=(3, 3), sigma=(0.1, 2.0))"),
    (T.RandomErasing(), "RandomErasing(p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False)"),
    (T.ElasticTransform(), "ElasticTransform(alpha=[50.0, 50.0], sigma=[5.0, 5.0], interpolation=InterpolationMode.BILINEAR, fill=[0.0])"),
    (T.RandomApply([T.ToTensor()]), "RandomApply(\n    p=0.5\n    ToTensor()\n)"),
    (T.RandomChoice([T.ToTensor()]), "RandomChoice(\n    ToTensor()\n)(p=None)"), (T.RandomSolarize(3), "RandomSolarize(threshold=3,p=0.5)"),
    (T.RandomAdjustSharpness(3), "RandomAdjustSharpness(sharpness_factor=3,p=0.5)"), (T.MixUp(num_classes=3), "MixUp(alpha=1.0, num_classes=3)"),
]


@pytest.mark.parametrize("transform, text", REPR, ids=lambda value: type(value).__name__)
def test_texts_are_torchvisions(transform, text):
    assert repr(transform) == text


@pytest.mark.parametrize("make, error, text", [
    (lambda: T.Resize(2.5), TypeError, "int or sequence"), (lambda: T.Resize((1, 2, 3)), ValueError, "1 or 2 values"),
    (lambda: T.Resize(3, 2.5), TypeError, "InterpolationMode"), (lambda: T.CenterCrop((1, 2, 3)), ValueError, "two dimensions"),
    (lambda: T.Pad("a"), TypeError, "padding arg"), (lambda: T.Pad(1, "a"), TypeError, "fill arg"),
    (lambda: T.Pad(1, padding_mode="x"), ValueError, "constant, edge, reflect or symmetric"),
    (lambda: T.RandomRotation(-1), ValueError, "must be positive, got -1"), (lambda: T.RandomRotation((1, 2, 3)), ValueError, "length 2"),
    (lambda: T.RandomRotation(1, center=3), TypeError, "center"), (lambda: T.RandomRotation(1, fill={}), TypeError, "Fill"),
    (lambda: T.RandomAffine(1, (2, 0)), ValueError, "between 0 and 1"), (lambda: T.RandomAffine(1, scale=(0, 1)), ValueError, "positive"),
    (lambda: T.RandomAffine(1, shear=(1, 2, 3)), ValueError, "length 2 or 4"), (lambda: T.ColorJitter(-1), ValueError, "non negative"),
    (lambda: T.ColorJitter(hue=0.6), ValueError, "hue values should be between"), (lambda: T.ColorJitter("a"), TypeError, "brightness"),
    (lambda: T.RandomErasing(2), ValueError, "between 0 and 1, got 2"), (lambda: T.RandomErasing(value="x"), ValueError, "'random'"),
    (lambda: T.RandomErasing(scale=(-1, 1)), ValueError, "Scale"), (lambda: T.RandomErasing(value=None), TypeError, "NoneType"),
    (lambda: T.RandomErasing(scale=0.1), TypeError, "Scale"), (lambda: T.RandomResizedCrop(3, ratio=1.0), TypeError, "Ratio"),
    (lambda: T.GaussianBlur(4), ValueError, "odd"), (lambda: T.GaussianBlur(3, (2, 1)), ValueError, "min, max"),
    (lambda: T.GaussianBlur(3, "a"), ValueError, "sigma"), (lambda: T.Lambda(3), TypeError, "callable, got 'int'"),
    (lambda: T.RandomOrder(3), TypeError, "sequence"), (lambda: T.RandomChoice([], 3), TypeError, "sequence"),
    (lambda: T.ElasticTransform("a"), ValueError, "length should be 2"), (lambda: T.ElasticTransform(3), TypeError, "float"),
    (lambda: T.ElasticTransform(1.0, [1, 2]), TypeError, "floats"), (lambda: T.ElasticTransform(fill="a"), TypeError, "fill"),
])
def test_arguments_are_checked_when_given(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_ranges_the_wrong_way_round_warn():
    for make in (lambda: T.RandomResizedCrop(3, (1.0, 0.5)), lambda: T.RandomErasing(ratio=(2, 1))):
        with pytest.warns(UserWarning, match="min, max"):
            make()
