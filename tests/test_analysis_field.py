"""Receptive fields: the recurrence and the measurement by gradients agree, on random networks and on known ones."""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, note
from hypothesis import strategies as st

import minidl as torch
from minidl import models, nn
from minidl.analysis import measured_receptive_field, receptive_field
from minidl.nn import functional as F


def pairs(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


class Branches(nn.Module):
    """Branches of the same stride and centred windows, so that their results have one size: added or side by side."""

    def __init__(self, join: str, branches: list[nn.Module]) -> None:
        super().__init__()
        self.join, self.branches = join, nn.ModuleList(branches)

    def forward(self, x: Any) -> Any:
        parts = [branch(x) for branch in self.branches]
        return torch.cat(parts, 1).sum(1, keepdim=True) if self.join == "cat" else sum(parts[1:], parts[0])

    def extra_repr(self) -> str:
        return self.join


class Apply(nn.Module):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def forward(self, x: Any) -> Any:
        return eval(self.text, {"x": x, "F": F, "torch": torch})

    def extra_repr(self) -> str:
        return self.text


@st.composite
def convolutions(draw: Any) -> nn.Module:
    kernel, dilation = draw(pairs(1, 4)), draw(pairs(1, 2))
    padding = tuple(draw(st.integers(0, d * (k - 1))) for k, d in zip(kernel, dilation))
    return nn.Conv2d(1, 1, kernel, draw(pairs(1, 3)), padding, dilation)


@st.composite
def transposed_convolutions(draw: Any) -> nn.Module:
    """Those without holes: every output position reads at least one input."""
    stride = draw(pairs(1, 3))
    dilation = tuple(draw(st.sampled_from([d for d in (1, 2) if gcd(d, s) == 1])) for s in stride)
    kernel = tuple(draw(st.integers(s, s + 2)) for s in stride)
    padding = tuple(draw(st.integers(0, d * (k - 1))) for k, d in zip(kernel, dilation))
    extra = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation))
    return nn.ConvTranspose2d(1, 1, kernel, stride, padding, extra, dilation=dilation)


@st.composite
def poolings(draw: Any) -> nn.Module:
    kernel = draw(pairs(1, 3))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    stride, ceil = draw(pairs(1, 3)), draw(st.booleans())
    return nn.AvgPool2d(kernel, stride, padding, ceil) if draw(st.booleans()) else nn.MaxPool2d(
        kernel, stride, padding, draw(st.integers(1, 2)), ceil_mode=ceil)


@st.composite
def branches(draw: Any) -> nn.Module:
    stride = draw(pairs(1, 2))

    def branch() -> nn.Module:
        kernel, dilation = draw(st.tuples(*[st.sampled_from([1, 3, 5])] * 2)), draw(pairs(1, 2))
        padding = tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation))
        kind = draw(st.sampled_from(["conv", "pool", "two"]))
        if kind == "pool":
            return nn.MaxPool2d(3, stride, 1)
        first = nn.Conv2d(1, 1, kernel, stride, padding, dilation)
        return first if kind == "conv" else nn.Sequential(first, nn.ReLU(inplace=True), nn.Conv2d(1, 1, (3, 1), padding=(1, 0)))

    parts = [branch() for _ in range(draw(st.integers(2, 3)))]
    if stride == (1, 1) and draw(st.booleans()):
        parts.append(nn.Identity())
    return Branches(draw(st.sampled_from(["add", "cat"])), parts)


LAYERS = st.one_of(
    convolutions(), transposed_convolutions(), poolings(), branches(),
    st.sampled_from([2, 3]).map(lambda f: nn.Upsample(scale_factor=f)),
    st.sampled_from([2, 3]).map(lambda f: nn.Upsample(scale_factor=f, mode="bilinear")),
    st.sampled_from([("x[:, :, 1:, 2:-1]"), "x[..., ::2, :]", "F.pad(x, (1, 0, 2, 1))", "F.pad(x, (-1, 1, 1, -1))", "x.mT.contiguous().mT * 2",
                     "F.relu(x) + x", "F.pad(x, (1, 1, 1, 1), mode='replicate')", "x.permute(0, 2, 3, 1).tanh().permute(0, 3, 1, 2)"]).map(Apply),
    st.just(nn.BatchNorm2d(1)))


