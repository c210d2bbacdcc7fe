"""`minidl.testing.strategies`: every case is valid, prints as the code that makes it, and PyTorch and minidl agree on it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl.testing import Case, check, lay_out, minidl_function, torch_function
from minidl.testing.case import code
from minidl.testing.layouts import LAYOUTS, layout_of
from minidl.testing.operators import OPERATORS
from minidl.testing.relations import RELATIONS
from minidl.testing.strategies import CASES, cases, convolutions, networks, pools, tensors, trainings
from minidl.testing.strategies.tensors import DOMAINS
from minidl.testing.training import Power, Training


def test_all_operators_of_the_table_have_a_strategy_and_relations_that_exist() -> None:
    assert not set(OPERATORS) - set(CASES)
    assert {r for op in OPERATORS.values() for r in op.relations} - {"adjoint"} == set(RELATIONS)
    with pytest.raises(ValueError, match="expected an operator of"):
        cases("conv4d")


# PyTorch's own faults, which minidl/testing/divergences.md tells: what its kernels cannot do, or do wrong, in memory that is not contiguous.
CONTIGUOUS = {"batch_norm", "nll_loss", "max_pool3d"}
ORDERS = {"scaled_dot_product_attention": 1, "binary_cross_entropy": 1}


@pytest.mark.parametrize("op", list(CASES))
def test_cases_are_valid_and_pytorch_agrees(op: str) -> None:
    """Values, gradients and second gradients of PyTorch's operators against ours: either that refused a case would fail."""
    check(torch_function(), op, cases(op, plain=op in CONTIGUOUS), orders=ORDERS.get(op, 2))


@pytest.mark.parametrize("op", list(OPERATORS))
def test_our_own_operators_keep_their_relations(op: str) -> None:
    check(minidl_function(), op, oracle=None, orders=0)


@given(trainings())
def test_trainings_run_alike(training: Any) -> None:
    assert training.difference(minidl, torch) is None
    space: dict[str, Any] = {"nn": torch.nn, "F": torch.nn.functional, "optim": torch.optim, "from_numpy": torch.from_numpy, "np": np,
                             "lay_out": lay_out, "Power": Power}
    torch.manual_seed(0)
    exec(repr(training), space)  # noqa: S102
    np.testing.assert_allclose(space["loss"].item(), training.run(torch)[0][-1], 1e-12)


def test_a_training_whose_line_search_loses_all_digits_agrees() -> None:
    """Third steps extrapolate from losses that differ by 1e-7: their rounding errors, 1e-9 of that, move PyTorch's own result by 4e-3."""
    gelu, layers = Case("nn.GELU"), [Case("nn.Linear", (m, n), {"bias": bias}) for m, n, bias in ((1, 4, False), (4, 4, False), (4, 2, True))]
    optimizer = Case("optim.LBFGS", (), {"lr": 0.03125, "max_iter": 4, "line_search_fn": "strong_wolfe"})
    network = Case("nn.Sequential", (layers[0], gelu, layers[1], gelu, layers[2]), {}, (np.array([[-0.8], [1.29]]),))
    assert Training(network, optimizer, "cross_entropy", np.array([1, 0]), 2).difference(minidl, torch) is None


def test_trainings_that_differ_are_told_apart() -> None:
    class Longer:
        """minidl, with steps that are longer by 1e-6."""
        optim = SimpleNamespace(SGD=lambda params, lr: minidl.optim.SGD(params, lr=lr * (1 + 1e-6)))

        def __getattr__(self, name: str) -> Any:
            return getattr(minidl, name)

    training = Training(Case("nn.Sequential", (Case("nn.Linear", (1, 1)),), {}, (np.ones((1, 1)),)), Case("optim.SGD", (), {"lr": 0.125}),
                        "mse_loss", np.array([[2.0]]), 2)
    assert training.difference(minidl, torch) is None
    assert str(training.difference(Longer(), torch)).startswith("the losses: element [1] is ")


@given(st.sampled_from(list(DOMAINS)), st.data())
def test_domains(domain: str, data: Any) -> None:
    a = data.draw(tensors(domain=domain, dtype=st.sampled_from(["float64", "float32"])))
    if domain == "positive":
        assert (a > 0).all()
    elif domain == "unit":
        assert ((a > 0) & (a < 1)).all()
    elif domain == "away":
        assert (abs(a) >= 0.125).all()
    elif domain == "finite":
        assert (abs(a) <= 3).all()


@given(tensors(domain="distinct"))
def test_distinct_values(a: np.ndarray) -> None:
    values = np.sort(a.ravel())
    assert (np.diff(values) >= 0.5).all() and (abs(a * 2 - np.round(a * 2)) == 0.25).all()


@given(tensors(dtype=st.sampled_from(["float64", "float32", "int64", "uint8", "bool"])))
def test_a_layout_is_kept_by_code(a: np.ndarray) -> None:
    again = eval(code(a), {"np": np, "lay_out": lay_out})
    np.testing.assert_array_equal(again, a)
    assert (again.dtype, again.strides, again.flags.writeable) == (a.dtype, a.strides, a.flags.writeable)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str) -> None:
    a = np.arange(24.0).reshape(2, 3, 4)
    b = lay_out(a, layout)
    assert layout_of(b) == layout
    np.testing.assert_array_equal(b, a if layout != "broadcast" else np.stack([a[0], a[0]]))
    with pytest.raises(ValueError, match="expected a layout"):
        lay_out(a, "diagonal")


def test_special_values_are_compared() -> None:
    assert check(torch_function(), "max_pool2d", _special_pools(), examples=30, orders=0) == 30
    inside = convolutions(1, domain="special").filter(lambda c: c.kwargs["padding"] in ("valid", (0,)))  # 0 * inf in a padding is unspecified
    assert check(torch_function(), "conv1d", inside, examples=30, orders=0) == 30


def _special_pools() -> Any:
    return pools("max", 2, domain="special").map(lambda c: Case(c.op, c.args, {**c.kwargs, "return_indices": False}))


@given(cases("conv_transpose2d"))
def test_a_case_prints_as_the_code_that_makes_it(case: Case) -> None:
    space: dict[str, Any] = {"np": np, "lay_out": lay_out, "Case": Case, **vars(minidl.nn.functional)}
    again = eval(case.constructor(), space)
    assert repr(again) == repr(case)
    np.testing.assert_allclose(eval(repr(case), space), minidl_function().outputs(case)[0])


@given(networks())
def test_a_network_prints_as_the_code_that_makes_it(case: Case) -> None:
    minidl.manual_seed(0)
    module = eval(repr(Case(case.op, case.args, case.kwargs)), {"nn": minidl.nn})
    np.testing.assert_allclose(module.double()(minidl.from_numpy(case.inputs[0])).detach().numpy(), minidl_function().outputs(case)[0])


def test_a_power_is_a_factor() -> None:
    assert [Power(0.5)(epoch) for epoch in range(3)] == [1.0, 0.5, 0.25]
