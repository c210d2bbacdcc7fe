"""Convolution as a linear map: its matrix, its transposes, all memory layouts and block sizes; and what pools promise."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from hypothesis import given
from hypothesis import strategies as st

import minidl
import minidl.nn.functional as F
from minidl.backends import conv
from minidl.ops.conv import choose, dense_matrix, im2col, pointwise, product, shifted, winograd
from minidl.ops.conv.functional import conv_transposed, conv_weight, convolution
from minidl.ops.conv.geometry import Geometry, check


@st.composite
def problems(draw: Any, groups: int = 2, max_dims: int = 3) -> tuple[np.ndarray, np.ndarray, Geometry]:
    """An input, a weight and their geometry, of random integers (so that sums are exact in any order)."""
    each = st.integers
    dims, g = draw(each(1, max_dims)), draw(each(1, groups))
    kernel, stride = draw(st.tuples(*[each(1, 3)] * dims)), draw(st.tuples(*[each(1, 3)] * dims))
    dilation, padding = draw(st.tuples(*[each(1, 2)] * dims)), draw(st.tuples(*[each(0, 2)] * dims))
    size = tuple(max(1, d * (k - 1) + 1 - 2 * p) + draw(each(0, 3)) for k, d, p in zip(kernel, dilation, padding))
    rng = np.random.default_rng(draw(each(0, 2**31)))
    x = rng.integers(-4, 5, (draw(each(0, 3)), g * draw(each(1, 3)), *size)).astype(float)
    w = rng.integers(-4, 5, (g * draw(each(1, 3)), x.shape[1] // g, *kernel)).astype(float)
    return x, w, check(f"conv{dims}d", x, w, None, stride, padding, dilation, g)


def last(x: np.ndarray) -> np.ndarray:
    """x in channels-last memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


def layouts(x: np.ndarray) -> list[np.ndarray]:
    """x in several memory orders."""
    return [x, last(x), np.asfortranarray(x), np.repeat(x, 2, axis=-1)[..., ::2], np.flip(np.flip(x, -1).copy(), -1)]


@given(problems())
def test_matrix_is_the_convolution_and_its_transpose_the_transposed_one(problem: Any) -> None:
    x, w, geo = problem
    matrix = dense_matrix(w, x.shape[1:], geo.stride, [p for p, _ in geo.padding], geo.dilation, geo.groups)
    y = convolution(x, w, None, geo)
    np.testing.assert_array_equal(y.reshape(len(x), prod(y.shape[1:])), x.reshape(len(x), prod(x.shape[1:])) @ matrix.T)
    np.testing.assert_array_equal(conv_transposed(y, w, None, x.shape[2:], geo).reshape(len(x), prod(x.shape[1:])),
                                  y.reshape(len(x), prod(y.shape[1:])) @ matrix)


@given(problems(), st.integers(0, 2**31))
def test_the_three_maps_are_adjoint(problem: Any, seed: int) -> None:
    x, w, geo = problem
    y = convolution(x, w, None, geo)
    g = np.random.default_rng(seed).integers(-4, 5, y.shape).astype(float)
    inner = (y * g).sum()
    assert inner == (x * conv_transposed(g, w, None, x.shape[2:], geo)).sum()
    assert inner == (w * conv_weight(x, g, w.shape[2:], geo)).sum()


@given(problems(), st.sampled_from([1, 300, 5000]), st.sampled_from([100, 10**6]), st.booleans(), st.integers(0, 4), st.integers(0, 1))
def test_layout_and_block_size_do_not_change_the_result(problem: Any, block: int, small: int, channels_last: bool, which: int,
                                                        other: int) -> None:
    x, w, geo = problem
    y = convolution(x, w, None, geo)
    dx, dw = conv_transposed(y, w, None, x.shape[2:], geo), conv_weight(x, y, w.shape[2:], geo)
    with pytest.MonkeyPatch.context() as patch:
        for module in (im2col, shifted, pointwise, winograd):
            patch.setattr(module, "BLOCK", block)
        patch.setattr(im2col, "COLUMNS", 1)
        patch.setattr(im2col, "TALL", small)
        patch.setattr(product, "SMALL", small)
        geo = geo._replace(last=channels_last)
        a, b, c = layouts(x)[which], layouts(w)[other], layouts(y)[which]
        for algorithm in choose.EXACT:
            with conv.using(algorithm):
                np.testing.assert_array_equal(convolution(a, b, None, geo), y)
                np.testing.assert_array_equal(conv_transposed(c, b, None, x.shape[2:], geo), dx)
                np.testing.assert_array_equal(conv_weight(a, c, w.shape[2:], geo), dw)
        np.testing.assert_array_equal(im2col.scatter(c, b, None, x.shape[2:], geo), dx)


