"""Views and in-place edits through them, as PyTorch has them: memory, versions, gradients, names of nodes, strides, errors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minidl

from .harness import ERRORS
from .rows.index import brackets
from .rows.shape import regrouped

LIBRARIES = (torch, minidl)


def leaf(library: Any, *shape: int) -> Any:
    """Distinct numbers that require a gradient."""
    values = np.arange(int(np.prod(shape)), dtype=np.float64).reshape(shape) / 7 + 0.3
    return library.from_numpy(values).requires_grad_()


def summary(t: Any) -> Any:
    """What must agree of a tensor."""
    return np.round(t.detach().numpy(), 9).tolist(), t._version, t.requires_grad, t.is_leaf


def play(program: Any, library: Any) -> Any:
    """The summaries of a program's results and of its leaf's gradient, or the kind of error."""
    x = leaf(library, 3, 2)
    try:
        results = program(library, x)
        loss = sum((r * r).sum() for r in results)
        loss.backward()
        return [summary(r) for r in results], np.round(x.grad.numpy(), 9).tolist()
    except ERRORS as error:
        return type(error).__name__


def edited(take: Any, edit: Any, use: Any = lambda b, v: (b, v)) -> Any:
    """The program: a base, a view of it, an edit of one of them, and what is then used."""
    def program(library: Any, x: Any) -> Any:
        b = x * 1
        v = take(b)
        edit(b, v)
        return use(b, v)
    return program


def under_no_grad(take: Any, edit: Any, both: bool) -> Any:
    def program(library: Any, x: Any) -> Any:
        b = x * 1
        with library.no_grad():
            v = take(b)
            if both:
                edit(b, v)
        if not both:
            edit(b, v)
        return (b,)
    return program


def leaf_view(library: Any, x: Any) -> Any:
    x[0].mul_(2)


def self_reference(library: Any, x: Any) -> Any:
    b = x * 1
    b[0, 0] = b[1, 1] * b[0, 1]
    return (b,)


def saved_then_edited(library: Any, x: Any) -> Any:
    b = x * 1
    y = b * b
    b[0] = 0.0
    return (y,)


def base_without_gradient(library: Any, x: Any) -> Any:
    b = library.zeros(4, 2, dtype=library.float64)
    v = b[1:]
    v.add_(x)
    return b, v


def multiple_without_gradient(library: Any, x: Any) -> Any:
    v = library.zeros(3, 2, dtype=library.float64).unbind(0)[0]
    v.add_(x[0])
    return (v,)


def retained(library: Any, x: Any) -> Any:
    v = (x * 1)[0]
    v.retain_grad()
    v.mul_(2)
    (v * 3).sum().backward()
    return (v.grad + x,)


def accumulated(library: Any, x: Any) -> Any:
    b = x * 1
    rows = library.tensor([0, 2, 0])
    b.index_put_((rows,), x * 2, accumulate=True)
    b.index_add_(0, rows, x)
    b.masked_fill_(b > 3, 0.5)
    b.scatter_(1, library.tensor([[0], [1]]), 2.0)
    return (b,)


def double(b: Any, v: Any) -> None:
    v.mul_(2)


def double_base(b: Any, v: Any) -> None:
    b.mul_(2)


def assign(key: Any, value: Any = 5.0) -> Any:
    return lambda b, v: v.__setitem__(key, value)


PROGRAMS = {
    "row": edited(lambda b: b[0], double),
    "view of view": edited(lambda b: b[1:][0], double),
    "parent edited": edited(lambda b: (b[1:], b[1:][0])[1], double_base),
    "base edited": edited(lambda b: b[0], double_base, lambda b, v: (v,)),
    "chain": edited(lambda b: b.t()[0:1].view(-1)[1:], double),
    "permuted and viewed": edited(lambda b: b.permute(1, 0).unsqueeze(0).squeeze(0), double),
    "reshaped copy": edited(lambda b: b.t().reshape(-1), double),
    "diagonal": edited(lambda b: b.diagonal(), double),
    "windows apart": edited(lambda b: b.view(-1).unfold(0, 2, 2), double),
    "expanded": edited(lambda b: b[0].expand(4, 2), double),
    "split": edited(lambda b: b.split(1)[0], double),
    "part of a split": edited(lambda b: b.split(1)[0][0], double),
    "unbind": edited(lambda b: b.unbind(0)[0], double),
    "chunk used": edited(lambda b: b.chunk(2, 1)[1], lambda b, v: None),
    "stale split": edited(lambda b: b.split(1)[0], double_base),
    "tensor_split": edited(lambda b: b.tensor_split(3)[0], double),
    "detached": edited(lambda b: b.detach()[0], double, lambda b, v: (b,)),
    "assigned row": edited(lambda b: b, assign(0)),
    "assigned through a view": edited(lambda b: b[:2], assign((0, 1))),
    "assigned list": edited(lambda b: b[1:], assign([0, 0])),
    "assigned twice": edited(lambda b: b, lambda b, v: (assign(0)(b, v), assign(0, 3.0)(b, v))),
    "overlap": edited(lambda b: b, lambda b, v: v.__setitem__(slice(1, None), v[:-1])),
    "in-place unsqueeze": edited(lambda b: b, lambda b, v: v.unsqueeze_(0).transpose_(0, 1).squeeze_().t_()),
    "unsqueezed view": edited(lambda b: b[0], lambda b, v: v.unsqueeze_(0).mul_(2)),
    "leaf": leaf_view,
    "leaf assigned": lambda library, x: x.__setitem__(0, 1.0),
    "leaf reshaped": lambda library, x: x.unsqueeze_(0),
    "no_grad view edited": under_no_grad(lambda b: b[0], double, both=False),
    "no_grad view and edit": under_no_grad(lambda b: b[0], double, both=True),
    "self": self_reference, "saved": saved_then_edited, "base without gradient": base_without_gradient,
    "multiple without gradient": multiple_without_gradient, "retained": retained, "accumulated": accumulated,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    want, have = (play(PROGRAMS[name], library) for library in LIBRARIES)
    assert have == want


def test_editing_the_shape_of_a_base_spoils_its_views() -> None:
    b = leaf(minidl, 4) * 1
    v = b.unsqueeze(0)
    b.unsqueeze_(0)
    with pytest.raises(RuntimeError, match="shape of its base was edited"):
        v * 2


VIEWS = {
    "x.view(12, 2)": "ViewBackward0", "x.reshape(12, 2)": "ViewBackward0", "x.mT.reshape(4, 6)": "UnsafeViewBackward0",
    "x.flatten()": "ViewBackward0", "x.unflatten(0, (2, 2))": "ViewBackward0", "x.permute(2, 0, 1)": "PermuteBackward0",
    "x.transpose(0, 1)": "TransposeBackward0", "x[0].t()": "TBackward0", "x[0].T": "PermuteBackward0", "x.mT": "TransposeBackward0",
    "x[0].H": "TransposeBackward0", "x.movedim(0, 1)": "PermuteBackward0", "x.squeeze()": "SqueezeBackward0",
    "x.squeeze(0)": "SqueezeBackward1", "x.squeeze((0, 1))": "SqueezeBackward2", "x.unsqueeze(1)": "UnsqueezeBackward0",
    "x.mT.unsqueeze(1)": "UnsqueezeBackward0", "x.expand(5, 4, 3, 2)": "ExpandBackward0", "x.narrow(0, 1, 2)": "SliceBackward0",
    "x.select(0, 1)": "SelectBackward0", "x.unfold(1, 2, 1)": "UnfoldBackward0", "x.diagonal()": "DiagonalBackward0",
    "x[0]": "SelectBackward0", "x[:2]": "SliceBackward0", "x[...]": "AliasBackward0", "x[()]": "AliasBackward0",
    "x[None]": "UnsqueezeBackward0", "x[:, None]": "UnsqueezeBackward0", "x[0, 1:]": "SliceBackward0", "x[1:, 0]": "SelectBackward0",
    "x[::2]": "SliceBackward0", "x[[0, 1]]": "IndexBackward0", "x[x > 1]": "IndexBackward0", "x[:, [0, 1]]": "IndexBackward0",
    "x.split(2)[1]": "SplitBackward0", "x.split([1, 3])[1]": "SplitWithSizesBackward0", "x.chunk(2)[0]": "SplitBackward0",
    "x.tensor_split(2)[1]": "SliceBackward0", "x.unbind()[1]": "UnbindBackward0", "list(x)[0]": "UnbindBackward0",
    "x.flip(0)": "FlipBackward0", "x.repeat(2, 1, 1)": "RepeatBackward0", "x.roll(1, 0)": "RollBackward0", "x.rot90()": "Rot90Backward0",
}


@pytest.mark.parametrize("expression", VIEWS)
def test_name_view_and_strides(expression: str) -> None:
    have, want = (eval(expression, {"x": leaf(library, 4, 3, 2)}) for library in (minidl, torch))
    assert have.grad_fn.name() == want.grad_fn.name() == VIEWS[expression]
    assert have._is_view() == want._is_view()
    assert have.stride() == want.stride()


@given(c=regrouped(), transpose=st.booleans())
def test_view(c: Any, transpose: bool) -> None:
    """`view` succeeds exactly where PyTorch's does, and shares memory."""
    outcomes = []
    for library in LIBRARIES:
        x = library.from_numpy(c.args[0].copy())
        x = x.movedim(0, -1) if transpose and x.dim() else x
        try:
            y = x.view(c.args[1])
            assert library.equal(x.view_as(y), y)
        except ERRORS as error:
            outcomes.append(type(error))
            continue
        y.fill_(7.0)
        strides = [s for s, n in zip(y.stride(), y.shape) if n > 1]  # of a single element there is none
        outcomes.append((tuple(y.shape), strides if y.numel() else None, x.tolist(), x._version))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("sizes", [(5,), (-1, -1), (-2, 12), (2.5,), ()])
