"""Batch norms taken into the layers before them, in a whole model."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ..core.modes import no_grad
from ..nn import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    Identity,
    Linear,
    Module,
)
from ..nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval
from .flow import Flow, replace, tensors

__all__ = ["fold_batch_norm"]

NORMS = BatchNorm1d, BatchNorm2d, BatchNorm3d
CONVOLUTIONS, TRANSPOSED = (Conv1d, Conv2d, Conv3d), (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)


def fuse(layer: Any, norm: Any, output_dims: int) -> Module | None:
    """The layer and the norm as one layer; None where that cannot be."""
    if norm.running_mean is None or norm.running_var is None:
        return None
    if type(layer) in CONVOLUTIONS:
        return fuse_conv_bn_eval(layer, norm)
    if type(layer) in TRANSPOSED and layer.groups == 1:
        return fuse_conv_bn_eval(layer, norm, transpose=True)
    if type(layer) is Linear and output_dims == 2:  # of more, the norm's channels are not the layer's features
        return fuse_linear_bn_eval(layer, norm)
    return None


@no_grad()
def fold_batch_norm(model: Module, *example_inputs: Any) -> Module:
    """A copy of `model` in eval mode, in which each batch norm that follows a convolution or linear layer is part of that layer.

    In eval mode a batch norm is linear, y = gamma (x - mean) / sqrt(var + eps) + beta for each channel, so with s = gamma / sqrt(var + eps)

        W' = W s,   b' = (b - mean) s + beta

    give the same function (Jacob et al., 2018, arXiv 1712.05877, section 3.2); an `Identity` stays in the norm's place. The pairs are found by
    the flow of data, in a run on `example_inputs`: a norm is folded if its input is the result of a layer that is called once and whose result
    nobody else uses. Others stay: after an activation or a sum, without running statistics, a grouped transposed convolution's, and layers with
    parametrizations. RuntimeError if the folded model's result is not the model's on the example (for instance where a result is also used
    after ``detach()``, which hides it).

    >>> import minidl as torch
    >>> from minidl import nn
    >>> fold_batch_norm(nn.Sequential(nn.Linear(3, 2, bias=False), nn.BatchNorm1d(2), nn.ReLU()), torch.ones(1, 3))
    Sequential(
      (0): Linear(in_features=3, out_features=2, bias=True)
      (1): Identity()
      (2): ReLU()
    )
    """
    folded = copy.deepcopy(model).eval()
    flow = Flow(folded, example_inputs)
    modules = dict(folded.named_modules())
    made_by = {id(calls[0][1]): name for name, calls in flow.calls.items()
               if len(calls) == 1 and isinstance(modules[name], (*CONVOLUTIONS, *TRANSPOSED, Linear))}
    for name, norm in modules.items():
        calls = flow.calls.get(name, ())
        if type(norm) not in NORMS or len(calls) != 1:
            continue
        source = calls[0][0]
        layer = modules.get(made_by.get(id(source), ""))
        if layer is None or flow.sole_consumer(source) is None:
            continue
        fused = fuse(layer, norm, len(source.shape))
        if fused is not None:
            replace(folded, layer, fused)
            replace(folded, norm, Identity())
    for ours, theirs in zip(tensors(folded(*example_inputs)), tensors(copy.deepcopy(model).eval()(*example_inputs)), strict=True):
        want = theirs.numpy()
        if want.dtype.kind != "f":
            continue
        tolerance = 1e4 * float(np.finfo(want.dtype).eps) * float(np.abs(want).max(initial=0))
        if not np.allclose(ours.numpy(), want, rtol=0, atol=tolerance, equal_nan=True):
            raise RuntimeError("fold_batch_norm: the folded model gives another result; is some layer's output used where the autograd "
                               "graph does not show it, such as after detach()?")
    return folded
