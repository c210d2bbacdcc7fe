"""torchvision's place: boxes and regions against loops over scalars written in PyTorch, grids of images, and code that imports torchvision."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import minidl
from minidl.vision import ops, utils

seeds = st.integers(0, 2**32 - 1)


def boxes(rng: np.random.Generator, n: int, side: float = 10.0) -> np.ndarray:
    """On a grid of quarters, so that some touch and some have equal sides, but no two sides are equal by chance of rounding."""
    first = rng.integers(0, 4 * side, (n, 2)) / 4
    return np.concatenate([first, first + rng.integers(1, 3 * side, (n, 2)) / 4], 1)


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy() if isinstance(expected, torch.Tensor) else expected, rtol=1e-9, atol=1e-12)


# One pair of boxes, in scalars; eps where torchvision has it in its losses.
def parts(a: Any, b: Any) -> tuple[Any, Any, Any, Any]:
    width, height = torch.min(a[2], b[2]) - torch.max(a[0], b[0]), torch.min(a[3], b[3]) - torch.max(a[1], b[1])
    inter = width * height if width > 0 and height > 0 else torch.zeros((), dtype=a.dtype)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter
    return inter, union, torch.max(a[2], b[2]) - torch.min(a[0], b[0]), torch.max(a[3], b[3]) - torch.min(a[1], b[1])


def generalized(a: Any, b: Any, eps: float) -> Any:
    inter, union, width, height = parts(a, b)
    return inter / (union + eps) - (width * height - union) / (width * height + eps)


def distance(a: Any, b: Any, eps: float) -> Any:
    inter, union, width, height = parts(a, b)
    apart = ((a[0] + a[2] - b[0] - b[2]) / 2) ** 2 + ((a[1] + a[3] - b[1] - b[3]) / 2) ** 2
    return inter / (union + eps) - apart / (width ** 2 + height ** 2 + 1e-7)


def complete(a: Any, b: Any, eps: float) -> Any:
    inter, union, _, _ = parts(a, b)
    angle, other = (torch.atan((x[2] - x[0]) / (x[3] - x[1])) for x in (a, b))
    v = 4 / math.pi ** 2 * (angle - other) ** 2
    return distance(a, b, eps) - (v / (1 - inter / (union + eps) + v + 1e-7)).detach() * v


SCORES: dict[str, Callable[..., Any]] = {"generalized_box_iou": generalized, "distance_box_iou": distance, "complete_box_iou": complete}


@pytest.mark.parametrize("name", ["box_iou", *SCORES])
@given(seed=seeds)
def test_each_box_with_each(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = boxes(rng, 3), boxes(rng, 2)
    score = SCORES.get(name, lambda p, q, eps: parts(p, q)[0] / parts(p, q)[1])
    p, q = torch.tensor(a), torch.tensor(b)
    close(getattr(ops, name)(minidl.tensor(a), minidl.tensor(b)), torch.stack([torch.stack([score(x, y, 0.0) for y in q]) for x in p]))


@pytest.mark.parametrize("name", SCORES)
@given(seed=seeds)
def test_losses_of_pairs_and_their_gradients(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = boxes(rng, 4), boxes(rng, 4)
    found, expected = [minidl.tensor(x, requires_grad=True) for x in (a, b)], [torch.tensor(x, requires_grad=True) for x in (a, b)]
    losses = torch.stack([1 - SCORES[name](x, y, 1e-7) for x, y in zip(*expected)])
    loss = getattr(ops, f"{name}_loss")
    close(loss(*found), losses)
    close(loss(*found, reduction="mean"), losses.mean())
    loss(*found, reduction="sum").backward()
    losses.sum().backward()
    for x, y in zip(found, expected):
        close(x.grad, y.grad)


def test_reductions() -> None:
    nothing = minidl.zeros(0, 4, requires_grad=True)
    for name in SCORES:
        assert getattr(ops, f"{name}_loss")(nothing, nothing, "mean").item() == 0
        with pytest.raises(ValueError, match="Invalid Value for arg 'reduction': 'all'"):
            getattr(ops, f"{name}_loss")(nothing, nothing, "all")


@given(seeds)
def test_formats(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = boxes(rng, 5)
    size, middle = x[:, 2:] - x[:, :2], (x[:, :2] + x[:, 2:]) / 2
    forms = {"xyxy": x, "xywh": np.concatenate([x[:, :2], size], 1), "cxcywh": np.concatenate([middle, size], 1)}
    areas = size.prod(1)
    for name, form in forms.items():
        close(ops.box_area(minidl.tensor(form), name), areas)
        close(ops.box_iou(minidl.tensor(form), minidl.tensor(form), name), ops.box_iou(minidl.tensor(x), minidl.tensor(x)).numpy())
        for other, wanted in forms.items():
            close(ops.box_convert(minidl.tensor(form), name, other), wanted)
    clipped = ops.clip_boxes_to_image(minidl.tensor(x), (6, 9)).numpy()
    assert np.array_equal(clipped, np.clip(x, 0, [9, 6, 9, 6]))
    assert ops.remove_small_boxes(minidl.tensor(x), 2.5).tolist() == np.flatnonzero((size >= 2.5).all(1)).tolist()


def test_types_and_errors_of_boxes() -> None:
    small = minidl.tensor([[0, 0, 100, 100]])
    assert ops.box_area(small.to(minidl.int8)).item() == 10000 and ops.box_area(small.half()).dtype == minidl.float32
    same = ops.box_convert(small, "xyxy", "xyxy")
    assert same is not small and same.tolist() == small.tolist()
    with pytest.raises(ValueError, match="Unsupported Bounding Box Conversions for given format xywhr"):
        ops.box_convert(small, "xyxy", "xywhr")
    with pytest.raises(ValueError, match="Unsupported Bounding Box area for given format yxyx"):
        ops.box_area(small, "yxyx")


@given(seeds, st.integers(0, 12), st.floats(0, 1))
def test_suppression_keeps_no_overlapping_pair_and_leaves_out_only_those(seed: int, n: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    x, scores, classes = boxes(rng, n), rng.integers(0, 5, n) / 4, rng.integers(0, 3, n)  # with ties
    kept: list[int] = []
    iou = ops.box_iou(minidl.tensor(x), minidl.tensor(x)).numpy().reshape(n, n)
    order = sorted(range(n), key=lambda i: -scores[i])
    for i in order:
        if all(iou[i, j] <= threshold for j in kept):
            kept.append(i)
    found = ops.nms(minidl.tensor(x), minidl.tensor(scores), threshold)
    assert found.tolist() == kept and found.dtype == minidl.int64
    each: list[int] = []
    for i in order:
        if all(classes[i] != classes[j] or iou[i, j] <= threshold for j in each):
            each.append(i)
    assert ops.batched_nms(minidl.tensor(x), minidl.tensor(scores), minidl.tensor(classes), threshold).tolist() == each


def test_suppression_s_errors() -> None:
    x, scores = minidl.zeros(2, 4), minidl.zeros(2)
    for arguments, message in (((x[0], scores), "boxes should be a 2d tensor, got 1D"), ((x[:, :3], scores), "4 elements in dimension 1, got 3"),
                               ((x, x), "scores should be a 1d tensor, got 2D"), ((x, scores[:1]), "same number of elements in dimension 0, got 2 and 1"),
                               ((x, scores.double()), "dets should have the same type as scores")):
        with pytest.raises(RuntimeError, match=message):
            ops.nms(*arguments, 0.5)


def test_masks_to_boxes() -> None:
    masks = np.zeros((3, 6, 8), np.uint8)
    masks[0, 2:5, 3:7] = 1
    masks[1, 5, 0] = masks[1, 1, 7] = 9
    assert ops.masks_to_boxes(minidl.tensor(masks)).tolist() == [[3, 2, 6, 4], [0, 1, 7, 5], [0, 0, 0, 0]]
    assert ops.masks_to_boxes(minidl.zeros(0, 4, 4)).shape == (0, 4)


@given(seeds, st.sampled_from([-1.0, 0.0, 0.25, 1.0]), st.floats(0.5, 3))
def test_the_focal_loss(seed: int, alpha: float, gamma: float) -> None:
    rng = np.random.default_rng(seed)
    values, truth = rng.normal(0, 2, 6), rng.integers(0, 2, 6)
    found = minidl.tensor(values, requires_grad=True)
    expected = torch.tensor(values, requires_grad=True)
    each = []
    for v, t in zip(expected, truth):
        p = torch.sigmoid(v if t else -v)
        each.append((1.0 if alpha < 0 else alpha if t else 1 - alpha) * (1 - p) ** gamma * -torch.log(p))
    loss = ops.sigmoid_focal_loss(found, minidl.tensor(truth.astype(float)), alpha, gamma)
    close(loss, torch.stack(each))
    loss.sum().backward()
    torch.stack(each).sum().backward()
    close(found.grad, expected.grad)
    with pytest.raises(ValueError, match=r"alpha must be in the range \[0,1\] or -1"):
        ops.sigmoid_focal_loss(found, found, 2.0)


def sample(x: Any, y: float, across: float) -> Any:
    """Bilinear, with the edge continued by up to a pixel and zeros beyond."""
    _, height, width = x.shape
    if not (-1 <= y <= height and -1 <= across <= width):
        return torch.zeros_like(x[:, 0, 0])
    y, across = min(max(y, 0), height - 1), min(max(across, 0), width - 1)
    i, j = int(y), int(across)
    u, v = y - i, across - j
    k, m = min(i + 1, height - 1), min(j + 1, width - 1)
    return (1 - u) * ((1 - v) * x[:, i, j] + v * x[:, i, m]) + u * ((1 - v) * x[:, k, j] + v * x[:, k, m])


def aligned_by_loops(x: Any, rois: np.ndarray, size: tuple[int, int], scale: float, ratio: int, aligned: bool) -> Any:
    results = []
    for image, *corner in rois:
        x1, y1, x2, y2 = (c * scale - (0.5 if aligned else 0) for c in corner)
        height, width = (y2 - y1, x2 - x1) if aligned else (max(y2 - y1, 1), max(x2 - x1, 1))
        down, across = (ratio, ratio) if ratio > 0 else (math.ceil(height / size[0]), math.ceil(width / size[1]))
        places = [[sum(sample(x[int(image)], y1 + (i + (a + 0.5) / down) * height / size[0], x1 + (j + (b + 0.5) / across) * width / size[1])
                       for a in range(down) for b in range(across)) / (down * across) for j in range(size[1])] for i in range(size[0])]
        results.append(torch.stack([torch.stack(row, -1) for row in places], -2))
    return torch.stack(results)


def pooled_by_loops(x: Any, rois: np.ndarray, size: tuple[int, int], scale: float) -> Any:
    out = torch.zeros(len(rois), x.shape[1], *size, dtype=x.dtype)
    for k, (image, *corner) in enumerate(rois):
        x1, y1, x2, y2 = (math.floor(abs(c * scale) + 0.5) * (1 if c >= 0 else -1) for c in corner)
        height, width = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
        for i in range(size[0]):
            for j in range(size[1]):
                rows = range(max(y1 + i * height // size[0], 0), min(y1 - -(i + 1) * height // size[0], x.shape[2]))
                columns = range(max(x1 + j * width // size[1], 0), min(x1 - -(j + 1) * width // size[1], x.shape[3]))
                cells = [x[int(image), :, r, c] for r in rows for c in columns]
                if cells:
                    out[k, :, i, j] = torch.stack(cells).amax(0)
    return out


def regions(rng: np.random.Generator) -> np.ndarray:
    """Some reach beyond the map, on every side."""
    return np.concatenate([rng.integers(0, 2, (4, 1)), boxes(rng, 4) - [4, 4, 0, 0]], 1)


@pytest.mark.parametrize("ratio, aligned", [(-1, False), (2, False), (-1, True), (3, True)])
@given(seed=seeds)
def test_regions_aligned(ratio: int, aligned: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, rois = rng.normal(size=(2, 3, 5, 7)), regions(rng)
    found, expected = minidl.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    y, z = ops.roi_align(found, minidl.tensor(rois), (2, 3), 0.6, ratio, aligned), aligned_by_loops(expected, rois, (2, 3), 0.6, ratio, aligned)
    weights = rng.normal(size=z.shape)
    (y * minidl.tensor(weights)).sum().backward()
    (z * torch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.grad.numpy(), expected.grad.numpy(), rtol=1e-9, atol=1e-9)


@given(seeds)
def test_regions_pooled(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, rois = rng.permutation(2 * 3 * 5 * 7).reshape(2, 3, 5, 7) - 50.0, regions(rng)
    found, expected = minidl.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    y, z = ops.roi_pool(found, minidl.tensor(rois), (2, 3), 0.6), pooled_by_loops(expected, rois, (2, 3), 0.6)
    weights = rng.normal(size=z.shape)
    (y * minidl.tensor(weights)).sum().backward()
    (z * torch.tensor(weights)).sum().backward()
    close(y, z)
    close(found.grad, expected.grad)


def test_regions_of_lists_modules_and_errors() -> None:
    x, a, b = minidl.rand(2, 3, 8, 8), minidl.tensor([[0.0, 0.0, 4.0, 4.0]]), minidl.tensor([[1.0, 1.0, 7.0, 5.0], [0.0, 2.0, 3.0, 6.0]])
    together = minidl.tensor([[0.0, 0, 0, 4, 4], [1, 1, 1, 7, 5], [1, 0, 2, 3, 6]])
    assert np.array_equal(ops.RoIAlign(3, 0.5, 2)(x, [a, b]).numpy(), ops.roi_align(x, together, (3, 3), 0.5, 2).numpy())
    assert np.array_equal(ops.RoIPool(3, 0.5)(x, [a, b]).numpy(), ops.roi_pool(x, together, 3, 0.5).numpy())
    assert ops.roi_align(x, together, 2).dtype == minidl.float32
    assert str(ops.RoIAlign(7, 1.0, 2)) == "RoIAlign(output_size=7, spatial_scale=1.0, sampling_ratio=2, aligned=False)"
    assert str(ops.RoIPool((2, 3), 0.5)) == "RoIPool(output_size=(2, 3), spatial_scale=0.5)"
    for wrong, message in ((a, r"Tensor\[K, 5\]"), ([together], r"List\[Tensor\[L, 4\]\]"), (None, "boxes is expected to be a Tensor")):
        with pytest.raises(AssertionError, match=message):
            ops.roi_pool(x, wrong, 2)


@given(seeds, st.integers(2, 9), st.integers(1, 4), st.integers(0, 3), st.sampled_from([1, 3]))
def test_a_grid_of_images(seed: int, n: int, nrow: int, padding: int, channels: int) -> None:
    images = np.random.default_rng(seed).normal(size=(n, channels, 4, 5))
    grid = utils.make_grid(minidl.tensor(images), nrow, padding, pad_value=9.0).numpy()
    columns, rows = min(nrow, n), math.ceil(n / min(nrow, n))
    assert grid.shape == (3, rows * (4 + padding) + padding, columns * (5 + padding) + padding)
    rest = np.ones_like(grid, bool)
    for i, image in enumerate(images):
        top, left = i // columns * (4 + padding) + padding, i % columns * (5 + padding) + padding
        assert np.array_equal(grid[:, top:top + 4, left:left + 5], np.broadcast_to(image, (3, 4, 5)))
        rest[:, top:top + 4, left:left + 5] = False
    assert (grid[rest] == 9).all()


def test_a_grid_s_scales_and_a_file(tmp_path: Path) -> None:
    images = minidl.tensor(np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32))
    x = images.numpy()
    close(utils.make_grid(images, padding=0, normalize=True), np.concatenate((x - x.min()) / (x.max() - x.min()), 2))
    close(utils.make_grid(images, padding=0, normalize=True, scale_each=True), np.concatenate([(i - i.min()) / (i.max() - i.min()) for i in x], 2))
    close(utils.make_grid(images, padding=0, normalize=True, value_range=(-0.5, 0.25)), np.concatenate((x.clip(-0.5, 0.25) + 0.5) / 0.75, 2))
    assert utils.make_grid(images[0, 0]).shape == (3, 4, 5) and utils.make_grid([images[0], images[1]]).shape == (3, 8, 16)
    utils.save_image(images, tmp_path / "grid.png", padding=1)
    saved = np.asarray(Image.open(tmp_path / "grid.png")).transpose(2, 0, 1)
    assert np.array_equal(saved, (utils.make_grid(images, padding=1).numpy() * 255 + 0.5).clip(0, 255).astype(np.uint8))
    for wrong in ("images", [1]):
        with pytest.raises(TypeError, match="tensor or list of tensors expected"):
            utils.make_grid(wrong)
    with pytest.raises(TypeError, match="value_range has to be a tuple"):
        utils.make_grid(images, normalize=True, value_range=[0, 1])


PROGRAM = """
import sys
import minidl
sys.modules["torch"], sys.modules["torchvision"] = minidl, minidl.vision
import torch
import torchvision
import torchvision.transforms as T
import torchvision.transforms.functional as TF
from torchvision import datasets, ops
from torchvision.datasets import ImageFolder
from torchvision.models.mobilenet import MobileNetV2
from torchvision.models.resnet import BasicBlock, resnet18
from torchvision.models.detection import FasterRCNN, maskrcnn_resnet50_fpn
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.mask_rcnn import MaskRCNNPredictor
from torchvision.models.detection.rpn import AnchorGenerator
from torchvision.models.segmentation import fcn_resnet50
from torchvision.models.swin_transformer import SwinTransformer
from torchvision.models.video import r3d_18
from torchvision.ops.boxes import box_area
from torchvision.ops.feature_pyramid_network import FeaturePyramidNetwork, LastLevelMaxPool
from torchvision.ops.focal_loss import sigmoid_focal_loss
from torchvision.ops.misc import Conv2dNormActivation, FrozenBatchNorm2d
from torchvision.transforms import v2
from torchvision.utils import draw_bounding_boxes, make_grid
preprocess = v2.Compose([v2.ToImage(), v2.RandomHorizontalFlip(), v2.TrivialAugmentWide(), v2.ToDtype(torch.float32, scale=True),
                         v2.Normalize(mean=[0.5] * 3, std=[0.25] * 3)])
