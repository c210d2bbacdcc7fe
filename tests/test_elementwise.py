"""Elementwise ops where the table's random inputs do not reach: special values, mixed types, in-place activations, `where`."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import minidl

NAN, INF = float("nan"), float("inf")
VALUES = [0.0, -0.0, NAN, INF, -INF, 0.3, -1.0, 1.0, 0.5, -0.5, 2.0, -3.0, 3.0, 6.0, 20.0, 21.0, -2.5, 100.0]
PAIRS = [list(side) for side in zip(*itertools.product(VALUES, VALUES))]

UNARY = ["abs", "sign", "sgn", "floor", "ceil", "round", "trunc", "frac", "sinc", "sqrt", "rsqrt", "square", "relu", "reciprocal", "log", "exp",
         "sin", "cos", "tan", "nan_to_num", "erf", "erfc", "erfinv", "sigmoid", "exp2", "expm1", "log2", "log10", "log1p", "tanh", "asin", "acos",
         "atan", "asinh", "acosh", "atanh", "sinh", "cosh", "signbit", "logical_not"]
ACTIVATIONS = ["relu6", "leaky_relu", "logsigmoid", "hardtanh", "softshrink", "hardshrink", "tanhshrink", "softplus", "softsign", "silu", "mish", "gelu"]
BINARY = ["maximum", "minimum", "fmax", "fmin", "atan2", "hypot", "copysign", "fmod", "remainder", "pow", "div", "xlogy", "logaddexp", "float_power",
          "add", "sub", "mul", "eq", "lt", "ge", "logical_and", "isclose", "floor_divide", "clamp_min", "clamp_max", "clamp"]


def values_and_gradients(library: Any, op: Callable[..., Any], inputs: list[Any]) -> list[np.ndarray]:
    leaves = [library.tensor(x, dtype=library.float64, requires_grad=True) if isinstance(x, list) else x for x in inputs]
    y = op(*leaves)
    results = [y.detach().numpy()]
    if y.requires_grad and y.grad_fn is not None and "NotImplemented" not in y.grad_fn.name():
        y.backward(library.ones_like(y) * 2)
        results += [np.zeros(x.shape) if x.grad is None else x.grad.numpy(force=True) for x in leaves if not isinstance(x, (int, float))]
    return results


def assert_same(op: Callable[[Any], Callable[..., Any]], *inputs: Any) -> None:
    for want, have in zip(values_and_gradients(torch, op(torch), list(inputs)), values_and_gradients(minidl, op(minidl), list(inputs))):
        assert want.dtype == have.dtype
        np.testing.assert_allclose(have, want, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("name", UNARY)
def test_special_values(name: str) -> None:
    assert_same(lambda library: getattr(library, name), VALUES)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_special_values_of_activations(name: str) -> None:
    assert_same(lambda library: getattr(library.nn.functional, name), VALUES)


@pytest.mark.parametrize("name", BINARY)
def test_special_pairs(name: str) -> None:
    assert_same(lambda library: getattr(library, name), *PAIRS)


@pytest.mark.parametrize("bounds", [(0, 1), (None, 1), (-1, None), (1, -1), (NAN, 1), (0, NAN)])
def test_clamp_with_numbers(bounds: tuple[Any, Any]) -> None:
    assert_same(lambda library: lambda x: library.clamp(x, *bounds), VALUES)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, -2, 2.5, 0.0, NAN, INF])
def test_special_powers(exponent: float) -> None:
    assert_same(lambda library: lambda x: x ** exponent, VALUES)


@pytest.mark.parametrize("base", [0, 1, 2, 0.5, 0.0, -2.0, INF])
def test_powers_of_a_number(base: float) -> None:
    assert_same(lambda library: lambda x: base ** x, VALUES)


@pytest.mark.parametrize("number", [0, 2, -1.5, True, NAN])
@pytest.mark.parametrize("name", ["xlogy", "add", "mul", "div"])
def test_numbers_beside_tensors(name: str, number: float) -> None:
    assert_same(lambda library: lambda x: getattr(library, name)(x, number), VALUES[5:])
    assert_same(lambda library: lambda x: getattr(library, name)(number, x), VALUES[5:])


TYPES = ["float64", "float32", "float16", "int64", "uint8", "bool"]


@pytest.mark.parametrize("name", ["add", "mul", "div", "maximum", "pow", "eq", "atan2", "xlogy", "logical_or", "copysign", "where", "clamp_min"])
@pytest.mark.parametrize(("first", "second"), list(itertools.product(TYPES, TYPES)))
def test_types_meet_as_in_pytorch(name: str, first: str, second: str) -> None:
    """Arrays beside arrays, 0-d tensors and numbers: the result's dtype, or an error on both sides."""
    for shape, other in itertools.product([(2,), ()], [(2,), (), None]):
        found = []
        for library in (torch, minidl):
            a = library.ones(shape, dtype=getattr(library, first))
            number = 2.0 if second.startswith("float") else True if second == "bool" != first else 2
            b = library.ones(other, dtype=getattr(library, second)) if other is not None else number
            try:
                y = library.where(library.ones(shape) > 0, a, b) if name == "where" else getattr(library, name)(a, b)
                found.append(str(y.dtype))
            except (RuntimeError, TypeError):
                found.append("refused")
        assert found[0] == found[1], (shape, other)


INPLACE = [("relu", ()), ("leaky_relu", (0.2,)), ("elu", (1.5,)), ("selu", ()), ("celu", (0.5,)), ("hardtanh", (-0.5, 1.5)), ("threshold", (0.5, 2.0)),
           ("rrelu", ())]


