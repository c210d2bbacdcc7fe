"""Dropout draws PyTorch's masks: the same seed gives the same values, in any memory order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import minidl

CASES = [("dropout", (3, 5)), ("dropout", (40, 50)), ("dropout", ()), ("dropout1d", (2, 5, 4)), ("dropout1d", (5, 4)),
         ("dropout2d", (2, 5, 4, 4)), ("dropout3d", (2, 5, 2, 3, 4)), ("dropout3d", (5, 2, 3, 4)),
         ("alpha_dropout", (6, 7)),
         ("feature_alpha_dropout", (3, 4, 5))]


def dropped(library: Any, op: str, array: np.ndarray, p: float, inplace: bool, change: Any = None) -> tuple[np.ndarray,
                                                                                                            np.ndarray,
                                                                                                            float]:
    """Output, gradient, and the next number of the stream."""
    library.manual_seed(3)
    leaf = library.tensor(array, requires_grad=True)
    x = leaf * 1 if change is None else change(library, leaf)
    y = getattr(library.nn.functional, op)(x, p, True, inplace)
    assert (y is x) == inplace or (y is x and p == 0)
    (y ** 2).sum().backward()
    return y.detach().numpy(), leaf.grad.numpy(), library.rand(1).item()


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("op", "shape"), CASES)
def test_values(op: str, shape: tuple[int, ...], dtype: Any, p: float, inplace: bool) -> None:
    array = np.random.default_rng(1).standard_normal(shape).astype(dtype)
    for want, have in zip(dropped(torch, op, array, p, inplace), dropped(minidl, op, array, p, inplace)):
        np.testing.assert_allclose(have, want, rtol=1e-5 if dtype is np.float32 else 1e-12,
                                   atol=1e-6 if dtype is np.float32 else 0)


@pytest.mark.parametrize("change",
                         [lambda lib, x: x.transpose(0, 1), lambda lib, x: (x * 1).to(memory_format=lib.channels_last)],
                         ids=["transposed", "channels_last"])
def test_masks_follow_memory(change: Any) -> None:
    array = np.random.default_rng(1).standard_normal((2, 3, 4, 5))
    want, have = (dropped(library, "dropout", array, 0.5, False, change) for library in (torch, minidl))
    np.testing.assert_allclose(have[0], want[0], rtol=1e-12)
    np.testing.assert_allclose(have[1], want[1], rtol=1e-12)


def test_attention_drops_weights() -> None:
    array = np.random.default_rng(1).standard_normal((2, 4, 3))
    values = []
    for library in (torch, minidl):
        library.manual_seed(0)
        q = library.tensor(array)
        values.append(library.nn.functional.scaled_dot_product_attention(q, q, q, dropout_p=0.5).numpy())
    np.testing.assert_allclose(values[1], values[0], rtol=1e-12)


@pytest.mark.parametrize("fill", ["rand_like", "randn_like", "dropout"])
def test_an_expanded_tensor_is_filled_in_rows(fill: str) -> None:
    """As PyTorch, which gives the copy rows where the tensor repeats them; the mask's order is that of the copy."""
    results = []
    for library in (torch, minidl):
        library.manual_seed(0)
        x = library.ones(1, 4, 3, dtype=library.float64).expand(2, 4, 3)
        y = getattr(library, fill)(x, *([0.5, True] if fill == "dropout" else []))
        results.append((y.numpy(), y.stride()))
    np.testing.assert_allclose(results[1][0], results[0][0], rtol=1e-12)
    assert results[1][1] == results[0][1]


def test_probabilities_go_with_their_places_in_any_memory() -> None:
    p = np.random.default_rng(0).random((5, 4))
    results = []
    for library in (torch, minidl):
        library.manual_seed(0)
        x = library.zeros(4, 5, dtype=library.float64).t()
        results.append(x.bernoulli_(library.from_numpy(p)).numpy())
    np.testing.assert_array_equal(results[1], results[0])
