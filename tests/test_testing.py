"""`minidl.testing`: cases are valid, faults are found and shrink to the simplest call, and what is right is accepted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import strategies as st

import minidl
from minidl.testing import (
    Case,
    Mismatch,
    check,
    complex_step,
    derivative,
    gradcheck,
    gradgradcheck,
    minidl_function,
    numpy_function,
    torch_function,
)
from minidl.testing.operators import operator_of, wanted
from minidl.testing.report import script
from minidl.testing.strategies import cases, tensors

# ---- a right convolution, its transpose, and ways to be wrong


def windows(x: np.ndarray, w: np.ndarray, stride: Any, dilation: Any) -> np.ndarray:
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:])]
    x = np.lib.stride_tricks.sliding_window_view(x, reach, (2, 3))
    return x[:, :, ::stride[0], ::stride[1], ::dilation[0], ::dilation[1]]


def conv2d(x: Any, w: Any, b: Any = None, stride: Any = (1, 1), padding: Any = (0, 0), dilation: Any = (1, 1), groups: int = 1,
           fault: str = "") -> np.ndarray:
    """One that is right, unless a fault is named."""
    if fault == "dilation":
        dilation = (dilation[0], 1) if x.shape[3] + 2 * padding[1] >= dilation[1] * (w.shape[3] - 1) + 1 else dilation
    if fault == "padding":
        x = np.pad(x, [(0, 0), (0, 0), (padding[0], padding[0]), (max(padding[1] - 1, 0), padding[1] + min(padding[1], 1))])
    else:
        x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    x = windows(x, w, stride, dilation)
    x = x.reshape(len(x), groups, -1, *x.shape[2:])
    if fault == "groups":
        w, pattern = w.reshape(-1, groups, *w.shape[1:]), "ngchwij,ogcij->ngohw"
    else:
        w, pattern = w.reshape(groups, -1, *w.shape[1:]), "ngchwij,gocij->ngohw"
    y = np.einsum(pattern, x, w).reshape(len(x), -1, *x.shape[3:5])
    if fault == "factor":
        y = y * (1 + 1e-5)
    return y if b is None else y + b[:, None, None] * (1 if fault != "bias" else -1)


def faulty(name: str) -> Callable[..., np.ndarray]:
    def f(*args: Any, **kwargs: Any) -> np.ndarray:
        return conv2d(*args, **kwargs, fault=name)
    return f


def conv_transpose2d(x: Any, w: Any, b: Any = None, stride: Any = (1, 1), padding: Any = (0, 0), output_padding: Any = (0, 0), groups: int = 1,
                     dilation: Any = (1, 1)) -> np.ndarray:
    """Each input pixel adds its kernel to the output."""
    n, _, h, v = x.shape
    size = [(m - 1) * s + d * (k - 1) + 1 + e for m, s, d, k, e in zip((h, v), stride, dilation, w.shape[2:], output_padding)]
    y = np.zeros((n, groups, w.shape[1], *size), x.dtype)
    xs, ws = x.reshape(n, groups, -1, h, v), w.reshape(groups, -1, *w.shape[1:])
    for i, j in np.ndindex(w.shape[2:]):
        a, c = i * dilation[0], j * dilation[1]
        y[:, :, :, a:a + h * stride[0]:stride[0], c:c + v * stride[1]:stride[1]] += np.einsum("ngchw,gco->ngohw", xs, ws[..., i, j])
    y = y.reshape(n, -1, *size)[:, :, padding[0]:size[0] - padding[0], padding[1]:size[1] - padding[1]]
    return y if b is None else y + b[:, None, None]


PLAIN = cases("conv2d", plain=True)


@pytest.mark.parametrize("oracle", ["minidl", None])
def test_a_right_candidate_is_accepted(oracle: Any) -> None:
    assert check(conv2d, against="conv2d", inputs=PLAIN, oracle=oracle, examples=25) == 25
    assert check(conv_transpose2d, "conv_transpose2d", cases("conv_transpose2d", plain=True), oracle, examples=20) == 20


@pytest.mark.parametrize("name,oracle,simplest", [
    ("groups", "minidl", ("conv2d(np.array([[[[1.0]], [[2.0]]]]), np.array([[[[1.0]]], [[[2.0]]], [[[3.0]]], [[[-1.0]]]]), None, "
                         "stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=2)")),
    ("groups", None, "groups=2)"),
    ("bias", "minidl", ("conv2d(np.array([[[[1.0]]]]), np.array([[[[1.0]]]]), np.array([1.0]), "
                       "stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1)")),
    ("bias", None, "np.array([1.0]), stride=(1, 1)"),
    ("factor", "minidl", ("conv2d(np.array([[[[1.0]]]]), np.array([[[[1.0]]]]), None, "
                         "stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1)")),
    ("padding", "minidl", ("conv2d(np.array([[[[1.0]]]]), np.array([[[[1.0]]]]), None, "
                          "stride=(1, 1), padding=(0, 1), dilation=(1, 1), groups=1)")),
    ("padding", None, "padding=(0, 1)"),
    ("dilation", "minidl", "dilation=(1, 2), groups=1)"),
    ("dilation", None, "dilation=(1, 2), groups=1)"),
])
def test_a_planted_fault_is_found_and_shrinks(name: str, oracle: Any, simplest: str) -> None:
    with pytest.raises(Mismatch) as found:
        check(faulty(name), "conv2d", PLAIN, oracle, examples=300)
    assert simplest in repr(found.value.case)


def test_the_same_seed_finds_the_same() -> None:
    messages = []
    for _ in range(2):
        with pytest.raises(Mismatch) as found:
            check(faulty("groups"), "conv2d", PLAIN, examples=100, seed=5)
        messages.append(str(found.value))
    assert messages[0] == messages[1]


def test_a_factor_of_the_bias_escapes_the_relations_but_not_the_oracle() -> None:
    """A factor of everything keeps every relation: an oracle is needed."""
    assert check(faulty("factor"), "conv2d", PLAIN, None, examples=30) == 30


def conv1d(x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
    return minidl.nn.functional.conv1d(x, w, b, stride, padding, dilation, groups)


class Wrong(minidl.autograd.Function):
    """x * w summed over channels, whose second gradient alone is wrong when asked."""

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any, order: int) -> Any:
        ctx.save_for_backward(x, w)
        ctx.wrong = order
        return x @ w.T

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        x, w = ctx.saved_tensors
        gx = -(g @ w) if ctx.wrong == 1 else g @ (w.detach() if ctx.wrong == 2 else w)
        return gx, (g.reshape(-1, g.shape[-1]).T @ x.reshape(-1, x.shape[-1])), None


LINEAR = st.tuples(tensors(st.tuples(st.integers(1, 2), st.just(2)), layout="contiguous"), tensors(st.tuples(st.integers(1, 2), st.just(2)),
                                                                                                 layout="contiguous")).map(
    lambda arrays: Case("linear", (*arrays, None)))


@pytest.mark.parametrize("order,what", [(1, "gradient 0: "), (2, "second gradient")])
def test_a_wrong_gradient_is_found(order: int, what: str) -> None:
    with pytest.raises(Mismatch, match=what) as found:
        check(minidl_function(lambda x, w, b: Wrong.apply(x, w, order)), "linear", LINEAR, examples=40, relations=False)
    assert found.value.case.args[0].shape == (1, 2)
    assert check(minidl_function(lambda x, w, b: Wrong.apply(x, w, 0)), "linear", LINEAR, examples=20) == 20


def test_what_a_module_is_made_with_has_no_gradient() -> None:
    case = Case("nn.SoftMarginLoss", (np.ones(1),), {"weight": np.ones(1)}, (np.ones(1), np.ones(1)))
    assert wanted(case, operator_of("soft_margin_loss")) == [False, False, True, False]
    assert wanted(Case("mse_loss", case.inputs or ()), operator_of("mse_loss")) == [True, True]


def test_a_wrong_gradient_is_found_without_an_oracle() -> None:
    with pytest.raises(Mismatch, match="the slope is"):
        check(minidl_function(lambda x, w, b: Wrong.apply(x, w, 1)), "linear", LINEAR, None, examples=40, relations=False)
    with pytest.raises(Mismatch, match="relation adjoint"):
        check(minidl_function(lambda x, w, b: Wrong.apply(x, w, 1)), "linear", LINEAR, None, examples=40, orders=0)


def test_a_numpy_function_with_its_backward() -> None:
    def linear(x: Any, w: Any, b: Any) -> Any:
        return x @ w.T if b is None else x @ w.T + b

    def backward(g: Any, x: Any, w: Any, b: Any) -> Any:
        rows, cotangents = x.reshape(-1, x.shape[-1]), g.reshape(-1, g.shape[-1])
        return [g @ w, cotangents.T @ rows, *([] if b is None else [cotangents.sum(0)])]

    assert check(numpy_function(linear, backward), "linear", examples=30) == 30
    assert check(numpy_function(linear, lambda *a: [*backward(*a), None]), "linear", examples=30) == 30
    with pytest.raises(Mismatch, match="gradient 1: element"):
        check(numpy_function(linear, lambda *a: [backward(*a)[0], -backward(*a)[1], *backward(*a)[2:]]), "linear", examples=30)


@pytest.mark.parametrize("change,what", [
    (lambda y: y[..., None], "output has shape"), (lambda y: y.astype(np.float64), "output has dtype float64, expected float32"),
    (lambda y: [y, y], "2 outputs, expected 1"), (lambda y: y + np.nan, "element"), (lambda y: y / 0, "raised"),
])
def test_shape_dtype_count_and_errors(change: Any, what: str) -> None:
    case = Case("linear", (np.ones((1, 2)), np.ones((1, 2)), None))
    with pytest.raises(Mismatch, match=what):
        check(lambda x, w, b: change(x @ w.T), "linear", [case], relations=False, dtypes=("float32",))


def test_an_edited_argument_is_noticed() -> None:
    def f(x: Any, w: Any, b: Any) -> Any:
        y = x @ w.T
        x += 1
        return y
    with pytest.raises(Mismatch, match="changed its arguments"):
        check(f, "linear", [Case("linear", (np.ones((1, 2)), np.ones((1, 2)), None))], relations=False)


def test_adjoint_with_the_candidates_own_transpose() -> None:
    inputs = cases("conv2d", plain=True)
    assert check(conv2d, "conv2d", inputs, None, examples=25, transpose=conv_transpose2d) == 25
    with pytest.raises(Mismatch, match="relation adjoint"):
        check(conv2d, "conv2d", inputs, None, examples=25, transpose=lambda *a, **k: 2 * conv_transpose2d(*a, **k))


def test_rounding_is_told_from_error() -> None:
    """float32 sums in another order pass; half the precision of float32 does not; a Fourier transform passes by the largest element."""
    def backwards(x: Any, w: Any, b: Any) -> Any:
        return sum((x[..., i:i + 1] * w[:, i] for i in reversed(range(w.shape[1]))), np.zeros((), x.dtype)) + (0 if b is None else b)

    def rounded(x: Any, w: Any, b: Any) -> Any:
        return backwards(x.astype(np.float16), w.astype(np.float16), b).astype(x.dtype)

    assert check(backwards, "linear", examples=50) == 50
    with pytest.raises(Mismatch):
        check(rounded, "linear", examples=50)

    def by_fourier(x: Any, w: Any, b: Any, padding: Any, **kwargs: Any) -> Any:
        x = np.pad(x, [(0, 0), (0, 0), (padding[0], padding[0])])
        n = x.shape[-1]
        y = np.einsum("ncf,ocf->nof", np.fft.rfft(x, n), np.conj(np.fft.rfft(w, n)))
        y = np.fft.irfft(y, n)[..., :n - w.shape[-1] + 1].astype(x.dtype)
        return y if b is None else y + b[:, None]
    dense = cases("conv1d", plain=True).map(lambda c: Case(c.op, c.args, {**c.kwargs, "stride": (1,), "dilation": (1,)})).filter(
        lambda c: c.kwargs["groups"] == 1)
    assert check(by_fourier, "conv1d", dense, examples=40, elementwise=False, relations=False) == 40


# ---- derivatives


def test_derivative_and_complex_step() -> None:
    d = derivative(lambda t: np.sin(1 + t))
    assert abs(d.value - np.cos(1)) <= d.error < 1e-9 and not d.kink
    assert derivative(lambda t: max(t, 0.0)).kink and derivative(lambda t: max(t, -t * t)).kink
    assert not derivative(lambda t: t * t).kink
    x = np.array([0.5, 2.0])
    np.testing.assert_allclose(complex_step(lambda x: x ** 3, x, np.ones(2)), 3 * x ** 2, rtol=1e-15)


def test_gradcheck_counts_kinks_and_finds_errors() -> None:
    relu = minidl_function(minidl.relu)
    assert gradcheck(relu, Case("relu", (np.array([-1.0, 0.0, 2.0]),))) == 1
    assert gradcheck(minidl_function(), Case("max_pool1d", (np.array([[1.0, 1.0, 0.0]]), (3,)))) == 2
    assert gradgradcheck(minidl_function(), Case("tanh", (np.array([-1.0, 0.0, 2.0]),))) == 0
    with pytest.raises(AssertionError, match=r"gradient 0\[0\] is"):
        gradcheck(minidl_function(lambda x: x.detach() * x), Case("square", (np.array([1.0, 2.0]),)))
    with pytest.raises(AssertionError, match="second gradient"):
        gradgradcheck(minidl_function(lambda x: Square.apply(x)), Case("square", (np.array([1.0, 2.0]),)))


class Square(minidl.autograd.Function):
    """x^2, whose rule forgets that it depends on x."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 2 * g * ctx.saved_tensors[0].detach()


