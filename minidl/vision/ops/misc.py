"""The blocks of `minidl.models.layers` that torchvision keeps here."""

from ...models.layers import MLP as MLP
from ...models.layers import Conv2dNormActivation as Conv2dNormActivation
from ...models.layers import FrozenBatchNorm2d as FrozenBatchNorm2d
from ...models.layers import Permute as Permute
from ...models.layers import SqueezeExcitation as SqueezeExcitation
from ...models.layers import StochasticDepth as StochasticDepth
from ...models.layers import stochastic_depth as stochastic_depth

__all__ = ["MLP", "Conv2dNormActivation", "FrozenBatchNorm2d", "Permute", "SqueezeExcitation", "StochasticDepth", "stochastic_depth"]
