"""Every network's outputs and gradients in float64: against torchvision's own outputs, and against the same source on PyTorch."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

import minidl

from .models_reference import cases
from .models_reference.make import FACTS, without_dropout
from .models_reference.mirror import mirror

FOUND = json.loads(FACTS.read_text())
CASES = {**cases.SHARED, **cases.OURS}


def close(found: Any, expected: Any, name: str) -> None:
    """To nine digits of the largest value: what float64 keeps through some hundred layers."""
    expected = np.asarray(expected)
    np.testing.assert_allclose(np.asarray(found), expected, rtol=0, atol=1e-9 * np.abs(expected).max(initial=1e-3), err_msg=name)


@pytest.fixture
def unfilled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values drawn at building are replaced, so none are drawn."""
    for name in ("normal_", "uniform_"):
        monkeypatch.setattr(minidl.Tensor, name, lambda self, *args, **kwargs: self.zero_())


def network(T: Any, name: str) -> Any:
    """The case's network, of the package `T`, filled."""
    return cases.fill(minidl if T is minidl else torch, cases.build(T, CASES[name][0]))


def run(T: Any, model: Any, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Outputs, the gradients of a weighted sum of them in the input and in all parameters, and the buffers afterwards."""
    x = T.tensor(cases.image(shape), requires_grad=True)
    outputs = cases.flat(model(x))
    sum((o * T.cos(T.arange(o.numel(), dtype=o.dtype)).reshape(o.shape)).sum() for o in outputs).backward()
    found = {f"output {i}": o.detach() for i, o in enumerate(outputs)} | {"x.grad": x.grad}
    found |= {f"{k}.grad": p.grad for k, p in model.named_parameters() if p.grad is not None}
    found |= dict(model.named_buffers())
    return {k: t.numpy() for k, t in found.items()}


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients(name: str, training: bool, unfilled: None) -> None:
    found, expected = ({}, {})
    for T, library, into in ((minidl, minidl, found), (mirror(), torch, expected)):
        model = network(T, name)
        into.update(run(library, without_dropout(model) if training else model.eval(), CASES[name][1]))
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        close(found[key], value, key)
    if name in cases.SHARED:
        outputs = [minidl.tensor(found[key]) for key in found if key.startswith("output")]
        for i, (sketch, fact) in enumerate(zip(cases.sketch(outputs), FOUND["outputs"][name]["train" if training else "eval"], strict=True)):
            close(sketch, fact, f"torchvision's output {i}")
        if training:
            close(cases.sketch(cases.statistics(found.items())), FOUND["statistics"][name], "torchvision's running statistics")


def test_inception_s_auxiliary_output(unfilled: None) -> None:
    source, shape = cases.AUXILIARY
    model = without_dropout(cases.fill(minidl, cases.build(minidl, source)))
    with minidl.no_grad():
        outputs = model(minidl.tensor(cases.image(shape)))
    assert outputs.logits is outputs[0] and outputs.aux_logits is outputs[1]
    for sketch, fact in zip(cases.sketch(outputs), FOUND["outputs"]["auxiliary"]["train"], strict=True):
        close(sketch, fact, "torchvision's output")
