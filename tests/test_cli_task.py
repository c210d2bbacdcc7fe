"""What `minidl train` counts and does to its images: measures against figures by hand, augmentations, models that fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import nn
from minidl.cli.augment import Augment, shifted, warped
from minidl.cli.data import build
from minidl.cli.loop import check_fit
from minidl.cli.segment import dice, iou
from minidl.cli.task import count
from minidl.cli.train import TASKS, configuration
from minidl.models.registry import MODELS

CLASSIFY, SEGMENT = TASKS["classify"], TASKS["segment"]


def test_iou_and_dice_by_hand() -> None:
    truth = np.array([[[0, 0, 1, 1], [0, 0, 1, 1], [255, 255, 2, 2]]])
    guess = np.array([[[0, 1, 1, 1], [0, 0, 1, 0], [0, 1, 2, 2]]])
    counts = count(guess, truth, 4)
    assert counts.tolist() == [[3, 1, 0, 0], [1, 3, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0]]  # the two of 255 are left out
    assert iou(counts)[:3].tolist() == [3 / 5, 3 / 5, 1.0] and np.isnan(iou(counts)[3])
    assert dice(counts)[:3].tolist() == [3 / 4, 3 / 4, 1.0] and np.isnan(dice(counts)[3])
    measures = SEGMENT.measure(counts)
    assert measures == {"iou": pytest.approx((3 / 5 + 3 / 5 + 1) / 3), "dice": pytest.approx((3 / 4 + 3 / 4 + 1) / 3)}  # of classes that are there
    assert CLASSIFY.measure(counts) == {"accuracy": 8 / 10}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_iou_and_dice_are_of_sets(pairs: list[tuple[int, int]]) -> None:
    truth, guess = np.array(pairs).T
    counts = count(guess, truth, 4)
    assert counts.sum() == len(pairs)
    for k in range(4):
        t, g = set(np.flatnonzero(truth == k)), set(np.flatnonzero(guess == k))
        if t | g:
            assert iou(counts)[k] == len(t & g) / len(t | g) and dice(counts)[k] == 2 * len(t & g) / (len(t) + len(g))


def test_loss_is_a_sum_with_smoothing_and_without_the_ignored() -> None:
    scores = minidl.tensor([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0]])
    p = np.exp([1.0, 2.0, 0.5]) / np.exp([1.0, 2.0, 0.5]).sum()
    assert CLASSIFY.loss(scores, minidl.tensor([1, 0])).item() == pytest.approx(-np.log(p[1]) + np.log(3), rel=1e-6)
    smooth = -(0.7 * np.log(p[1]) + 0.1 * np.log(p).sum())
    assert CLASSIFY.loss(scores, minidl.tensor([1, 0]), 0.3).item() == pytest.approx(smooth + np.log(3), rel=1e-6)
    masks = minidl.tensor([[[1, 255]]])
    assert SEGMENT.counted(masks) == 1 and CLASSIFY.counted(minidl.tensor([1, 0])) == 2
    pixels = scores.T.reshape(1, 3, 1, 2)
    assert SEGMENT.loss(pixels, masks).item() == pytest.approx(-np.log(p[1]), rel=1e-6)


def test_a_shift_moves_image_and_mask_together_and_continues_the_edges() -> None:
    minidl.manual_seed(0)
    images = np.random.default_rng(0).random((64, 2, 16, 10)).astype(np.float32)
    masks = np.random.default_rng(1).integers(0, 4, (64, 16, 10))
    x, y = shifted(minidl.tensor(images), minidl.tensor(masks))
    seen = set()
    for i in range(64):
        fits = [(down, right) for down in range(-2, 3) for right in range(-2, 3)
                if np.array_equal(moved(images[i], down, right), x.numpy()[i]) and np.array_equal(moved(masks[i], down, right), y.numpy()[i])]
        assert len(fits) == 1
        seen |= set(fits)
    assert len(seen) > 15


def moved(image: np.ndarray, down: int, right: int) -> np.ndarray:
    padded = np.pad(image, [(0, 0)] * (image.ndim - 2) + [(2, 2), (2, 2)], mode="edge")
    return padded[..., 2 + down:2 + down + image.shape[-2], 2 + right:2 + right + image.shape[-1]]


def test_a_warp_is_a_turn_and_a_scale_about_the_middle() -> None:
    """Coordinates as pixels, in images of unequal sides: what a pixel holds says where it came from."""
    n, height, width = 40, 17, 33
    minidl.manual_seed(2)
    y, x = np.mgrid[:height, :width] - np.array([[[height // 2]], [[width // 2]]])
    images = np.stack([x, y])[None].repeat(n, 0).astype(np.float32)
    masks = np.arange(height * width).reshape(1, height, width).repeat(n, 0)
    seen, labels = warped(minidl.tensor(images), minidl.tensor(masks))
    angles, scales = [], []
    for image, mask in zip(seen.numpy(), labels.numpy()):
        inner = (slice(4, -4), slice(8, -8))  # where nothing comes from outside
        places = np.stack([x[inner].ravel(), y[inner].ravel()])
        (a, b), (c, d) = np.linalg.lstsq(places.T, image[(slice(None), *inner)].reshape(2, -1).T, rcond=None)[0].T
        np.testing.assert_allclose(np.array([[a, b], [c, d]]) @ places, image[(slice(None), *inner)].reshape(2, -1), atol=1e-4)
        np.testing.assert_allclose([a, b], [d, -c], atol=1e-5)
        angles.append(np.degrees(np.arctan2(c, a)))
        scales.append(np.hypot(a, c))
        from_y, from_x = np.divmod(mask[inner], width)
        assert np.abs(from_x - width // 2 - image[0][inner]).max() <= 0.501 and np.abs(from_y - height // 2 - image[1][inner]).max() <= 0.501
    assert -10 <= min(angles) < -7 and 7 < max(angles) <= 10 and 0.9 <= min(scales) < 0.93 and 1.07 < max(scales) <= 1.1
    assert warped(minidl.tensor(images), minidl.arange(n))[1].tolist() == list(range(n))


@pytest.mark.parametrize("names", [["flip"], ["rotate"], ["crop"], ["warp"], ["shift", "flip", "rotate", "crop"]])
def test_masks_go_with_their_images(names: list[str]) -> None:
    minidl.manual_seed(1)
    labels = np.zeros((20, 32, 32), np.int64)
    labels[:, 10:20, 4:14] = 1
    images = 1 + labels[:, None].repeat(3, 1).astype(np.float32)  # 0 is what comes from outside
    x, y = Augment(names, (32, 32), 255)(minidl.tensor(images), minidl.tensor(labels))
    assert x.shape == images.shape and y.shape == labels.shape and y.dtype == minidl.int64
    seen, wanted = x.numpy()[:, 0], np.where(y.numpy() == 255, -1, y.numpy()) + 1
    assert np.mean(np.abs(seen - wanted) < 0.5) > 0.98  # but for rounding at edges
    assert not np.array_equal(y.numpy(), labels)
    assert (y.numpy() == 255).any() == ("rotate" in names)
    one, same = Augment(names, (32, 32), -100)(minidl.tensor(images), minidl.tensor(labels[:, 0, 0]))
    assert one.shape == images.shape and np.array_equal(same.numpy(), labels[:, 0, 0])


def test_colours_change_but_masks_do_not() -> None:
    images, labels = minidl.rand(4, 3, 16, 16), minidl.ones(4, 16, 16, dtype=minidl.int64)
    for name in ("color", "erase"):
        x, y = Augment([name], (16, 16), 255)(images, labels)
        assert not np.array_equal(x.numpy(), images.numpy()) and np.array_equal(y.numpy(), labels.numpy())


def config(model: str, shape: tuple[int, int, int], task: str = "classify") -> dict[str, Any]:
    return {**configuration({"task": task, "model": model}), "shape": list(shape), "classes": ["a", "b", "c"]}


@pytest.mark.parametrize(("model", "shape"), [("lenet", (1, 32, 32)), ("cbam_resnet8", (2, 8, 8)), ("squeezenet1_1", (3, 32, 32)), ("resnet18", (3, 16, 16))])
def test_models_are_told_of_the_data(model: str, shape: tuple[int, int, int]) -> None:
    c = config(model, shape)
    check_fit(build(c), c, CLASSIFY)


class Network(nn.Module):
    """Takes a size, as a vision transformer, and may have second heads, as GoogLeNet."""

    def __init__(self, num_classes: int, image_size: int = 224, aux_logits: bool = True) -> None:
        super().__init__()
        self.asked = num_classes, image_size, aux_logits


def network(**kwargs: Any) -> Network:
    return Network(**kwargs)


def test_networks_are_told_the_size_and_to_leave_out_second_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "network", network)
    assert build(config("network", (3, 64, 64))).asked == (3, 64, False)


@pytest.mark.parametrize(("model", "shape", "task", "says"), [
    ("resnet18", (1, 32, 32), "classify", "is for images of 3 channels, those of 'digits' have 1"),
    ("lenet", (1, 8, 8), "classify", "does not take images"),
    ("vit_b_16", (3, 20, 20), "classify", "patch_size must divide image_size"),
    ("unet_small", (3, 16, 16), "classify", "is not for --task classify: .* expected scores .1, 3., got .1, 3, 16, 16."),
    ("resnet8", (3, 16, 16), "segment", "is not for --task segment"),
    ("unet_small", (3, 12, 12), "segment", "divisible by 8")])
def test_models_that_do_not_fit_are_refused(model: str, shape: tuple[int, int, int], task: str, says: str) -> None:
    c = config(model, shape, task)
    with pytest.raises(ValueError, match=says):
        check_fit(build(c), c, TASKS[task])
