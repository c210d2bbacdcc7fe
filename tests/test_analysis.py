"""Summaries, counts and output sizes: against PyTorch's own counter and layers, published figures, and sums by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch as reference
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

import minidl as torch
from minidl import models, nn
from minidl.analysis import (
    conv_output_size,
    conv_transpose_output_size,
    count_flops,
    count_macs,
    count_parameters,
    pool_output_size,
    summary,
)
from minidl.core.generator import default_generator
from minidl.nn import functional as F

# ---- counts


@pytest.mark.parametrize("name, parameters, gmacs", [
    ("alexnet", 61_100_840, 0.714), ("googlenet", 6_624_904, 1.498), ("mobilenet_v2", 3_504_872, 0.301),
    ("resnet18", 11_689_512, 1.814), ("resnet50", 25_557_032, 4.089), ("vgg16", 138_357_544, 15.470)])
def test_published_figures(name: str, parameters: int, gmacs: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.Linear, "reset_parameters", lambda layer: None)  # random numbers for VGG take longer than all the rest
    options = {"googlenet": {"aux_logits": False, "init_weights": False}, "vgg16": {"init_weights": False}}
    model = getattr(models, name)(**options.get(name, {}))
    found = summary(model, (1, 3, 224, 224))
    assert count_parameters(model) == found.total == found.trainable == parameters
    assert round(found.macs / 1e9, 3) == gmacs
    assert sum(row.parameters for row in found.rows) == parameters
    assert sum(row.macs for row in found.rows) == found.macs
    assert all(row.state != "not run" for row in found.rows)


def both(case: Any) -> tuple[int, int]:
    """FLOPs of a case by our counter and by PyTorch's."""
    with FlopCounterMode(display=False) as counter:
        case(reference)
    return count_flops(lambda: case(torch), input_data=[]), counter.get_total_flops()


def linears(torch: Any) -> Any:
    layer, x = torch.nn.Linear(6, 5), torch.ones(2, 3, 6)
    return torch.nn.functional.linear(layer(layer(x) @ torch.ones(5, 6)), torch.ones(4, 5))


def products(torch: Any) -> Any:
    a, b = torch.ones(3, 4), torch.ones(4, 5)
    return torch.addmm(torch.ones(5), a, b), torch.bmm(torch.ones(2, 3, 4), torch.ones(2, 4, 5)), torch.baddbmm(
        torch.ones(2, 3, 5), torch.ones(2, 3, 4), torch.ones(2, 4, 5)), torch.einsum("bij,bjk->bik", torch.ones(2, 3, 4), torch.ones(2, 4, 5))


def convolutions(torch: Any) -> Any:
    x = torch.ones(2, 4, 9, 8)
    return (torch.nn.Conv2d(4, 6, 3, 2, 1, groups=2)(x), torch.nn.Conv1d(4, 6, 3, dilation=2)(x[..., 0]),
            torch.nn.Conv3d(4, 2, (1, 2, 3))(x[:, :, None]),
            torch.nn.ConvTranspose2d(4, 6, (2, 3), 2, 1, 1)(x), torch.nn.functional.conv2d(x, torch.ones(3, 4, 2, 2)))


def recurrent(torch: Any) -> Any:
    x = torch.ones(7, 2, 4)
    return torch.nn.LSTMCell(4, 5)(x[0]), torch.nn.GRUCell(4, 5)(x[0]), torch.nn.RNNCell(4, 5)(x[0])


def attention(torch: Any) -> Any:
    q, k, v = torch.ones(2, 3, 5, 8), torch.ones(2, 3, 7, 8), torch.ones(2, 3, 7, 6)
    x = torch.ones(2, 5, 8)
    return torch.nn.functional.scaled_dot_product_attention(q, k, v), torch.nn.MultiheadAttention(8, 2, batch_first=True)(x, x, x)


@pytest.mark.parametrize("case", [linears, products, convolutions, recurrent, attention])
def test_flops_equal_the_reference_counter(case: Any) -> None:
    ours, theirs = both(case)
    assert ours == theirs > 0


def test_recurrent_layers_count_all_steps() -> None:
    steps, batch, inputs, hidden = 7, 2, 4, 5
    for layer, gates in ((nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)):
        model = layer(inputs, hidden, num_layers=2, bidirectional=True)
        first, second = inputs + hidden, 2 * hidden + hidden
        assert count_macs(model, (steps, batch, inputs)) == 2 * steps * batch * gates * hidden * (first + second)


def test_bias_and_activations_are_counted_on_request() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 2), nn.Softmax(1))
    conv, linear, places = 4 * 16 * 27, 32, 4 * 16
    assert count_macs(net, (1, 3, 6, 6)) == conv + linear
    assert count_macs(net, (1, 3, 6, 6), bias=True) == conv + linear + places + 2
    assert count_flops(net, (1, 3, 6, 6)) == 2 * (conv + linear)
    assert count_flops(net, (1, 3, 6, 6), bias=True) == 2 * (conv + linear) + places + 2
    others = 2 * places + places + places + 3 * 2  # batch norm, relu, pooling, softmax
    assert count_flops(net, (1, 3, 6, 6), activations=True) == 2 * (conv + linear) + others
    assert count_macs(net, (5, 3, 6, 6)) == 5 * (conv + linear)


