"""Corners of quantisation: channels counted from the end, biases that dwarf their weights, formats that just hold a range."""

from __future__ import annotations

import numpy as np
import pytest

import minidl
from minidl import quantization as Q
from minidl.quantization.fixed_point import QFormat
from minidl.quantization.layers import QuantizedLinear


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_channels_counted_from_the_end(axis: int) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
    observer = Q.PerChannelMinMaxObserver(ch_axis=axis)
    observer(minidl.from_numpy(x))
    by_channel = np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)
    np.testing.assert_array_equal(observer.min_val.numpy(), by_channel.min(1))
    np.testing.assert_array_equal(observer.max_val.numpy(), by_channel.max(1))


def test_a_bias_that_dwarfs_its_weights_still_fits() -> None:
    """The weights' scale is raised until the bias is an int32: they count for nothing beside it."""
    layer = minidl.nn.Linear(3, 2)
    with minidl.no_grad():
        layer.weight.copy_(minidl.tensor([[1e-7, -1e-7, 0.0], [0.5, -0.25, 1.0]]))
        layer.bias.copy_(minidl.tensor([300.0, 0.5]))
    scale = np.abs(layer.weight.detach().numpy()).max(1) / 127
    of_weight = Q.QParams(scale.astype(np.float32), np.zeros(2, np.int32), -127, 127, 0)
    of_input, of_output = Q.QParams(np.float32(1 / 128), np.int32(0), -128, 127), Q.QParams(np.float32(2.5), np.int32(0), -128, 127)
    x = minidl.tensor([[0.5, -0.25, 0.75]])
    y = QuantizedLinear(layer).quantize_from(layer, of_weight, of_input, of_output, relu=False)(x)
    np.testing.assert_allclose(y.numpy(), layer(x).detach().numpy(), atol=1.25)


def test_the_format_of_a_range_has_the_fewest_digits_before_the_point() -> None:
    for low, high, m in ((-1.0, 0.5, 0), (-1.0, 1.0, 1), (0.0, 0.5, 0), (-0.5, 0.4, -1), (-4.0, 3.9, 2), (0.0, 0.9, 0)):
        assert QFormat.for_range(low, high) == QFormat(m, 15 - m), (low, high)
