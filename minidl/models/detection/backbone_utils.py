"""Classifying networks as the first part of a detector."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from .. import mobilenetv2, mobilenetv3, resnet
from .._utils import IntermediateLayerGetter, stage_starts
from ..ops import FrozenBatchNorm2d
from ..ops.feature_pyramid_network import ExtraFPNBlock, FeaturePyramidNetwork, LastLevelMaxPool

__all__ = ["BackboneWithFPN", "mobilenet_backbone", "resnet_fpn_backbone"]


class BackboneWithFPN(nn.Module):
    """A pyramid on the outputs of those children of `backbone` that `return_layers` names, with their new names; `in_channels_list` are their widths."""

    def __init__(self, backbone: nn.Module, return_layers: dict[str, str], in_channels_list: Sequence[int], out_channels: int,
                 extra_blocks: ExtraFPNBlock | None = None, norm_layer: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        self.body = IntermediateLayerGetter(backbone, return_layers)
        self.fpn = FeaturePyramidNetwork(in_channels_list, out_channels, extra_blocks or LastLevelMaxPool(), norm_layer)
        self.out_channels = out_channels

    def forward(self, x: Any) -> dict[str, Tensor]:
        return self.fpn(self.body(x))


def resnet_fpn_backbone(*, backbone_name: str, weights: Any = None, norm_layer: Callable[..., nn.Module] = FrozenBatchNorm2d, trainable_layers: int = 3,
                        returned_layers: Sequence[int] | None = None, extra_blocks: ExtraFPNBlock | None = None) -> BackboneWithFPN:
    """A ResNet with a pyramid of 256 channels on the stages `returned_layers` (1 to 4); all but the last `trainable_layers` (0 to 5) are frozen.

    >>> backbone = resnet_fpn_backbone(backbone_name="resnet18", trainable_layers=5)
    >>> from minidl import rand
    >>> [(name, tuple(x.shape)) for name, x in backbone(rand(1, 3, 64, 64)).items()][::2]
    [('0', (1, 256, 16, 16)), ('2', (1, 256, 4, 4)), ('pool', (1, 256, 1, 1))]
    """
    return _resnet_fpn_extractor(getattr(resnet, backbone_name)(weights=weights, norm_layer=norm_layer), trainable_layers, returned_layers,
                                 extra_blocks)


def _resnet_fpn_extractor(backbone: Any, trainable_layers: int, returned_layers: Sequence[int] | None = None,
                          extra_blocks: ExtraFPNBlock | None = None, norm_layer: Callable[..., nn.Module] | None = None) -> BackboneWithFPN:
    if not 0 <= trainable_layers <= 5:
        raise ValueError(f"Trainable layers should be in the range [0,5], got {trainable_layers}")
    trained = ["layer4", "layer3", "layer2", "layer1", "conv1"][:trainable_layers] + (["bn1"] if trainable_layers == 5 else [])
    for name, parameter in backbone.named_parameters():
        if not name.startswith(tuple(trained)):
            parameter.requires_grad_(False)
    stages = [1, 2, 3, 4] if returned_layers is None else list(returned_layers)
    if min(stages) <= 0 or max(stages) >= 5:
        raise ValueError(f"Each returned layer should be in the range [1,4]. Got {stages}")
    return BackboneWithFPN(backbone, {f"layer{stage}": str(i) for i, stage in enumerate(stages)},
                           [backbone.inplanes // 16 * 2 ** stage for stage in stages], 256, extra_blocks, norm_layer)


def _validate_trainable_layers(is_trained: bool, trainable_backbone_layers: int | None, max_value: int, default_value: int) -> int:
    """How many of a backbone's layers are trained: all, if nothing was loaded."""
    layers = trainable_backbone_layers
    if not is_trained:
        if layers is not None:
            warnings.warn("Changing trainable_backbone_layers has no effect if neither pretrained nor pretrained_backbone have been set to True, "
                          f"falling back to trainable_backbone_layers={max_value} so that all layers are trainable")
        return max_value
    layers = default_value if layers is None else layers
    if not 0 <= layers <= max_value:
        raise ValueError(f"Trainable backbone layers should be in the range [0,{max_value}], got {layers} ")
    return layers


def mobilenet_backbone(*, backbone_name: str, weights: Any = None, fpn: bool, norm_layer: Callable[..., nn.Module] = FrozenBatchNorm2d,
                       trainable_layers: int = 2, returned_layers: Sequence[int] | None = None,
                       extra_blocks: ExtraFPNBlock | None = None) -> nn.Module:
    """A MobileNet with a pyramid of 256 channels on some of its stages, by default the last two, or with a 1 x 1 convolution to 256 channels."""
    builders = {**vars(mobilenetv2), **vars(mobilenetv3)}
    return _mobilenet_extractor(builders[backbone_name](weights=weights, norm_layer=norm_layer), fpn, trainable_layers, returned_layers, extra_blocks)


def _mobilenet_extractor(backbone: Any, fpn: bool, trainable_layers: int, returned_layers: Sequence[int] | None = None,
                         extra_blocks: ExtraFPNBlock | None = None, norm_layer: Callable[..., nn.Module] | None = None) -> nn.Module:
    features = backbone.features
    starts = stage_starts(features)
    if not 0 <= trainable_layers <= len(starts):
        raise ValueError(f"Trainable layers should be in the range [0,{len(starts)}], got {trainable_layers} ")
    for block in features[:([*starts, len(features)])[len(starts) - trainable_layers]]:
        block.requires_grad_(False)
    if not fpn:
        both: Any = nn.Sequential(features, nn.Conv2d(features[-1].out_channels, 256, 1))
        both.out_channels = 256
        return both
    stages = [len(starts) - 2, len(starts) - 1] if returned_layers is None else list(returned_layers)
    if min(stages) < 0 or max(stages) >= len(starts):
        raise ValueError(f"Each returned layer should be in the range [0,{len(starts) - 1}], got {stages} ")
    return BackboneWithFPN(features, {str(starts[stage]): str(i) for i, stage in enumerate(stages)},
                           [features[starts[stage]].out_channels for stage in stages], 256, extra_blocks, norm_layer)
