"""Detectors in two steps: a network proposes regions, and heads look at each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import nn
from ._utils import check_boxes, check_targets, maps_of

__all__ = ["GeneralizedRCNN"]


class GeneralizedRCNN(nn.Module):
    """Called with images (3, H, W) from 0 to 1, of any sizes: for each a dict of ``"boxes"``, ``"labels"``, ``"scores"``, the best first.

    While training it takes targets too, for each image a dict of ``"boxes"`` (N, 4) and ``"labels"`` (N,), and returns a dict of losses.
    AssertionError for targets that are missing or whose boxes are not (N, 4) or are empty.
    """

    def __init__(self, backbone: nn.Module, rpn: nn.Module, roi_heads: nn.Module, transform: nn.Module) -> None:
        super().__init__()
        self.transform = transform
        self.backbone = backbone
        self.rpn = rpn
        self.roi_heads = roi_heads

    def forward(self, images: Sequence[Any], targets: Any = None) -> Any:
        check_targets(targets, self.training)
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        batch, targets = self.transform(images, targets)
        check_boxes(targets)
        features = maps_of(self.backbone, batch.tensors)
        proposals, losses = self.rpn(batch, features, targets)
        detections, own = self.roi_heads(features, proposals, batch.image_sizes, targets)
        if self.training:
            return {**own, **losses}
        return self.transform.postprocess(detections, batch.image_sizes, sizes)
