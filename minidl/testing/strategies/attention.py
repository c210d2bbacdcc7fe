"""Scaled dot-product attention."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ..case import Case
from .tensors import shapes, tensors

__all__ = ["attentions"]


@st.composite
def attentions(draw: Any, min_dims: int = 0, max_dims: int = 2) -> Case:
    """``scaled_dot_product_attention(q, k, v, mask)`` with 0 to 2 leading dimensions; no row of a mask of bools is empty."""
    lead = draw(shapes(min_dims, max_dims, max_side=2))
    length, sources, size, out = draw(st.tuples(*[st.integers(1, 4)] * 4))
    q, k, v = (draw(tensors((*lead, *s))) for s in ((length, size), (sources, size), (sources, out)))
    kind = draw(st.sampled_from(["none", "causal", "float", "bool"]))
    mask = None
    if kind == "float":
        mask = draw(tensors(draw(st.sampled_from([(length, sources), (*lead, length, sources)]))))
    elif kind == "bool":
        mask = draw(tensors((length, sources), dtype="bool", layout="contiguous"))
        mask[:, 0] |= ~mask.any(1)
    return Case("scaled_dot_product_attention", (q, k, v, mask), {"is_causal": kind == "causal", "scale": draw(st.sampled_from([None, 0.5, 1.0]))})
