"""Mask R-CNN: Faster R-CNN with a small map for each class of each region, in which its pixels are told from the others."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from ... import nn
from ..layers import Conv2dNormActivation, he_fan_out
from ..ops import MultiScaleRoIAlign
from ..registry import register_model
from .faster_rcnn import FasterRCNN, improved, resnet50_pyramid

__all__ = ["MaskRCNN", "MaskRCNNHeads", "MaskRCNNPredictor", "maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2"]


class MaskRCNNHeads(nn.Sequential):
    """3 x 3 convolutions of widths `layers`."""

    _version = 2

    def __init__(self, in_channels: int, layers: Sequence[int], dilation: int, norm_layer: Callable[..., nn.Module] | None = None) -> None:
        blocks = []
        for width in layers:
            blocks.append(Conv2dNormActivation(in_channels, width, 3, padding=dilation, dilation=dilation, norm_layer=norm_layer))
            in_channels = width
        super().__init__(*blocks)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                he_fan_out(m.weight)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        for i in range(len(self)):  # names in torchvision's older files
            for kind in ("weight", "bias"):
                if f"{prefix}mask_fcn{i + 1}.{kind}" in state_dict:
                    state_dict[f"{prefix}{i}.0.{kind}"] = state_dict.pop(f"{prefix}mask_fcn{i + 1}.{kind}")
        super()._load_from_state_dict(state_dict, prefix, *args)


class MaskRCNNPredictor(nn.Sequential):
    """A transposed convolution that doubles the size, and a 1 x 1 to a map for each class."""

    def __init__(self, in_channels: int, dim_reduced: int, num_classes: int) -> None:
        super().__init__(OrderedDict(conv5_mask=nn.ConvTranspose2d(in_channels, dim_reduced, 2, 2), relu=nn.ReLU(inplace=True),
                                     mask_fcn_logits=nn.Conv2d(dim_reduced, num_classes, 1)))
        for name, parameter in self.named_parameters():
            if "weight" in name:
                he_fan_out(parameter)


class MaskRCNN(FasterRCNN):
    """He, Gkioxari, Dollar, Girshick: Mask R-CNN, 2017. Targets have ``"masks"`` (N, H, W) of 0 and 1, and so do the results, (N, 1, H, W) from 0 to 1.

    The arguments are `FasterRCNN`'s, and the pooling, head and predictor of masks.
    """

    def __init__(self, backbone: Any, num_classes: int | None = None, *args: Any, mask_roi_pool: Any = None, mask_head: nn.Module | None = None,
                 mask_predictor: nn.Module | None = None, **kwargs: Any) -> None:
        if not isinstance(mask_roi_pool, (MultiScaleRoIAlign, type(None))):
            raise TypeError(f"mask_roi_pool should be of type MultiScaleRoIAlign or None instead of {type(mask_roi_pool)}")
        if num_classes is not None and mask_predictor is not None:
            raise ValueError("num_classes should be None when mask_predictor is specified")
        pool = mask_roi_pool or MultiScaleRoIAlign(["0", "1", "2", "3"], 14, 2)
        head = MaskRCNNHeads(backbone.out_channels, (256,) * 4, 1) if mask_head is None else mask_head
        predictor = MaskRCNNPredictor(256, 256, num_classes) if num_classes is not None else mask_predictor
        super().__init__(backbone, num_classes, *args, **kwargs)
        self.roi_heads.mask_roi_pool = pool
        self.roi_heads.mask_head = head
        self.roi_heads.mask_predictor = predictor


@register_model
def maskrcnn_resnet50_fpn(num_classes: int | None = None, weights_backbone: Any = None, trainable_backbone_layers: int | None = None,
                          **kwargs: Any) -> MaskRCNN:
    """Mask R-CNN on a ResNet-50 with a pyramid; takes `num_classes` (91), `weights_backbone` (None, unlike torchvision's), and `MaskRCNN`'s."""
    return MaskRCNN(resnet50_pyramid(weights_backbone, trainable_backbone_layers), 91 if num_classes is None else num_classes, **kwargs)


@register_model
def maskrcnn_resnet50_fpn_v2(num_classes: int | None = None, weights_backbone: Any = None, trainable_backbone_layers: int | None = None,
                             **kwargs: Any) -> MaskRCNN:
    """Mask R-CNN with the heads of `fasterrcnn_resnet50_fpn_v2`."""
    backbone, heads = improved(weights_backbone, trainable_backbone_layers)
    masks = MaskRCNNHeads(backbone.out_channels, [256, 256, 256, 256], 1, nn.BatchNorm2d)
    return MaskRCNN(backbone, 91 if num_classes is None else num_classes, mask_head=masks, **heads, **kwargs)
