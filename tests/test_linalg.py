"""Linear algebra where a row cannot say it: vectors with free signs, errors by type and word, singular and degenerate matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import minidl

from .harness import array


def both(function: Any, *arrays: np.ndarray, seed: int = 1) -> None:
    """Outputs, first and second gradients of ``function(library, *tensors)``, which must be free of signs, against PyTorch."""
    results = []
    for library in (torch, minidl):
        rng = np.random.default_rng(seed)
        tensors = [library.from_numpy(a.copy()).requires_grad_() for a in arrays]
        y = function(library, *tensors)
        weight = library.from_numpy(rng.standard_normal(tuple(y.shape))).requires_grad_()
        first = library.autograd.grad((y * weight).sum(), tensors, create_graph=True)
        total = sum((g * library.from_numpy(rng.standard_normal(tuple(g.shape)))).sum() for g in first)
        second = library.autograd.grad(total, [*tensors, weight])
        results.append([t.detach().numpy() for t in (y, *first, *second)])
    for want, have in zip(*results):
        np.testing.assert_allclose(have, want, rtol=1e-7, atol=1e-8)


def skewed(*shape: int) -> np.ndarray:
    """A matrix of full rank with distinct singular values."""
    return array(*shape, seed=3) + np.eye(*shape[-2:]) * np.arange(2, 2 + shape[-1])


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)])
@pytest.mark.parametrize("full", [False, True])
def test_svd_rebuilds_and_differentiates(shape: tuple[int, ...], full: bool) -> None:
    k = min(shape[-2:])

    def rebuilt(library: Any, a: Any) -> Any:
        u, s, vh = library.linalg.svd(a, full_matrices=full)
        return (u[..., :k] * (s * s).unsqueeze(-2)) @ vh[..., :k, :]

    both(rebuilt, skewed(*shape))
    for part in (0, 2):
        both(lambda library, a, part=part: library.linalg.svd(a, full_matrices=False)[part] ** 2, skewed(*shape))
    for have, want in zip(minidl.linalg.svd(minidl.tensor(skewed(*shape)), full), torch.linalg.svd(torch.tensor(skewed(*shape)), full)):
        np.testing.assert_allclose(np.abs(have.numpy()), np.abs(want.numpy()), atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4)])
@pytest.mark.parametrize("uplo", ["L", "U"])
def test_eigh_rebuilds_and_differentiates(shape: tuple[int, ...], uplo: str) -> None:
    a = skewed(*shape)
    a = a + a.swapaxes(-1, -2)

    def rebuilt(library: Any, a: Any) -> Any:
        w, v = library.linalg.eigh(a, uplo)
        return (v * w.sin().unsqueeze(-2)) @ v.mT

    both(rebuilt, a)
    both(lambda library, a: library.linalg.eigh(a, uplo)[1] ** 2, a)


def test_vectors_of_repeated_values_do_not_spoil_the_values() -> None:
    a = minidl.eye(3).requires_grad_()
    minidl.linalg.svd(a).S.sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), np.eye(3), atol=1e-6)
    a.grad = None
    minidl.linalg.eigh(a).eigenvalues.sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), np.eye(3), atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3), (2, 4, 2)])
def test_lstsq_differentiates(shape: tuple[int, ...]) -> None:
    both(lambda library, a, b: library.linalg.lstsq(a, b).solution, skewed(*shape), array(*shape[:-1], 2))


def test_lstsq_of_least_norm_where_the_rank_is_short() -> None:
    a, b = np.outer([1.0, 2.0, 3.0], [1.0, -1.0]), array(3, 1)
    have = minidl.linalg.lstsq(minidl.tensor(a), minidl.tensor(b), driver="gelsd")
    want = torch.linalg.lstsq(torch.tensor(a), torch.tensor(b), driver="gelsd")
    np.testing.assert_allclose(have.solution.numpy(), want.solution.numpy(), atol=1e-12)
    assert have.rank.item() == want.rank.item() == 1
    assert have.residuals.numel() == want.residuals.numel() == 0


@pytest.mark.parametrize("call, words", [
    (lambda t: t.linalg.inv(t.zeros(2, 2)), "linalg.inv: The diagonal element 1 is zero, the inversion could not be completed"),
    (lambda t: t.linalg.inv(t.ones(3, 2, 2)), r"linalg.inv: \(Batch element 0\): The diagonal element 2 is zero"),
    (lambda t: t.linalg.solve(t.zeros(2, 2), t.ones(2)), "The solver failed because the input matrix is singular"),
    (lambda t: t.linalg.cholesky(t.tensor([[1.0, 2.0], [2.0, 1.0]])), r"the leading minor of order 2 is not positive-definite"),
    (lambda t: t.linalg.svd(t.full((2, 2), float("nan"))), "linalg.svd: The algorithm failed to converge"),
])
def test_failures_are_lin_alg_errors_in_pytorchs_words(call: Any, words: str) -> None:
    with pytest.raises(torch.linalg.LinAlgError, match=words):
        call(torch)
    with pytest.raises(minidl.linalg.LinAlgError, match=words) as caught:
        call(minidl)
    assert isinstance(caught.value, RuntimeError)


def test_the_ex_forms_report_each_failure_and_keep_the_rest() -> None:
    a = np.stack([np.eye(2), np.zeros((2, 2)), 2 * np.eye(2)])
    for name, extra in (("inv_ex", ()), ("cholesky_ex", ()), ("solve_ex", (np.ones((3, 2)),))):
        want, want_info = getattr(torch.linalg, name)(torch.tensor(a), *map(torch.tensor, extra))
        have, info = getattr(minidl.linalg, name)(minidl.tensor(a), *map(minidl.tensor, extra))
        assert info.tolist() == want_info.tolist() == [0, 1, 0]
        assert str(info.dtype) == str(want_info.dtype)
        np.testing.assert_allclose(have.numpy()[[0, 2]], want.numpy()[[0, 2]], rtol=1e-12)
    assert np.isnan(minidl.linalg.inv_ex(minidl.tensor(a)).inverse.numpy()[1]).all()


def test_the_derivative_of_a_zero_determinant_is_its_cofactors() -> None:
    a = minidl.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=minidl.float64, requires_grad=True)
    minidl.det(a).backward()
    np.testing.assert_allclose(a.grad.numpy(), [[4, -2], [-2, 1]], atol=1e-12)


def test_logdet_of_a_negative_determinant_is_nan() -> None:
    assert np.isnan(minidl.logdet(-minidl.eye(3)).item())
    assert minidl.logdet(minidl.zeros(2, 2)).item() == -np.inf


@pytest.mark.parametrize("mode", ["r", "complete"])
def test_qr_refuses_gradients_that_do_not_exist(mode: str) -> None:
    for library in (torch, minidl):
        a = library.tensor(skewed(3, 2), requires_grad=True)
        with pytest.raises(RuntimeError, match="mode='"):
            library.linalg.qr(a, mode).R.sum().backward()


@pytest.mark.parametrize("name", ["inv", "cholesky", "svd", "qr", "eigh", "pinv", "matrix_exp", "slogdet", "cond"])
def test_float32_stays_float32(name: str) -> None:
    a = minidl.eye(3, dtype=minidl.float32) * 2
    outputs = getattr(minidl.linalg, name)(a)
    for y in outputs if isinstance(outputs, tuple) else (outputs,):
        assert y.dtype == minidl.float32


@pytest.mark.parametrize("call, words", [
    (lambda t: t.mm(t.ones(2, 3), t.ones(4, 5)), r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 4x5\)"),
    (lambda t: t.nn.functional.linear(t.ones(2, 2, 3), t.ones(4, 4)), r"mat1 and mat2 shapes cannot be multiplied \(4x3 and 4x4\)"),
    (lambda t: t.ones(2, 3) @ t.ones(4), r"size mismatch, got input \(2\), mat \(2x3\), vec \(4\)"),
    (lambda t: t.bmm(t.ones(2, 3, 4), t.ones(3, 4, 4)), r"Expected size for first two dimensions of batch2 tensor to be: \[2, 4\] but got"),
    (lambda t: t.ones(2, 3) @ t.ones(3, 4, dtype=t.float64), "expected m1 and m2 to have the same dtype, but got: float != double"),
    (lambda t: t.dot(t.ones(3), t.ones(4)), r"inconsistent tensor size, expected tensor \[3\] and src \[4\]"),
    (lambda t: t.addmm(t.ones(3, 2), t.ones(2, 3), t.ones(3, 2)), r"The expanded size of the tensor \(2\) must match the existing size \(3\)"),
])
def test_products_refuse_in_pytorchs_words(call: Any, words: str) -> None:
    for library in (torch, minidl):
        with pytest.raises(RuntimeError, match=words):
            call(library)


@pytest.mark.parametrize("a, b, name", [
    ((2, 3), (3, 4), "MmBackward0"), ((3,), (3,), "DotBackward0"), ((2, 3), (3,), "MvBackward0")])
def test_the_names_of_products_in_the_graph(a: tuple[int, ...], b: tuple[int, ...], name: str) -> None:
    for library in (torch, minidl):
        assert (library.ones(a, requires_grad=True) @ library.ones(b)).grad_fn.name() == name


def test_beta_zero_ignores_what_it_scales() -> None:
    for library in (torch, minidl):
        y = library.addmm(library.full((2, 2), float("nan")), library.eye(2), library.eye(2), beta=0)
        assert y.tolist() == [[1, 0], [0, 1]]


def test_products_of_expanded_and_scattered_operands() -> None:
    a = minidl.tensor(array(3)).expand(4, 3)
    b = minidl.tensor(array(3, 8))[:, ::2]
    np.testing.assert_allclose((a @ b).numpy(), np.ascontiguousarray(a.numpy()) @ np.ascontiguousarray(b.numpy()), rtol=1e-14)


@pytest.mark.parametrize("p", [None, 2, -2, "fro", "nuc", 1, -1, float("inf"), -float("inf")])
@pytest.mark.parametrize("matrices", [np.zeros((2, 0, 0)), np.ones((2, 2)), np.array([np.eye(2), np.ones((2, 2)), [[1, 2], [3, 4]]])],
                         ids=["empty", "singular", "mixed"])
def test_condition_of_empty_and_singular_matrices(matrices: np.ndarray, p: Any) -> None:
    want, have = (library.linalg.cond(library.from_numpy(matrices), p).numpy() for library in (torch, minidl))
    large = want > 1e12  # a ratio to what rounding leaves of 0
    np.testing.assert_array_equal(have > 1e12, large)
    np.testing.assert_allclose(have[~large], want[~large], rtol=1e-9, atol=1e-15)
