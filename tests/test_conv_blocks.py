"""Every algorithm of convolution in pieces as small as can be, in all directions, on fixed problems: a row, an image, a tile at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import minidl
from minidl.backends import conv
from minidl.ops.conv import im2col, pointwise, shifted, winograd

# spatial size, channels, outputs, kernel, and conv2d's options
PROBLEMS: dict[str, Any] = {
    "plain": ((7, 8), 3, 4, (3, 3), {}),
    "padded": ((6, 5), 2, 3, (3, 3), {"padding": 1}),
    "strided": ((9, 8), 2, 4, (3, 2), {"stride": (2, 3), "padding": (1, 0)}),
    "dilated": ((9, 8), 2, 4, (3, 3), {"dilation": (2, 1), "padding": 2}),
    "strided and dilated": ((11, 9), 2, 2, (3, 2), {"stride": (3, 2), "dilation": (2, 3), "padding": (2, 1)}),
    "in groups": ((7, 6), 4, 6, (2, 3), {"groups": 2, "stride": (2, 1)}),
    "depthwise": ((7, 6), 4, 4, (3, 3), {"groups": 4, "padding": 1}),
    "pointwise": ((5, 4), 3, 2, (1, 1), {}),
    "pointwise and strided": ((5, 6), 4, 6, (1, 1), {"groups": 2, "stride": (2, 3)}),
}


def outputs(lib: Any, problem: Any, transposed: bool, channels_last: bool) -> list[np.ndarray]:
    """The result and the gradients of all three arguments under fixed weights."""
    size, channels, made, kernel, options = problem
    groups, rng = options.get("groups", 1), np.random.default_rng(0)
    shapes = ((3, channels, *size), (channels, made // groups, *kernel) if transposed else (made, channels // groups, *kernel), (made,))
    x, w, b = (lib.from_numpy(rng.integers(-4, 5, shape).astype(np.float64)) for shape in shapes)
    if channels_last:
        x = x.contiguous(memory_format=lib.channels_last)
    for t in (x, w, b):
        t.requires_grad_()
    y = (lib.nn.functional.conv_transpose2d if transposed else lib.nn.functional.conv2d)(x, w, b, **options)
    y.backward(lib.from_numpy(rng.integers(-4, 5, tuple(y.shape)).astype(np.float64)))
    return [np.array(t.detach().numpy()) for t in (y, x.grad, w.grad, b.grad)]


@pytest.mark.parametrize("channels_last", [False, True], ids=["channels first", "channels last"])
@pytest.mark.parametrize("transposed", [False, True], ids=["conv", "transposed"])
@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("tall", [1, 10**6])
@pytest.mark.parametrize("algorithm", conv.algorithms)
def test_pieces_of_all_sizes(algorithm: str, tall: int, name: str, transposed: bool, channels_last: bool, monkeypatch: Any) -> None:
    expected = outputs(torch, PROBLEMS[name], transposed, channels_last)
    monkeypatch.setattr(im2col, "TALL", tall)
    for block in (1, 1 << 20):
        for module in (im2col, pointwise, shifted, winograd):
            for constant in {"BLOCK", "COLUMNS"} & set(vars(module)):
                monkeypatch.setattr(module, constant, block)
        with conv.using(algorithm):
            have = outputs(minidl, PROBLEMS[name], transposed, channels_last)
        for a, e in zip(have, expected, strict=True):
            np.testing.assert_allclose(a, e, rtol=0, atol=1e-9)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_padding_has_its_odd_place_at_the_end(kernel: int, dilation: int) -> None:
    x, w = np.arange(1.0, 8.0).reshape(1, 1, 7), np.arange(1.0, kernel + 1).reshape(1, 1, kernel)
    have, want = (lib.nn.functional.conv1d(lib.from_numpy(x), lib.from_numpy(w), padding="same", dilation=dilation).numpy() for lib in (minidl, torch))
    np.testing.assert_array_equal(have, want)
