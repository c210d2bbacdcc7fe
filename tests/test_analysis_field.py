"""Receptive fields: the recurrence and the measurement by gradients agree, on random networks and on known ones."""

from __future__ import annotations

from math import gcd
from typing import Any

from hypothesis import assume, given, note
from hypothesis import strategies as st

import minidl as torch
from minidl import nn
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