@st.composite
def problems_for(draw: Any, algorithm: str, transposed: bool) -> tuple[Any, ...]:
    """Arguments of a convolution of a kind that the algorithm is for, as PyTorch's function takes them, and its name."""
    each = st.integers
    dims, groups = draw(each(1, 3)), draw(each(1, 3))

    def sizes(low: int, high: int) -> tuple[int, ...]:
        return draw(st.tuples(*[each(low, high)] * dims))

    kernel, stride, dilation, padding = sizes(1, 4), sizes(1, 3), sizes(1, 3), sizes(0, 3)
    c, o, extra = draw(each(1, 3)), draw(each(1, 3)), sizes(0, 2)
    if algorithm == "pointwise":
        kernel, padding = (1,) * dims, (0,) * dims
    elif algorithm == "depthwise" and transposed:
        o = 1
    elif algorithm == "depthwise":
        c = 1
    elif algorithm.startswith("winograd"):
        kernel, stride, dilation = (3,) * dims, (1,) * dims, (1,) * dims
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    rng = np.random.default_rng(draw(each(0, 2**31)))
    if transposed:
        extra = tuple([min(e, max(s, d) - 1) for e, s, d in zip(extra, stride, dilation)])
        least = [max(1, -(-(2 * p - r + 1) // s) + 1) for p, r, s in zip(padding, reach, stride)]
        weight, options = (groups * c, o, *kernel), (stride, padding, extra, groups, dilation)
    else:
        least = [max(1, r - 2 * p) for r, p in zip(reach, padding)]
        weight, options = (groups * o, c, *kernel), (stride, padding, dilation, groups)
    x = rng.standard_normal((draw(each(1, 3)), groups * c, *[n + draw(each(0, 4)) for n in least]))
    return f"conv{'_transpose' * transposed}{dims}d", x, rng.standard_normal(weight), rng.standard_normal(groups * o), options


@pytest.mark.parametrize("algorithm", choose.ALGORITHMS)
@pytest.mark.parametrize("transposed", [False, True])
@given(st.data())
def test_every_algorithm_is_pytorchs_convolution_in_all_directions(algorithm: str, transposed: bool, data: Any) -> None:
    name, x, w, b, options = data.draw(problems_for(algorithm, transposed))
    laid = data.draw(st.sampled_from(layouts(x)[:4])), data.draw(st.sampled_from(layouts(w)[:2])), b
    results = []
    with conv.using(algorithm):
        # contiguous for PyTorch, whose weight gradients are wrong for some Fortran-ordered inputs beside channels-last weights
        for t, f, arrays in ((torch, TF, (x, w, b)), (minidl, F, laid)):
            leaves = [t.from_numpy(a).requires_grad_() for a in arrays]
            y = getattr(f, name)(*leaves, *options)
            g = np.random.default_rng(y.numel()).standard_normal(tuple(y.shape))
            results.append([y.detach().numpy(), *[d.numpy() for d in t.autograd.grad(y, leaves, t.from_numpy(g))]])
    for want, have in zip(*results):
        assert have.shape == want.shape and have.dtype == want.dtype
        np.testing.assert_allclose(have, want, rtol=0, atol=1e-11 * max(1, np.abs(want).max(initial=0)))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("layout", ["input", "weight", "neither"])
def test_memory_format_follows_pytorch(dims: int, layout: str) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 4, *[6] * dims)).astype("f4"), rng.standard_normal((4, 4, *[3] * dims)).astype("f4")
    x, w = last(x) if layout == "input" else x, last(w) if layout == "weight" else w
    for name in (f"conv{dims}d", f"conv_transpose{dims}d"):
        leaves = [[t.from_numpy(a).requires_grad_() for a in (x, w)] for t in (torch, minidl)]
        want, have = (getattr(f, name)(*pair) for f, pair in zip((TF, F), leaves))
        assert have.stride() == want.stride()
        grads = [t.autograd.grad(y.sum(), pair) for t, y, pair in zip((torch, minidl), (want, have), leaves)]
        assert [g.stride() for g in grads[1]] == [g.stride() for g in grads[0]]


@pytest.mark.parametrize("call", [
    lambda f, x: f.max_pool2d(x, 3, 2, 1), lambda f, x: f.avg_pool2d(x, 2), lambda f, x: f.adaptive_avg_pool2d(x, 3),
    lambda f, x: f.adaptive_max_pool2d(x, 3), lambda f, x: f.pad(x, (1, 2, 0, -1)), lambda f, x: f.pad(x, (1, 2, 2, 1), "reflect"),
    lambda f, x: f.pad(x, (1, 2, 2, 1), "replicate")])
def test_pools_and_pads_keep_channels_last(call: Any) -> None:
    x = last(np.random.default_rng(0).standard_normal((2, 3, 8, 8)))
    assert call(F, minidl.from_numpy(x)).stride() == call(TF, torch.from_numpy(x)).stride()


@pytest.mark.parametrize("call", [
    lambda f, x: f.conv2d(x, x[:1]), lambda f, x: f.conv_transpose2d(x, x), lambda f, x: f.max_pool2d(x, 2),
    lambda f, x: f.avg_pool2d(x, 2), lambda f, x: f.adaptive_avg_pool2d(x, 3), lambda f, x: f.adaptive_avg_pool2d(x, 1),
    lambda f, x: f.adaptive_max_pool2d(x, 3), lambda f, x: f.fractional_max_pool2d(x, 2, 3), lambda f, x: f.lp_pool2d(x, 2, 2),
    lambda f, x: f.unfold(x, 2), lambda f, x: f.pad(x, (1, 1)), lambda f, x: f.pad(x, (1, 1, 1, 1), "reflect"),
    lambda f, x: f.max_pool3d(x, 2), lambda f, x: f.avg_pool3d(x, 2), lambda f, x: f.max_unpool2d(x, x.detach().long() * 0, 1)])
def test_gradient_nodes_have_pytorchs_names(call: Any) -> None:
    a = np.random.default_rng(0).random((2, 2, 6, 6))
    names = [call(f, t.from_numpy(a).requires_grad_()).grad_fn.name() for t, f in ((torch, TF), (minidl, F))]
    assert names[1] == names[0]


def test_float32_errs_like_a_dot_product() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 64, 14, 14)), rng.standard_normal((64, 64, 3, 3))
    exact = F.conv2d(minidl.from_numpy(x), minidl.from_numpy(w), padding=1).numpy()
    have = F.conv2d(minidl.from_numpy(x.astype("f4")), minidl.from_numpy(w.astype("f4")), padding=1).numpy()
    assert have.dtype == np.float32 and np.abs(have - exact).max() < 1e-6 * np.abs(exact).max() * 5


