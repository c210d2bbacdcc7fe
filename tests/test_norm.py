"""Normalisation beyond single calls: running statistics, memory order, derivatives of third order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import minidl

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 3, 5, 2)) * 3 + 1


def statistics(library: Any) -> Any:
    return [library.tensor(values, dtype=library.float64) for values in ([0.5, -1.0, 2.0], [1.0, 2.0, 0.5])]


@pytest.mark.parametrize("op", ["batch_norm", "instance_norm"])
def test_running_statistics_move_in_place(op: str) -> None:
    moved = []
    for library in (torch, minidl):
        mean, var = statistics(library)
        f = getattr(library.nn.functional, op)
        for momentum in (0.1, 0.7):
            f(library.tensor(X), mean, var, **{"training" if op == "batch_norm" else "use_input_stats": True},
              momentum=momentum)
        moved.append((mean.numpy(), var.numpy()))
    np.testing.assert_allclose(moved[1][0], moved[0][0], rtol=1e-12)
    np.testing.assert_allclose(moved[1][1], moved[0][1], rtol=1e-12)


def test_an_edit_of_the_running_statistics_is_counted() -> None:
    mean, var = statistics(minidl)
    minidl.nn.functional.batch_norm(minidl.tensor(X), mean, var, training=True)
    assert (mean._version, var._version) == (1, 1)


@pytest.mark.parametrize("op", ["batch_norm", "instance_norm"])
def test_given_statistics(op: str) -> None:
    results = []
    for library in (torch, minidl):
        x = library.tensor(X, requires_grad=True)
        y = getattr(library.nn.functional, op)(
            x, *statistics(library), **{"training" if op == "batch_norm" else "use_input_stats": False})
        (y ** 3).sum().backward()
        results.append((y.detach().numpy(), x.grad.numpy()))
    for want, have in zip(*results):
        np.testing.assert_allclose(have, want, rtol=1e-12)


def test_later_steps_leave_the_statistics_of_earlier_graphs_alone() -> None:
    x, (mean, var) = minidl.tensor(X, requires_grad=True), statistics(minidl)
    y = minidl.nn.functional.batch_norm(x, mean, var)
    before = minidl.autograd.grad(y.sum(), x, retain_graph=True)[0].numpy()
    minidl.nn.functional.batch_norm(minidl.tensor(X), mean, var, training=True)
    np.testing.assert_array_equal(minidl.autograd.grad(y.sum(), x)[0].numpy(), before)


@pytest.mark.parametrize("call", [
    lambda F, x: F.batch_norm(x, None, None, training=True), lambda F, x: F.group_norm(x, 1), lambda F, x: F.instance_norm(x),
    lambda F, x: F.layer_norm(x, x.shape[-1:]), lambda F, x: F.softmax(x, 1), lambda F, x: F.log_softmax(x, -1),
    lambda F, x: x.logsumexp(1)],
    ids=["batch_norm", "group_norm", "instance_norm", "layer_norm", "softmax", "log_softmax", "logsumexp"])
def test_memory_order_is_pytorchs(call: Any) -> None:
    """Channels-last stays so in batch and group norm; any other result is contiguous."""
    def strides(library: Any) -> list[tuple[int, ...]]:
        x = library.zeros(2, 3, 4, 5)
        laid = (x, x.to(memory_format=library.channels_last), x.permute(0, 2, 1, 3), x.permute(1, 0, 3, 2))
        return [tuple(call(library.nn.functional, v).stride()) for v in laid]

    assert strides(minidl) == strides(torch)


def test_running_statistics_that_want_a_gradient_are_refused() -> None:
    for library in (torch, minidl):
        mean, var = statistics(library)
        mean.requires_grad_()
        with pytest.raises(RuntimeError, match="not differentiable with respect to argument 'running_mean'"):
            library.nn.functional.batch_norm(library.tensor(X, requires_grad=True), mean, var)


def test_third_derivative() -> None:
    x0, weights = RNG.standard_normal((3, 4)), RNG.standard_normal((3, 3, 4))

    def derivative(x: Any, order: int) -> Any:
        y = minidl.nn.functional.layer_norm(x, [4])
        for w in weights[:order]:
            y, = minidl.autograd.grad((y * minidl.tensor(w)).sum(), x, create_graph=True)
        return y.detach().numpy()

    direction, h = RNG.standard_normal((3, 4)), 1e-5
    up, down = (derivative(minidl.tensor(x0 + s * h * direction, requires_grad=True), 2) for s in (1, -1))
    have = (derivative(minidl.tensor(x0, requires_grad=True), 3) * direction).sum()
    np.testing.assert_allclose(have, ((up - down) * weights[2]).sum() / (2 * h), rtol=1e-6)


@pytest.mark.parametrize(("call", "name"), [
    (lambda F, x: F.batch_norm(x, None, None, training=True), "NativeBatchNormBackward0"),
    (lambda F, x: F.layer_norm(x, [2]), "NativeLayerNormBackward0"),
    (lambda F, x: F.group_norm(x, 1), "NativeGroupNormBackward0")])
def test_node_names(call: Any, name: str) -> None:
    for library in (torch, minidl):
        assert call(library.nn.functional, library.tensor(X, requires_grad=True)).grad_fn.name() == name


def test_half_precision_is_summed_in_single() -> None:
    """More elements than float16 can count to, whose squares add up to more than its largest number."""
    x = np.random.default_rng(0).standard_normal((2, 2, 200, 200)).astype(np.float16)

    def run(library: Any) -> list[np.ndarray]:
        v = library.from_numpy(x.copy()).requires_grad_()
        y = library.nn.functional.batch_norm(v, None, None, training=True)
        y.backward(library.from_numpy(np.roll(x, 1)))
        return [y.detach().numpy(), v.grad.numpy()]

    for ours, theirs in zip(run(minidl), run(torch)):
        assert ours.dtype == theirs.dtype == np.float16
        np.testing.assert_allclose(ours, theirs, atol=4e-3)  # the last digit of numbers around 4
