"""Muon and SparseAdam against PyTorch's."""

import copy

import numpy as np
import pytest
import torch

import minidl
from minidl.optim.muon import combined, to_bfloat16
from tests.exchange import assert_same, convert_to, outcome, to_numpy

LIBRARIES = (minidl, torch)
OPTIONS = [{}, {"lr": 0.1, "weight_decay": 0.3, "momentum": 0.8, "nesterov": False, "adjust_lr_fn": "original"},
           {"ns_steps": 3, "ns_coefficients": (2.0, -1.5, 0.5), "eps": 1e-3, "adjust_lr_fn": "match_rms_adamw"}]


def run(lib, kwargs, dtype, count=6, weights=None, state=None):
    """Steps by random gradients, one matrix without now and then; the weights, the state and the optimizer's repr."""
    rng = np.random.default_rng(3)
    shapes = [(4, 3), (3, 8), (6, 6), (1, 5)]
    made = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    params = [lib.tensor(w).requires_grad_() for w in (made if weights is None else weights)]
    optimizer = lib.optim.Muon([{"params": params[:2]}, {"params": params[2:], "lr": 0.02}], **kwargs)
    if state is not None:
        optimizer.load_state_dict(convert_to(lib, copy.deepcopy(state)))
    for i in range(count):
        for j, (p, shape) in enumerate(zip(params, shapes)):
            g = lib.tensor(rng.normal(size=shape).astype(dtype))
            p.grad = None if (i + j) % 4 == 3 else g
        optimizer.step()
    return [p.detach().numpy().copy() for p in params], optimizer.state_dict(), repr(optimizer)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kwargs", OPTIONS)
def test_values_and_state_are_pytorchs(kwargs, dtype):
    have, want = ((w, to_numpy(s), r) for w, s, r in (run(lib, kwargs, dtype) for lib in LIBRARIES))
    assert_same(have, want, rtol=1e-12 if dtype is np.float64 else 2e-5, atol=1e-14 if dtype is np.float64 else 1e-7)


@pytest.mark.parametrize("first", LIBRARIES)
def test_a_run_may_change_library_halfway(first):
    second = LIBRARIES[first is minidl]
    weights, state, _ = run(first, {}, np.float64)
    again, alike = run(second, {}, np.float64, 4, weights, state), run(first, {}, np.float64, 4, weights, state)
    assert_same(to_numpy(again), to_numpy(alike), rtol=1e-12)


def test_rounding_to_bfloat16():
    x = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    x = np.append(x, np.array([0x3F808000, 0x3F818000, 0x3F808001, 0x80000000], np.uint32).view(np.float32))  # ties first
    np.testing.assert_array_equal(to_bfloat16(x), torch.from_numpy(x).bfloat16().float().numpy())


def test_a_product_with_a_sum_rounds_as_pytorchs():
    """One of 30,000 results differs where both products are rounded before they are added; the outer products' own elements are exact."""
    rng = np.random.default_rng(0)
    beta, alpha, x, column, row = -4.775, 2.0315, *(to_bfloat16(rng.normal(size=shape)) for shape in ((512, 512), (512, 1), (1, 512)))
    want = torch.addmm(*(torch.from_numpy(a).bfloat16() for a in (x, column, row)), beta=beta, alpha=alpha).float().numpy()
    np.testing.assert_array_equal(combined(beta, x, alpha, column @ row), want)
    rounded_twice = np.count_nonzero(to_bfloat16(beta * x + alpha * (column @ row)) != want)
    assert 0 < rounded_twice < 50


def test_large_matrices_differ_by_a_few_roundings():
    """Sums in another order round otherwise, now and then, in bfloat16."""
    g = np.random.default_rng(1).normal(size=(96, 128)).astype(np.float32)
    moved = []
    for lib in LIBRARIES:
        w = lib.zeros(96, 128).requires_grad_()
        w.grad = lib.tensor(g)
        lib.optim.Muon([w], lr=1.0).step()
        moved.append(w.detach().numpy())
    assert abs(moved[0]).max() > 0.2
    np.testing.assert_allclose(*moved, atol=2 ** -7)
    np.testing.assert_allclose(np.linalg.svd(moved[0], compute_uv=False), 1, atol=0.4)


@pytest.mark.parametrize("call", [
    lambda lib, w: lib.optim.Muon([w], lr=-1), lambda lib, w: lib.optim.Muon([w], momentum=-1), lambda lib, w: lib.optim.Muon([w], weight_decay=-1),
    lambda lib, w: lib.optim.Muon([w], adjust_lr_fn="other"), lambda lib, w: lib.optim.Muon([w[0].detach()]), lambda lib, w: lib.optim.Muon([]),
    lambda lib, w: lib.optim.Muon([w], ns_steps=100).step(), lambda lib, w: lib.optim.Muon([w], ns_coefficients=(1.0, 2.0)).step(),
    lambda lib, w: lib.optim.Muon([w], lr=lib.ones(2)), lambda lib, w: lib.optim.SparseAdam([w], lr=0.0), lambda lib, w: lib.optim.SparseAdam([w], eps=0.0),
    lambda lib, w: lib.optim.SparseAdam([w], betas=(1.0, 0.9)), lambda lib, w: lib.optim.SparseAdam([w], betas=(0.9, -1.0)),
    lambda lib, w: lib.optim.SparseAdam([w], lr=lib.ones(2)), lambda lib, w: lib.optim.SparseAdam([w]).step(),
    lambda lib, w: lib.optim.SparseAdam([w]).step(lambda: w.sum())])
def test_errors_are_pytorchs(call):
    results = []
    for lib in LIBRARIES:
        w = lib.ones(3, 2).requires_grad_()
        w.grad = lib.ones(3, 2)
        results.append(outcome(lambda lib=lib, w=w: call(lib, w)))
    assert results[0] == results[1]
    assert results[0][0] in (ValueError, RuntimeError)


def test_sparse_adam_without_gradients():
    results = []
    for lib in LIBRARIES:
        optimizer = lib.optim.SparseAdam([lib.ones(2).requires_grad_()], lr=0.1)
        results.append((optimizer.step(lambda: 5), optimizer.step(), repr(optimizer), optimizer.state_dict()))
    assert results[0] == results[1]
