"""`assert_close` and `make_tensor` against PyTorch's: verdicts, messages, values."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minidl
import minidl.testing
from minidl.testing.strategies import tensors

NAN, INF = float("nan"), float("inf")
PAIRS: list[tuple[Any, ...]] = [
    ([1.0, 2.0], [1.0, 3.0]), ([1.0, 2.0], [1.0, 2.000001]), ([1.0, 2.0], [1.0, 2.0, 3.0]), ([1, 2], [1, 3]), ([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 5.0]]),
    (1.0, 2.0), (NAN, NAN), ([NAN, 1.0], [NAN, 1.0]), ([1.0, INF], [1.0, INF]), ([1.0, INF], [1.0, -INF]), ([True], [False]), ([], []),
    ([0.0, 1.0], [0.0, 3.0]), ([1.0, 1.0], [0.0, 3.0]), (1, 2), (0, 1), (1.0, 0.0),
]
OPTIONS: list[dict[str, Any]] = [{}, {"rtol": 0, "atol": 0}, {"rtol": 0.5, "atol": 0.1}, {"equal_nan": True}, {"msg": "text"},
                                 {"msg": lambda m: f"<{m}>"}, {"rtol": 1e-3}]


def outcome(library: ModuleType, *args: Any, **kwargs: Any) -> str:
    try:
        library.testing.assert_close(*args, **kwargs)
    except (AssertionError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}".replace("minidl.core.tensor.Tensor", "torch.Tensor")
    return "close"


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_tensors(options: dict[str, Any], dtype: str) -> None:
    for a, b in PAIRS:
        floating = all(isinstance(v, float) for v in np.ravel(a).tolist())
        kwargs = {"dtype": dtype} if floating else {}
        want, have = (outcome(m, *(m.tensor(v, **{k: getattr(m, d) for k, d in kwargs.items()}) for v in (a, b)), **options) for m in (torch, minidl))
        assert have == want


VALUES: list[tuple[Any, Any]] = [
    (1.0, 2.0), (1, 2), (1.0, 1), (True, False), (True, True), (1.0, 1.0000001), ([1.0, 2.0], [1.0, 3.0]), ([1.0], [1.0, 2.0]), ({"a": 1}, {"b": 1}),
    ({"a": [1.0]}, {"a": [2.0]}), (None, None), (None, 1), ("a", "b"), ((), ()), ([[1.0, 2.0]], [[1.0, 4.0]]), ([1.0, 2.0], (1.0, 2.0)),
    (np.ones(2), np.ones(2)), (np.ones(2), np.zeros(2)), (np.float64(1), np.float64(2)), ({"a": {"b": 1.0}}, {"a": {"b": 1.0}}),
]


@pytest.mark.parametrize("a,b", VALUES)
def test_other_values(a: Any, b: Any) -> None:
    for options in OPTIONS[:2]:
        assert outcome(minidl, a, b, **options) == outcome(torch, a, b, **options)


def test_attributes() -> None:
    for options in ({}, {"check_dtype": False}, {"check_stride": True}, {"allow_subclasses": False}):
        for make in (lambda m: (m.ones(2), m.ones(2, dtype=m.float64)), lambda m: (m.ones(2, 3), m.ones(3, 2).T), lambda m: (m.tensor([1]), m.tensor([2.0])),
                     lambda m: (m.nn.Parameter(m.ones(1)), m.ones(1)), lambda m: (m.ones(1), 1.0), lambda m: (m.ones(1), [1.0]),
                     lambda m: ({"a": 1.0}, {"a": m.tensor(1.0)}), lambda m: (m.ones(1), np.ones(1))):
            want, have = outcome(torch, *make(torch), **options), outcome(minidl, *make(minidl), **options)
            assert have.replace("minidl.nn.parameter", "torch.nn.parameter") == want


@given(tensors(dtype="float32"), st.sampled_from([0.0, 1e-7, 3e-6, 1e-3]))
def test_verdicts_on_drawn_tensors(a: np.ndarray, factor: float) -> None:
    b = (a * np.float32(1 + factor)).astype(np.float32)
    want = outcome(torch, torch.tensor(a), torch.tensor(b))
    assert (outcome(minidl, minidl.tensor(a), minidl.tensor(b)) == "close") == (want == "close")


SHAPES: list[tuple[Any, ...]] = [(3,), (2, 3), ((2, 3),), ((),), (0, 2), (1, 2, 2, 2)]
BOUNDS: list[dict[str, Any]] = [{}, {"low": 0}, {"low": 2, "high": 4}, {"high": 3}, {"low": -5, "high": 300}, {"low": 0.5, "high": 2.5}, {"low": 2, "high": 1},
                                {"low": NAN}, {"low": -INF, "high": INF}, {"noncontiguous": True}, {"exclude_zero": True, "low": 0, "high": 2},
                                {"requires_grad": True}, {"low": 1e40, "high": 2e40}]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int32", "uint8", "bool"])
@pytest.mark.filterwarnings("ignore:.*low==high:FutureWarning")
def test_make_tensor(dtype: str) -> None:
    for shape in SHAPES:
        for bounds in BOUNDS:
            results = []
            for m in (torch, minidl):
                m.manual_seed(3)
                try:
                    t = m.testing.make_tensor(*shape, dtype=getattr(m, dtype), device="cpu", **bounds)
                    results.append((t.detach().numpy().tolist(), str(t.dtype), tuple(t.shape), tuple(t.stride()) if t.numel() else (), t.requires_grad))
                except (ValueError, RuntimeError) as error:
                    results.append(type(error))
            assert results[0] == results[1], (shape, bounds)


def test_make_tensor_in_a_memory_format() -> None:
    t = minidl.testing.make_tensor(1, 2, 2, 2, dtype=minidl.float32, memory_format=minidl.channels_last)
    assert t.stride() == (8, 1, 4, 2)
    with pytest.raises(ValueError, match="mutually exclusive"):
        minidl.testing.make_tensor(2, 2, dtype=minidl.float32, noncontiguous=True, memory_format=minidl.channels_last)
    with pytest.warns(FutureWarning, match="low==high"):
        minidl.testing.make_tensor(2, dtype=minidl.float32, low=1, high=1)
