"""Detectors small enough to compare value by value, images and targets for them, and what is compared.

Each is built by a function of ``T``, a package with `nn` and `models`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import cases


def backbone(T: Any) -> Any:
    """A ResNet of one block in each stage, with fixed statistics, and a pyramid of maps of 8, 16 and 32 pixels."""
    D = T.models.detection
    resnet = T.models.ResNet(T.models.resnet.BasicBlock, [1, 1, 1, 1], norm_layer=D._utils.FrozenBatchNorm2d)
    return D.backbone_utils.BackboneWithFPN(resnet, {"layer2": "0", "layer3": "1"}, [128, 256], 12)


def anchors(T: Any, *sizes: tuple[int, ...], ratios: tuple[float, ...] = (0.5, 1.0)) -> Any:
    return T.models.detection.anchor_utils.AnchorGenerator(sizes, (ratios,) * len(sizes))


SIZES = {"min_size": [80, 96], "max_size": 120}


def heads(T: Any, box_head: Any = None) -> dict[str, Any]:
    """What is small of Faster R-CNN."""
    D = T.models.detection
    return {**SIZES, "rpn_anchor_generator": anchors(T, (16, 24), (40, 48), (64, 80)), "rpn_post_nms_top_n_train": 40, "rpn_post_nms_top_n_test": 30,
            "rpn_pre_nms_top_n_test": 60, "box_roi_pool": D.faster_rcnn.MultiScaleRoIAlign(["0", "1"], 4, 2),
            "box_head": box_head or D.faster_rcnn.TwoMLPHead(12 * 16, 20), "box_predictor": D.faster_rcnn.FastRCNNPredictor(20, 4),
            "box_batch_size_per_image": 16, "rpn_batch_size_per_image": 32, "box_score_thresh": 0.2, "box_nms_thresh": 0.3, "box_detections_per_img": 9}


def retinanet(T: Any) -> Any:
    return T.models.detection.RetinaNet(backbone(T), 4, **SIZES, anchor_generator=anchors(T, (16, 24), (40, 48), (64, 80)), topk_candidates=30,
                                        detections_per_img=12)


def retinanet_giou(T: Any) -> Any:
    generator = anchors(T, (16,), (40,), (64,))
    head = T.models.detection.retinanet.RetinaNetHead(12, 2, 4, lambda width: T.nn.GroupNorm(4, width))
    head.regression_head._loss_type = "giou"
    return T.models.detection.RetinaNet(backbone(T), 4, **SIZES, anchor_generator=generator, head=head, detections_per_img=12)


def fcos(T: Any) -> Any:
    D = T.models.detection
    head = D.fcos.FCOSHead(12, 1, 4, 0)
    head.classification_head = D.fcos.FCOSClassificationHead(12, 1, 4, 2, norm_layer=lambda width: T.nn.GroupNorm(3, width))
    head.regression_head = D.fcos.FCOSRegressionHead(12, 1, 2, norm_layer=lambda width: T.nn.GroupNorm(3, width))
    return D.FCOS(backbone(T), 4, **SIZES, anchor_generator=anchors(T, (8,), (16,), (32,), ratios=(1.0,)), head=head, detections_per_img=12)


def fasterrcnn(T: Any) -> Any:
    return T.models.detection.FasterRCNN(backbone(T), None, **heads(T))


def fasterrcnn_convolutional(T: Any) -> Any:
    D = T.models.detection
    box_head = D.faster_rcnn.FastRCNNConvFCHead((12, 4, 4), [8, 6], [20], T.nn.BatchNorm2d)
    return D.FasterRCNN(backbone(T), None, **heads(T, box_head), rpn_head=D.rpn.RPNHead(12, 4, 2))


def maskrcnn(T: Any) -> Any:
    D = T.models.detection
    return D.MaskRCNN(backbone(T), None, **heads(T), mask_roi_pool=D.faster_rcnn.MultiScaleRoIAlign(["0", "1"], 6, 2),
                      mask_head=D.mask_rcnn.MaskRCNNHeads(12, (8, 8), 1), mask_predictor=D.mask_rcnn.MaskRCNNPredictor(8, 6, 4))


def keypointrcnn(T: Any) -> Any:
    D = T.models.detection
    return D.KeypointRCNN(backbone(T), None, **heads(T), keypoint_roi_pool=D.faster_rcnn.MultiScaleRoIAlign(["0", "1"], 6, 2),
                          keypoint_head=D.keypoint_rcnn.KeypointRCNNHeads(12, (8, 8)), keypoint_predictor=D.keypoint_rcnn.KeypointRCNNPredictor(8, 3))


def ssd(T: Any) -> Any:
    D = T.models.detection
    generator = D.anchor_utils.DefaultBoxGenerator([[2], [2, 3], [2]], min_ratio=0.2, max_ratio=0.8)
    return D.ssd.SSD(backbone(T), generator, (104, 80), 4, head=D.ssd.SSDHead([12, 12, 12], generator.num_anchors_per_location(), 4), topk_candidates=20,
                 score_thresh=0.2, detections_per_img=12)


def ssdlite(T: Any) -> Any:
    D = T.models.detection
    generator = D.anchor_utils.DefaultBoxGenerator([[2, 3]] * 6, scales=[0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0], clip=False)
    features = T.models.mobilenet_v3_large(width_mult=0.25, reduced_tail=True).features
    body = D.ssdlite.SSDLiteFeatureExtractorMobileNet(features, 13, T.nn.BatchNorm2d, 0.05)
    head = D.ssdlite.SSDLiteHead(D._utils.retrieve_out_channels(body, (128, 128)), generator.num_anchors_per_location(), 4, T.nn.BatchNorm2d)
    return D.ssd.SSD(body, generator, (128, 128), 4, head=head, topk_candidates=20, score_thresh=0.2, detections_per_img=12)


DETECTORS: dict[str, Callable[[Any], Any]] = {f.__name__: f for f in (retinanet, retinanet_giou, fcos, fasterrcnn, fasterrcnn_convolutional, maskrcnn,
                                                                      keypointrcnn, ssd, ssdlite)}
LAST = ("cls_logits", "cls_score", "bbox_reg", "bbox_pred", "bbox_ctrness", "module_list")


def fill(T: Any, model: Any) -> Any:
    """`cases.fill`, with small weights in the last layers, so that no probability is 1 and no box is far away."""
    cases.fill(T, model)
    with T.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith(("weight", "bias")) and any(part in name for part in LAST):
                value.mul_(0.1)
    return model


def images(T: Any) -> list[Any]:
    rng = np.random.default_rng(0)
    return [T.tensor(rng.random(shape)) for shape in ((3, 60, 75), (3, 72, 56))]


def targets(T: Any, name: str) -> list[dict[str, Any]]:
    """Three objects and one."""
    rng = np.random.default_rng(1)
    found = []
    for count, (height, width) in ((3, (60, 75)), (1, (72, 56))):
        first = rng.uniform(2, 25, (count, 2))
        boxes = np.concatenate([first, first + rng.uniform(12, 28, (count, 2))], 1)
        target = {"boxes": T.tensor(boxes), "labels": T.tensor(rng.integers(1, 4, count))}
        if name == "maskrcnn":
            target["masks"] = T.tensor((rng.random((count, height, width)) > 0.5).astype("uint8"))
        if name == "keypointrcnn":
            place = boxes[:, None, :2] + rng.uniform(-0.1, 1.1, (count, 3, 2)) * (boxes[:, None, 2:] - boxes[:, None, :2])
            target["keypoints"] = T.tensor(np.concatenate([place, rng.integers(0, 3, (count, 3, 1))], 2).astype("float32"))
        found.append(target)
    return found


def run(T: Any, model: Any, name: str) -> dict[str, Any]:
    """Losses, a sketch of their sum's gradients in all parameters, and sketches of what is found in each image, all in float64."""
    model.train()
    T.manual_seed(7)
    losses = model(images(T), targets(T, name))
    sum(losses.values()).backward()
    grads = np.concatenate([p.grad.numpy().ravel() for p in model.parameters() if p.grad is not None])
    model.eval()
    with T.no_grad():
        found = model(images(T))
    return {"losses": {key: float(loss) for key, loss in losses.items()}, "gradients": cases.sketch(T.tensor(grads)),
            "found": [{key: cases.sketch(value)[0] for key, value in each.items()} for each in found]}
