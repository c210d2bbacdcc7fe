"""Activation checkpointing: PyTorch's gradients, random numbers and errors, with less memory."""

import gc
import weakref

import numpy as np
import pytest
import torch

import minidl
from minidl.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential
from tests.exchange import assert_same, convert_to, outcome, to_numpy

LIBRARIES = (minidl, torch)
WAYS = [True, False]


def tensors(lib, *shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [convert_to(lib, lib.from_numpy(rng.standard_normal(shape))).requires_grad_() for shape in shapes]


@pytest.mark.parametrize("use_reentrant", WAYS)
def test_outputs_gradients_and_random_numbers_are_pytorchs(use_reentrant):
    def results(lib):
        lib.manual_seed(3)
        x, w, v = tensors(lib, (4, 6), (6, 5), (5,))
        calls = []

        def part(x, scale, unused):
            calls.append(1)
            h = lib.nn.functional.dropout((x @ w).tanh() * scale, 0.5)
            return h, (h * v).sum(), 7

        h, s, n = lib.utils.checkpoint.checkpoint(part, x * 2, 3.0, None, use_reentrant=use_reentrant)
        after = lib.rand(2)
        ((h ** 2).sum() + s).backward()
        return [h, s, n, after, lib.rand(2), len(calls), x.grad, w.grad, v.grad]

    have, want = map(to_numpy, map(results, LIBRARIES))
    assert_same(have, want)
    assert have[5] == 2


@pytest.mark.parametrize("use_reentrant", WAYS)
def test_without_kept_random_numbers_the_second_computation_draws_new_ones(use_reentrant):
    minidl.manual_seed(0)
    x = minidl.ones(1000, requires_grad=True)
    y = checkpoint(lambda x: x * minidl.rand(1000), x, use_reentrant=use_reentrant, preserve_rng_state=False)
    y.sum().backward()
    assert not np.array_equal(y.detach().numpy(), x.grad.numpy())


@pytest.mark.parametrize("use_reentrant", WAYS)
def test_what_lies_between_is_not_kept(use_reentrant):
    alive = []

    def part(x):
        y = (x * 2).exp()
        alive.append(weakref.ref(y._data))
        return y.log()

    def after_forward(run):
        alive.clear()
        out = run(minidl.ones(100, requires_grad=True) * 1)
        gc.collect()
        assert out.requires_grad
        return alive[0]() is not None

    assert after_forward(part)
    assert not after_forward(lambda x: checkpoint(part, x, use_reentrant=use_reentrant))


def test_second_derivatives_retained_graphs_and_grad():
    def results(lib):
        x, w = tensors(lib, (3, 4), (4, 2))

        def part(x, *, power):
            return ((x @ w).sigmoid() ** power).sin()

        y = lib.utils.checkpoint.checkpoint(part, x.exp(), power=3, use_reentrant=False)
        gx, gw = lib.autograd.grad(y.sum(), [x, w], create_graph=True)
        (gx ** 2).sum().backward(retain_graph=True)
        (gw ** 2).sum().backward()
        return [y, gx, gw, x.grad, w.grad]

    assert_same(*map(to_numpy, map(results, LIBRARIES)), rtol=1e-10)


def test_nested_checkpoints():
    def results(lib):
        x, = tensors(lib, (5,))
        run = lib.utils.checkpoint.checkpoint

        def inner(x):
            return x.sin() * x

        def outer(x):
            return run(inner, x.exp(), use_reentrant=False).tanh()

        y = run(outer, x, use_reentrant=False)
        y.sum().backward()
        return [y, x.grad]

    assert_same(*map(to_numpy, map(results, LIBRARIES)))


@pytest.mark.parametrize("use_reentrant", WAYS)
@pytest.mark.parametrize("segments", [1, 2, 3])
def test_sequential(use_reentrant, segments):
    def results(lib):
        lib.manual_seed(1)
        net = lib.nn.Sequential(*[layer for _ in range(4) for layer in (lib.nn.Linear(3, 3), lib.nn.Tanh())]).double()
        x, = tensors(lib, (2, 3))
        y = lib.utils.checkpoint.checkpoint_sequential(net, segments, x, use_reentrant=use_reentrant)
        y.sum().backward()
        return [y, x.grad, *(p.grad for p in net.parameters())]

    assert_same(*map(to_numpy, map(results, LIBRARIES)))


def test_a_second_computation_that_differs_is_an_error():
    for change in (lambda x: x * x * x, lambda x: x[:1] * x[:1]):
        x, turn = minidl.ones(3, requires_grad=True), []

        def part(x, change=change, turn=turn):
            turn.append(1)
            return x * x if len(turn) == 1 else change(x)

        y = checkpoint(part, x * 1, use_reentrant=False)
        with pytest.raises(CheckpointError, match="different number of tensors|different metadata"):
            y.sum().backward()


def edited(lib, use_reentrant):
    x = lib.ones(2, requires_grad=True) * 1
    y = lib.utils.checkpoint.checkpoint(lambda x: x * x, x, use_reentrant=use_reentrant)
    with lib.no_grad():
        x.mul_(2)
    y.sum().backward()


@pytest.mark.parametrize("use_reentrant", WAYS)
def test_an_edited_input_is_an_error(use_reentrant):
    for lib in LIBRARIES:
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            edited(lib, use_reentrant)


@pytest.mark.parametrize("call", [
    lambda lib, run, x: run(lambda x, k: x, x, use_reentrant=True, k=3),
    lambda lib, run, x: lib.autograd.grad(run(lambda x: x * x, x, use_reentrant=True).sum(), x),
    lambda lib, run, x: run(lambda x: x * x, x, use_reentrant=True).sum().backward(inputs=[x]),
    lambda lib, run, x: run(lambda x: x.detach(), x, use_reentrant=True).sum().backward()])
def test_errors_are_pytorchs(call):
    have, want = (outcome(lambda lib=lib: call(lib, lib.utils.checkpoint.checkpoint, lib.ones(2, requires_grad=True))) for lib in LIBRARIES)
    assert want is not None
    assert have == want


def test_warnings():
    for lib in LIBRARIES:
        run = lib.utils.checkpoint.checkpoint
        with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
            run(lambda x: x * x, lib.ones(1, requires_grad=True))
        with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
            run(lambda x: x * x, lib.ones(1), use_reentrant=True)
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
        checkpoint_sequential([minidl.sin], 1, minidl.ones(1))


def test_without_gradients_the_function_just_runs():
    with minidl.no_grad():
        assert checkpoint(lambda x: x * 2, minidl.ones(1), use_reentrant=False).tolist() == [2]


def test_what_a_hook_unpacks_has_the_history_of_what_was_packed():
    def results(lib):
        x, w = tensors(lib, (3,), (3,))
        with lib.autograd.graph.saved_tensors_hooks(lambda t: t.detach() + 0, lambda t: t):
            y = ((x * w).exp() * x).sigmoid()
        gx, = lib.autograd.grad(y.sum(), x, create_graph=True)
        gx.sum().backward()
        return [x.grad, w.grad]

    assert_same(*map(to_numpy, map(results, LIBRARIES)))
