"""Losses, away from their kinks."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..case import Case
from .tensors import shapes, tensors

__all__ = ["LOSSES", "classifications", "distances", "margins", "paired"]

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


@st.composite
def paired(draw: Any, /, op: str, domain: str = "finite", other: str = "finite", **options: Any) -> Case:
    """op(x, target) of one shape."""
    shape = draw(shapes(min_dims=1, max_dims=3))
    kwargs = {name: draw(value) for name, value in options.items()}
    return Case(op, (draw(tensors(shape, domain)), draw(tensors(shape, other))), {**kwargs, "reduction": draw(REDUCTIONS)})


@st.composite
def distances(draw: Any, /, op: str, among: Any, **options: Any) -> Case:
    """op(x, target), whose differences are among given sizes, of either sign."""
    shape = draw(shapes(min_dims=1, max_dims=3))
    x = draw(tensors(shape))
    chosen = np.array(among)[draw(tensors(shape, "positive", "int64", "contiguous", high=len(among)))]
    sign = draw(tensors(shape, dtype="bool", layout="contiguous"))
    kwargs = {name: draw(value) for name, value in options.items()}
    return Case(op, (x, np.asarray(x + np.where(sign, chosen, -chosen))), {**kwargs, "reduction": draw(REDUCTIONS)})


@st.composite
def classifications(draw: Any, op: str, smoothing: bool = False) -> Case:
    """op(scores, classes): scores (N, C) or (N, C, *), of which not all are ignored."""
    shape = draw(shapes(min_dims=2))
    classes = shape[1]
    target = draw(tensors((shape[0], *shape[2:]), "positive", "int64", high=classes))
    kwargs: dict[str, Any] = {"weight": draw(st.none() | tensors((classes,), "positive"))}
    ignored = draw(st.sampled_from([-100, -1, 0]))
    if (target != ignored).any():
        kwargs["ignore_index"] = ignored
    if smoothing:
        kwargs["label_smoothing"] = draw(st.sampled_from([0.0, 0.1]))
    return Case(op, (draw(tensors(shape)), target), {**kwargs, "reduction": draw(REDUCTIONS)})


@st.composite
def margins(draw: Any, op: str, inputs: int, values: Any, dims: int = 1) -> Case:
    """op(x, ..., target of 1 and -1, margin); for embeddings (`dims` 2) the target is (N,)."""
    shape = draw(shapes(min_dims=dims, max_dims=dims if dims > 1 else 3, min_side=dims))
    xs = [draw(tensors(shape, "away")) for _ in range(inputs)]
    sign = draw(tensors(shape[:1] if dims == 2 else shape, dtype="bool", layout="contiguous"))
    return Case(op, (*xs, np.where(sign, 1.0, -1.0) if op == "soft_margin_loss" else np.where(sign, 1, -1)),
                {**({"margin": draw(st.sampled_from(values))} if values else {}), "reduction": draw(REDUCTIONS)})


APART = [0.1, 0.4, 0.8, 1.7]  # none near 0.5, 1 or 1.5
LOSSES: dict[str, Any] = {
    "mse_loss": lambda: paired("mse_loss"),
    "l1_loss": lambda: distances("l1_loss", APART),
    "smooth_l1_loss": lambda: distances("smooth_l1_loss", APART, beta=st.sampled_from([1.0, 0.5])),
    "huber_loss": lambda: distances("huber_loss", APART, delta=st.sampled_from([1.0, 0.5, 1.5])),
    "binary_cross_entropy": lambda: paired("binary_cross_entropy", "unit", "unit"),
    "binary_cross_entropy_with_logits": lambda: paired("binary_cross_entropy_with_logits", "away", "unit"),
    "kl_div": lambda: paired("kl_div", "finite", "positive"),
    "poisson_nll_loss": lambda: paired("poisson_nll_loss", "positive", "positive", log_input=st.booleans(), full=st.booleans()),
    "cross_entropy": lambda: classifications("cross_entropy", smoothing=True),
    "nll_loss": lambda: classifications("nll_loss"),
    "soft_margin_loss": lambda: margins("soft_margin_loss", 1, ()),
    "hinge_embedding_loss": lambda: margins("hinge_embedding_loss", 1, [3.5, -3.5]),
    "margin_ranking_loss": lambda: margins("margin_ranking_loss", 2, [6.5, -6.5]),
    "cosine_embedding_loss": lambda: margins("cosine_embedding_loss", 2, [-1.5, 1.5], dims=2),
}
