"""Rows of embeddings and one-hot vectors."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, call, calls, case, shapes

ROWS_OF_W = 5


@st.composite
def lookups(draw: Any, by_freq: bool) -> Case:
    index = np.asarray(draw(arrays(shapes(min_side=1), "positive", np.int64)) % ROWS_OF_W)
    return case((index, draw(arrays((ROWS_OF_W, draw(st.integers(1, 3)))))),
                {"padding_idx": draw(st.sampled_from([None, 0, 2, -1])), "scale_grad_by_freq": by_freq})


@st.composite
def bags(draw: Any, mode: str) -> Case:
    """A matrix with a bag in each row, or a line with offsets; empty bags among them."""
    w = draw(arrays((ROWS_OF_W, draw(st.integers(1, 3))), "distinct"))
    kwargs: dict[str, Any] = {"mode": mode, "padding_idx": draw(st.sampled_from([None, 1, -1]))}
    if draw(st.booleans()):
        shape: tuple[int, ...] = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    else:
        shape = (draw(st.integers(1, 6)),)
        starts = sorted(draw(st.lists(st.integers(0, shape[0]), max_size=3)))
        kwargs["offsets"] = np.array([0, *starts], np.int64)
        if draw(st.booleans()):
            kwargs |= {"offsets": np.array([0, *starts, shape[0]], np.int64), "include_last_offset": True}
    if mode == "sum" and draw(st.booleans()):
        kwargs["per_sample_weights"] = draw(arrays(shape))
    return case((draw(arrays(shape, "positive", np.int64)) % ROWS_OF_W, w), kwargs)


INDEX = array(3, dtype=np.int64)

ROWS = [
    Row("nn.functional.embedding", lookups(True), second=False),  # PyTorch's second gradient forgets the frequencies
    Row("nn.functional.embedding", lookups(False),
        bad=[call(INDEX + 5, array(5, 2)), call(INDEX - 2, array(5, 2)), call(array(3), array(5, 2))]),
    Row("nn.functional.embedding_bag", bags("sum"), second=False,
        bad=[call(INDEX, array(5, 2)), call(INDEX, array(5)), call(INDEX, array(5, 2), INDEX + 1),
             call(INDEX, array(5, 2), INDEX[:1], mode="min"), call(INDEX + 5, array(5, 2), np.array([0])),
             call(INDEX, array(5, 2), np.array([0]), per_sample_weights=array(3))]),
    Row("nn.functional.embedding_bag", bags("mean"), second=False),
    Row("nn.functional.embedding_bag", bags("max"), second=False),
    Row("nn.functional.one_hot", calls(arrays(shapes(min_side=1), "positive", np.int64), st.sampled_from([-1, 6, 8])),
        grad=False,
        bad=[call(INDEX - 2), call(INDEX + 2, 1), call(array(2)), call(np.zeros(0, np.int64))]),
]
