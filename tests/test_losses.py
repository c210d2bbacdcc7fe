"""Losses: gradients beside weights that have none, what is refused, the legacy reductions, nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import minidl

RNG = np.random.default_rng(0)
SCORES, TARGET, WEIGHT = RNG.standard_normal((4, 3)), np.array([2, 0, -100, 1]), np.array([0.5, 2.0, 1.5])
PROBABILITIES = RNG.uniform(0.1, 0.9, (4, 3))

WEIGHTED: dict[str, Any] = {
    "cross_entropy": lambda lib, x, w: lib.nn.functional.cross_entropy(x, lib.tensor(TARGET), w),
    "cross_entropy smoothed": lambda lib, x, w: lib.nn.functional.cross_entropy(x, lib.tensor(TARGET), w,
                                                                                label_smoothing=0.2),
    "nll_loss": lambda lib, x, w: lib.nn.functional.nll_loss(x, lib.tensor(TARGET), w, reduction="sum"),
    "binary_cross_entropy": lambda lib, x,
    w: lib.nn.functional.binary_cross_entropy(lib.sigmoid(x), lib.tensor(PROBABILITIES), w),
    "with_logits": lambda lib, x, w: lib.nn.functional.binary_cross_entropy_with_logits(x, lib.tensor(PROBABILITIES),
                                                                                        w),
    "pos_weight": lambda lib, x, w: lib.nn.functional.binary_cross_entropy_with_logits(x, lib.tensor(PROBABILITIES),
                                                                                       pos_weight=w),
    "multi_margin_loss": lambda lib, x, w: lib.nn.functional.multi_margin_loss(x, lib.tensor(TARGET % 3), weight=w),
}


@pytest.mark.parametrize("loss", WEIGHTED.values(), ids=WEIGHTED)
def test_gradient_with_weights(loss: Any) -> None:
    results = []
    for library in (torch, minidl):
        x = library.tensor(SCORES, requires_grad=True)
        y = loss(library, x, library.tensor(WEIGHT))
        y.backward()
        results.append((y.item(), x.grad.numpy()))
    np.testing.assert_allclose(results[1][0], results[0][0], rtol=1e-12)
    np.testing.assert_allclose(results[1][1], results[0][1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("loss", WEIGHTED.values(), ids=WEIGHTED)
def test_weights_that_want_a_gradient_are_refused(loss: Any) -> None:
    for library in (torch, minidl):
        with pytest.raises(RuntimeError, match="is not differentiable with respect to argument '(pos_)?weight'"):
            loss(library, library.tensor(SCORES, requires_grad=True), library.tensor(WEIGHT, requires_grad=True))


def test_a_target_out_of_range_is_named() -> None:
    for library in (torch, minidl):
        with pytest.raises(IndexError, match="Target 10 is out of bounds."):
            library.nn.functional.cross_entropy(library.tensor(SCORES), library.tensor(np.array([0, 1, 10, 2])))


def test_only_ignored_targets() -> None:
    """The mean of no losses is NaN, and no score has a gradient."""
    for library in (torch, minidl):
        x = library.tensor(SCORES, requires_grad=True)
        y = library.nn.functional.cross_entropy(x, library.tensor(np.full(4, -100)))
        y.backward()
        assert np.isnan(y.item()) and not x.grad.numpy().any()


def test_ignored_samples_may_have_infinite_scores() -> None:
    scores = SCORES.copy()
    scores[2, 0] = -np.inf
    values = [library.nn.functional.cross_entropy(library.tensor(scores),
                                                  library.tensor(TARGET)).item() for library in (torch, minidl)]
    assert values[1] == pytest.approx(values[0], rel=1e-12)


@pytest.mark.parametrize("flags", [(None, None), (True, None), (False, None), (None, False), (True, True),
                                   (False, True)])
@pytest.mark.filterwarnings("ignore:size_average and reduce")
def test_legacy_reductions(flags: tuple[Any, Any]) -> None:
    want, have = (library.nn.functional.mse_loss(library.tensor(SCORES), library.tensor(PROBABILITIES), *flags).numpy()
                  for library in (torch, minidl))
    np.testing.assert_allclose(have, want, rtol=1e-12)
    assert have.shape == want.shape


def test_ctc_of_an_impossible_target() -> None:
    """Infinite, with NaN for a gradient; with `zero_infinity` nothing at all. A second derivative is refused."""
    labels, frames, counts = np.array([[1, 1, 2]]), np.array([3]), np.array([3])
    for zero in (False, True):
        results = []
        for library in (torch, minidl):
            x = library.tensor(RNG.standard_normal((4, 1, 3)) * 0, requires_grad=True)
            y = library.nn.functional.ctc_loss(x, *map(library.tensor, (labels, frames, counts)), reduction="sum",
                                               zero_infinity=zero)
            y.backward()
            results.append((y.item(), x.grad.numpy()))
        assert results[0][0] == results[1][0] == (0 if zero else np.inf)
        np.testing.assert_array_equal(results[1][1], results[0][1])
    for library in (torch, minidl):
        x = library.tensor(SCORES[:, None], requires_grad=True)
        y = library.nn.functional.ctc_loss(x, *map(library.tensor, (labels[:, :1], frames, counts - 2)))
        g, = library.autograd.grad(y, x, create_graph=True)
        with pytest.raises(RuntimeError, match="_ctc_loss_backward is not implemented"):
            library.autograd.grad(g.sum(), x)


@pytest.mark.parametrize(("name", "target"), [("mse_loss", PROBABILITIES), ("smooth_l1_loss", PROBABILITIES),
                                              ("huber_loss", PROBABILITIES),
                                              ("binary_cross_entropy_with_logits", PROBABILITIES),
                                              ("soft_margin_loss", PROBABILITIES),
                                              ("nll_loss", TARGET), ("cross_entropy", TARGET),
                                              ("multi_margin_loss", TARGET % 3)])
def test_node_names(name: str, target: np.ndarray) -> None:
    names = [getattr(library.nn.functional, name)(library.tensor(SCORES, requires_grad=True),
                                                  library.tensor(target)).grad_fn.name()
             for library in (torch, minidl)]
    assert names[0] == names[1]
