"""What the segmentation networks share."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...nn import functional as F

__all__ = ["_SimpleSegmentationModel"]


class _SimpleSegmentationModel(nn.Module):
    """Classifies the features of `backbone` (a dict with ``"out"`` and, for the auxiliary classifier, ``"aux"``) and enlarges the result.

    (N, 3, H, W) to an OrderedDict of (N, num_classes, H, W): ``"out"`` and, if there is an auxiliary classifier, ``"aux"``.
    """

    def __init__(self, backbone: nn.Module, classifier: nn.Module, aux_classifier: nn.Module | None = None) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = classifier
        self.aux_classifier = aux_classifier

    def forward(self, x: Any) -> OrderedDict[str, Tensor]:
        features = self.backbone(x)
        heads = OrderedDict(out=self.classifier, aux=self.aux_classifier)
        return OrderedDict((name, F.interpolate(head(features[name]), size=x.shape[-2:], mode="bilinear", align_corners=False))
                           for name, head in heads.items() if head is not None)