def test_parameters() -> None:
    layer = nn.Linear(3, 3)
    model = nn.Sequential(layer, nn.ReLU(), layer, nn.BatchNorm1d(3))
    model[3].weight.requires_grad_(False)
    assert count_parameters(model) == 12 + 6
    assert count_parameters(model, trainable=True) == 12 + 3
    with pytest.raises(ValueError, match="uninitialized"):
        count_parameters(nn.LazyLinear(3))


# ---- summary


class Various(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 4), nn.ReLU())])
        self.same = self.blocks[0]
        self.unused = nn.Linear(3, 3)
        self.attention = nn.MultiheadAttention(4, 2)
        self.lstm = nn.LSTM(4, 5, bidirectional=True)
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, x: Any, y: Any = None) -> Any:
        for block in self.blocks:
            x = block(x)
        x = self.same(x) * self.scale.sum()
        return self.lstm(self.attention(x, x, x)[0])


def test_rows() -> None:
    found = summary(Various(), (7, 2, 4))
    rows = {row.path: row for row in found.rows}
    assert [(row.path, row.state, row.depth) for row in found.rows] == [
        ("", "run", 0), ("blocks", "container", 1), ("blocks.0", "run", 2), ("blocks.1", "run", 2), ("blocks.1.0", "run", 3),
        ("blocks.1.1", "run", 3), ("blocks.0", "run", 2), ("unused", "not run", 1), ("attention", "run", 1),
        ("attention.out_proj", "used", 2), ("lstm", "run", 1)]
    assert found.rows[6].shared and found.rows[6].parameters == 0 and found.rows[6].macs == 14 * 16
    assert found.rows[2].parameters == 20 and not found.rows[2].shared
    assert rows[""].parameters == 2 and rows[""].input_shapes == [(7, 2, 4)]
    assert rows[""].output_shapes == [(7, 2, 10), (2, 2, 5), (2, 2, 5)] == rows["lstm"].output_shapes
    assert rows["attention"].input_shapes == [(7, 2, 4)] * 3
    assert rows["attention"].parameters == 60 and rows["attention.out_proj"].parameters == 20
    assert rows["blocks"].total_parameters == 40 and rows["blocks"].total_macs == 3 * 14 * 16
    assert rows["unused"].parameters == 12
    assert found.total == count_parameters(Various()) == sum(row.parameters for row in found.rows)
    text = str(found)
    assert "not run" in text and "used by parent" in text and "shared" in text and f"{found.total:,} parameters" in text


def test_kernels_memory_and_forms() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, (3, 1), padding=(1, 0)), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 2))
    found = summary(net, (2, 3, 8, 8))
    assert [row.kernel for row in found.rows] == [None, (3, 1), None, (2,), None, None]
    assert found.input_bytes == 4 * 2 * 3 * 64
    assert found.activation_bytes == 4 * 2 * (8 * 64 + 8 * 16 + 2)  # neither the edit in place nor the view
    assert found.parameter_bytes == 4 * found.total == 4 * (8 * 9 + 8 + 258)
    assert found.macs == 2 * (8 * 64 * 9 + 256)
    data = found.as_dict()
    assert data["macs"] == found.macs and data["rows"][1]["output_shapes"] == [(2, 8, 8, 8)]
    html = found._repr_html_()
    assert html.count("<tr>") == 1 + 6 + 1 and "0: Conv2d" in html and "3x1" in html
    cut = summary(nn.Sequential(net), (2, 3, 8, 8), depth=1)
    lines = str(cut).split("\n")
    assert len(lines) == 2 + 2 + 1 + 3 and lines[3].split()[-2:] == [f"{found.total:,}", f"{found.macs:,}"]


def test_html_is_escaped() -> None:
    class Less(nn.Module):
        def forward(self, x: Any) -> Any:
            return x

    Less.__name__ = "Less<Than>"
    assert "Less&lt;Than&gt;" in summary(Less(), (1,))._repr_html_()


def test_inputs() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.linear = nn.Embedding(10, 4), nn.Linear(4, 3)

        def forward(self, ids: Any, x: Any, scale: float = 1.0) -> Any:
            return self.linear(self.words(ids) + x) * scale

    shapes = [(2, 5), (2, 5, 4)]
    expected = [(2, 5, 3)]
    for found in (summary(Two(), shapes, dtypes=[torch.int64, torch.float32]),
                  summary(Two(), {"x": shapes[1], "ids": shapes[0]}, dtypes=[torch.float32, torch.int64], scale=2.0),
                  summary(Two(), input_data=[torch.zeros(2, 5, dtype=torch.int64), torch.zeros(2, 5, 4)]),
                  summary(Two(), input_data={"ids": torch.zeros(2, 5, dtype=torch.int64), "x": torch.zeros(2, 5, 4)})):
        assert found.rows[0].output_shapes == expected and found.macs == 10 * 12
    assert summary(nn.Linear(3, 2), (3,), batch_dim=0).rows[0].input_shapes == [(1, 3)]
    assert summary(nn.Linear(3, 2), input_data=torch.ones(4, 3)).rows[0].input_shapes == [(4, 3)]
    assert summary(nn.Sequential(nn.LazyLinear(2)), (1, 3)).total == 8


