"""All of minidl under its own strategies: layers, optimisers, schedules, transforms. None is left out; for operators see tests/test_ops.py."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minidl
from minidl import transforms
from minidl.optim import lr_scheduler
from minidl.optim.lr_scheduler import LRScheduler
from minidl.testing import assert_close, check, gradcheck, lay_out, minidl_function, torch_function
from minidl.testing.adapters import build, flat
from minidl.testing.bounds import nudged
from minidl.testing.report import difference
from minidl.testing.strategies import OPTIMIZERS, SCHEDULERS, schedulers, tensors, trainings
from minidl.testing.training import schedule
from minidl.transforms import v2

from .house.layers import LAYERS, NOT_LAYERS, OWN
from .house.pictures import NEAR, OTHERS, ROWS, rows

LESS = settings(max_examples=max(2, settings.default.max_examples // 4))  # of what takes long

# ---- layers

# PyTorch has no second derivatives of these, or adds 1e-12 within.
ORDERS = dict.fromkeys(["BCELoss", "MultiMarginLoss", "MultiLabelMarginLoss", "CTCLoss", "MultiheadAttention",
                        *(name for name in LAYERS if name.startswith("Transformer"))], 1)
SLOPES = {"Hardsigmoid", "CrossMapLRN2d"}  # PyTorch's derivatives are wrong: see minidl/testing/divergences.md


@pytest.mark.filterwarnings("ignore:.*NLLLoss2d:FutureWarning")
@pytest.mark.parametrize("name", LAYERS)
@LESS
@given(data=st.data())
def test_layers_are_pytorchs(name: str, data: st.DataObject) -> None:
    case = data.draw(LAYERS[name])
    against = "soft_margin_loss" if name == "SoftMarginLoss" else case.op  # whose target has no gradient
    check(minidl_function(), against, [case], torch_function(), orders=0 if name in SLOPES else ORDERS.get(name, 2), dtypes=("float64",))
    if name in SLOPES:
        gradcheck(minidl_function(), case)


@pytest.mark.parametrize("name", OWN)
@LESS
@given(data=st.data())
def test_gradients_of_our_own_layers_are_slopes(name: str, data: st.DataObject) -> None:
    case = data.draw(OWN[name])
    check(minidl_function(), case.op, [case], oracle=None)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")  # advice, the same from both
@pytest.mark.parametrize("name", LAYERS)
@LESS
@given(data=st.data())
def test_states_and_evaluation_are_pytorchs(name: str, data: st.DataObject) -> None:
    """The buffers after two batches, and what the layer then says in evaluation, in float32."""
    case = data.draw(LAYERS[name]).cast("float32")

    def run(library: Any, seed: int | None = None) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)

        def tensor(a: np.ndarray) -> Any:
            return library.from_numpy(a if seed is None or a.dtype.kind != "f" else np.asarray(a * (1 + 2.0 ** -21 * rng.standard_normal(a.shape)), a.dtype))

        library.manual_seed(1)
        layer = build(library.nn, case.map(library.from_numpy))
        inputs = case.map(tensor).inputs
        with library.no_grad():
            found = flat([layer(*inputs), layer(*inputs), layer.eval()(*inputs)])
        return [np.asarray(t) for t in [*found, *layer.buffers()]]

    want, have = run(torch), run(minidl)
    assert len(want) == len(have)
    for w, h, bound in zip(want, have, nudged(lambda seed: run(torch, seed), want)):
        assert (w.shape, w.dtype) == (h.shape, h.dtype)
        assert difference(h, w.astype(float), 1e-5 * (1 + abs(w)) + bound) is None


def test_every_layer_is_drawn() -> None:
    public = {name for name, value in vars(minidl.nn).items() if isinstance(value, type)}
    assert public == {*LAYERS, *OWN, *NOT_LAYERS}


# ---- optimisers and schedules


@pytest.mark.parametrize("name", OPTIMIZERS)
@given(data=st.data())
def test_optimizers_are_pytorchs(name: str, data: st.DataObject) -> None:
    assert data.draw(trainings(optimizer=name)).difference(minidl, torch) is None


@pytest.mark.filterwarnings("ignore:Detected call of")
@pytest.mark.parametrize("name", [*SCHEDULERS, "SequentialLR", "ChainedScheduler"])
@given(data=st.data())
def test_schedules_are_pytorchs(name: str, data: st.DataObject) -> None:
    case, losses = data.draw(schedulers(name)), data.draw(tensors(st.tuples(st.integers(1, 30)), "positive", layout="contiguous"))
    results = []
    for library in (torch, minidl):
        params = [library.ones(2, requires_grad=True) for _ in range(2)]
        optimizer = library.optim.SGD([{"params": params[:1]}, {"params": params[1:], "lr": 0.03}], lr=0.1)
        scheduler, rates = schedule(library, case, optimizer), []
        for loss in losses.tolist():
            optimizer.step()
            scheduler.step(*([loss] if name == "ReduceLROnPlateau" else []))
            rates.append([float(rate) for rate in scheduler.get_last_lr()])
        results.append(np.array(rates))
    assert_close(results[1], results[0], rtol=1e-12, atol=1e-15)


def test_every_optimizer_and_schedule_is_drawn() -> None:
    public = {name for name, value in vars(minidl.optim).items() if isinstance(value, type)}
    assert public - {"Optimizer"} == {*OPTIMIZERS, "SparseAdam"}, "SparseAdam takes sparse gradients alone: tests/test_optim_muon.py"
    public = {name for name, value in vars(lr_scheduler).items() if isinstance(value, type) and value is not LRScheduler}
    assert public - {"_LRScheduler"} == {*SCHEDULERS, "SequentialLR", "ChainedScheduler"}


# ---- transforms


def seeded(change: Any, x: Any, seed: int) -> list[np.ndarray]:
    """What the change makes of a picture, as arrays (C, H, W), after seeding all generators."""
    for library in (torch, minidl, random):
        getattr(library, "manual_seed" if library is not random else "seed")(seed)
    found = flat(change(x))
    return [np.asarray(y) if isinstance(y, (np.ndarray, minidl.Tensor)) else np.asarray(y).transpose(2, 0, 1) for y in found]


@pytest.mark.parametrize("name", ROWS)
@given(data=st.data(), seed=st.integers(0, 2**31))
def test_transforms(name: str, data: st.DataObject, seed: int) -> None:
    x, (transform, expected) = data.draw(rows(name))
    have = seeded(transform, minidl.from_numpy(x), seed)
    dense = lay_out(x, "contiguous")
    assert_close(have, seeded(transform, minidl.from_numpy(dense), seed))
    np.testing.assert_array_equal(x, dense, "the picture is left as it was")
    if expected is None:
        assert [y.dtype for y in have] == [x.dtype]
        return
    want = [np.ascontiguousarray(y) for y in seeded(expected, dense, seed)]
    if x.dtype == np.uint8:
        have, want = [y.astype(float) for y in have], [y.astype(float) for y in want]
        assert_close(have, want, rtol=0, atol=NEAR.get(name, 1e-6))
    else:
        assert_close(have, want, rtol=1e-4, atol=1e-5)


@given(tensors(st.tuples(*[st.integers(1, 4)] * 4), "unit"), st.sampled_from(["MixUp", "CutMix"]), st.integers(0, 2**31))
def test_mixed_batches_have_mixed_labels(images: np.ndarray, name: str, seed: int) -> None:
    """The mean of images of one value each is that of their labels."""
    minidl.manual_seed(seed)
    values = minidl.from_numpy(np.array(images[:, 0, 0, 0]))
    batch = values.view(-1, 1, 1, 1).expand(*images.shape)
    mixed, labels = getattr(transforms, name)(alpha=0.7)((batch, minidl.eye(len(values), dtype=minidl.float64)))
    assert_close(mixed.mean((1, 2, 3)), labels @ values)


def test_every_transform_is_drawn() -> None:
    public = {name for module in (transforms, v2) for name, value in vars(module).items() if isinstance(value, type) and name not in ("Any", "RandomTransforms")}
    assert public == {*ROWS, *OTHERS}
