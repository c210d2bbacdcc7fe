"""Both libraries on the same complex numbers: values, gradients under random weights, and second gradients."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

import minidl
from minidl.testing import strategies

from .harness import flatten, values

SIDES = (minidl, torch)


def complexes(shape: Any, real: str = "away", imag: str = "away") -> st.SearchStrategy[np.ndarray]:
    """Complex arrays, both parts of these domains; by default away from the axes, where the functions are cut."""
    return st.builds(lambda a, b: a + 1j * b, strategies.tensors(shape, real, layout="contiguous"), strategies.tensors(shape, imag, layout="contiguous"))


def reals(shape: Any, domain: str = "away") -> st.SearchStrategy[np.ndarray]:
    return strategies.tensors(shape, domain, layout="contiguous")


def near(have: Any, want: Any, what: str, tolerance: float) -> None:
    """Equal to a tolerance relative to the largest expected magnitude."""
    have, want = np.asarray(have), np.asarray(want)
    assert have.shape == want.shape and have.dtype == want.dtype, f"{what}: {have.dtype} {have.shape}, expected {want.dtype} {want.shape}"
    scale = max(1.0, float(np.abs(want[np.isfinite(want)]).max(initial=0)))
    np.testing.assert_allclose(have, want, rtol=tolerance, atol=tolerance * scale, err_msg=what)


def weights(T: ModuleType, outputs: list[Any], rng: np.random.Generator) -> list[Any]:
    """A random tensor for each output, complex where it is."""
    found = []
    for y in outputs:
        array = rng.standard_normal(tuple(y.shape)) + (1j * rng.standard_normal(tuple(y.shape)) if y.is_complex() else 0)
        found.append(T.from_numpy(np.asarray(array).astype(values(y).dtype)).requires_grad_())
    return found


def same(function: Callable[..., Any], *arrays: np.ndarray, second: bool = True, single: bool = True, tolerance: float = 1e-9) -> None:
    """That ``function(T, *tensors)`` has the same values, types, first and second gradients; and in single precision the same values."""
    orders: list[list[Any]] = []
    for T in SIDES:
        leaves = [T.from_numpy(a.copy()).requires_grad_() for a in arrays]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outputs = [y for y in flatten(function(T, *leaves)) if isinstance(y, T.Tensor)]
        found = [[values(y.resolve_conj()) for y in outputs]]
        rng = np.random.default_rng(0)
        chosen = [y for y in outputs if y.requires_grad]
        if chosen:
            w = weights(T, chosen, rng)
            first = T.autograd.grad(chosen, leaves, w, create_graph=second, allow_unused=True, materialize_grads=True)
            found.append([values(g.resolve_conj()) for g in first])
            again = [g for g in first if g.requires_grad]
            if second and again:
                last = T.autograd.grad(again, [*leaves, *w], weights(T, again, rng), allow_unused=True, materialize_grads=True)
                found.append([values(g.resolve_conj()) for g in last])
        orders.append(found)
    for what, have, want, factor in zip(("value", "gradient", "second gradient"), *orders, (1, 10, 100)):
        assert len(have) == len(want), f"{len(have)} of {what}s, expected {len(want)}"
        for i, (h, w) in enumerate(zip(have, want)):
            near(h, w, f"{what} {i}", factor * tolerance)
    assert len(orders[0]) == len(orders[1]), "a gradient is missing"
    if single:
        halves = [[T.from_numpy(a.astype(np.complex64 if a.dtype.kind == "c" else np.float32)) for a in arrays] for T in SIDES]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            have, want = [[values(y.resolve_conj()) for y in flatten(function(T, *xs)) if isinstance(y, T.Tensor)] for T, xs in zip(SIDES, halves)]
        for i, (h, w) in enumerate(zip(have, want)):
            near(h, w, f"single precision {i}", 2e-4)


def both(run: Callable[[ModuleType], Any]) -> None:
    """The same result, or an exception of the same type, on both sides; tensors and types by what they print."""
    results = []
    for T in SIDES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                results.append(repr(run(T)))
            except Exception as error:  # noqa: BLE001  # whatever PyTorch raises
                results.append(type(error).__name__)
    assert results[0] == results[1]
