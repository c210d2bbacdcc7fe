"""A batch norm in eval mode taken into the layer before it, which is as linear as it is itself."""

from __future__ import annotations

import copy
from typing import Any

from ...core.modes import no_grad
from ...ops.create import ones_like, zeros_like
from ..parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


@no_grad()
def _fused(weight: Any, bias: Any, mean: Any, var: Any, eps: float, bn_weight: Any, bn_bias: Any,
           channel: int) -> tuple[Parameter, Parameter]:
    """W' = W s, b' = (b - mean) s + bias, s = weight / sqrt(var + eps) for each channel."""
    dtype = weight.dtype, weight.dtype if bias is None else bias.dtype
    needs = weight.requires_grad, bias is None or bias.requires_grad
    bias = zeros_like(mean) if bias is None else bias
    scale = (var + eps).rsqrt() * (ones_like(mean) if bn_weight is None else bn_weight)
    shape = [1] * weight.ndim
    shape[channel] = -1
    new_bias = (bias - mean) * scale + (0 if bn_bias is None else bn_bias)
    return Parameter((weight * scale.reshape(shape)).to(dtype[0]), needs[0]), Parameter(new_bias.to(dtype[1]), needs[1])


def fuse_conv_bn_weights(conv_w: Any, conv_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any,
                         transpose: bool = False) -> tuple[Parameter, Parameter]:
    """The weight and bias of a convolution and a batch norm together."""
    return _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 1 if transpose else 0)


def fuse_linear_bn_weights(linear_w: Any, linear_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any
                           ) -> tuple[Parameter, Parameter]:
    """The weight and bias of a linear layer and a batch norm together."""
    return _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 0)


def _check(layer: Any, bn: Any) -> None:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A new convolution that computes ``bn(conv(x))``; `transpose` for a transposed one. Both must be in eval mode."""
    _check(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(conv.weight, conv.bias, bn.running_mean, bn.running_var, bn.eps,
                                                    bn.weight, bn.bias, transpose)
    return fused


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A new linear layer that computes ``bn(linear(x))``. Both must be in eval mode."""
    _check(linear, bn)
    if bn.num_features not in (linear.out_features, 1):
        raise AssertionError("To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
                             f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}")
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(linear.weight, linear.bias, bn.running_mean, bn.running_var,
                                                      bn.eps, bn.weight, bn.bias)
    return fused
