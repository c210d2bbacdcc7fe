"""How convolutions are chosen, explained and shared: backends.conv, threads, the workspace."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minidl
import minidl.nn.functional as F
from minidl.backends import conv
from minidl.core import workspace
from minidl.ops.conv import choose, pieces
from minidl.ops.conv.geometry import Geometry, Problem


def image(*shape: int) -> Any:
    return minidl.from_numpy(np.random.default_rng(0).standard_normal(shape).astype("f4"))


@given(st.integers(1, 3), st.integers(1, 5), st.integers(1, 3), st.integers(0, 2), st.integers(1, 4), st.sampled_from("fdeil"))
def test_the_choice_can_solve_the_problem_and_is_the_fastest_allowed(dims: int, k: int, stride: int, padding: int, groups: int,
                                                                     kind: str) -> None:
    geo = Geometry((stride,) * dims, ((padding, padding),) * dims, (1,) * dims, groups)
    for direction in ("output", "input_grad", "weight_grad"):
        problem = Problem(direction, (2, 2 * groups, *[12] * dims), (3 * groups, 2, *[k] * dims), geo, np.dtype(kind))
        ranking = choose.ranking(problem)
        assert {c.name for c in ranking} == set(choose.ALGORITHMS)
        assert all((c.cost is None) == bool(c.reason) for c in ranking)
        for precision, allowed in choose.PRECISIONS.items():
            usable = [c for c in ranking if c.cost and c.name in allowed]
            seconds = [c.cost.seconds(problem.dtype.itemsize) for c in usable if c.cost]
            assert seconds == sorted(seconds) and min(seconds) > 0
            assert choose.chosen(problem, None, precision) == usable[0].name
            for name in choose.ALGORITHMS:
                named = choose.chosen(problem, name, precision)
                assert named == (name if any(c.name == name and c.cost for c in ranking) else usable[0].name)


def test_only_exact_algorithms_by_default() -> None:
    shapes = [((8, 128, 28, 28), (128, 128, 3, 3)), ((1, 4, 512, 512), (4, 4, 63, 63))]
    assert [conv.explain(*s, padding=1).chosen in choose.EXACT for s in shapes] == [True, True]
    with conv.using(precision="fast"):
        assert [conv.explain(*s, padding=1).chosen for s in shapes] == ["winograd4", "fft"]


def test_settings_are_checked_and_put_back() -> None:
    with pytest.raises(ValueError, match="one of .*'im2col'.*, got 'gemm'"):
        conv.algorithm = "gemm"
    with pytest.raises(ValueError, match=r"one of \('exact', 'fast'\), got 'low'"):
        conv.precision = "low"
    with pytest.raises(KeyError), conv.using("direct", "fast"):
        assert (conv.algorithm, conv.precision) == ("direct", "fast")
        raise KeyError
    assert (conv.algorithm, conv.precision) == (None, "exact")
    conv.algorithm, conv.precision = "fft", "fast"
    assert conv.explain((1, 1, 8, 8), (1, 1, 3, 3)).chosen == "fft"
    conv.algorithm, conv.precision = None, "exact"
    with pytest.raises(ValueError, match="got 'weight'"):
        conv.explain((1, 1, 8, 8), (1, 1, 3, 3), direction="weight")
    with pytest.raises(RuntimeError, match="expected input"):
        conv.explain((1, 2, 8, 8), (1, 1, 3, 3))


def test_explain_says_what_was_chosen_and_why() -> None:
    x, w = image(2, 4, 9, 9), image(6, 4, 3, 3)
    text = repr(conv.explain(x, w, padding=1))
    assert text.splitlines()[0] == "output of a convolution of [2, 4, 9, 9] with [6, 4, 3, 3] to [2, 6, 9, 9], float32"
    assert "chosen: shifted, the fastest by estimate with precision 'exact'" in text and "the kernel has 9 places, not 1" in text
    with conv.using("pointwise"):
        assert "(pointwise cannot be used here)" in conv.explain(x, w).why
    with conv.using("direct"):
        assert conv.explain(x, w, direction="weight_grad").why == "as backends.conv.algorithm says"
    transposed = conv.explain((2, 6, 9, 9), (6, 4, 3, 3), stride=2, transposed=True, output_padding=1)
    assert transposed.problem.direction == "input_grad" and transposed.problem.x == (2, 4, 20, 20)
    assert conv.explain(x[0], w).problem.x == (1, 4, 9, 9)
    assert conv.explain(x.to(memory_format=minidl.channels_last), w).problem.geo.last


@pytest.mark.parametrize("algorithm, bound", [*[(name, 2.0) for name in choose.EXACT[2:5]], ("winograd2", 10.0), ("winograd4", 100.0), ("fft", 10.0)])
def test_errors_are_as_stated(algorithm: str, bound: float) -> None:
    """In units of the error of PyTorch's float32 convolution."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 32, 14, 14)), rng.standard_normal((32, 32, 3, 3))
    exact = torch.nn.functional.conv2d(torch.from_numpy(x), torch.from_numpy(w), padding=1).numpy()
    small = [a.astype("f4") for a in (x, w)]
    plain = np.abs(torch.nn.functional.conv2d(*map(torch.from_numpy, small), padding=1).numpy() - exact).max()
    with conv.using(algorithm):
        error = np.abs(F.conv2d(*map(minidl.from_numpy, small), padding=1).numpy() - exact).max()
    assert error <= bound * plain


