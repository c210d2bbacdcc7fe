"""Keypoint R-CNN: Faster R-CNN with a map for each point of an object, on which the brightest place is the point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...nn import functional as F
from ..layers import he_fan_out, initialise
from ..ops import MultiScaleRoIAlign
from ..registry import register_model
from .faster_rcnn import FasterRCNN, resnet50_pyramid

__all__ = ["KeypointRCNN", "KeypointRCNNHeads", "KeypointRCNNPredictor", "keypointrcnn_resnet50_fpn"]


class KeypointRCNNHeads(nn.Sequential):
    """3 x 3 convolutions of widths `layers`, with ReLU."""

    def __init__(self, in_channels: int, layers: Sequence[int]) -> None:
        blocks: list[nn.Module] = []
        for width in layers:
            blocks += [nn.Conv2d(in_channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            in_channels = width
        super().__init__(*blocks)
        initialise(self, he_fan_out, he_fan_out)


class KeypointRCNNPredictor(nn.Module):
    """A transposed convolution to a map for each point, and another doubling of the size by interpolation."""

    def __init__(self, in_channels: int, num_keypoints: int) -> None:
        super().__init__()
        self.kps_score_lowres = nn.ConvTranspose2d(in_channels, num_keypoints, 4, 2, 1)
        he_fan_out(self.kps_score_lowres.weight)
        nn.init.zeros_(self.kps_score_lowres.bias)
        self.up_scale = 2
        self.out_channels = num_keypoints

    def forward(self, x: Any) -> Tensor:
        return F.interpolate(self.kps_score_lowres(x), scale_factor=float(self.up_scale), mode="bilinear", align_corners=False)


class KeypointRCNN(FasterRCNN):
    """He, Gkioxari, Dollar, Girshick: Mask R-CNN, 2017, section 5. Targets have ``"keypoints"`` (N, K, 3): x, y, and above 0 if visible.

    So do the results, with 1, and ``"keypoints_scores"`` (N, K). The arguments are `FasterRCNN`'s, and the pooling, head and predictor of points.
    """

    def __init__(self, backbone: Any, num_classes: int | None = None, min_size: Any = None, *args: Any, keypoint_roi_pool: Any = None,
                 keypoint_head: nn.Module | None = None, keypoint_predictor: nn.Module | None = None, num_keypoints: int | None = None,
                 **kwargs: Any) -> None:
        if not isinstance(keypoint_roi_pool, (MultiScaleRoIAlign, type(None))):
            raise TypeError(f"keypoint_roi_pool should be of type MultiScaleRoIAlign or None instead of {type(keypoint_roi_pool)}")
        if num_keypoints is not None and keypoint_predictor is not None:
            raise ValueError("num_keypoints should be None when keypoint_predictor is specified")
        pool = keypoint_roi_pool or MultiScaleRoIAlign(["0", "1", "2", "3"], 14, 2)
        head = KeypointRCNNHeads(backbone.out_channels, (512,) * 8) if keypoint_head is None else keypoint_head
        if keypoint_predictor is None:
            keypoint_predictor = KeypointRCNNPredictor(512, 17 if num_keypoints is None else num_keypoints)
        super().__init__(backbone, num_classes, (640, 672, 704, 736, 768, 800) if min_size is None else min_size, *args, **kwargs)
        self.roi_heads.keypoint_roi_pool = pool
        self.roi_heads.keypoint_head = head
        self.roi_heads.keypoint_predictor = keypoint_predictor


@register_model
def keypointrcnn_resnet50_fpn(num_classes: int | None = None, num_keypoints: int | None = None, weights_backbone: Any = None,
                              trainable_backbone_layers: int | None = None, **kwargs: Any) -> KeypointRCNN:
    """Keypoint R-CNN on a ResNet-50 with a pyramid; takes `num_classes` (2), `num_keypoints` (17), `weights_backbone` (None, unlike torchvision's)."""
    return KeypointRCNN(resnet50_pyramid(weights_backbone, trainable_backbone_layers), 2 if num_classes is None else num_classes,
                        num_keypoints=num_keypoints, **kwargs)