@pytest.mark.parametrize(("name", "args"), INPLACE)
@pytest.mark.parametrize("form", ["underscore", "inplace"])
def test_activation_in_place(name: str, args: tuple[float, ...], form: str) -> None:
    """The same tensor, edited once, with PyTorch's value and gradient."""
    results = []
    for library in (torch, minidl):
        leaf = library.tensor([-1.0, -0.25, 0.75, 2.0], requires_grad=True)
        x = leaf * 1
        F = library.nn.functional
        y = getattr(F, name + "_")(x, *args) if form == "underscore" else getattr(F, name)(x, *args, inplace=True)
        assert y is x and x._version == 1
        (y * y).sum().backward()
        results += [y.detach().numpy(), leaf.grad.numpy()]
    np.testing.assert_allclose(results[2], results[0], rtol=1e-6)
    np.testing.assert_allclose(results[3], results[1], rtol=1e-6)


@pytest.mark.parametrize("name", ["relu6", "silu", "mish", "hardsigmoid", "hardswish"])
def test_inplace_argument(name: str) -> None:
    results = []
    for library in (torch, minidl):
        leaf = library.tensor([-1.0, -0.25, 0.75, 2.0], requires_grad=True)
        x = leaf * 1
        assert getattr(library.nn.functional, name)(x, inplace=True) is x
        x.sum().backward()
        results += [x.detach().numpy(), leaf.grad.numpy()]
    np.testing.assert_allclose(results[2], results[0], rtol=2e-6)
    np.testing.assert_allclose(results[3], results[1], rtol=2e-6)


def test_relu_of_a_leaf_in_place_is_refused() -> None:
    with pytest.raises(RuntimeError, match="leaf Variable"):
        minidl.relu_(minidl.ones(2, requires_grad=True))


def test_where_function() -> None:
    for x, y in [([1.0, -2.0], 0.0), (2, [1.0, 3.0]), ([1, 2], [0.5, 1.5]), (1.5, 2), (1, 2), (True, False)]:
        want = torch.where(torch.tensor([True, False]), *(torch.tensor(v) if isinstance(v, list) else v for v in (x, y)))
        have = minidl.where(minidl.tensor([True, False]), *(minidl.tensor(v) if isinstance(v, list) else v for v in (x, y)))
        assert str(want.dtype) == str(have.dtype)
        np.testing.assert_array_equal(have.numpy(), want.numpy())
    for refused in ([1.0, 2.0], [1, 2]):
        with pytest.raises(RuntimeError, match="boolean tensor"):
            minidl.where(minidl.tensor(refused), 1.0, 2.0)


def test_where_without_values_gives_the_indices() -> None:
    x = [[0.0, 1.0], [2.0, 0.0]]
    for want, have in zip(torch.where(torch.tensor(x)), minidl.where(minidl.tensor(x)), strict=True):
        np.testing.assert_array_equal(have.numpy(), want.numpy())


@pytest.mark.parametrize("other", [None, "a", object()])
def test_equality_with_what_is_no_operand(other: Any) -> None:
    assert (minidl.ones(2) == other) is False
    assert (minidl.ones(2) != other) is True


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_digamma_and_its_derivatives(order: int) -> None:
    """Against SciPy, and the gradient against the next order."""
    from scipy import special
    x = np.array([0.3, 1.0, 2.5, 10.0])
    t = minidl.tensor(x, requires_grad=True)
    y = minidl.polygamma(order, t)
    y.sum().backward()
    np.testing.assert_allclose(y.detach().numpy(), special.polygamma(order, x), rtol=1e-13)
    np.testing.assert_allclose(t.grad.numpy(), special.polygamma(order + 1, x), rtol=1e-13)
    np.testing.assert_array_equal(minidl.tensor(x).polygamma(order).numpy(), y.detach().numpy())


def test_broadcasting_error_in_pytorchs_words() -> None:
    for op in (torch.add, torch.mul, torch.maximum, torch.eq, torch.atan2):
        with pytest.raises(RuntimeError) as want:
            op(torch.ones(2, 3), torch.ones(4, 1, 2))
        with pytest.raises(RuntimeError) as have:
            getattr(minidl, op.__name__)(minidl.ones(2, 3), minidl.ones(4, 1, 2))
        assert str(want.value) in str(have.value)


def test_operands_have_pytorchs_names() -> None:
    def run(T: ModuleType) -> Any:
        x = T.tensor([0.0, 2.0, 3.0])
        return [T.pow(x, exponent=2), x.pow(exponent=x), T.pow(2.0, exponent=x), T.pow(input=x, exponent=3), T.heaviside(x, values=x + 1),
                x.clone().pow_(exponent=2)]

    for have, want in zip(run(minidl), run(torch), strict=True):
        np.testing.assert_array_equal(have.numpy(), want.numpy())


def test_arange_has_as_many_values_as_pytorchs() -> None:
    """The quotient is rounded before its ceiling: 3 / 0.3 is 10, though ten times float64's 0.3 is less than 3."""
    for start, end, step in ((0, 3, 0.3), (0, 1, 0.1), (1, 0, -0.1), (0.5, 2, 0.7), (0, 7, 2), (7, 0, -2), (-1, 2, 1 / 3)):
        assert len(minidl.arange(start, end, step)) == len(torch.arange(start, end, step)), (start, end, step)


def test_second_derivative_of_softplus_is_zero_from_the_threshold_on() -> None:
    def second(library: Any) -> list[float]:
        x = library.tensor([0.5, 1.0, 2.0], dtype=library.float64, requires_grad=True)
        g, = library.autograd.grad(library.nn.functional.softplus(x, 1, 1).sum(), x, create_graph=True)
        return library.autograd.grad(g.sum(), x)[0].tolist()

    assert second(minidl) == pytest.approx(second(torch)) and second(minidl)[1:] == [0, 0]
