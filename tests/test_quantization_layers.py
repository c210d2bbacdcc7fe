"""Quantised layers against slow integer arithmetic, and beside PyTorch's."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minidl
import minidl.quantization as mq
from minidl import nn
from minidl.quantization import (
    QParams,
    QuantizedConv2d,
    QuantizedLinear,
    default_qconfig,
)

INT32 = st.integers(-2 ** 31, 2 ** 31 - 1)

# ---- requantisation, beside the C code's arithmetic in Python's integers


def truncated(a: int, b: int) -> int:
    """Division as in C."""
    return abs(a) // abs(b) * (1 if (a >= 0) == (b >= 0) else -1)


def slow_requantize(accumulator: int, multiplier: int, shift: int) -> int:
    x = max(-2 ** 31, min(2 ** 31 - 1, accumulator * 2 ** max(shift, 0)))
    product = x * multiplier
    high = truncated(product + (2 ** 30 if product >= 0 else 1 - 2 ** 30), 2 ** 31)
    right = max(-shift, 0)
    mask = 2 ** right - 1
    return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0))


@given(st.lists(st.tuples(INT32, st.integers(2 ** 30, 2 ** 31 - 1) | st.just(0), st.integers(-31, 30)), min_size=1, max_size=50))
def test_requantize_equals_slow_integers(cases: list[tuple[int, int, int]]) -> None:
    assert mq.requantize(*map(np.array, zip(*cases))).tolist() == [slow_requantize(*case) for case in cases]


@given(st.floats(2.0 ** -31, 2.0 ** 29), st.integers(-2 ** 20, 2 ** 20))
def test_multiplier_and_shift_are_the_factor(factor: float, accumulator: int) -> None:
    multiplier, shift = mq.quantize_multiplier(factor)
    assert 2 ** 30 <= multiplier < 2 ** 31
    assert abs(float(multiplier) * 2.0 ** (int(shift) - 31) - factor) <= factor * 2.0 ** -31
    if abs(factor * accumulator) < 2 ** 30:
        assert abs(int(mq.requantize(accumulator, multiplier, shift)) - factor * accumulator) <= 1


def test_multiplier_at_its_ends() -> None:
    assert [v.tolist() for v in mq.quantize_multiplier([0.0, 2.0 ** -40, 1 - 2.0 ** -40])] == [[0, 0, 2 ** 30], [0, 0, 1]]
    for wrong in (-1.0, np.nan, np.inf, 2.0 ** 30):
        with pytest.raises(ValueError, match="factors from 0 to 2\\^30"):
            mq.quantize_multiplier([1.0, wrong])


# ---- layers, beside loops over Python's integers


def slow_layer(layer: Any, q: np.ndarray, conv: Any) -> np.ndarray:
    """The output's integers by the formula, one product at a time."""
    zx, zy, (low, high) = int(layer.input_zero_point), int(layer.output_zero_point), layer.output_range.tolist()
    weight, zw, bias = layer.weight.tolist(), layer.weight_zero_point.tolist(), layer.bias.tolist()
    multiplier, shift = (v.tolist() for v in layer.multiplier())

    def finish(o: int, total: int) -> int:
        assert abs(total + bias[o]) < 2 ** 31
        return max(low, min(high, slow_requantize(total + bias[o], multiplier[o], shift[o]) + zy))

    if conv is None:
        return np.array([[finish(o, sum((row[k] - zx) * (weight[o][k] - zw[o]) for k in range(len(row)))) for o in range(len(weight))]
                         for row in q.tolist()])
    (sh, sw), (ph, pw), (dh, dw), groups = conv.stride, conv.padding, conv.dilation, conv.groups
    mode = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}[conv.padding_mode]
    x = np.pad(q, ((0, 0), (0, 0), (ph, ph), (pw, pw)), mode, **({"constant_values": zx} if mode == "constant" else {})).tolist()
    outputs, share, (kh, kw) = len(weight), len(weight[0]), conv.kernel_size
    height, width = (len(x[0][0]) - dh * (kh - 1) - 1) // sh + 1, (len(x[0][0][0]) - dw * (kw - 1) - 1) // sw + 1
    y = np.empty((len(x), outputs, height, width), int)
    for n, o, i, j in np.ndindex(*y.shape):
        first = o // (outputs // groups) * share
        y[n, o, i, j] = finish(o, sum((x[n][first + c][i * sh + a * dh][j * sw + b * dw] - zx) * (weight[o][c][a][b] - zw[o])
                                      for c, a, b in product(range(share), range(kh), range(kw))))
    return y


@st.composite
def qparams(draw: Any, low: int = 0, high: int = 255, channels: int | None = None) -> QParams:
    def one() -> tuple[float, int]:
        return draw(st.floats(0.004, 0.1)), draw(st.integers(low, high))

    pairs = [one() for _ in range(channels or 1)]
    scale, zero_point = np.array([p[0] for p in pairs], np.float32), np.array([p[1] for p in pairs], np.int32)
    return QParams(scale, zero_point, low, high, 0) if channels else QParams(scale[0], zero_point[0], low, high)


@st.composite
def convolutions(draw: Any) -> nn.Conv2d:
    groups = draw(st.sampled_from([1, 1, 2]))
    mode = draw(st.sampled_from(["zeros", "zeros", "reflect", "replicate", "circular"]))
    sizes = [draw(st.tuples(st.integers(low, high), st.integers(low, high))) for low, high in ((1, 3), (1, 2), (0, 2), (1, 2))]
    return nn.Conv2d(groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2)), *sizes, groups=groups, bias=draw(st.booleans()), padding_mode=mode)


