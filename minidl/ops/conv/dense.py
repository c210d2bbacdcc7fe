"""Convolution as what it is, a linear map: the matrix W of Y = W X, written out."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ...core import primitive
from .geometry import check
from .layout import Sizes


@primitive(arrays="w")
def _dense_matrix(w: Any, size: Sizes, geo: Any) -> Any:
    channels_out, channels, *kernel = w.shape
    out = geo.output_size(size, tuple(kernel))
    matrix = np.zeros((channels_out, *out, channels * geo.groups, *size), w.dtype)
    share = channels_out // geo.groups
    for o, c in np.ndindex(channels_out, channels):
        for i in np.ndindex(*out):
            for k in np.ndindex(*kernel):
                place = [a * s + b * d - p for a, b, s, d, (p, _) in zip(i, k, geo.stride, geo.dilation, geo.padding)]
                if all(0 <= p < n for p, n in zip(place, size)):
                    matrix[(o, *i, o // share * channels + c, *place)] = w[(o, c, *k)]
    return matrix.reshape(channels_out * prod(out), -1)


def dense_matrix(weight: Any, input_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
                 groups: int = 1) -> Any:
    """The matrix W of Y = W X, where X and Y are an image of `input_size` (C, ...) and its convolution, flattened.

    One row for each output element and one column for each input element, mostly zeros: for small cases only.

    >>> import minidl as torch
    >>> dense_matrix(torch.tensor([[[1, 2, 3]]]), (1, 4))
    tensor([[1, 2, 3, 0],
            [0, 1, 2, 3]])
    """
    x = np.broadcast_to(0, tuple(input_size))
    geo = check(f"conv{weight.ndim - 2}d", x, weight, None, stride, padding, dilation, groups)
    return _dense_matrix(weight, x.shape[1:], geo)
