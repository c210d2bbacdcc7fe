"""Corners of the engine, in-place edits, promotion and modes: PyTorch does the same, except where a test says so."""

from __future__ import annotations

import itertools
import weakref
from typing import Any

import numpy as np
import pytest
import torch

import minidl
from minidl.core.primitive import primitive, source
from tests.exchange import to_numpy

LIBRARIES = (minidl, torch)
both = pytest.mark.parametrize("lib", LIBRARIES, ids=lambda lib: lib.__name__)
DTYPES = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")


def leaf(lib: Any, *shape: int) -> Any:
    return lib.from_numpy(np.random.default_rng(0).uniform(0.5, 1.5, shape)).requires_grad_()


# the engine


def test_an_output_that_its_own_node_and_others_use() -> None:
    """In a second backward the output gets a gradient from the rule that saved it as well."""
    def second(lib: Any) -> Any:
        x = leaf(lib, 3, 3)
        q, r = lib.linalg.qr(x)
        (gx,) = lib.autograd.grad((q ** 3).sum() + (r ** 2).sum() / 3, x, create_graph=True)
        ((gx * gx).sum() + (r * q).sum()).backward()
        return x.grad

    np.testing.assert_allclose(to_numpy(second(minidl)), to_numpy(second(torch)), rtol=1e-9)


@both
def test_one_of_several_outputs_is_enough(lib: Any) -> None:
    x = leaf(lib, 3, 3)
    _, r = lib.linalg.qr(x)
    r.square().sum().backward()  # |R| = |X|
    np.testing.assert_allclose(to_numpy(x.grad), 2 * to_numpy(x.detach()), rtol=1e-12)


@both
def test_outputs_fire_in_their_order_and_know_their_number(lib: Any) -> None:
    x, fired = leaf(lib, 3, 3), []
    q, r = lib.linalg.qr(x)
    for name, t in (("q", q), ("r", r)):
        t.register_hook(lambda g, name=name: fired.append(name))
    y = r * 2
    assert y.grad_fn.next_functions[0] == (r.grad_fn, 1) and (q * 2).grad_fn.next_functions[0] == (r.grad_fn, 0)
    (y.sum() + q.sum()).backward()
    assert fired == ["q", "r"]


@both
def test_accumulation_edits_the_gradient_in_place(lib: Any) -> None:
    x = leaf(lib, 3)
    (x * 2).sum().backward()
    g = x.grad
    before = g._version
    (x * 3).sum().backward()
    assert x.grad is g and g._version == before + 1
    np.testing.assert_array_equal(to_numpy(g), [5, 5, 5])


@both
def test_no_two_gradients_share_memory(lib: Any) -> None:
    for factor in (1, 3):
        a, b = leaf(lib, 3), leaf(lib, 3)
        g, seen = lib.ones(3, dtype=lib.float64), []
        y = a + b
        y.register_hook(seen.append)
        (y if factor == 1 else y * factor).backward(g)
        with lib.no_grad():
            a.grad.add_(1)
        for t in (b.grad, seen[0]):
            np.testing.assert_array_equal(to_numpy(t), [factor] * 3)
        np.testing.assert_array_equal(to_numpy(a.grad), [factor + 1] * 3)
        np.testing.assert_array_equal(to_numpy(g), [1, 1, 1])
    a, b = leaf(lib, 3), leaf(lib, 3)
    ((a + b) * 3).backward(lib.ones(3, dtype=lib.float64))
    with lib.no_grad():
        a.grad.zero_()
    np.testing.assert_array_equal(to_numpy(b.grad), [3, 3, 3])


@both
def test_infinities_in_backward_pass_without_a_word(lib: Any) -> None:
    x = lib.zeros(2, requires_grad=True)
    (x.sqrt().sum() + (x - 1).log().sum()).backward()
    assert np.isinf(to_numpy(x.grad)).all() or np.isnan(to_numpy(x.grad)).any()


@both
def test_a_hook_may_change_neither_size_nor_type(lib: Any) -> None:
    for change, message in ((lambda g: g[:1], "size"), (lambda g: g.float(), "type")):
        x = leaf(lib, 3)
        y = x * 2
        y.register_hook(change)
        with pytest.raises(RuntimeError, match=f"changed the {message} of value"):
            y.sum().backward()


@both
def test_retained_gradients_accumulate(lib: Any) -> None:
    y = leaf(lib, 2) * 2
    y.retain_grad()
    for _ in range(2):
        (y * 3).sum().backward(retain_graph=True)
    np.testing.assert_array_equal(to_numpy(y.grad), [6, 6])