def test_the_model_is_left_as_it_was() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x: Any) -> Any:
            assert not self.training and not torch.is_grad_enabled()
            self.calls += 1
            return x + torch.rand(x.shape)

    model = nn.Sequential(Counting(), nn.BatchNorm1d(3), nn.Dropout())
    model[1].eval()
    torch.manual_seed(3)
    random, state = default_generator.get_state(), {name: v.clone() for name, v in model.state_dict().items()}
    summary(model, (4, 3))
    assert count_macs(model, (4, 3)) == 0
    assert [m.training for m in model.modules()] == [True, True, False, True]
    assert np.array_equal(default_generator.get_state(), random)
    assert all(torch.equal(v, state[name]) for name, v in model.state_dict().items())
    assert not model[0]._forward_hooks and torch.is_grad_enabled()


@pytest.mark.parametrize("call, error, message", [
    (lambda: summary(nn.Bilinear(2, 3, 4), (1, 2)), TypeError, r"Bilinear.forward\(input1, input2\) does not take 1 input.*'input2'"),
    (lambda: summary(nn.Linear(2, 3), [(1, 2), (1, 2)]), TypeError, "does not take 2 input"),
    (lambda: summary(nn.Sequential(nn.Sequential(nn.Linear(4, 3))), (1, 5)), RuntimeError, r"Linear '0.0' failed on input \(1, 5\)"),
    (lambda: summary(nn.Linear(2, 3)), ValueError, "either input_size or input_data"),
    (lambda: summary(nn.Linear(2, 3), (1, 2), torch.ones(1, 2)), ValueError, "not both"),
    (lambda: summary(nn.Linear(2, 3), (1, -2)), ValueError, "non-negative"),
    (lambda: summary(nn.Linear(2, 3), (1, 2), dtypes=[torch.float32] * 2), ValueError, "one for each of 1 inputs"),
])
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


# ---- output sizes


@given(st.data())
def test_output_sizes_are_those_of_the_layers(data: Any) -> None:
    two = st.tuples(st.integers(1, 4), st.integers(1, 4))
    kernel, stride, dilation = data.draw(two), data.draw(two), data.draw(two)
    size = tuple(data.draw(st.integers(d * (k - 1) + 1, 20)) for k, d in zip(kernel, dilation))
    x = torch.ones(1, 1, *size)
    padding = data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    found = conv_output_size(size, kernel, stride, padding, dilation)
    assert found.size == tuple(F.conv2d(x, torch.ones(1, 1, *kernel), None, stride, padding, dilation).shape[2:])
    extra = tuple(data.draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation))
    found = conv_transpose_output_size(size, kernel, stride, 0, extra, dilation)
    assert found.size == tuple(F.conv_transpose2d(x, torch.ones(1, 1, *kernel), None, stride, 0, extra, 1, dilation).shape[2:])
    padding = tuple(min(k // 2, p) for k, p in zip(kernel, padding))
    for ceil in (False, True):
        found = pool_output_size(size, kernel, stride, padding, dilation, ceil)
        assert found.size == tuple(F.max_pool2d(x, kernel, stride, padding, dilation, ceil).shape[2:])
        assert all(step.endswith(f" = {n}") for step, n in zip(found.steps, found.size))
    for step, n in zip(conv_output_size(size, kernel).steps, conv_output_size(size, kernel).size):
        left = step.partition(" = ")[0].replace("floor", "int")
        assert eval(left) == n  # the numbers in the formula give the size


def test_output_sizes_of_one_dimension_and_words() -> None:
    assert conv_output_size(32, 5).size == 28 and conv_output_size((32,), 5).size == (28,)
    assert conv_output_size(32, 5, padding="same").size == 32 and conv_output_size(32, 5, padding="valid").size == 28
    assert pool_output_size(7, 2).size == 3 and pool_output_size(7, 2, ceil_mode=True).size == 4
    for call, message in ((lambda: conv_output_size(3, 5), "empty"), (lambda: conv_output_size(8, 3, padding="same", stride=2), "stride of 1"),
                          (lambda: conv_output_size(8, 0), "kernel_size must be"), (lambda: conv_output_size((8, 8), (3, 3, 3)), "2 of them"),
                          (lambda: conv_transpose_output_size(8, 3, output_padding=1), "output_padding must be smaller")):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("groups", [1, 2])
def test_a_backward_in_groups_counts_its_own_channels_alone(groups: int) -> None:
    """Each of the two gradients costs as many products as the forward does."""
    def case() -> None:
        with torch.enable_grad():
            x, w = torch.ones(2, 4, 5, 5, requires_grad=True), torch.ones(6, 4 // groups, 3, 3, requires_grad=True)
            torch.nn.functional.conv2d(x, w, groups=groups).sum().backward()

    assert count_macs(case, input_data=[]) == 3 * (2 * 6 * 3 * 3) * (4 // groups * 3 * 3)