@given(st.data())
def test_the_recurrence_equals_the_measurement(data: Any) -> None:
    layers = data.draw(st.lists(LAYERS, min_size=1, max_size=5))
    net = nn.Sequential(*layers)
    note(str(net))
    for size in (48, 110, 240):
        try:
            found = receptive_field(net, (1, 1, size, size + 7))
        except RuntimeError as error:  # an image that is smaller than a kernel
            assert "size" in str(error)
            continue
        rows, columns = found.interior()
        if rows and columns:
            break
    else:
        assume(False)
    position = data.draw(st.sampled_from(rows)), data.draw(st.sampled_from(columns))
    measured = measured_receptive_field(net, (1, 1, size, size + 7), position)
    assert measured.extent() == found.at(*position)
    assert all(a <= b for a, b in zip(measured.field, found.field))
    if all(len(axis.spans) == 1 for _, axis in found.rows[-1].axes):
        assert measured.field == found.field


@pytest.mark.parametrize("name, layer, field, stride", [
    ("resnet18", "layer4", 435, 32), ("resnet50", "layer4", 427, 32), ("mobilenet_v2", "features", 491, 32),
    ("alexnet", "features", 195, 32), ("vgg16", "features", 212, 32)])
def test_known_networks(name: str, layer: str, field: int, stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.Linear, "reset_parameters", lambda layer: None)  # random numbers take longer than all the rest
    found = receptive_field(getattr(models, name)(**{"vgg16": {"init_weights": False}}.get(name, {})), (1, 3, 128, 128), layer)
    assert found.field == (field, field) and found.stride == (stride, stride)


def test_the_textbook_recurrence() -> None:
    """S and R by hand, layer after layer, of both dimensions apart."""
    layers = [((3, 5), (2, 1), (1, 0), (1, 1)), ((2, 3), (1, 2), (0, 2), (2, 3)), ((1, 4), (3, 1), (0, 0), (1, 1))]
    net = nn.Sequential(*[nn.Conv2d(1, 1, *layer) for layer in layers])
    found = receptive_field(net, (1, 1, 60, 60))
    field, step, start = [1, 1], [1, 1], [0, 0]
    for row, (kernel, stride, padding, dilation) in zip(found.rows[1:], layers, strict=True):
        for d in (0, 1):
            field[d] += dilation[d] * (kernel[d] - 1) * step[d]
            start[d] -= padding[d] * step[d]
            step[d] *= stride[d]
        assert (row.field, row.stride, row.start) == (tuple(field), tuple(step), tuple(start))
    assert [row.size for row in found.rows] == [(60, 60), (30, 56), (28, 27), (10, 24)]


def test_neighbours_of_a_transposed_convolution_differ() -> None:
    found = receptive_field(nn.ConvTranspose1d(1, 1, 4, 2, 1), (1, 1, 10))
    assert found.stride == (Fraction(1, 2),) and found.field == (2,)
    assert [found.at(i) for i in range(4, 8)] == [((1, 2),), ((2, 3),), ((2, 3),), ((3, 4),)]


def test_holes_read_nothing() -> None:
    net = nn.ConvTranspose2d(1, 1, (1, 2), 2)
    found = receptive_field(net, (1, 1, 8, 8))
    for place in ((4, 4), (5, 4), (4, 5)):
        assert measured_receptive_field(net, (1, 1, 8, 8), place).extent() == found.at(*place)
    assert found.at(5, 4) is None and found.at(4, 5) == ((2, 2), (2, 2))