@both
def test_roots_that_need_a_gradient_of_their_shape(lib: Any) -> None:
    for shape in ((0,), (2,)):
        with pytest.raises(RuntimeError, match="only for scalar outputs"):
            (leaf(lib, *shape) * 2).backward()
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        (leaf(lib, 2, 3) * 2).backward(lib.ones(3, 2, dtype=lib.float64))


@both
def test_what_does_not_lead_to_an_input_does_not_run(lib: Any) -> None:
    class Fails(lib.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            raise AssertionError("it leads to no wanted input")

    middle = Fails.apply(leaf(lib, 2))
    side = Fails.apply(leaf(lib, 2))
    y = (middle * 3 + side).sum()
    for t in (lib.autograd.grad(y, middle, retain_graph=True)[0],):
        np.testing.assert_array_equal(to_numpy(t), [3, 3])
    other = leaf(lib, 2)
    (other * 2 + side).sum().backward(inputs=[other])
    np.testing.assert_array_equal(to_numpy(other.grad), [2, 2])


@both
@pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")
def test_anomalies_are_nan_and_not_infinite(lib: Any) -> None:
    with lib.autograd.detect_anomaly():
        x = lib.zeros(1, requires_grad=True)
        x.sqrt().sum().backward()
        assert np.isinf(to_numpy(x.grad)).all()
        y = lib.zeros(1, requires_grad=True)
        with pytest.raises(RuntimeError, match="SqrtBackward0' returned nan values in its 0th output"), pytest.warns(UserWarning, match="forward call"):
            (y.sqrt() * 0).sum().backward()


def test_a_graph_keeps_only_what_its_rules_need() -> None:
    w, c = leaf(minidl, 3), minidl.ones(3, dtype=minidl.float64)
    h = w * 2
    y = h * c
    gone = weakref.ref(h)
    del h
    assert gone() is None
    y.sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), [2, 2, 2])


@both
@pytest.mark.parametrize("shapes", [((1,), (1, 3)), ((3,), (1, 3)), ((1, 1), (2, 1, 3)), ((2, 1), (1, 2, 3)), ((), (1, 1)), ((1, 2), (3, 1))], ids=str)
def test_broadcasting_is_undone(lib: Any, shapes: Any) -> None:
    a, b = (leaf(lib, *shape) for shape in shapes)
    (a * b).sum().backward()
    whole = np.broadcast_shapes(*shapes)
    for x, other in ((a, b), (b, a)):
        ones = np.broadcast_to(to_numpy(other.detach()), whole)
        lead = ones.ndim - x.ndim
        axes = (*range(lead), *(d + lead for d, n in enumerate(x.shape) if n == 1))
        np.testing.assert_allclose(to_numpy(x.grad), ones.sum(axes).reshape(tuple(x.shape)), rtol=1e-12)


@both
def test_casting_is_undone(lib: Any) -> None:
    x, y = lib.tensor([1.5, 2.0], requires_grad=True), leaf(lib, 2)
    (x * y).sum().backward()
    assert x.grad.dtype == lib.float32 and y.grad.dtype == lib.float64
    z = lib.tensor(2.0, dtype=lib.float16, requires_grad=True)
    gradients = lib.autograd.grad((z * y).sum(), (z, y), create_graph=True)
    assert [g.dtype for g in gradients] == [lib.float16, lib.float64]


@both
def test_an_edited_item_of_a_list_is_found(lib: Any) -> None:
    a, b = leaf(lib, 2, 3) * 1, leaf(lib, 3, 2) * 1
    y = lib.einsum("ij,jk->ik", a, b)
    with lib.no_grad():
        b.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


# edits in place


@both
def test_an_edit_keeps_the_value_that_its_derivative_needs(lib: Any) -> None:
    a, b = leaf(lib, 3), leaf(lib, 3)
    y = a * 1
    y.mul_(b)
    y.sum().backward()
    np.testing.assert_array_equal(to_numpy(b.grad), to_numpy(a.detach()))
    np.testing.assert_array_equal(to_numpy(a.grad), to_numpy(b.detach()))


@both
def test_edits_that_are_refused(lib: Any) -> None:
    x = lib.arange(4.0).reshape(2, 2)
    with pytest.raises(RuntimeError, match="single memory location"):
        x.add_(x.t())
    x.add_(x)
    with pytest.raises(RuntimeError, match="can't be cast"):
        lib.tensor([1, 2]).add_(lib.tensor([0.5, 0.5]))
    with lib.inference_mode():
        inside = lib.ones(2)
        inside.add_(1)
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor"):
        inside.add_(1)


def test_read_only_memory_is_not_edited() -> None:
    """PyTorch only warns, and edits it."""
    array = np.ones(2)
    array.flags.writeable = False
    with pytest.raises(RuntimeError, match="read-only"):
        minidl.from_numpy(array).add_(1)