def test_view_refuses(sizes: Any) -> None:
    for library in LIBRARIES:
        with pytest.raises(ERRORS):
            library.zeros(2, 3, 4).view(sizes)


@pytest.mark.parametrize("shape, old, new", [((3, 2), "float64", "int64"), ((3, 2), "float32", "float64"), ((3, 2), "float64", "float32"),
                                             ((3, 3), "float32", "float64"), ((), "float64", "float32"), ((2, 8), "uint8", "int16")])
def test_view_as_another_type(shape: tuple[int, ...], old: str, new: str) -> None:
    results = []
    for library in LIBRARIES:
        x = library.arange(int(np.prod(shape)), dtype=getattr(library, old)).reshape(shape)
        try:
            results.append(x.view(getattr(library, new)).tolist())
        except RuntimeError as error:
            results.append(str(error))
    assert results[0] == results[1]


@given(c=brackets(), data=st.data())
def test_assignment(c: Any, data: Any) -> None:
    """``b[key] = value`` for every kind of key, with its gradients; and of a number."""
    key = c.args[1]
    with np.errstate(all="ignore"):
        shape = tuple(torch.zeros(c.args[0].shape)[converted(torch, key)].shape)
    narrowed = tuple(1 if data.draw(st.booleans()) else n for n in shape)
    value = np.linspace(0, 1, int(np.prod(narrowed))).reshape(narrowed)
    results = []
    for library in LIBRARIES:
        x, v = (library.from_numpy(a.copy()).requires_grad_() for a in (c.args[0], value))
        b, k = x * 1, converted(library, key)
        b[k] = v
        (b * b).sum().backward()
        n = library.from_numpy(c.args[0].copy())
        n[k] = 7
        results.append([b.detach().numpy(), x.grad.numpy(), v.grad.numpy(), n.numpy()])
    for want, have in zip(*results):
        np.testing.assert_allclose(have, want, rtol=1e-12)


