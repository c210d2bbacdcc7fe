"""Feature pyramids: maps of several sizes, each with what the coarser ones know."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...nn import functional as F
from ..layers import Conv2dNormActivation, initialise

__all__ = ["ExtraFPNBlock", "FeaturePyramidNetwork", "LastLevelMaxPool", "LastLevelP6P7"]

_uniform = partial(nn.init.kaiming_uniform_, a=1)


class ExtraFPNBlock(nn.Module):
    """What adds coarser maps: called with the pyramid's maps, the maps that it was made of, and their names; returns maps and names."""

    def forward(self, results: list[Tensor], x: list[Tensor], names: list[str]) -> tuple[list[Tensor], list[str]]:
        raise NotImplementedError


class FeaturePyramidNetwork(nn.Module):
    """Each map of `x`, the finest first, brought to `out_channels`, plus the coarser result, enlarged; then a 3 x 3 convolution.

    P_i = conv3(S_i), S_i = conv1(C_i) + enlarged S_(i+1). Lin, Dollar, Girshick, He, Hariharan, Belongie: Feature pyramid networks for object
    detection, 2017. Takes and returns an OrderedDict; `extra_blocks` adds further maps.

    >>> from minidl import rand
    >>> pyramid = FeaturePyramidNetwork([8, 16], 4)
    >>> [(name, tuple(p.shape)) for name, p in pyramid(OrderedDict(fine=rand(1, 8, 8, 8), coarse=rand(1, 16, 4, 4))).items()]
    [('fine', (1, 4, 8, 8)), ('coarse', (1, 4, 4, 4))]
    """

    _version = 2

    def __init__(self, in_channels_list: Sequence[int], out_channels: int, extra_blocks: ExtraFPNBlock | None = None,
                 norm_layer: Callable[..., nn.Module] | None = None) -> None:
        super().__init__()
        self.inner_blocks = nn.ModuleList()
        self.layer_blocks = nn.ModuleList()
        for in_channels in in_channels_list:
            if in_channels == 0:
                raise ValueError("in_channels=0 is currently not supported")
            self.inner_blocks.append(Conv2dNormActivation(in_channels, out_channels, 1, norm_layer=norm_layer, activation_layer=None))
            self.layer_blocks.append(Conv2dNormActivation(out_channels, out_channels, 3, norm_layer=norm_layer, activation_layer=None))
        initialise(self, _uniform, _uniform)
        if extra_blocks is not None and not isinstance(extra_blocks, ExtraFPNBlock):
            raise TypeError(f"extra_blocks should be of type ExtraFPNBlock not {type(extra_blocks)}")
        self.extra_blocks = extra_blocks

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        for block in ("inner_blocks", "layer_blocks"):  # were convolutions alone in torchvision's older files
            for i in range(len(self.inner_blocks)):
                for kind in ("weight", "bias"):
                    if f"{prefix}{block}.{i}.{kind}" in state_dict:
                        state_dict[f"{prefix}{block}.{i}.0.{kind}"] = state_dict.pop(f"{prefix}{block}.{i}.{kind}")
        super()._load_from_state_dict(state_dict, prefix, *args)

    def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        names, maps = list(x), list(x.values())
        results: list[Tensor] = []
        coarser: Any = None
        for feature, inner, layer in reversed(list(zip(maps, self.inner_blocks, self.layer_blocks))):
            sum_ = inner(feature)
            if coarser is not None:
                sum_ = sum_ + F.interpolate(coarser, size=sum_.shape[-2:], mode="nearest")
            results.insert(0, layer(sum_))
            coarser = sum_
        if self.extra_blocks is not None:
            results, names = self.extra_blocks(results, maps, names)
        return OrderedDict(zip(names, results))


class LastLevelMaxPool(ExtraFPNBlock):
    """Adds ``"pool"``: every other place of the coarsest map."""

    def forward(self, results: list[Tensor], x: list[Tensor], names: list[str]) -> tuple[list[Tensor], list[str]]:
        return [*results, F.max_pool2d(results[-1], 1, 2)], [*names, "pool"]


class LastLevelP6P7(ExtraFPNBlock):
    """Adds ``"p6"`` and ``"p7"`` by convolutions of stride 2, from the last map of the pyramid, or from what that was made of if its width is another."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.p6 = nn.Conv2d(in_channels, out_channels, 3, 2, 1)
        self.p7 = nn.Conv2d(out_channels, out_channels, 3, 2, 1)
        initialise(self, _uniform, _uniform)
        self.use_P5 = in_channels == out_channels

    def forward(self, results: list[Tensor], x: list[Tensor], names: list[str]) -> tuple[list[Tensor], list[str]]:
        p6 = self.p6((results if self.use_P5 else x)[-1])
        return [*results, p6, self.p7(F.relu(p6))], [*names, "p6", "p7"]