@both
def test_out_is_an_edit_without_a_graph(lib: Any) -> None:
    out, x = lib.empty(2, dtype=lib.float64), leaf(lib, 2)
    before = out._version
    lib.add(x.detach(), 1, out=out)
    assert out._version > before
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        lib.add(x, 1, out=out)
    with lib.no_grad():
        lib.add(x, 1, out=out)


# types, dims, arguments


def test_types_meet_as_in_pytorch() -> None:
    for a, b in itertools.product(DTYPES, repeat=2):
        want = str(torch.promote_types(getattr(torch, a), getattr(torch, b)))
        assert str(minidl.promote_types(getattr(minidl, a), getattr(minidl, b))) == want, (a, b)
        for shapes in itertools.product(((2,), ()), repeat=2):
            have, expected = (str(lib.result_type(*[lib.ones(s, dtype=getattr(lib, d)) for s, d in zip(shapes, (a, b))])) for lib in LIBRARIES)
            assert have == expected, (a, b, shapes)
    for a, shape, number in itertools.product(DTYPES, ((2,), ()), (True, 2, 0.5)):
        have, expected = (str((lib.ones(shape, dtype=getattr(lib, a)) * number).dtype) for lib in LIBRARIES)
        assert have == expected, (a, shape, number)


def test_limits_of_types_are_pytorchs() -> None:
    for name in ("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"):
        have, want = (lib.finfo(getattr(lib, name)) for lib in LIBRARIES)
        for field in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution", "dtype"):
            assert getattr(have, field) == getattr(want, field), (name, field)


@both
def test_dims_are_in_range_and_named_once(lib: Any) -> None:
    x = lib.ones(2, 3)
    for f in (lambda: x.sum((0, 0)), lambda: x.sum((0, -2)), lambda: x.flip((1, 1)), lambda: x.amax((1, -1))):
        with pytest.raises(RuntimeError, match="appears multiple times"):
            f()
    for dim in (2, -3):
        for f in (lambda: x.sum(dim), lambda: x.cumsum(dim), lambda: x.softmax(dim), lambda: x.unbind(dim)):  # noqa: B023
            with pytest.raises(IndexError, match="out of range"):
                f()


@both
def test_one_number_in_a_list_stands_for_all_dimensions(lib: Any) -> None:
    x, w, F = lib.ones(1, 1, 6, 6), lib.ones(1, 1, 3, 3), lib.nn.functional
    assert F.conv2d(x, w, stride=[2], padding=(1,)).shape == (1, 1, 3, 3)
    assert F.max_pool2d(x, [2]).shape == (1, 1, 3, 3)


# modes


@both
def test_modes_nest(lib: Any) -> None:
    for mode in (lib.no_grad, lib.inference_mode, lambda: lib.set_grad_enabled(False)):
        with lib.no_grad():
            with mode():
                assert not lib.is_grad_enabled()
            assert not lib.is_grad_enabled() and not lib.is_inference_mode_enabled()
            with lib.enable_grad():
                assert lib.is_grad_enabled()
            assert not lib.is_grad_enabled()
        assert lib.is_grad_enabled() and not lib.is_inference_mode_enabled()
        assert not lib.ones(1).is_inference()
    with lib.inference_mode():
        x = lib.ones(2)
        assert x.is_inference() and (x * 2).is_inference() and x.sort()[0].is_inference()


@both
def test_a_decorated_generator_hears_of_errors(lib: Any) -> None:
    @lib.no_grad()
    def items() -> Any:
        try:
            yield lib.is_grad_enabled()
        except ValueError as error:
            yield str(error), lib.is_grad_enabled()

    generator = items()
    assert next(generator) is False and lib.is_grad_enabled()
    assert generator.throw(ValueError("heard")) == ("heard", False)
    assert lib.is_grad_enabled()
    with pytest.raises(StopIteration):
        next(generator)


# how an op is made


def test_what_the_decorator_refuses() -> None:
    with pytest.raises(TypeError, match="may not be called .'edges'., names of the generated code"):
        primitive(x=lambda g: g)(lambda x, edges: x)
    with pytest.raises(TypeError, match="unknown names .'z'. in its rules"):
        primitive(x=lambda g, z: g * z)(lambda x: x)
    with pytest.raises(TypeError, match="unknown names .'y'. in its rules"):
        primitive(x=lambda g, y: g * y, outputs="first second")(lambda x: (x, x))
    with pytest.raises(TypeError, match="unknown names .'xs'. in its rules"):
        primitive(xs=lambda g, xs: [g for _ in xs], sequence=True)(lambda xs: xs[0])
    with pytest.raises(TypeError, match="common needs two names"):
        source(primitive(x=lambda g: g, common="x")(lambda x: x))
