"""Calls at the edge of what functions take: one expression each, with the same value, or the same kind of error, in PyTorch."""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import minidl

from .test_side_by_side import shown

EXPRESSIONS = """
# random fills: parameters by name, in any order
T.zeros(3).cauchy_(sigma=3)
T.zeros(3).cauchy_(sigma=3, median=1)
T.zeros(3).cauchy_(1, 2, 3)
T.zeros(3).cauchy_(mean=3)
T.zeros(3).log_normal_(std=0.5, mean=1.0)
T.zeros(3).geometric_()
T.zeros(3).geometric_(p=0.5)
T.zeros(3).random_(to=5)
T.zeros(3).random_(low=5)
T.randint(0, 3.0, (2,))
T.poisson(T.tensor([-1.0]))
T.poisson(T.tensor([1]))
# derivatives of functions
F.hvp(cube, T.arange(3.0), T.ones(3))
F.hvp(cube, (T.arange(3.0),), (T.ones(3),))
F.hvp(cube, T.ones(3))
F.hvp(cube, T.ones(3), T.ones(2))
F.hvp(lambda x: (calls.append(1), cube(x))[1], T.ones(3), T.ones(3)), len(calls)
[t.requires_grad for t in F.vhp(cube, T.ones(3, requires_grad=True), T.ones(3))]
F.vhp(lambda x: (calls.append(1), cube(x))[1], T.ones(3), T.ones(3)), len(calls)
F.vhp(lambda x, y: (x * y).sum(), (T.arange(3.0), T.ones(3)), (T.ones(3), T.ones(3)))
F.vhp(lambda x, y: (x * y).sum(), (T.arange(3.0), T.ones(3)), (T.ones(3),))
F.hessian(lambda x: x * x, T.ones(3))
F.hessian(lambda x: (x * x).sum(0, keepdim=True), T.ones(3))
F.hessian(cube, (T.arange(3.0),))
F.jacobian(lambda x: 3.0, T.ones(3))
F.jacobian(lambda x: x, [T.ones(3)])
F.jvp(lambda x: x * 2, T.ones(3))
F.jvp(lambda x: x.expand(3) * 2, T.ones(1))
F.vjp(lambda x: (x * 2, x * 3), T.ones(3))
T.func.jacrev(lambda x: {'a': x * 2, 'b': (x * 3, x.sum())})(T.ones(2))
T.func.jacrev(lambda x: x[0] * x[1])((T.ones(2), T.arange(2.0)))
T.func.jacfwd(lambda x: x['a'] * x['b'])({'a': T.ones(2), 'b': T.arange(2.0)})
T.func.jacrev(lambda x, y: x * y, argnums=(0, 1), chunk_size=1)(T.ones(2), T.arange(2.0))
T.func.jacrev(lambda x: x * 2)(T.ones(0))
T.func.jacrev(lambda x: 3.0)(T.ones(2))
T.func.hessian(lambda p: (p['a'] ** 3).sum())({'a': T.ones(2)})
T.func.grad(lambda x: x.sum())(T.ones(2, dtype=T.int64))
T.func.grad(lambda x: x.sum(), argnums=2)(T.ones(2))
T.func.grad(lambda x: x.sum(), argnums=())(T.ones(2))
T.func.jvp(lambda x: x * 2, T.ones(2), T.ones(2))
T.func.vmap(lambda x: x, in_dims=5)(T.ones(2, 3))
T.func.vmap(lambda x: 3.0)(T.ones(2, 3))
checkpoint(lambda x: x * 2, T.ones(2), use_reentrant=False, debug=False, early_stop=False)
checkpoint(lambda x: x * 2, T.ones(2), use_reentrant=True, context_fn=lambda: ())
# linear algebra
T.linalg.svdvals(T.eye(2), driver=None)
T.linalg.svd(T.eye(2), driver='gesvd')
# numbers that a type cannot hold
T.tensor([1, 200], dtype=T.uint8).clamp(0, 300)
T.tensor([1, 200], dtype=T.uint8).clamp(-1, 100)
T.tensor([1, 20], dtype=T.int8).clamp_max(200)
T.tensor([1, 20], dtype=T.int8).clamp(min=-129)
T.where(T.tensor([True, False]), T.tensor([1, 2], dtype=T.int8), 200)
T.where(T.tensor([True, False]), T.tensor([1, 2], dtype=T.float16), 1e6).tolist()
T.tensor([300], dtype=T.uint8)
T.tensor([-1], dtype=T.uint8)
T.tensor([[1], [-256]], dtype=T.uint8)
T.tensor([1.0, float('nan')], dtype=T.int64)
T.tensor([1e30], dtype=T.int64)
T.tensor([1e300])
T.full((2,), 1e300)
T.full((2,), float('inf'), dtype=T.float16).tolist()
T.zeros(2).masked_fill(T.tensor([True, False]), 1e300)
T.zeros(2, dtype=T.float16).masked_fill(T.tensor([True, False]), -1e9)
T.zeros(2, dtype=T.float16).masked_fill(T.tensor([True, False]), float('-inf')).tolist()
T.zeros(2, dtype=T.uint8).masked_fill(T.tensor([True, False]), -1)
T.zeros(2, dtype=T.uint8).index_fill(0, T.tensor([1]), 256)
T.zeros(2, dtype=T.uint8).scatter(0, T.tensor([1]), -1)
[x := T.zeros(2, dtype=T.uint8), x.__setitem__(0, -1)]
T.zeros(2, dtype=T.uint8).__setitem__(0, 256)
# arrays that are parts of others
T.from_numpy(np.arange(6.0)[2:]).storage_offset()
T.from_numpy(np.arange(6.0)[2:]).as_strided((2,), (1,), 0)
T.from_numpy(np.arange(6.0)[2:])[1:].storage_offset()
T.as_tensor(np.arange(12.0).reshape(3, 4)[1:, 1:]).as_strided((2,), (1,))
[a := np.arange(6.0), T.from_numpy(a[2:]).add_(1), a]
[a := np.arange(6), T.as_tensor(a[::2]).mul_(3), a]
T.from_numpy(np.broadcast_to(np.float32(2), (3, 2))).stride()
T.from_numpy(np.arange(6.0)[::-1])
T.as_tensor(np.arange(6.0)[::-1])
T.from_numpy(np.arange(6.0).astype('>f8'))
T.from_numpy(np.array(['a']))
T.frombuffer(np.arange(6.0), dtype=T.float64, offset=16).storage_offset()
# sizes and ranges
T.tensor([], dtype=T.int64).median()
T.tensor([], dtype=T.int32).median()
T.tril_indices(-1, 2)
T.triu_indices(0, 2)
T.range(3, 0)
T.range(3, 3, 0)
T.range(3, 0, -1)
T.range(0, float('nan'))
T.range(T.tensor(0), T.tensor(2.0))
T.set_printoptions(profile='unknown')
# comparisons and losses
T.testing.assert_close(T.tensor([1 + 1j]), T.tensor([1 + 2j]))
T.testing.assert_close(T.tensor([1 + 1j, 2]), T.tensor([1 + 1j, 2 + 1e-9j]))
T.testing.assert_close(1 + 1j, 1 + 2j)
T.testing.make_tensor(3, dtype=T.complex64, device='cpu', low=0, high=3)
T.nn.functional.binary_cross_entropy(T.tensor([0.5]), T.tensor([2.0]))
T.nn.functional.binary_cross_entropy(T.tensor([1.5]), T.tensor([1.0]))
# sums, histograms and differences of odd types and sizes
T.full((4000, 2), 0.1).sum(0)
T.full((2, 4000, 40), 0.1).mean(1, keepdim=True)
T.full((40, 4000), 0.125).t().sum(0)
T.cat([T.full((2000, 3), 0.1), T.full((2000, 3), 0.3)]).var(0)
T.full((200000,), 0.1).cumsum(0)[-1]
T.full((3000,), 1.0, dtype=T.float16).cumsum(0)[-1].item()
T.tensor([600.0, 600.0, 0.001], dtype=T.float16).cumprod(0).tolist()
T.trapezoid(T.tensor([0, 1, 255], dtype=T.uint8))
T.gradient(T.tensor([1.0, 2.0, float('inf'), float('inf'), 0.0]))[0].tolist()
T.gradient(T.tensor([1.0, 2.0, 4.0]), spacing=2.0)
T.gradient(T.tensor([1, 2, 4]))
T.histc(T.tensor([1.0, float('nan')]))
T.histogram(T.tensor([1.0, 2.0]))[0].shape
T.unravel_index(T.tensor([0, 5], dtype=T.uint8), (2, 3))
T.cholesky_solve(T.ones(2, 2, dtype=T.int64), T.eye(2))
T.igamma(T.tensor(3), T.tensor(3))
"""
LINES = [line for line in EXPRESSIONS.strip().split("\n") if not line.startswith("#")]


def outcome(T: ModuleType, line: str) -> Any:
    names = {"T": T, "np": np, "F": T.autograd.functional, "checkpoint": T.utils.checkpoint.checkpoint, "cube": lambda x: (x ** 3).sum(), "calls": []}
    T.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return shown(eval(line, names))
        except Exception as error:  # noqa: BLE001 (whatever it is, it is compared)
            return RuntimeError if isinstance(error, NotImplementedError) else type(error)


@pytest.mark.parametrize("line", LINES)
def test_outcomes_are_pytorchs(line: str) -> None:
    assert outcome(minidl, line) == outcome(torch, line)


def test_checkpoint_computes_in_the_contexts_given() -> None:
    import contextlib
    entered = []

    @contextlib.contextmanager
    def context(name: str) -> Any:
        entered.append(name)
        yield

    x = minidl.ones(2, requires_grad=True)
    y = minidl.utils.checkpoint.checkpoint(minidl.exp, x, use_reentrant=False, context_fn=lambda: (context("first"), context("second")))
    assert entered == ["first"]
    y.sum().backward()
    assert entered == ["first", "second"]
