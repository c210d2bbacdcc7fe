"""Samples by rejection: PyTorch's numbers one by one, the generator left where PyTorch leaves it, and the same derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl.ops import rejection

OURS = {"_standard_gamma": rejection._standard_gamma, "_sample_dirichlet": rejection._sample_dirichlet, "poisson": minidl.poisson}


@given(st.sampled_from(sorted(OURS)), st.sampled_from(["float32", "float64"]), st.sampled_from([0.1, 1.0, 8.0, 60.0]), st.integers(0, 2 ** 32))
def test_samples_and_the_generator_after_them(name: str, dtype: str, scale: float, seed: int) -> None:
    def run(T: Any, sample: Any) -> list[Any]:
        T.manual_seed(seed)
        a = T.rand(4, 5, dtype=getattr(T, dtype)) * scale
        T.randn(3)  # leaves a spare normal number
        return [sample(a).numpy(), T.rand(2).numpy(), T.randn(3).numpy()]

    for own, theirs in zip(run(minidl, OURS[name]), run(torch, getattr(torch, name))):
        assert own.dtype == theirs.dtype
        np.testing.assert_allclose(own, theirs, rtol=1e-12)


@given(st.sampled_from(["float32", "float64"]), st.sampled_from([0, 1, 20, 1000]), st.integers(0, 2 ** 32))
def test_binomial_counts(dtype: str, most: int, seed: int) -> None:
    def run(T: Any) -> list[Any]:
        T.manual_seed(seed)
        prob = T.rand(6, dtype=getattr(T, dtype))
        prob[0], prob[1] = 0, 1
        count = T.randint(0, most + 1, (6,)).to(prob.dtype)
        return [T.binomial(count, prob).numpy(), T.rand(2).numpy()]

    for own, theirs in zip(run(minidl), run(torch)):
        np.testing.assert_array_equal(own, theirs)


def test_no_events_and_nan() -> None:
    for T, sample in ((minidl, rejection._standard_gamma), (torch, torch._standard_gamma)):
        T.manual_seed(0)
        assert sample(T.zeros(2)).tolist() == [np.finfo(np.float32).tiny] * 2
        assert T.poisson(T.zeros(2)).tolist() == [0, 0]
        assert T.binomial(T.tensor([3.0]), T.tensor([float("nan")])).isnan().all()


def test_derivatives_in_every_region() -> None:
    rng = np.random.default_rng(0)
    a, b = np.exp(rng.uniform(-4, 5, (2, 4000)))
    x = a * np.exp(rng.normal(0, 1, a.shape) * np.minimum(2, a ** -0.5))
    near = np.concatenate([a[:500] + 8, a[500:1000] + 8]), (np.concatenate([a[:500] + 8, a[500:1000] + 8]) * np.linspace(0.85, 1.15, 1000))
    for alpha, value in ((a, x), near):
        theirs = torch._standard_gamma_grad(torch.tensor(alpha), torch.tensor(value)).numpy()
        np.testing.assert_allclose(rejection._standard_gamma_grad(alpha, value), theirs, rtol=1e-10)
    middle = (a + 6) / (a + b + 12)
    for alpha, beta, value in ((a, b, rng.beta(a, b).clip(1e-30, 1 - 1e-12)), (a + 6, b + 6, (middle * rng.uniform(0.97, 1.03, a.shape)).clip(0, 0.999))):
        theirs = torch._dirichlet_grad(*map(torch.tensor, (value, alpha, alpha + beta))).numpy()
        np.testing.assert_allclose(rejection._dirichlet_grad(value, alpha, alpha + beta), theirs, rtol=1e-8)


def test_they_have_no_derivatives_themselves() -> None:
    x = minidl.ones(2, requires_grad=True)
    for sample in (rejection._standard_gamma(x), rejection._sample_dirichlet(x)[0]):
        (g,) = minidl.autograd.grad(sample.sum(), x, create_graph=True)
        with pytest.raises(NotImplementedError, match="the derivative for '_standard_gamma_grad' is not implemented"):
            g.sum().backward()