def test_another_subgradient_at_a_tie_is_no_fault() -> None:
    def last(x: Any, kernel: Any, *args: Any, **kwargs: Any) -> Any:
        return torch.nn.functional.max_pool1d(x.flip(-1), kernel).flip(-1)
    tie = Case("max_pool1d", (np.array([[[1.0, 1.0]]]), (2,), (2,), (0,)))
    apart = Case("max_pool1d", (np.array([[[1.0, 2.0]]]), (2,), (2,), (0,)))
    assert check(torch_function(last), "max_pool1d", [tie, apart], relations=False) == 2
    with pytest.raises(Mismatch, match="gradient"):
        check(torch_function(lambda x, *a: last(x, (2,)) * 1 + 0 * x[..., :1] - x[..., :1] + x[..., :1].detach()), "max_pool1d", [apart],
              relations=False)


# ---- reports, the shell, pytest


def local(x: Any, w: Any, b: Any) -> Any:
    return -(x @ w.T)


def test_the_script_shows_the_failure(tmp_path: Path) -> None:
    with pytest.raises(Mismatch) as found:
        check(local, "linear", examples=20)
    assert "from tests.test_testing import local" in found.value.script and "numpy_function(local)" in found.value.script
    with pytest.raises(Mismatch) as found:
        check(faulty("bias"), "conv2d", PLAIN, examples=100)
    assert "def f(*args: Any" in found.value.script
    text = script(Case("linear", (np.ones((1, 1)), np.ones((1, 1)), None)), numpy_function(np.dot), "linear")
    run = subprocess.run([sys.executable, "-c", text.replace("numpy_function(dot)", "numpy_function(lambda x, w, b: -dot(x, w))")],
                         capture_output=True, text=True, check=False)
    assert run.returncode == 1 and "element [0, 0] is -1, expected 1" in run.stderr