def test_a_pooled_tensor_may_be_edited_in_place() -> None:
    a = np.random.default_rng(0).standard_normal((1, 2, 4, 4))
    grads = []
    for t, f in ((torch, TF), (minidl, F)):
        x = t.from_numpy(a).requires_grad_()
        y = f.relu_(f.max_pool2d(x, 2))
        y.sum().backward()
        grads.append(x.grad.numpy())
    np.testing.assert_array_equal(*grads)


def test_an_infinite_gradient_stays_at_the_maximum() -> None:
    x = minidl.tensor([[[1.0, 3.0, 2.0]]], requires_grad=True)
    F.max_pool1d(x, 2, 1).backward(minidl.tensor([[[float("inf"), 1.0]]]))
    assert x.grad.tolist() == [[[0.0, float("inf"), 0.0]]]


@pytest.mark.parametrize("x, w, words", [
    ((2, 4, 8, 8), (8, 3, 3, 3), r"weight of size \[8, 3, 3, 3\], expected input\[2, 4, 8, 8\] to have 3 channels, but got 4 channels"),
    ((2, 3, 2, 2), (8, 3, 3, 3), r"padded input size per channel: \(2 x 2\). Kernel size: \(3 x 3\)"),
    ((8, 8), (8, 3, 3, 3), r"Expected 3D \(unbatched\) or 4D \(batched\) input to conv2d, but got input of size: \[8, 8\]"),
])
def test_errors_say_what_does_not_fit(x: Any, w: Any, words: str) -> None:
    for t, f in ((torch, TF), (minidl, F)):
        with pytest.raises(RuntimeError, match=words):
            f.conv2d(t.zeros(x), t.zeros(w))
