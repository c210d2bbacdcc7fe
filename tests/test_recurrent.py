"""Recurrent layers against PyTorch: derivatives of several orders, of a layer that is one operation; and what may be done to its output."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import minidl
from minidl.analysis import count_flops

SIDES = (minidl, torch)
LAYERS = ("RNN(3, 4)", "RNN(3, 4, 2, 'relu', bidirectional=True)", "LSTM(3, 4, 2, bidirectional=True)", "LSTM(3, 4, proj_size=2)",
          "LSTM(3, 4, bias=False)", "GRU(3, 4, 2, bidirectional=True)", "GRU(3, 4, bias=False)")


def built(T: ModuleType, layer: str, dtype: str) -> tuple[Any, Any, Any]:
    """The layer, a batch of three sequences of five steps, and states, with the same numbers on both sides."""
    draw = np.random.default_rng(1).standard_normal
    net = eval(f"nn.{layer}", {"nn": T.nn}).to(getattr(T, dtype))
    with T.no_grad():
        for p in net.parameters():
            p.copy_(T.from_numpy(draw(p.shape)))
    rows = net.num_layers * (1 + net.bidirectional)
    shapes = [(5, 3, 3), *[(rows, 3, size) for size in (net.proj_size or 4, 4)[:1 + ("LSTM" in layer)]]]
    x, *state = [T.from_numpy(draw(shape).astype(dtype)).requires_grad_() for shape in shapes]
    return net, x, state


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("packed", [False, True], ids=["batch", "packed"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_derivatives_of_three_orders(layer: str, packed: bool, dtype: str) -> None:
    found: list[list[Any]] = []
    for T in SIDES:
        net, x, state = built(T, layer, dtype)
        given = T.nn.utils.rnn.pack_padded_sequence(x, [2, 5, 4], enforce_sorted=False) if packed else x
        y, last = net(given, tuple(state) if "LSTM" in layer else state[0])
        results = [y.data if packed else y, *(last if isinstance(last, tuple) else (last,))]
        leaves = [x, *state, *net.parameters()]
        total = sum((i + 1) * (r ** 3).sum() for i, r in enumerate(results))
        for _ in range(3 if dtype == "float64" else 1):
            grads = T.autograd.grad(total, leaves, create_graph=True)
            results += grads
            total = sum((g * g).sum() for g in grads)
        found.append([r.detach().numpy() for r in results])
    for have, want in zip(*found, strict=True):
        assert have.dtype == want.dtype
        np.testing.assert_allclose(have, want, 0, (1e-10 if dtype == "float64" else 2e-5) * max(1, np.abs(want).max()))


@pytest.mark.parametrize("layer", LAYERS)
def test_the_output_may_be_edited_in_place(layer: str) -> None:
    """In float64, where PyTorch has no fused LSTM."""
    found: list[list[Any]] = []
    for T in SIDES:
        net, x, state = built(T, layer, "float64")
        y, _ = net(x, tuple(state) if "LSTM" in layer else state[0])
        y.mul_(y.detach() + 2)
        y.sum().backward()
        found.append([t.grad.numpy() for t in (x, *state, *net.parameters())])
    for have, want in zip(*found, strict=True):
        np.testing.assert_allclose(have, want, 1e-9, 1e-12)


def test_elementwise_work_is_counted() -> None:
    """For each unit of the state: sums of the gates, functions, and what makes the new state."""
    rows, hidden = 7 * 2, 5
    for kind, gates, work in (("LSTM", 4, 4 + 6 + 4), ("GRU", 3, 3 + 3 + 4), ("RNN", 1, 1 + 1)):
        net = getattr(minidl.nn, kind)(4, hidden)
        products = count_flops(net, (7, 2, 4))
        assert count_flops(net, (7, 2, 4), bias=True) - products == 2 * rows * gates * hidden
        assert count_flops(net, (7, 2, 4), activations=True) - products == rows * hidden * work
    assert count_flops(minidl.nn.LSTM(4, 5, proj_size=2), (7, 2, 4)) == 2 * rows * (4 * 5 * (4 + 2) + 5 * 2)