def test_fuzz(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    from minidl.cli import main
    monkeypatch.chdir(tmp_path)
    Path("their.py").write_text("def right(x, w, b):\n    return x @ w.T if b is None else x @ w.T + b\n\ndef wrong(x, w, b):\n    return x @ w.T\n")
    assert main(["fuzz", "their:right", "--as", "linear", "--examples", "20", "--seed", "1"]) == 0
    assert "20 calls of linear agree" in capsys.readouterr().out
    assert main(["fuzz", "their:wrong", "--as", "linear", "--examples", "50"]) == 1
    out = capsys.readouterr().out
    assert "from their import wrong" in out and "np.array([[1.0]]), np.array([[1.0]]), np.array([1.0])" in out and "--seed" in out
    assert main(["fuzz", "torch.nn.functional:conv1d", "--as", "conv1d", "--library", "torch", "--examples", "5", "--oracle", "none"]) == 0
    assert main(["fuzz", "torch.nn.functional:conv1d", "--as", "conv1d", "--library", "torch", "--examples", "5", "--plain", "--forward"]) == 0
    capsys.readouterr()
    for arguments, message in ((["their", "--as", "linear"], "expected MODULE:FUNCTION"), (["nowhere:f", "--as", "linear"], "cannot import 'nowhere'"),
                               (["their:f", "--as", "linear"], "their has no f"), (["their:right", "--as", "line"], "expected an operator of")):
        assert main(["fuzz", *arguments]) == 1
        assert message in capsys.readouterr().err


def test_the_pytest_plugin(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "def test_right(minidl_check):\n"
        "    minidl_check(lambda x, w, b: x @ w.T if b is None else x @ w.T + b, against='linear')\n\n"
        "def test_wrong(minidl_check):\n    minidl_check(lambda x, w, b: x @ w.T, against='linear', examples=30)\n")
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "minidl.testing.plugin", "--minidl-profile=quick",
                          "--minidl-seed=3", str(tmp_path)], capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent,
                         env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})  # where it is installed, it would be loaded twice
    assert "1 failed, 1 passed" in run.stdout and "minidl: 25 cases of linear" in run.stdout, run.stdout + run.stderr
    assert "check(numpy_function(" in run.stdout


def test_operator_of_an_unknown_name() -> None:
    assert operator_of("tanh").relations == () and check(torch_function(), "tanh", [Case("tanh", (np.array([0.5, -1.0]),))]) == 1
