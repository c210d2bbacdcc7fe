"""Detectors: losses, gradients and what is found, against torchvision's own; their parts against loops; and what they reject."""

from __future__ import annotations

import json
import zlib
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.models import detection
from minidl.models.detection import _utils, anchor_utils, backbone_utils, keypoints, masks, roi_heads, transform
from minidl.models.detection.faster_rcnn import FastRCNNPredictor
from minidl.models.detection.image_list import ImageList
from minidl.models.detection.rpn import RPNHead

from .models_reference import detectors
from .models_reference.make import FACTS, checksum, initial, without_dropout

FOUND = json.loads(FACTS.read_text())["detectors"]


@pytest.mark.parametrize("name", detectors.DETECTORS)
def test_torchvision_s_losses_gradients_and_detections(name: str) -> None:
    facts = FOUND[name]
    minidl.manual_seed(3)
    model = detectors.DETECTORS[name](minidl)
    assert zlib.crc32(repr(model).encode()) == facts["text"] and checksum(model) == facts["keys"]
    np.testing.assert_allclose(initial(model), facts["initial"], rtol=1e-5, atol=1e-3)
    found = detectors.run(minidl, without_dropout(detectors.fill(minidl, model)), name)
    assert list(found["losses"]) == list(facts["losses"])
    for key, loss in facts["losses"].items():
        np.testing.assert_allclose(found["losses"][key], loss, rtol=1e-10, err_msg=key)
    np.testing.assert_allclose(found["gradients"], facts["gradients"], rtol=1e-9, atol=1e-9)
    for ours, theirs in zip(found["found"], facts["found"], strict=True):
        assert list(ours) == list(theirs)
        for key, sketch in theirs.items():
            single = key.startswith("keypoints")  # are float32
            np.testing.assert_allclose(ours[key], sketch, rtol=1e-5 if single else 1e-9, atol=1e-3 if single else 1e-8, err_msg=key)


# ---- the parts


