"""What of ``torchvision.models._utils`` other code imports."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from .. import nn
from .layers import make_divisible as _make_divisible

__all__ = ["IntermediateLayerGetter", "_make_divisible", "stage_starts"]


def stage_starts(features: Any) -> list[int]:
    """Of a MobileNet's layers, the first, those that halve the size, as far as blocks, and the last."""
    return [0, *(i for i, block in enumerate(features) if getattr(block, "_is_cn", False)), len(features) - 1]


class IntermediateLayerGetter(nn.ModuleDict):
    """The children of a model up to the last one asked for, run one after the other; the outputs asked for, under new names.

    `return_layers` maps children's names to the names in the OrderedDict that a call returns. The model must use its children in the
    order in which it holds them, as a ResNet does up to its pooling; ValueError if a name is not a child's.

    >>> from minidl import models, nn, rand
    >>> model = models.resnet18()
    >>> features = models._utils.IntermediateLayerGetter(model, {"layer1": "low", "layer3": "high"})
    >>> [(name, tuple(x.shape)) for name, x in features(rand(1, 3, 64, 64)).items()]
    [('low', (1, 64, 16, 16)), ('high', (1, 256, 4, 4))]

    The same surgery by hand, where only the last output is wanted, here without the pooling and the classifier:

    >>> trunk = nn.Sequential(*list(model.children())[:-2])
    >>> trunk(rand(1, 3, 64, 64)).shape
    torch.Size([1, 512, 2, 2])
    """

    def __init__(self, model: nn.Module, return_layers: dict[str, str]) -> None:
        children = dict(model.named_children())
        if not set(return_layers) <= set(children):
            raise ValueError("return_layers are not present in model")
        last = max(map(list(children).index, return_layers), default=-1)
        super().__init__(OrderedDict(list(children.items())[:last + 1]))
        self.return_layers = return_layers

    def forward(self, x: Any) -> OrderedDict[str, Any]:
        out = OrderedDict()
        for name, module in self.items():
            x = module(x)
            if name in self.return_layers:
                out[self.return_layers[name]] = x
        return out
