"""MnasNet: inverted residuals whose kernels, widths and depths were searched for speed on a phone."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

from .. import nn
from ..core.tensor import Tensor
from .layers import he_fan_out, initialise, make_divisible
from .registry import register_model

__all__ = ["MNASNet", "mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"]

# The paper's decay of running statistics, 0.9997, as PyTorch's momentum.
_norm = partial(nn.BatchNorm2d, momentum=1 - 0.9997)
_WIDTHS = (32, 16, 24, 40, 80, 96, 192, 320)
# Figure 7 of the paper, without squeeze-and-excitation (B1): kernel, stride of the first block, expansion, number of blocks.
_STACKS = ((3, 2, 3, 3), (5, 2, 3, 3), (5, 2, 6, 3), (3, 1, 6, 2), (5, 2, 6, 4), (3, 1, 6, 1))


class _InvertedResidual(nn.Module):
    """A 1 x 1 convolution to more channels, a depthwise one, a linear 1 x 1; a sum if the shape stays."""

    def __init__(self, in_ch: int, out_ch: int, kernel_size: int, stride: int, expansion_factor: int) -> None:
        super().__init__()
        mid_ch = in_ch * expansion_factor
        self.apply_residual = in_ch == out_ch and stride == 1
        self.layers = nn.Sequential(
            nn.Conv2d(in_ch, mid_ch, 1, bias=False), _norm(mid_ch), nn.ReLU(inplace=True),
            nn.Conv2d(mid_ch, mid_ch, kernel_size, stride, kernel_size // 2, groups=mid_ch, bias=False), _norm(mid_ch), nn.ReLU(inplace=True),
            nn.Conv2d(mid_ch, out_ch, 1, bias=False), _norm(out_ch))

    def forward(self, input: Any) -> Tensor:
        return self.layers(input) + input if self.apply_residual else self.layers(input)


def _stack(in_ch: int, out_ch: int, kernel_size: int, stride: int, expansion: int, repeats: int) -> nn.Sequential:
    return nn.Sequential(*(_InvertedResidual(out_ch if i else in_ch, out_ch, kernel_size, 1 if i else stride, expansion) for i in range(repeats)))


def _stem(first: int, second: int) -> list[nn.Module]:
    """A full convolution that halves the size, and a depthwise separable one."""
    return [nn.Conv2d(3, first, 3, 2, 1, bias=False), _norm(first), nn.ReLU(inplace=True),
            nn.Conv2d(first, first, 3, 1, 1, groups=first, bias=False), _norm(first), nn.ReLU(inplace=True),
            nn.Conv2d(first, second, 1, bias=False), _norm(second)]


class MNASNet(nn.Module):
    """A stem, six stacks of inverted residuals, a 1 x 1 convolution to 1280 channels, the mean, and a linear layer; widths times `alpha`.

    Tan, Chen, Pang, Vasudevan, Sandler, Howard, Le: MnasNet: platform-aware neural architecture search for mobile, 2019, the variant B1.
    Files of torchvision's first version, whose stem was not scaled, change the network when they are loaded, with a warning. Shape:
    (N, 3, H, W) to (N, num_classes). ValueError unless `alpha` is positive.
    """

    _version = 2

    def __init__(self, alpha: float, num_classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__()
        if alpha <= 0.0:
            raise ValueError(f"alpha should be greater than 0.0 instead of {alpha}")
        self.alpha = alpha
        self.num_classes = num_classes
        widths = self.widths()
        self.layers = nn.Sequential(
            *_stem(*widths[:2]), *(_stack(i, o, *row) for i, o, row in zip(widths[1:], widths[2:], _STACKS)),
            nn.Conv2d(widths[-1], 1280, 1, bias=False), _norm(1280), nn.ReLU(inplace=True))
        self.classifier = nn.Sequential(nn.Dropout(dropout, inplace=True), nn.Linear(1280, num_classes))
        initialise(self, he_fan_out, partial(nn.init.kaiming_uniform_, mode="fan_out", nonlinearity="sigmoid"))

    def widths(self) -> list[int]:
        return [make_divisible(width * self.alpha, 8) for width in _WIDTHS]

    def forward(self, x: Any) -> Tensor:
        return self.classifier(self.layers(x).mean([2, 3]))

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *args: Any) -> None:
        if local_metadata.get("version") == 1 and self.alpha != 1.0:
            for i, layer in enumerate([*_stem(*_WIDTHS[:2]), _stack(_WIDTHS[1], self.widths()[2], *_STACKS[0])]):
                self.layers[i] = layer
            self._version = 1  # and is saved as such
            warnings.warn("MNASNet: the file is of the model's first version, to which the network was changed; it works as before", UserWarning)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


@register_model
def mnasnet0_5(**kwargs: Any) -> MNASNet:
    """MnasNet of half the width."""
    return MNASNet(0.5, **kwargs)


@register_model
def mnasnet0_75(**kwargs: Any) -> MNASNet:
    """MnasNet of three quarters of the width."""
    return MNASNet(0.75, **kwargs)


@register_model
def mnasnet1_0(**kwargs: Any) -> MNASNet:
    """MnasNet."""
    return MNASNet(1.0, **kwargs)


@register_model
def mnasnet1_3(**kwargs: Any) -> MNASNet:
    """MnasNet of 1.3 times the width."""
    return MNASNet(1.3, **kwargs)