def test_boxes_as_numbers_and_back() -> None:
    rng = np.random.default_rng(0)
    a, b = (minidl.tensor(np.concatenate([first, first + rng.uniform(1, 9, (5, 2))], 1)) for first in rng.uniform(0, 9, (2, 5, 2)))
    coder = _utils.BoxCoder((10.0, 10.0, 5.0, 5.0))
    codes = coder.encode_single(a, b)
    for code, (x1, y1, x2, y2), (u1, v1, u2, v2) in zip(codes.numpy(), a.numpy(), b.numpy()):
        w, h = u2 - u1, v2 - v1
        np.testing.assert_allclose(code, [10 * ((x1 + x2) / 2 - (u1 + u2) / 2) / w, 10 * ((y1 + y2) / 2 - (v1 + v2) / 2) / h,
                                          5 * np.log((x2 - x1) / w), 5 * np.log((y2 - y1) / h)], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(coder.decode_single(codes, b).numpy(), a.numpy(), rtol=1e-9)
    np.testing.assert_allclose(coder.decode(minidl.cat([codes, codes], 1), [b[:2], b[2:]]).numpy(), np.repeat(a.numpy()[:, None], 2, 1), rtol=1e-9)
    assert [tuple(t.shape) for t in coder.encode([a[:2], a[2:]], [b[:2], b[2:]])] == [(2, 4), (3, 4)]
    huge = coder.decode_single(minidl.tensor([[0.0, 0, 1e9, 0]]), minidl.tensor([[0.0, 0, 16, 16]]))
    np.testing.assert_allclose((huge[0, 2] - huge[0, 0]).item(), 1000, rtol=1e-5)
    for relative in (True, False):
        linear = _utils.BoxLinearCoder(relative)
        np.testing.assert_allclose(linear.decode(linear.encode(b, a), b).numpy(), a.numpy(), rtol=1e-9)
    np.testing.assert_allclose(linear.encode(b, a)[:, 0].numpy(), ((b[:, 0] + b[:, 2]) / 2 - a[:, 0]).numpy())
    with pytest.raises(AssertionError, match="boxes of type list or tuple"):
        coder.decode(codes, b)


def test_matches() -> None:
    overlaps = minidl.tensor([[0.9, 0.5, 0.35, 0.1, 0.2], [0.2, 0.45, 0.3, 0.0, 0.2]])
    assert _utils.Matcher(0.5, 0.4)(overlaps).tolist() == [0, 0, -1, -1, -1]
    assert _utils.Matcher(0.6, 0.3)(overlaps).tolist() == [0, -2, -2, -1, -1]
    assert _utils.Matcher(0.8, 0.3, True)(minidl.tensor([[0.9, 0.5, 0.2], [0.1, 0.2, 0.25]])).tolist() == [0, -2, 1]
    assert _utils.SSDMatcher(0.8)(overlaps).tolist() == [0, 1, -1, -1, -1]
    for shape, missing in (((0, 3), "ground-truth"), ((3, 0), "proposal")):
        with pytest.raises(ValueError, match=f"No {missing} boxes available"):
            _utils.Matcher(0.5, 0.4)(minidl.zeros(*shape))
    with pytest.raises(AssertionError, match="low_threshold should be <= high_threshold, got 0.6 and 0.5"):
        _utils.Matcher(0.5, 0.6)


def test_drawn_samples() -> None:
    labels = minidl.tensor([1.0] * 10 + [0.0] * 50 + [-1.0] * 20)
    for total, share, positive in ((20, 0.25, 5), (40, 0.5, 10), (200, 0.5, 10)):
        (p,), (n,) = _utils.BalancedPositiveNegativeSampler(total, share)([labels])
        assert p.sum() == positive and n.sum() == min(50, total - positive) and p.dtype == minidl.uint8
        assert not (p.bool() & (labels != 1)).any() and not (n.bool() & (labels != 0)).any()


def test_anchors() -> None:
    generator = anchor_utils.AnchorGenerator(((32, 64), (128,)), ((0.5, 1.0), (2.0,)))
    maps = [minidl.zeros(2, 3, 4, 5), minidl.zeros(2, 3, 2, 2)]
    first, second = generator(ImageList(minidl.zeros(2, 3, 32, 40), [(30, 40), (32, 32)]), maps)
    assert first.shape == (4 * 5 * 4 + 4, 4) and np.array_equal(first.numpy(), second.numpy()) and generator.num_anchors_per_location() == [4, 1]
    k = 0
    for i in range(4):
        for j in range(5):
            for ratio in (0.5, 1.0):
                for size in (32, 64):
                    w, h = size / ratio ** 0.5 / 2, size * ratio ** 0.5 / 2
                    np.testing.assert_array_equal(first[k].numpy(), [8 * j - round(w), 8 * i - round(h), 8 * j + round(w), 8 * i + round(h)])
                    k += 1
    assert anchor_utils.AnchorGenerator((8, 16), (1.0,)).sizes == ((8,), (16,))
    with pytest.raises(AssertionError, match="number of feature maps passed .* got 1 and 2"):
        generator(ImageList(minidl.zeros(1, 3, 8, 8), [(8, 8)]), maps[:1])
    boxes = anchor_utils.DefaultBoxGenerator([[2]], 0.2, 0.8, steps=[10])(ImageList(minidl.zeros(1, 3, 20, 40), [(20, 40)]), [minidl.zeros(1, 1, 2, 4)])[0]
    sides = [(0.2, 0.2), (0.4, 0.4), (0.2 * 2 ** 0.5, 0.2 / 2 ** 0.5), (0.2 / 2 ** 0.5, 0.2 * 2 ** 0.5)]
    expected = [[40 * ((j + 0.5) / 4 - w / 2), 20 * ((i + 0.5) / 2 - h / 2), 40 * ((j + 0.5) / 4 + w / 2), 20 * ((i + 0.5) / 2 + h / 2)]
                for i in range(2) for j in range(4) for w, h in sides]
    np.testing.assert_allclose(boxes.numpy(), expected, atol=1e-4)
    with pytest.raises(ValueError, match="should have the same length, got 1 and 2"):
        anchor_utils.DefaultBoxGenerator([[2]], steps=[8, 16])


def test_images_come_and_go_at_another_size() -> None:
    prepare = transform.GeneralizedRCNNTransform(40, 60, [0.5] * 3, [0.25] * 3, size_divisible=16).eval()
    images = [minidl.rand(3, 20, 25), minidl.rand(3, 30, 80)]
    target = {"boxes": minidl.tensor([[2.0, 4, 10, 16]]), "keypoints": minidl.tensor([[[5.0, 6, 1]]]), "masks": minidl.ones(1, 20, 25).byte()}
    batch, (resized, _) = prepare(images, [target, {"boxes": minidl.zeros(0, 4)}])
    assert batch.tensors.shape == (2, 3, 48, 64) and batch.image_sizes == [(40, 50), (22, 60)]  # the longer side is at most 60
    assert not batch.tensors[0, :, 40:].any() and not batch.tensors[1, :, :, 60:].any()
    np.testing.assert_allclose(batch.tensors[0, :, :40, :50].numpy(), nn.functional.interpolate((images[0][None] - 0.5) / 0.25, size=(40, 50), mode="bilinear")[0],
                               atol=1e-5)
    assert resized["boxes"].tolist() == [[4, 8, 20, 32]] and resized["keypoints"].tolist() == [[[10, 12, 1]]] and resized["masks"].shape == (1, 40, 50)
    assert target["boxes"].tolist() == [[2, 4, 10, 16]]
    (back,) = prepare.postprocess([{"boxes": resized["boxes"], "keypoints": resized["keypoints"]}], [(40, 50)], [(20, 25)])
    assert back["boxes"].tolist() == [[2, 4, 10, 16]] and back["keypoints"].tolist() == [[[5, 6, 1]]]
    assert ImageList(batch.tensors, batch.image_sizes).to("cpu").image_sizes == batch.image_sizes
    free = transform.GeneralizedRCNNTransform(40, 60, [0.5] * 3, [0.25] * 3, _skip_resize=True)
    assert free(images)[0].image_sizes == [(20, 25), (30, 80)]
    for wrong, error, message in ((minidl.zeros(3, 4, 4).byte(), TypeError, "to be of floating type .* found type torch.uint8"),
                                  (minidl.rand(1, 3, 4, 4), ValueError, "list of 3d tensors")):
        with pytest.raises(error, match=message):
            prepare([wrong])


def test_masks_are_pasted_where_their_box_is() -> None:
    square = minidl.ones(1, 1, 8, 8)
    pasted = masks.paste_masks_in_image(square, minidl.tensor([[4.0, 6.0, 20.0, 14.0]]), (24, 30))[0, 0].numpy()
    assert pasted.shape == (24, 30) and (pasted[8:12, 6:18] > 0.99).all() and not pasted[:4].any() and not pasted[:, 24:].any()
    corner = masks.paste_masks_in_image(square, minidl.tensor([[0.0, 0.0, 30.0, 24.0]]), (24, 30))[0, 0].numpy()
    assert (corner[2:22, 3:27] > 0.99).all()
    assert masks.paste_masks_in_image(minidl.zeros(0, 1, 8, 8), minidl.zeros(0, 4), (5, 6)).shape == (0, 1, 5, 6)
    nothing = minidl.zeros(0, 2, 4, 4, requires_grad=True)
    assert masks.maskrcnn_loss(nothing, [minidl.zeros(0, 4)], [minidl.zeros(1, 9, 9)], [minidl.tensor([1])], [minidl.zeros(0).long()]).item() == 0


def test_points_on_maps() -> None:
    points = minidl.tensor([[[2.0, 3.0, 1], [10.0, 20.0, 1], [3.0, 4.0, 0], [11.0, 4.0, 2]]])
    places, valid = keypoints.keypoints_to_heatmap(points, minidl.tensor([[2.0, 0.0, 10.0, 20.0]]), 4)
    assert places.tolist() == [[0, 15, 0, 0]] and valid.tolist() == [[1, 1, 0, 0]]  # the last is beyond the box
    maps = minidl.zeros(1, 2, 4, 4)
    maps[0, 0, 1, 2] = maps[0, 1, 3, 0] = 5
    found, scores = keypoints.heatmaps_to_keypoints(maps, minidl.tensor([[10.0, 20.0, 14.0, 24.0]]))
    assert found.tolist() == [[[12.5, 21.5, 1], [10.5, 23.5, 1]]] and scores.tolist() == [[5, 5]]
    with pytest.raises(ValueError, match="Instead got H = 4 and W = 5"):
        keypoints.keypointrcnn_loss(minidl.zeros(1, 2, 4, 5), [], [], [])
    hidden = points * minidl.tensor([1.0, 1, 0])
    logits = minidl.zeros(1, 4, 4, 4, requires_grad=True)
    assert keypoints.keypointrcnn_loss(logits, [minidl.tensor([[2.0, 0.0, 10.0, 20.0]])], [hidden], [minidl.tensor([0])]).item() == 0


def test_images_without_objects() -> None:
    """The losses of boxes are 0, those of classes are not."""
    empty = [{"boxes": minidl.zeros(0, 4).double(), "labels": minidl.zeros(0).long()}] * 2
    for name in ("retinanet", "fcos", "fasterrcnn", "ssd"):
        model = detectors.fill(minidl, detectors.DETECTORS[name](minidl))
        losses = model(detectors.images(minidl), empty)
        for key, loss in losses.items():
            assert (loss.item() == 0) == any(part in key for part in ("box", "ctrness")) or name == "ssd", (name, key)
        sum(losses.values()).backward()


# ---- backbones, heads and files


def test_backbones_freeze_their_first_layers() -> None:
    for layers, frozen in ((0, {"conv1", "layer1", "layer2", "layer3", "layer4"}), (3, {"conv1", "layer1"}), (5, set())):
        backbone = backbone_utils.resnet_fpn_backbone(backbone_name="resnet18", trainable_layers=layers)
        assert {name.split(".")[0] for name, p in backbone.body.named_parameters() if not p.requires_grad} == frozen
    mobile: Any = backbone_utils.mobilenet_backbone(backbone_name="mobilenet_v2", fpn=True, trainable_layers=2)
    assert [tuple(x.shape) for x in mobile(minidl.rand(1, 3, 64, 64)).values()] == [(1, 256, 2, 2), (1, 256, 2, 2), (1, 256, 1, 1)]
    assert {int(name.split(".")[0]) for name, p in mobile.body.named_parameters() if p.requires_grad} == {14, 15, 16, 17, 18}
    plain: Any = backbone_utils.mobilenet_backbone(backbone_name="mobilenet_v3_small", fpn=False, trainable_layers=0)
    assert plain(minidl.rand(1, 3, 64, 64)).shape == (1, 256, 2, 2) and plain.out_channels == 256
    assert not any(p.requires_grad for p in plain[0].parameters()) and plain[1].weight.requires_grad
    for build, message in ((lambda: backbone_utils.resnet_fpn_backbone(backbone_name="resnet18", trainable_layers=6), r"range \[0,5\], got 6"),
                           (lambda: backbone_utils.resnet_fpn_backbone(backbone_name="resnet18", returned_layers=[0, 1]), r"range \[1,4\]. Got \[0, 1\]"),
                           (lambda: backbone_utils.mobilenet_backbone(backbone_name="mobilenet_v2", fpn=True, trainable_layers=9), r"\[0,6\], got 9"),
                           (lambda: backbone_utils.mobilenet_backbone(backbone_name="mobilenet_v2", fpn=True, returned_layers=[6]), r"\[0,5\], got \[6\]"),
                           (lambda: backbone_utils._validate_trainable_layers(True, 7, 6, 3), r"\[0,6\], got 7")):
        with pytest.raises(ValueError, match=message):
            build()
    assert backbone_utils._validate_trainable_layers(True, None, 6, 3) == 3
    with pytest.warns(UserWarning, match="falling back to trainable_backbone_layers=5"):
        assert backbone_utils._validate_trainable_layers(False, 2, 5, 3) == 5


def test_older_files_of_heads() -> None:
    for head, renames in ((RPNHead(4, 2), {"conv.0.0.": "conv."}),
                          (detection.retinanet.RetinaNetClassificationHead(4, 2, 3), {f"conv.{i}.0.": f"conv.{2 * i}." for i in (3, 2, 1, 0)}),
                          (detection.mask_rcnn.MaskRCNNHeads(4, (5, 6), 1), {"0.0.": "mask_fcn1.", "1.0.": "mask_fcn2."})):
        older = OrderedDict()
        for key, value in head.state_dict().items():
            new = next((new for new in renames if key.startswith(new)), "")
            older[renames.get(new, "") + key.removeprefix(new)] = value + 1
        before = {key: value.numpy().copy() for key, value in head.state_dict().items()}
        head.load_state_dict(older)
        for key, value in head.state_dict().items():
            np.testing.assert_array_equal(value.numpy(), before[key] + 1, err_msg=key)


def test_the_eps_of_fixed_statistics() -> None:
    backbone = detectors.backbone(minidl)
    _utils.overwrite_eps(backbone, 0.0)
    assert {m.eps for m in backbone.modules() if isinstance(m, _utils.FrozenBatchNorm2d)} == {0.0}


def test_fine_tuning_replaces_the_last_layers() -> None:
    model = detectors.fasterrcnn(minidl)
    model.roi_heads.box_predictor = FastRCNNPredictor(model.roi_heads.box_predictor.cls_score.in_features, 2)
    targets = [{"boxes": minidl.tensor([[2.0, 3, 20, 30]]), "labels": minidl.tensor([1])}] * 2
    losses = model([minidl.rand(3, 60, 70), minidl.rand(3, 50, 50)], targets)
    assert set(losses) == {"loss_classifier", "loss_box_reg", "loss_objectness", "loss_rpn_box_reg"} and all(loss.isfinite() for loss in losses.values())
    sum(losses.values()).backward()
    assert model.roi_heads.box_predictor.cls_score.weight.grad.abs().sum() > 0


# ---- what is rejected


def test_targets_that_do_not_fit() -> None:
    image = [minidl.rand(3, 60, 60)]
    boxes, labels = minidl.tensor([[2.0, 3, 20, 30]]), minidl.tensor([1])
    for name in ("retinanet", "fasterrcnn"):
        model = detectors.DETECTORS[name](minidl)
        for targets, message in ((None, "targets should not be none when in training mode"), ([{"boxes": [1]}], "to be of type Tensor, got <class 'list'>"),
                                 ([{"boxes": boxes[0], "labels": labels}], r"shape \[N, 4\], got torch.Size\(\[4\]\)"),
                                 ([{"boxes": boxes[:, [2, 1, 0, 3]], "labels": labels}], r"Found invalid box \[.*\] for target at index 0")):
            with pytest.raises(AssertionError, match=message):
                model(image, targets)
    model = detectors.keypointrcnn(minidl)
    heads = roi_heads.RoIHeads
    for target, error, message in (({"boxes": boxes}, ValueError, "should have a labels key"), ({"boxes": boxes.long()}, TypeError, "boxes must be of float64 type"),
                                   ({"boxes": boxes, "labels": labels.float()}, TypeError, "labels must be of int64 type, instead got torch.float32"),
                                   ({"boxes": boxes, "labels": labels, "keypoints": labels}, TypeError, "keypoints must be of float32 type")):
        with pytest.raises(error, match=message):
            heads.check_targets(model.roi_heads, [target])
    with pytest.raises(ValueError, match="should have a masks key"):
        heads.check_targets(detectors.maskrcnn(minidl).roi_heads, [{"boxes": boxes, "labels": labels}])
    for part in (model.roi_heads.check_targets,):
        with pytest.raises(ValueError, match="targets should not be None"):
            part(None)


@pytest.mark.parametrize(("build", "error", "message"), [
    (lambda b: detection.FasterRCNN(nn.Identity(), 2), ValueError, "attribute out_channels"),
    (lambda b: detection.RetinaNet(nn.Identity(), 2), ValueError, "attribute out_channels"),
    (lambda b: detection.FasterRCNN(b), ValueError, "num_classes should be None when box_predictor is specified, and not None when it is not"),
    (lambda b: detection.FasterRCNN(b, 2, rpn_anchor_generator=nn.Identity()), TypeError, "rpn_anchor_generator should be of type AnchorGenerator or None"),
    (lambda b: detection.FasterRCNN(b, 2, box_roi_pool=nn.Identity()), TypeError, "box_roi_pool should be of type MultiScaleRoIAlign or None"),
    (lambda b: detection.RetinaNet(b, 2, anchor_generator=nn.Identity()), TypeError, "anchor_generator should be of type AnchorGenerator or None"),
    (lambda b: detection.FCOS(b, 2, anchor_generator=detectors.anchors(minidl, (8,))), ValueError, "should be 1 instead of 2"),
    (lambda b: detection.MaskRCNN(b, 2, mask_roi_pool=nn.Identity()), TypeError, "mask_roi_pool should be of type MultiScaleRoIAlign"),
    (lambda b: detection.MaskRCNN(b, 2, mask_predictor=nn.Identity()), ValueError, "num_classes should be None when mask_predictor"),
    (lambda b: detection.KeypointRCNN(b, 2, keypoint_roi_pool=nn.Identity()), TypeError, "keypoint_roi_pool should be of type MultiScaleRoIAlign"),
    (lambda b: detection.KeypointRCNN(b, 2, keypoint_predictor=nn.Identity(), num_keypoints=3), ValueError, "num_keypoints should be None"),
    (lambda b: detection.ssd.SSD(b, anchor_utils.DefaultBoxGenerator([[2]]), (64, 64), 2, head=None), TypeError, "has no len"),
    (lambda b: FastRCNNPredictor(4, 2)(minidl.zeros(1, 4, 2, 2)), AssertionError, r"to be \[1,1\] instead of \[2, 2\]"),
    (lambda b: _utils.box_loss("l3", None, None, None, None), AssertionError, "Unsupported loss: l3"),
])
def test_parts_that_do_not_fit(build: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        build(detectors.backbone(minidl))


def test_ssd_looks_for_the_widths_of_its_backbone() -> None:
    backbone = detectors.backbone(minidl).train()
    assert _utils.retrieve_out_channels(backbone, (64, 48)) == [12, 12, 12] and backbone.training
    del backbone.out_channels
    generator = anchor_utils.DefaultBoxGenerator([[2], [2], [2]])
    model = detection.ssd.SSD(backbone, generator, (64, 64), 3)
    assert [m.out_channels for m in model.head.classification_head.module_list] == [12, 12, 12]
    with pytest.raises(ValueError, match=r"from the backbone \(3\) do not match .* aspect ratios \(1\)"):
        detection.ssd.SSD(backbone, anchor_utils.DefaultBoxGenerator([[2]]), (64, 64), 2)
