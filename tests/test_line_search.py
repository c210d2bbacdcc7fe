"""The line search of L-BFGS takes PyTorch's every decision, whatever losses and slopes it meets: ties, infinities and wrong slopes among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch.optim.lbfgs import _strong_wolfe

from minidl.optim.line_search import Point, strong_wolfe

LOSSES = st.sampled_from([0.0, 1.0, -1.0, -2.0, -0.5, -0.25, -1e-5, np.inf])  # NaN that ends a search is an IndexError in PyTorch
SLOPES = st.sampled_from([-1.0, -0.25, 0.0, 0.5, -2.0, 3.0])


@example([(-1e-5, -1.0)], 1.0, 1)  # of two equal ends the first is kept
@example([(-1e-5, 0.0)], 1.0, 3)
@example([(np.inf, -1.0)], 1.0, 2)
@example([(-1.0, -1.0)], 1.0, 4)  # the second point may be no better than the first
@example([(0.0, -1.0), (1.0, -1.0), (1.0, -1.0)], 1.0, 5)  # away from the left end
@given(st.lists(st.tuples(LOSSES, SLOPES), min_size=1, max_size=12), st.sampled_from([1.0, 0.25]), st.integers(1, 12))
def test_decisions_are_pytorchs(values: list[tuple[float, float]], t: float, limit: int) -> None:
    """Both are told the same losses and slopes, whatever step they ask for; they ask for the same steps and end at the same point."""
    def told(asked: list[float], t: Any) -> tuple[float, float]:
        asked.append(float(t))
        return values[(len(asked) - 1) % len(values)]

    have: list[float] = []
    want: list[float] = []

    def ours(t: Any) -> Point:
        loss, slope = told(have, t)
        return Point(t, loss, np.array([slope]), np.float64(slope))

    def theirs(x: Any, t: Any, d: Any) -> Any:
        loss, slope = told(want, t)
        return loss, torch.tensor([slope], dtype=torch.float64)

    start, d = torch.tensor([-1.0], dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    loss, g, length, count = _strong_wolfe(theirs, None, t, d, 0.0, start, start.dot(d), max_ls=limit)
    with np.errstate(all="ignore"):
        point, evaluations = strong_wolfe(ours, Point(0, 0.0, np.array([-1.0]), np.float64(-1.0)), t, 1.0, limit=limit)
    np.testing.assert_allclose(have, want, 1e-6, 1e-9)  # PyTorch multiplies by reciprocals of tensors, and the steps' digits cancel
    np.testing.assert_allclose(float(point.t), float(length), 1e-6, 1e-9)
    assert (point.loss, float(point.slope), evaluations) == (loss, g.item(), count)
