"""Rows of attention, whose fused form in PyTorch has no second derivatives, and of dropout.

Masks follow the memory order of the input.
"""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, call, calls, case, shapes

P = st.sampled_from([0.0, 0.3, 0.5, 1.0])


@st.composite
def attentions(draw: Any, dims: int) -> Case:
    lead = draw(shapes(min_dims=dims, max_dims=dims, min_side=1, max_side=2))
    length, sources, size, out = draw(st.tuples(*[st.integers(1, 3)] * 4))
    q, k, v = (draw(arrays((*lead, *s))) for s in ((length, size), (sources, size), (sources, out)))
    mask = draw(st.none() | arrays((length, sources), dtype=np.bool_) | arrays((*lead, length, sources)))
    return case((q, k, v, mask),
                {"is_causal": mask is None and draw(st.booleans()), "scale": draw(st.sampled_from([None, 0.5]))})


@st.composite
def grouped(draw: Any) -> Case:
    heads, shared = draw(st.sampled_from([(4, 2), (4, 1), (3, 3)]))
    q, k, v = (draw(arrays((2, h, n, 2))) for h, n in ((heads, 2), (shared, 3), (shared, 3)))
    return case((q, k, v), {"enable_gqa": True})


@st.composite
def multi_head(draw: Any, need_weights: bool) -> Case:
    length, sources, batch, heads = 2, draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    size = heads * 2
    lead = (batch,) if draw(st.booleans()) else ()
    count = (batch if lead else 1) * heads
    q, k, v = draw(arrays((length, *lead, size), "open")), *(draw(arrays((sources, *lead, size), "open")) for _ in range(2))
    biases = draw(st.booleans())
    bias_k, bias_v = (draw(arrays((1, 1, size))) for _ in range(2)) if biases else (None, None)
    masks = st.none() | arrays((length, sources)) | arrays((count, length, sources))
    kwargs = {"need_weights": need_weights, "attn_mask": draw(masks), "average_attn_weights": draw(st.booleans()),
              "key_padding_mask": draw(st.none() | arrays((*lead, sources)))}
    packed = draw(arrays((3 * size, size), "open"))  # so that no softmax is of large numbers
    if draw(st.booleans()):
        kwargs |= {"use_separate_proj_weight": True, "q_proj_weight": packed[:size],
                   "k_proj_weight": packed[size:2 * size],
                   "v_proj_weight": packed[2 * size:]}
    return case((q, k, v, size, heads, packed, draw(st.none() | arrays((3 * size,))), bias_k, bias_v,
                 draw(st.booleans()), 0.0,
                 draw(arrays((size, size))), draw(st.none() | arrays((size,)))), kwargs)


X = array(2, 3, 4)

ROWS = [
    *(Row("nn.functional.scaled_dot_product_attention", attentions(dims)) for dims in (0, 1)),
    Row("nn.functional.scaled_dot_product_attention", attentions(2), second=False,
        bad=[call(X, X, X, array(3, 3), is_causal=True), call(X, array(2, 3, 5), X), call(array(3), X, X),
             call(X, X, X, array(3, 3, dtype=np.int64)), call(X, X, array(2, 4, 4))]),
    Row("nn.functional.scaled_dot_product_attention", grouped(), second=False,
        bad=[call(array(2, 3, 2, 2), array(2, 2, 2, 2), array(2, 2, 2, 2), enable_gqa=True)]),
    Row("nn.functional.multi_head_attention_forward", multi_head(True)),
    Row("nn.functional.multi_head_attention_forward", multi_head(False), second=False),
    Row("dropout", calls(arrays(), P, st.booleans()), layouts="drawn", bad=[call(X, 1.5, True), call(X, -0.5, True)]),
    Row("nn.functional.dropout1d", calls(arrays(shapes(min_dims=2, max_dims=3, min_side=1)), P), layouts="drawn",
        bad=[call(array(3)), call(array(2, 3, 4, 5)), call(X, 2.0)]),
    Row("nn.functional.dropout2d", calls(arrays(shapes(min_dims=3, max_dims=4, min_side=1)), P), layouts="drawn",
        bad=[call(array(3)), call(X, 2.0)]),
    Row("nn.functional.dropout3d", calls(arrays(shapes(min_dims=4, max_dims=5, min_side=1, max_side=2)), P),
        layouts="drawn", bad=[call(X, 2.0)]),
    Row("alpha_dropout", calls(arrays(), P, st.booleans()), layouts="drawn", bad=[call(X, 1.5, True)]),
    Row("feature_alpha_dropout", calls(arrays(shapes(min_dims=2, min_side=1)), P, st.booleans()), layouts="drawn",
        bad=[call(X, 1.5, True)]),
]
