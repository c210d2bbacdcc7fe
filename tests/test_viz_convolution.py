"""The pictures of convolution: the numbers and colours in them are those of the matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minidl as torch
from minidl import viz
from minidl.nn import functional as F
from minidl.ops.conv import dense_matrix


@pytest.mark.parametrize(("shape", "size", "how"), [
    ((1, 1, 3, 3), (1, 5, 5), {"stride": 2, "padding": 1}), ((2, 2, 2, 2), (2, 4, 4), {"dilation": 2}), ((2, 1, 3), (2, 6), {"groups": 2})])
def test_the_dense_matrix_is_drawn_as_it_is(shape: tuple[int, ...], size: tuple[int, ...], how: dict[str, Any]) -> None:
    weight = torch.arange(1.0, np.prod(shape) + 1).reshape(shape)
    matrix = dense_matrix(weight, size, **how).numpy()
    ax = viz.plot_dense_matrix(weight, size, **how).axes[-1]
    drawn = np.zeros(matrix.shape)
    for text in ax.texts:
        j, i = text.get_position()
        drawn[int(i), int(j)] = float(text.get_text() or 0)
    np.testing.assert_array_equal(drawn, matrix)
    colours = np.asarray(ax.images[0].get_array())
    kernel = int(np.prod(shape[2:]))
    place = (matrix.astype(int) - 1) % kernel
    for k in range(kernel):  # one colour for each place in the kernel, and no other place has it
        own = {tuple(c) for c in colours[(matrix != 0) & (place == k)]}
        rest = {tuple(c) for c in colours[(matrix == 0) | (place != k)]}
        assert len(own) <= 1 and not own & rest


def test_a_weight_of_zero_stands_in_the_matrix() -> None:
    figure = viz.plot_dense_matrix(torch.zeros(1, 1, 2), (1, 3))
    assert figure.axes[-1].get_title() == "Y = W X: 2 weights fill 4 of 6 places"


def test_im2col_shows_the_product() -> None:
    x, w = torch.arange(1.0, 33).reshape(2, 4, 4), torch.arange(1.0, 25).reshape(3, 2, 2, 2)
    figure = viz.plot_im2col(x, w, stride=2, padding=1)
    tables = []
    for ax in figure.axes:
        table = np.zeros(ax.images[0].get_array().shape[:2])
        for text in ax.texts:
            j, i = text.get_position()
            table[int(i), int(j)] = float(text.get_text())
        tables.append(table)
    image, columns, rows, product = tables
    np.testing.assert_array_equal(image.reshape(x.shape), x.numpy())
    np.testing.assert_array_equal(columns, F.unfold(x[None], 2, 1, 1, 2)[0].numpy())
    np.testing.assert_array_equal(rows, w.reshape(3, 8).numpy())
    expected = F.conv2d(x[None], w, None, 2, 1)[0].reshape(3, -1).numpy()
    np.testing.assert_array_equal(product, [[float(f"{v:.3g}") for v in row] for row in expected])
    with pytest.raises(ValueError, match="expected an input"):
        viz.plot_im2col(x[0], w)


@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 0, 1), (2, 1, 1), (3, 0, 2), (1, 1, 2)])
def test_the_steps_end_in_the_transposed_convolution(stride: int, padding: int, dilation: int) -> None:
    x, w = torch.randn(2, 3), torch.randn(2, 3)
    steps = viz.transposed_steps(x, w, stride, dilation)
    assert len(steps) == 6
    expected = F.conv_transpose2d(x[None, None], w[None, None], stride=stride, dilation=dilation)[0, 0].numpy()
    np.testing.assert_allclose(steps[-1], expected, rtol=1e-5, atol=1e-6)
    figure = viz.plot_transposed_convolution(x, w, stride, padding, dilation)
    expected = F.conv_transpose2d(x[None, None], w[None, None], stride=stride, padding=padding, dilation=dilation)[0, 0].numpy()
    shown = [float(t.get_text()) for t in figure.axes[-1].texts]
    np.testing.assert_allclose(shown, expected.ravel(), rtol=6e-3)
    assert figure.axes[-1].images[0].get_array().shape[:2] == expected.shape


def test_transposed_refuses() -> None:
    with pytest.raises(ValueError, match="at most 16 elements, got 20"):
        viz.plot_transposed_convolution(np.ones((4, 5)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="nothing is left of 2 x 2 without a padding of 1"):
        viz.plot_transposed_convolution(np.ones((1, 1)), np.ones((2, 2)), padding=1)
    with pytest.raises(ValueError, match=r"expected an input \(H, W\)"):
        viz.transposed_steps(np.ones((1, 1, 1)), np.ones((2, 2)))