@pytest.fixture
def two_threads() -> Any:
    before = minidl.get_num_threads()
    minidl.set_num_threads(2)
    yield
    minidl.set_num_threads(before)


@pytest.mark.parametrize("algorithm", choose.ALGORITHMS)
@pytest.mark.parametrize("channels_last", [False, True])
def test_threads_do_not_change_the_result(two_threads: Any, monkeypatch: Any, algorithm: str, channels_last: bool) -> None:
    monkeypatch.setattr(pieces, "SHARED", 0)
    k, groups = (1, 1) if algorithm == "pointwise" else (3, 8) if algorithm == "depthwise" else (3, 2)
    results = []
    for n in (1, 2):
        minidl.set_num_threads(n)
        x, w = image(5, 8, 10, 10).requires_grad_(), image(8, 8 // groups, k, k).requires_grad_()
        with conv.using(algorithm):
            y = F.conv2d(x.to(memory_format=minidl.channels_last) if channels_last else x, w, groups=groups)
            y.backward(image(*y.shape))
        results.append([y.detach().numpy(), x.grad.numpy(), w.grad.numpy()])
    for one, two in zip(*results):
        np.testing.assert_allclose(two, one, rtol=0, atol=1e-5 * np.abs(one).max())


def test_numbers_of_threads_are_checked_as_in_pytorch() -> None:
    for value in (0, -1, 1.0, True):
        for library in (torch, minidl):
            with pytest.raises(RuntimeError, match="set_num_threads expects a"):
                library.set_num_threads(value)
    assert minidl.get_num_threads() >= 1


def test_the_workspace_is_bounded_reused_and_can_be_emptied(monkeypatch: Any) -> None:
    conv.empty_workspace()
    first = workspace.buffer("a", (4, 5), np.dtype("f4"))
    assert first.shape == (4, 5) and workspace.buffer("a", (10,), np.dtype("f8")).base is first.base
    assert workspace.buffer("b", (4,), np.dtype("f4")).base is not first.base
    assert conv.held_bytes() == 96
    monkeypatch.setattr(workspace, "LIMIT", 100)
    workspace.buffer("c", (101,), np.dtype("u1"))
    assert conv.held_bytes() == 0
    workspace.buffer("d", (60,), np.dtype("u1"))
    workspace.buffer("e", (60,), np.dtype("u1"))
    assert conv.held_bytes() == 60
    other = threading.Thread(target=workspace.buffer, args=("f", (8,), np.dtype("u1")))
    other.start()
    other.join()
    conv.empty_workspace()
    assert conv.held_bytes() == 0


def test_results_do_not_share_the_workspace() -> None:
    x, w = image(1, 2, 5, 5), image(2, 2, 3, 3)
    for algorithm in choose.ALGORITHMS:
        with conv.using(algorithm):
            kept = F.conv2d(x, w)
            before = kept.numpy().copy()
            F.conv2d(x * 2, w)
            np.testing.assert_array_equal(kept.numpy(), before)


def test_flags_of_other_backends_are_kept_and_nothing_is_available() -> None:
    backends = minidl.backends
    for name in ("cudnn", "mps", "mkl", "mkldnn", "openmp"):
        assert getattr(backends, name).is_available() is False
    for name in ("benchmark", "deterministic", "enabled"):
        assert getattr(backends.cudnn, name) == getattr(torch.backends.cudnn, name)
    with backends.cudnn.flags(benchmark=True):
        assert backends.cudnn.benchmark and not backends.cudnn.enabled
    assert not backends.cudnn.benchmark and backends.cudnn.enabled
    backends.cuda.matmul.allow_tf32 = True
    backends.cuda.matmul.allow_tf32 = False