@given(convolutions(), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 10 ** 6), st.data())
def test_convolution_equals_slow_integers(conv: nn.Conv2d, relu: bool, per_channel: bool, signed: bool, seed: int, draw: Any) -> None:
    rng = np.random.default_rng(seed)
    limits = (-128, 127) if signed else (0, 255)
    weight_params = draw.draw(qparams(*draw.draw(st.sampled_from([(-128, 127), (0, 255), (-7, 7)])), channels=conv.out_channels if per_channel else None))
    x_params, y_params = draw.draw(qparams(*limits)), draw.draw(qparams(*limits))
    layer = QuantizedConv2d(conv).quantize_from(conv, weight_params, x_params, y_params, relu)
    q = rng.integers(*limits, (2, conv.in_channels, 6, 7), endpoint=True).astype(np.int32)
    got = layer.integers(q)
    assert np.array_equal(got, slow_layer(layer, q, conv))
    assert not relu or (got >= y_params.zero_point).all()
    x = x_params.dequantize(q)
    assert np.array_equal(layer(minidl.tensor(x)).numpy(), y_params.dequantize(got))  # what passes between layers are the integers


@given(st.integers(1, 12), st.integers(1, 5), st.booleans(), st.integers(0, 10 ** 6), st.data())
def test_linear_equals_slow_integers(features: int, outputs: int, relu: bool, seed: int, draw: Any) -> None:
    rng = np.random.default_rng(seed)
    linear = nn.Linear(features, outputs, bias=draw.draw(st.booleans()))
    layer = QuantizedLinear(linear).quantize_from(linear, draw.draw(qparams(-128, 127, channels=outputs)), draw.draw(qparams()), draw.draw(qparams()), relu)
    q = rng.integers(0, 255, (3, features), endpoint=True).astype(np.int32)
    assert np.array_equal(layer.integers(q), slow_layer(layer, q, None))


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_layers_agree_with_pytorchs_quantised_kernels() -> None:
    """PyTorch requantises in floating point, so integers may differ by 1, where the exact value lies next to a half."""
    rng = np.random.default_rng(0)
    conv = nn.Conv2d(8, 16, 3, stride=2, padding=1)
    x = rng.normal(size=(4, 8, 9, 9)).astype(np.float32)
    observer, weight_observer, out = mq.MinMaxObserver(), default_qconfig.weight(), mq.MinMaxObserver()
    observer(minidl.tensor(x)), weight_observer(conv.weight), out(conv(minidl.tensor(x)))
    layer = QuantizedConv2d(conv).quantize_from(conv, weight_observer.qparams(), observer.qparams(), out.qparams(), False)
    w = torch.quantize_per_channel(torch.tensor(conv.weight.detach().numpy()), torch.tensor(layer.weight_scale.numpy()), torch.zeros(16, dtype=torch.int32), 0, torch.qint8)
    assert np.array_equal(w.int_repr().numpy(), layer.weight.numpy())
    quantized = torch.quantize_per_tensor(torch.tensor(x), float(layer.input_scale), int(layer.input_zero_point), torch.quint8)
    theirs = torch.ao.nn.quantized.functional.conv2d(quantized, w, torch.tensor(conv.bias.detach().numpy()), 2, 1, scale=float(layer.output_scale),
                                                     zero_point=int(layer.output_zero_point)).int_repr().numpy()
    ours = layer.integers(layer.input_params.quantize(x))
    difference = np.abs(ours - theirs.astype(int))
    assert difference.max() <= 1 and (difference > 0).mean() < 0.01
    assert mq.sqnr(conv(minidl.tensor(x)).detach().numpy(), layer(minidl.tensor(x))) > 35


def test_layers_refuse() -> None:
    linear, params = nn.Linear(2, 3), QParams(np.float32(0.1), np.int32(0), 0, 255)
    weight = QParams(np.float32(0.1), np.int32(0), -128, 127)
    with pytest.raises(TypeError, match="expected a Conv2d layer, got Linear"):
        QuantizedConv2d(linear)
    with pytest.raises(TypeError, match="expected a Conv2d layer, got Conv1d"):
        QuantizedConv2d(nn.Conv1d(1, 1, 1))
    with pytest.raises(ValueError, match="axis 0"):
        QuantizedLinear(linear).quantize_from(linear, QParams(np.ones(2, np.float32), np.zeros(2, np.int32), -128, 127, 1), params, params, False)
    with pytest.raises(ValueError, match="8 bits"):
        QuantizedLinear(linear).quantize_from(linear, QParams(np.float32(0.1), np.int32(0), -512, 511), params, params, False)
    wide = nn.Linear(70_000, 1, bias=False)
    nn.init.ones_(wide.weight)
    with pytest.raises(ValueError, match="more than int32 holds"):
        QuantizedLinear(wide).quantize_from(wide, QParams(np.float32(1 / 127), np.int32(0), -128, 127), params, params, False)
    layer = QuantizedLinear(linear).quantize_from(linear, weight, params, params, False)
    for wrong, error in ((minidl.ones(1, 2, dtype=minidl.int64), TypeError), (minidl.tensor([[1.0, np.nan]]), ValueError), (minidl.ones(1, 3), RuntimeError)):
        with pytest.raises(error):
            layer(wrong)