def converted(library: Any, key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(converted(library, k) for k in key)
    return library.from_numpy(key.copy()) if isinstance(key, np.ndarray) else key


@pytest.mark.parametrize("key, value", [(3, 1.0), ((0, 0, 0), 1.0), ([5], 1.0), (0, [1.0, 2.0]), (0, np.ones(2)), (0, "a"), (0.5, 1.0)])
def test_assignment_refuses(key: Any, value: Any) -> None:
    for library in LIBRARIES:
        with pytest.raises(ERRORS):
            library.zeros(3, 2)[key] = value


@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 2)])
def test_assignment_refuses_other_shapes_and_types(shape: tuple[int, ...]) -> None:
    for library in LIBRARIES:
        x = library.zeros(3, 2)
        for key in (slice(None), [0, 1, 2]):
            with pytest.raises(ERRORS):
                x[key] = library.ones(shape)
        with pytest.raises(RuntimeError):
            x[[0, 1]] = library.ones(2, 2, dtype=library.float64)
        x[0] = library.ones(2, dtype=library.float64)
        assert x.tolist() == [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]


def test_a_negative_step_reverses() -> None:
    """An extension: PyTorch refuses it."""
    x = leaf(minidl, 4)
    b = x * 1
    b[::-1][1:] = 0.0
    (b[::-1] * minidl.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert b.tolist()[:3] == [0.0, 0.0, 0.0]
    assert x.grad.tolist() == [0.0, 0.0, 0.0, 1.0]


def test_uint8_masks_and_lists_of_indices() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for key in (lambda t: t.tensor([1, 0, 1], dtype=t.uint8), lambda t: [[0, 1], [1, 0]], lambda t: [slice(0, 2), 1], lambda t: range(2),
                    lambda t: [True, False, True], lambda t: t.tensor(1), lambda t: t.tensor(True), lambda t: [], lambda t: slice(t.tensor(1), None)):
            want, have = (leaf(library, 3, 2)[key(library)].detach().numpy() for library in LIBRARIES)
            np.testing.assert_array_equal(have, want)


def test_a_tensor_as_a_sequence() -> None:
    for library in LIBRARIES:
        x = library.tensor([[1, 2], [3, 4], [5, 6]])
        assert len(x) == 3
        assert [row.tolist() for row in x] == x.tolist()
        assert [row.tolist() for row in reversed(x)] == [[5, 6], [3, 4], [1, 2]]
        assert 4 in x and 7 not in x and library.tensor(2) in x
        _, second, _ = x
        assert second.tolist() == [3, 4]
        for wrong in (len, iter):
            with pytest.raises(TypeError):
                wrong(library.tensor(1))
        with pytest.raises(RuntimeError):
            "a" in x  # noqa: B015


@pytest.mark.parametrize("shape", [(0, 2), (2, 0, 3), (0,), (3, 0)])
def test_strides_without_elements(shape: tuple[int, ...]) -> None:
    assert minidl.empty(*shape).stride() == torch.empty(*shape).stride()


def test_as_strided_of_memory_that_elements_share() -> None:
    grads = []
    for lib in (torch, minidl):
        x = lib.ones(1, 3, dtype=lib.float64, requires_grad=True)
        wide = x.expand(2, 3)
        strided = wide.as_strided((2, 2), (1, 1))
        (wide_grad,) = lib.autograd.grad(strided.sum(), wide)
        grads.append(wide_grad.numpy())
    np.testing.assert_array_equal(grads[1], grads[0])


def test_as_strided_of_an_array_of_repeated_rows() -> None:
    rows = np.lib.stride_tricks.as_strided(np.arange(3.0), (4, 3), (0, 8))
    want, have = (lib.from_numpy(rows).as_strided((2, 2), (1, 1)).numpy() for lib in (torch, minidl))
    np.testing.assert_array_equal(have, want)
