"""Faster R-CNN: the proposals' network and the heads share one backbone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...nn import functional as F
from ..layers import Conv2dNormActivation, he_fan_out
from ..mobilenetv3 import mobilenet_v3_large
from ..ops import FrozenBatchNorm2d, MultiScaleRoIAlign
from ..ops.feature_pyramid_network import LastLevelMaxPool
from ..registry import register_model
from ..resnet import resnet50
from .anchor_utils import AnchorGenerator
from .backbone_utils import _mobilenet_extractor, _resnet_fpn_extractor, _validate_trainable_layers
from .generalized_rcnn import GeneralizedRCNN
from .roi_heads import RoIHeads
from .rpn import RegionProposalNetwork, RPNHead
from .transform import GeneralizedRCNNTransform

__all__ = ["FasterRCNN", "FastRCNNConvFCHead", "FastRCNNPredictor", "TwoMLPHead", "fasterrcnn_mobilenet_v3_large_320_fpn",
           "fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_resnet50_fpn", "fasterrcnn_resnet50_fpn_v2"]


def _default_anchorgen() -> AnchorGenerator:
    return AnchorGenerator(((32,), (64,), (128,), (256,), (512,)), ((0.5, 1.0, 2.0),) * 5)


class TwoMLPHead(nn.Module):
    """Two linear layers with ReLU."""

    def __init__(self, in_channels: int, representation_size: int) -> None:
        super().__init__()
        self.fc6 = nn.Linear(in_channels, representation_size)
        self.fc7 = nn.Linear(representation_size, representation_size)

    def forward(self, x: Any) -> Tensor:
        return F.relu(self.fc7(F.relu(self.fc6(x.flatten(1)))))


class FastRCNNConvFCHead(nn.Sequential):
    """3 x 3 convolutions of widths `conv_layers`, then linear layers of widths `fc_layers`, for regions of `input_size`, (C, H, W)."""

    def __init__(self, input_size: tuple[int, int, int], conv_layers: Sequence[int], fc_layers: Sequence[int],
                 norm_layer: Callable[..., nn.Module] | None = None) -> None:
        channels, height, width = input_size
        blocks: list[nn.Module] = []
        for out in conv_layers:
            blocks.append(Conv2dNormActivation(channels, out, norm_layer=norm_layer))
            channels = out
        blocks.append(nn.Flatten())
        channels *= height * width
        for out in fc_layers:
            blocks += [nn.Linear(channels, out), nn.ReLU(inplace=True)]
            channels = out
        super().__init__(*blocks)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                he_fan_out(m.weight)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)


class FastRCNNPredictor(nn.Module):
    """From features of regions a number for each class, of which 0 is the background, and four for each class's box.

    What is replaced to fine-tune a detector: ``model.roi_heads.box_predictor = FastRCNNPredictor(1024, num_classes)``.
    """

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.cls_score = nn.Linear(in_channels, num_classes)
        self.bbox_pred = nn.Linear(in_channels, num_classes * 4)

    def forward(self, x: Any) -> tuple[Tensor, Tensor]:
        if x.dim() == 4 and tuple(x.shape[2:]) != (1, 1):
            raise AssertionError(f"x has the wrong shape, expecting the last two dimensions to be [1,1] instead of {list(x.shape[2:])}")
        x = x.flatten(1)
        return self.cls_score(x), self.bbox_pred(x)


class FasterRCNN(GeneralizedRCNN):
    """Ren, He, Girshick, Sun: Faster R-CNN: towards real-time object detection with region proposal networks, 2015.

    `backbone` has `out_channels`, and returns a map or an OrderedDict of them. `num_classes` counts the background, or there is a `box_predictor`. The
    other arguments are those of `GeneralizedRCNNTransform`, `RegionProposalNetwork` (with ``rpn_``) and `RoIHeads` (with ``box_``).
    """

    def __init__(self, backbone: Any, num_classes: int | None = None, min_size: Any = 800, max_size: int = 1333,
                 image_mean: Sequence[float] | None = None, image_std: Sequence[float] | None = None, rpn_anchor_generator: Any = None,
                 rpn_head: nn.Module | None = None, rpn_pre_nms_top_n_train: int = 2000, rpn_pre_nms_top_n_test: int = 1000,
                 rpn_post_nms_top_n_train: int = 2000, rpn_post_nms_top_n_test: int = 1000, rpn_nms_thresh: float = 0.7,
                 rpn_fg_iou_thresh: float = 0.7, rpn_bg_iou_thresh: float = 0.3, rpn_batch_size_per_image: int = 256,
                 rpn_positive_fraction: float = 0.5, rpn_score_thresh: float = 0.0, box_roi_pool: Any = None, box_head: nn.Module | None = None,
                 box_predictor: nn.Module | None = None, box_score_thresh: float = 0.05, box_nms_thresh: float = 0.5,
                 box_detections_per_img: int = 100, box_fg_iou_thresh: float = 0.5, box_bg_iou_thresh: float = 0.5,
                 box_batch_size_per_image: int = 512, box_positive_fraction: float = 0.25, bbox_reg_weights: Sequence[float] | None = None,
                 **kwargs: Any) -> None:
        if not hasattr(backbone, "out_channels"):
            raise ValueError("backbone should contain an attribute out_channels specifying the number of output channels "
                             "(assumed to be the same for all the levels)")
        for name, value, kind in (("rpn_anchor_generator", rpn_anchor_generator, AnchorGenerator), ("box_roi_pool", box_roi_pool, MultiScaleRoIAlign)):
            if not isinstance(value, (kind, type(None))):
                raise TypeError(f"{name} should be of type {kind.__name__} or None instead of {type(value)}")
        if (num_classes is None) == (box_predictor is None):
            raise ValueError("num_classes should be None when box_predictor is specified, and not None when it is not")
        width = backbone.out_channels
        anchors = rpn_anchor_generator or _default_anchorgen()
        rpn = RegionProposalNetwork(
            anchors, RPNHead(width, anchors.num_anchors_per_location()[0]) if rpn_head is None else rpn_head, rpn_fg_iou_thresh, rpn_bg_iou_thresh,
            rpn_batch_size_per_image, rpn_positive_fraction, {"training": rpn_pre_nms_top_n_train, "testing": rpn_pre_nms_top_n_test},
            {"training": rpn_post_nms_top_n_train, "testing": rpn_post_nms_top_n_test}, rpn_nms_thresh, rpn_score_thresh)
        pool = box_roi_pool or MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2)
        head = TwoMLPHead(width * pool.output_size[0] ** 2, 1024) if box_head is None else box_head
        predictor: Any = box_predictor if num_classes is None else FastRCNNPredictor(1024, num_classes)
        roi_heads = RoIHeads(pool, head, predictor, box_fg_iou_thresh, box_bg_iou_thresh, box_batch_size_per_image, box_positive_fraction,
                             bbox_reg_weights, box_score_thresh, box_nms_thresh, box_detections_per_img)
        transform = GeneralizedRCNNTransform(min_size, max_size, image_mean or [0.485, 0.456, 0.406], image_std or [0.229, 0.224, 0.225], **kwargs)
        super().__init__(backbone, rpn, roi_heads, transform)


def resnet50_pyramid(weights_backbone: Any, trainable_backbone_layers: int | None, frozen: bool = True,
                     returned_layers: Sequence[int] | None = None, extra_blocks: Callable[[], Any] = LastLevelMaxPool,
                     norm_layer: Callable[..., nn.Module] | None = None) -> Any:
    """A ResNet-50 with a pyramid; trained ones have, unless `frozen` is False, fixed statistics."""
    trained = weights_backbone is not None
    layers = _validate_trainable_layers(trained, trainable_backbone_layers, 5, 3)
    resnet = resnet50(weights=weights_backbone, norm_layer=FrozenBatchNorm2d if trained and frozen else nn.BatchNorm2d)
    return _resnet_fpn_extractor(resnet, layers, returned_layers, extra_blocks(), norm_layer)


@register_model
def fasterrcnn_resnet50_fpn(num_classes: int | None = None, weights_backbone: Any = None, trainable_backbone_layers: int | None = None,
                            **kwargs: Any) -> FasterRCNN:
    """Faster R-CNN on a ResNet-50 with a pyramid; takes `num_classes` (91), `weights_backbone` (None, unlike torchvision's), and `FasterRCNN`'s."""
    return FasterRCNN(resnet50_pyramid(weights_backbone, trainable_backbone_layers), 91 if num_classes is None else num_classes, **kwargs)


def improved(weights_backbone: Any, trainable_backbone_layers: int | None) -> tuple[Any, dict[str, Any]]:
    """Of torchvision's second version the backbone and the heads: with batch normalisations and more convolutions."""
    backbone = resnet50_pyramid(weights_backbone, trainable_backbone_layers, frozen=False, norm_layer=nn.BatchNorm2d)
    anchors = _default_anchorgen()
    return backbone, {"rpn_anchor_generator": anchors,
                      "rpn_head": RPNHead(backbone.out_channels, anchors.num_anchors_per_location()[0], conv_depth=2),
                      "box_head": FastRCNNConvFCHead((backbone.out_channels, 7, 7), [256, 256, 256, 256], [1024], nn.BatchNorm2d)}


@register_model
def fasterrcnn_resnet50_fpn_v2(num_classes: int | None = None, weights_backbone: Any = None, trainable_backbone_layers: int | None = None,
                               **kwargs: Any) -> FasterRCNN:
    """Faster R-CNN with the heads of Li et al.: Benchmarking detection transfer learning with vision transformers, 2021."""
    backbone, heads = improved(weights_backbone, trainable_backbone_layers)
    return FasterRCNN(backbone, 91 if num_classes is None else num_classes, **heads, **kwargs)


@register_model
def fasterrcnn_mobilenet_v3_large_fpn(num_classes: int | None = None, weights_backbone: Any = None, trainable_backbone_layers: int | None = None,
                                      **kwargs: Any) -> FasterRCNN:
    """Faster R-CNN on a MobileNet v3 large with a pyramid."""
    trained = weights_backbone is not None
    layers = _validate_trainable_layers(trained, trainable_backbone_layers, 6, 3)
    backbone = mobilenet_v3_large(weights=weights_backbone, norm_layer=FrozenBatchNorm2d if trained else nn.BatchNorm2d)
    anchors = AnchorGenerator(((32, 64, 128, 256, 512),) * 3, ((0.5, 1.0, 2.0),) * 3)
    return FasterRCNN(_mobilenet_extractor(backbone, True, layers), 91 if num_classes is None else num_classes, rpn_anchor_generator=anchors,
                      **{"rpn_score_thresh": 0.05, **kwargs})


@register_model
def fasterrcnn_mobilenet_v3_large_320_fpn(**kwargs: Any) -> FasterRCNN:
    """`fasterrcnn_mobilenet_v3_large_fpn` for images of 320 pixels, and fewer proposals."""
    return fasterrcnn_mobilenet_v3_large_fpn(**{"min_size": 320, "max_size": 640, "rpn_pre_nms_top_n_test": 150, "rpn_post_nms_top_n_test": 150,
                                                **kwargs})
