"""Boxes, masks and points drawn on images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minidl
from minidl.vision import utils

GREY = np.full((3, 20, 24), 100, np.uint8)


def test_boxes_are_drawn() -> None:
    image, boxes = minidl.tensor(GREY), minidl.tensor([[2.0, 3.0, 12.0, 16.0], [14.0, 1.0, 22.0, 9.0]])
    found = utils.draw_bounding_boxes(image, boxes, colors=["red", (0, 0, 9)], width=2).numpy()
    expected = GREY.copy()
    for (x0, y0, x1, y1), color in (((2, 3, 12, 16), (255, 0, 0)), ((14, 1, 22, 9), (0, 0, 9))):
        inside = expected[:, y0 + 2:y1 - 1, x0 + 2:x1 - 1].copy()
        expected[:, y0:y1 + 1, x0:x1 + 1] = np.array(color)[:, None, None]
        expected[:, y0 + 2:y1 - 1, x0 + 2:x1 - 1] = inside
    assert np.array_equal(found, expected) and np.array_equal(image.numpy(), GREY)
    single = utils.draw_bounding_boxes(minidl.tensor(GREY[:1] / np.float32(255)), boxes, colors=["red", (0, 0, 9)], width=2)
    np.testing.assert_allclose(single.numpy(), expected / np.float32(255), rtol=1e-6)
    filled = utils.draw_bounding_boxes(image, boxes[:1], fill=True, colors="#00ff00").numpy()
    assert (np.abs(filled[:, 5:15, 4:11] - np.array([61, 161, 61])[:, None, None]) <= 1).all()  # 100 of 255 parts of the colour
    palette = utils.draw_bounding_boxes(image, boxes).numpy()
    assert palette[:, 3, 2].tolist() == [0, 0, 0] and palette[:, 1, 14].tolist() == [(2 ** 25 - 1) % 255, (2 ** 15 - 1) % 255, (2 ** 21 - 1) % 255]


def test_labels_are_written() -> None:
    image, box = minidl.zeros(3, 40, 60).byte(), minidl.tensor([[2, 2, 50, 30]])
    plain, text = utils.draw_bounding_boxes(image, box, colors="blue"), utils.draw_bounding_boxes(image, box, ["cat"], "blue", label_colors="red")
    changed = (plain != text).any(0).numpy()
    assert changed[4:20, 4:30].sum() > 10 and not changed[25:].any() and (text.numpy()[0][changed] > 0).all()
    ground = utils.draw_bounding_boxes(image, box, ["cat"], "blue", fill_labels=True, label_background_colors="yellow").numpy()
    assert ((ground[0] == 255) & (ground[1] == 255)).sum() > 50
    with pytest.warns(UserWarning, match="'font_size' will be ignored"):
        utils.draw_bounding_boxes(image, box, ["cat"], font_size=9)


def test_masks_are_drawn() -> None:
    masks = np.zeros((2, 20, 24), bool)
    masks[0, :10], masks[1, 5:, :12] = True, True
    found = utils.draw_segmentation_masks(minidl.tensor(GREY), minidl.tensor(masks), 0.75, ["red", "#0000ff"]).numpy()
    for y, x, color in ((2, 2, (255, 0, 0)), (15, 3, (0, 0, 255)), (7, 3, (0, 0, 0)), (15, 20, (100, 100, 100))):
        assert found[:, y, x].tolist() == [int(0.25 * 100 + 0.75 * c) for c in color]
    real = utils.draw_segmentation_masks(minidl.tensor(GREY / np.float32(255)), minidl.tensor(masks[0]), 1.0, "red").numpy()
    assert real[:, 0, 0].tolist() == [1, 0, 0] and real.dtype == np.float32


def test_points_are_drawn() -> None:
    points = minidl.tensor([[[5.0, 5.0], [18.0, 5.0], [5.0, 15.0]]])
    image = minidl.tensor(GREY)
    found = utils.draw_keypoints(image, points, [(0, 1), (0, 2)], "red", radius=1, width=1, visibility=minidl.tensor([[1, 1, 0]])).numpy()
    assert found[:, 5, 5 - 1].tolist() == [255, 0, 0] and (found[:, 5, 8:16] == 255).all() and np.array_equal(found[:, 9:], GREY[:, 9:])
    everything = utils.draw_keypoints(image, points, [(0, 1), (0, 2)], "red").numpy()
    assert (everything[:, 8:13, 5] == 255).all()
    assert np.array_equal(utils.draw_keypoints(image, points, visibility=minidl.zeros(1, 3, 1)).numpy(), GREY)


@pytest.mark.parametrize(("draw", "error", "message"), [
    (lambda i, b: utils.draw_bounding_boxes(i.numpy(), b), TypeError, "Tensor expected, got"),
    (lambda i, b: utils.draw_bounding_boxes(i.int(), b), ValueError, "must be uint8 or float, got torch.int32"),
    (lambda i, b: utils.draw_bounding_boxes(i[None], b), ValueError, "Pass individual images, not batches"),
    (lambda i, b: utils.draw_bounding_boxes(i[:2], b), ValueError, "Only grayscale and RGB images are supported, got 2 channels"),
    (lambda i, b: utils.draw_bounding_boxes(i, b[:, [2, 1, 0, 3]]), ValueError, r"need to be in \(xmin, ymin, xmax, ymax\) format"),
    (lambda i, b: utils.draw_bounding_boxes(i, b, ["a", "b"]), ValueError, r"Number of boxes \(1\) and labels \(2\) mismatch"),
    (lambda i, b: utils.draw_bounding_boxes(i, b, colors=[]), ValueError, "but got 0 < 1"),
    (lambda i, b: utils.draw_bounding_boxes(i, b, colors=3), ValueError, "colors must be a tuple or a string, or a list thereof, but got 3"),
    (lambda i, b: utils.draw_bounding_boxes(i, b, colors=(1, 2)), ValueError, "should be an RGB triplet, but got"),
    (lambda i, b: utils.draw_segmentation_masks(i[:1], b), ValueError, "Only RGB images are supported, got 1 channels"),
    (lambda i, b: utils.draw_segmentation_masks(i, b[0]), ValueError, r"of shape \(H, W\) or \(batch_size, H, W\)"),
    (lambda i, b: utils.draw_segmentation_masks(i, i), ValueError, "must be of dtype bool. Got torch.uint8"),
    (lambda i, b: utils.draw_segmentation_masks(i, i[:, 1:] > 0), ValueError, "same height and width"),
    (lambda i, b: utils.draw_keypoints(i, b), ValueError, r"must be of shape \(num_instances, K, 2\)"),
    (lambda i, b: utils.draw_keypoints(i, b[None], visibility=b), ValueError, "must have the same dimensionality"),
])
def test_what_is_not_drawn(draw: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        draw(minidl.tensor(GREY), minidl.tensor([[2.0, 3.0, 12.0, 16.0]]))


def test_nothing_to_draw() -> None:
    image = minidl.tensor(GREY)
    with pytest.warns(UserWarning, match="No box was drawn"):
        assert utils.draw_bounding_boxes(image, minidl.zeros(0, 4)) is image
    with pytest.warns(UserWarning, match="No mask was drawn"):
        assert utils.draw_segmentation_masks(image, minidl.zeros(0, 20, 24) > 0) is image