class Gated(nn.Module):
    """Squeeze and excitation: every position sees the whole image through the gate."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gate = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        x = self.conv(x)
        return x * self.gate(x.mean((2, 3))).sigmoid()[:, :, None, None]


class Attends(nn.Module):
    def forward(self, x: Any) -> Any:
        rows = x.flatten(2).mT
        return F.scaled_dot_product_attention(rows, rows, rows)


@pytest.mark.parametrize("net", [Gated(), nn.Sequential(nn.Conv2d(3, 2, 3), nn.GroupNorm(1, 2)), nn.Sequential(
    nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 36, 5)), nn.AdaptiveAvgPool2d(1), Attends(), nn.Softmax(-1)])
def test_mixing_operations_read_all_that_there_is(net: nn.Module) -> None:
    found = receptive_field(net, (1, 3, 8, 8))
    measured = measured_receptive_field(net, (1, 3, 8, 8), as_is=True)
    spans = [axis.spans[0] for _, axis in found.rows[-1].axes]
    rows = isinstance(net, nn.Softmax)  # along the last dimension alone
    assert measured.extent() == (((4, 4) if rows else (0, 7)), (0, 7))
    assert all(s[0] <= 0 and s[1] >= 7 for s in spans[rows:])
    if isinstance(net, Gated):
        assert found.size == (8, 8) and str(found).split("\n")[-1].split() == ["mul", "8x8", "all", "0", "all"]


def test_channels_and_layouts_do_not_matter() -> None:
    x = "torch.nn.functional.layer_norm(x.permute(0, 2, 3, 1), (4,)).permute(0, 3, 1, 2)"
    shuffle = "x.view(1, 2, 2, 8, 8).transpose(1, 2).reshape(1, 4, 8, 8)"
    for text in (x, shuffle, "torch.cat(x.chunk(2, 1), 1)", "torch.stack(x.unbind(1), 1)", "F.channel_shuffle(x, 2)", "x.reshape(2, 2, 8, 8)[:1]"):
        net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), Apply(text), nn.LazyConv2d(1, (1, 3)))
        assert receptive_field(net, (1, 1, 8, 8)).field == (3, 5), text
        assert measured_receptive_field(net, (1, 1, 8, 8)).field == (3, 5), text
    middle = nn.Sequential(nn.Conv2d(1, 4, 3), Apply("x.permute(0, 2, 3, 1)"), nn.Linear(4, 5), Apply("x.permute(0, 3, 1, 2)"), nn.Conv2d(5, 1, 3))
    assert receptive_field(middle, (1, 1, 8, 8)).field == measured_receptive_field(middle, (1, 1, 8, 8)).field == (5, 5)
    for text, field in (("F.pixel_unshuffle(x, 2)", 2), ("F.pixel_shuffle(x, 2)", 1)):
        net = nn.Sequential(nn.Conv2d(1, 4, 1), Apply(text))
        assert receptive_field(net, (1, 1, 8, 8)).field == measured_receptive_field(net, (1, 1, 8, 8)).field == (field, field)


@pytest.mark.parametrize("pool", [nn.AdaptiveAvgPool2d((3, 2)), nn.AdaptiveMaxPool2d((3, 2))])
def test_adaptive_pooling_has_a_period(pool: nn.Module) -> None:
    net = nn.Sequential(nn.Conv2d(1, 1, 3), pool)
    found = receptive_field(net, (1, 1, 13, 12))
    assert found.at(1, 0) == ((3, 9), (0, 6)) and found.field == (7, 7)
    for place in np.ndindex(3, 2):
        assert measured_receptive_field(net, (1, 1, 13, 12), place).extent() == found.at(*place)


def test_the_effective_field_and_the_model_after_a_measurement() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 1, 3))
    before = {name: (v.data_ptr(), v.clone()) for name, v in net.state_dict().items()}
    full = measured_receptive_field(net, (1, 1, 9, 9), (3, 3))
    assert full.extent() == ((3, 7), (3, 7)) and full.mask.sum() == 25
    assert np.argmax(full.gradient) == 5 * 9 + 5  # the middle counts most
    own = measured_receptive_field(net, (1, 1, 9, 9), (3, 3), as_is=True)
    assert own.gradient.dtype == np.float32 and not np.allclose(own.gradient, full.gradient)
    for name, v in net.state_dict().items():
        assert v.data_ptr() == before[name][0] and torch.equal(v, before[name][1])
    assert all(p.grad is None for p in net.parameters()) and net.training


def test_as_text_and_data() -> None:
    found = receptive_field(nn.Sequential(nn.Conv2d(1, 1, (3, 1), 2), nn.ReLU(), nn.MaxPool2d(2)), (1, 1, 16, 16))
    lines = str(found).split("\n")
    assert [line.split()[0] for line in lines[2:]] == ["input", "0", "2"]
    assert "3 x 1" in lines[3] and "max_pool" in lines[4]
    assert found.as_dict()["rows"][-1] == {"name": "2", "operation": "max_pool", "size": (3, 4), "field": (5, 3), "stride": [4.0, 4.0], "start": (0, 0)}
    assert found._repr_html_().count("<tr>") == 5


@pytest.mark.parametrize("call, error, message", [
    (lambda: receptive_field(Apply("x.flip(3)"), (1, 1, 4, 4)), NotImplementedError, "flip"),
    (lambda: receptive_field(Apply("torch.cat([x, x], 3)"), (1, 1, 4, 4)), NotImplementedError, "spatial"),
    (lambda: receptive_field(Apply("x.detach()"), (1, 1, 4, 4)), ValueError, "does not depend"),
    (lambda: receptive_field(nn.Sequential(nn.ReLU()), (1, 1, 4, 4), "1"), ValueError, "no layer '1' ran; there were '', '0'|'0', ''"),
    (lambda: measured_receptive_field(nn.ReLU(), (1, 1, 4, 4), (4, 0)), IndexError, r"\(4, 4\), got \(4, 0\)"),
    (lambda: receptive_field(nn.Bilinear(2, 2, 2), (1, 2)), TypeError, "input2")])
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
