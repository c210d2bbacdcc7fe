"""Functions of the user: everything that PyTorch's `ctx` offers, in both libraries."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest
import torch

import minidl
from tests.exchange import to_numpy

both = pytest.mark.parametrize("lib", (minidl, torch), ids=lambda lib: lib.__name__)


def leaf(lib: Any, *values: float) -> Any:
    return lib.tensor(values, dtype=lib.float64, requires_grad=True)


def equal(have: Any, *want: float) -> None:
    np.testing.assert_allclose(to_numpy(have.detach()), want, rtol=1e-12)


def squaring(lib: Any) -> Any:
    """x^2 as a custom function that saves its input."""
    class Square(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * g * ctx.saved_tensors[0]

    return Square


@both
def test_context_apart_from_the_forward(lib: Any) -> None:
    """`setup_context` sees inputs and outputs; what it saves may be either; nothing in the forward is recorded."""
    class Exp(lib.autograd.Function):
        @staticmethod
        def forward(x: Any, factor: float) -> Any:
            assert not lib.is_grad_enabled()
            return (x * factor).exp()

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            assert not lib.is_grad_enabled()
            ctx.save_for_backward(output, None)
            ctx.factor = inputs[1]

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            y, nothing = ctx.saved_tensors
            assert nothing is None and ctx.needs_input_grad == (True, False)
            return g * y * ctx.factor, None

    x = leaf(lib, 0.5, -1.0)
    y = Exp.apply(x, 2.0)
    (g,) = lib.autograd.grad(y.sum(), x, create_graph=True)
    equal(g, *2 * np.exp([1.0, -2.0]))
    g.sum().backward()
    equal(x.grad, *4 * np.exp([1.0, -2.0]))
    with pytest.raises(RuntimeError, match="second time"):
        _ = (Exp.apply(x, 2.0).sum().backward(), y.sum().backward(), y.grad_fn.saved_tensors)


@both
def test_an_edited_output_or_input_that_was_saved_is_found(lib: Any) -> None:
    class Saves(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = x * 2
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.saved_tensors[0] * 0 + 2 * g

    for which in (0, 1):
        x = leaf(lib, 1.0) * 1
        y = Saves.apply(x)
        with lib.no_grad():
            (x, y)[which].add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()


def test_what_was_saved_goes_with_the_backward() -> None:
    """Though the output, and its node, live on."""
    Square = squaring(minidl)
    h = leaf(minidl, 3.0) * 1
    gone = weakref.ref(h)
    y = Square.apply(h)
    del h
    assert gone() is not None
    y.sum().backward()
    assert gone() is None and y.grad_fn is not None


@both
def test_dirty_inputs(lib: Any) -> None:
    class Double(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * g

    x = leaf(lib, 1.0, 3.0)
    y = x * 1
    z = Double.apply(y)
    assert z is y and y.grad_fn is not None
    (z * z).sum().backward()
    equal(y, 2, 6)
    equal(x.grad, 8, 24)
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        Double.apply(leaf(lib, 1.0))
    whole = x.detach().requires_grad_() * 1
    Double.apply(whole[1:])
    equal(whole, 1, 6)


@both
def test_outputs_without_gradient_and_inputs_handed_through(lib: Any) -> None:
    class Several(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            mask, order = x > 0, x * 0
            ctx.mark_non_differentiable(order)
            return x, x[:1], mask, order

        @staticmethod
        def backward(ctx: Any, whole: Any, first: Any, mask: Any, order: Any) -> Any:
            whole = whole.clone()
            whole[:1] += first
            return whole

    x = leaf(lib, 1.0, -2.0)
    same, first, mask, order = Several.apply(x)
    assert same is not x and same.requires_grad and first.requires_grad and not mask.requires_grad and not order.requires_grad
    (same * 3 + first).sum().backward()
    equal(x.grad, 5, 3)


@both
def test_missing_gradients(lib: Any) -> None:
    """Zeros, or None where that is asked for."""
    seen: list[Any] = []

    def function(materialize: bool) -> Any:
        class Two(lib.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.set_materialize_grads(materialize)
                return x * 2, x * 3

            @staticmethod
            def backward(ctx: Any, a: Any, b: Any) -> Any:
                seen.append(None if b is None else to_numpy(b).tolist())
                return 2 * a

        return Two

    for materialize in (True, False):
        x = leaf(lib, 1.0)
        function(materialize).apply(x)[0].sum().backward()
        equal(x.grad, 2)
    assert seen == [[0.0], None]


@both
def test_vjp_is_another_name_of_backward_and_more_nones_do_no_harm(lib: Any) -> None:
    class Third(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 3

        @staticmethod
        def vjp(ctx: Any, g: Any) -> Any:
            return 3 * g, None, None

    x = leaf(lib, 1.0)
    Third.apply(x).sum().backward()
    equal(x.grad, 3)


@both
@pytest.mark.parametrize(("result", "error", "words"), [
    (lambda g: (g, g), RuntimeError, "incorrect number of gradients"), (lambda g: "g", (TypeError, RuntimeError), "expected Variable or None"),
    (lambda g: g[:1].expand(3), RuntimeError, "invalid gradient"), (lambda g: g.reshape(2, 1).expand(2, 5).reshape(5, 2), None, "")], ids=str)
def test_wrong_gradients(lib: Any, result: Any, error: Any, words: str) -> None:
    class Wrong(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return result(g)

    x = leaf(lib, 1.0, 2.0)
    if error is None:  # what broadcasting made larger is summed
        Wrong.apply(x).sum().backward()
        equal(x.grad, 5, 5)
    else:
        with pytest.raises(error, match=words):
            Wrong.apply(x).sum().backward()


@both
def test_only_tensors_are_saved(lib: Any) -> None:
    class Saves(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(3)
            return x * 1

        backward = None

    with pytest.raises(TypeError, match="can only save variables"):
        Saves.apply(leaf(lib, 1.0))


@both
def test_hooks_on_saved_tensors_see_a_functions_own(lib: Any) -> None:
    Square = squaring(lib)
    x, packed = leaf(lib, 3.0), []
    with lib.autograd.graph.saved_tensors_hooks(lambda t: packed.append(1) or t.detach().clone(), lambda t: t + 1):
        y = Square.apply(x)
    y.sum().backward()
    equal(x.grad, 8)
    assert packed == [1]


@both
def test_once_differentiable_without_a_recorded_backward(lib: Any) -> None:
    class Square(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @lib.autograd.function.once_differentiable
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * g * ctx.saved_tensors[0]

    x = leaf(lib, 3.0)
    Square.apply(x).sum().backward()
    equal(x.grad, 6)
    (g,) = lib.autograd.grad(Square.apply(x).sum(), x, create_graph=True)
    equal(g, 6)
