"""The blocks of `minidl.models.layers` that torchvision keeps here."""

from ..layers import MLP as MLP
from ..layers import Conv2dNormActivation as Conv2dNormActivation
from ..layers import Conv3dNormActivation as Conv3dNormActivation
from ..layers import ConvNormActivation as ConvNormActivation
from ..layers import FrozenBatchNorm2d as FrozenBatchNorm2d
from ..layers import Permute as Permute
from ..layers import SqueezeExcitation as SqueezeExcitation
from ..layers import StochasticDepth as StochasticDepth
from ..layers import stochastic_depth as stochastic_depth

__all__ = ["MLP", "Conv2dNormActivation", "Conv3dNormActivation", "FrozenBatchNorm2d", "Permute", "SqueezeExcitation", "StochasticDepth",
           "stochastic_depth"]