image = TF.to_pil_image(torch.rand(3, 48, 64))
model = torchvision.models.get_model("resnet18", norm_layer=FrozenBatchNorm2d, num_classes=4)
assert model(preprocess(image)[None]).shape == (1, 4) and isinstance(model, minidl.models.ResNet)
backbone = MobileNetV2().features
backbone.out_channels = 1280
detector = FasterRCNN(backbone, num_classes=3, min_size=64, rpn_anchor_generator=AnchorGenerator(sizes=((32, 64),), aspect_ratios=((0.5, 1.0),)),
                      box_roi_pool=torchvision.ops.MultiScaleRoIAlign(featmap_names=["0"], output_size=3, sampling_ratio=2))
detector.roi_heads.box_predictor = FastRCNNPredictor(detector.roi_heads.box_predictor.cls_score.in_features, 2)
losses = detector([torch.rand(3, 64, 96)], [{"boxes": torch.tensor([[4.0, 8.0, 40.0, 50.0]]), "labels": torch.tensor([1])}])
sum(losses.values()).backward()
found = detector.eval()([torch.rand(3, 64, 96)])[0]
assert set(found) == {"boxes", "labels", "scores"} and SwinTransformer is minidl.models.SwinTransformer
assert T is minidl.transforms and ImageFolder is minidl.datasets.ImageFolder and box_area is ops.box_area and resnet18 is minidl.models.resnet18
assert int(torchvision.__version__.split(".")[1]) >= 13
try:
    import torchvision.nothing
except ModuleNotFoundError as error:
    assert str(error) == "No module named 'torchvision.nothing'"
"""


def test_a_program_written_for_torchvision() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)
