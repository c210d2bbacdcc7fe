"""Rows of joining and taking apart."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, call, calls, case, shapes

X = array(4, 2)


@st.composite
def equal_but_one(draw: Any, with_dim: bool = True) -> Case:
    """Several tensors whose sizes differ in one dimension at most, perhaps an empty 1-d one, and that dimension."""
    shape = list(draw(shapes(1)))
    dim = draw(st.integers(0, len(shape) - 1))
    tensors = []
    for _ in range(draw(st.integers(1, 3))):
        shape[dim] = draw(st.integers(0, 3))
        tensors.append(draw(arrays(tuple(shape))))
    if draw(st.booleans()):
        tensors.append(np.zeros(0))
    return case((tensors, dim if draw(st.booleans()) else dim - len(shape)))


@st.composite
def alike(draw: Any, min_dims: int = 0, with_dim: bool = False, sequence: bool = True) -> Case:
    shape = draw(shapes(min_dims))
    tensors = [draw(arrays(shape)) for _ in range(draw(st.integers(1, 3)))]
    return case((tensors, draw(st.integers(-len(shape) - 1, len(shape)))) if with_dim else (tensors,) if sequence else tuple(tensors))


@st.composite
def parts(draw: Any, kind: str) -> Case:
    x = draw(arrays(shapes(1, max_side=5)))
    dim = draw(st.integers(-x.ndim, x.ndim - 1))
    n = x.shape[dim]
    if kind == "sizes":
        cuts = sorted(draw(st.lists(st.integers(0, n), max_size=3)))
        how: Any = list(np.diff([0, *cuts, n]).tolist())
    elif kind == "bounds":
        how = tuple(draw(st.lists(st.integers(-n - 1, n + 1), max_size=3)))
    else:
        how = draw(st.integers(1, 6))
    return case((x, how, dim))


@st.composite
def halves(draw: Any, dim: int, min_dims: int) -> Case:
    shape = list(draw(shapes(min_dims, min_side=1)))
    where = 0 if len(shape) == 1 else dim
    n = draw(st.integers(1, 3))
    shape[where] = n * draw(st.integers(1, 2))
    return case((draw(arrays(tuple(shape))), draw(st.sampled_from([n, (1,), (0, 2)]))))


VECTORS = st.lists(arrays(shapes(1, 1)), min_size=1, max_size=3)
ROWS = [
    Row("cat", equal_but_one(), bad=[call([]), call([X, array(3)]), call([X, array(3, 3)]), call([X], 2), call([array()]), call(X), call([1.0])]),
    Row("stack", alike(with_dim=True), bad=[call([]), call([X, array(2, 4)]), call([X], 3), call(X)]),
    Row("hstack", alike(), bad=[call([]), call([X, array(3, 2)])]),
    Row("vstack", alike(), bad=[call([]), call([X, array(3)])]),
    Row("dstack", alike(), bad=[call([]), call([X, array(3)])]),
    Row("column_stack", alike(), bad=[call([]), call([X, array(3)])]),
    Row("split", parts("one") | parts("sizes"), bad=[call(X, -1), call(X, 0), call(X, [1, 2]), call(X, 1, 2), call(array(), 1)]),
    Row("split_with_sizes", parts("sizes"), bad=[call(X, [1, 2]), call(X, [5, -1]), call(array(), [1])]),
    Row("chunk", parts("one"), bad=[call(X, 0), call(X, 1, 2), call(array(), 1)]),
    Row("tensor_split", parts("one") | parts("bounds"), bad=[call(X, 0), call(X, -1), call(array(), 1), call(X, np.array([0.5]))]),
    Row("hsplit", halves(1, 1), bad=[call(X, 3), call(array(), 1), call(X, 0)]),
    Row("vsplit", halves(0, 2), bad=[call(X, 3), call(array(2), 1)]),
    Row("dsplit", halves(2, 3), bad=[call(X, 1), call(array(1, 1, 4), 3)]),
    Row("unbind", calls(arrays(shapes(1)), st.sampled_from([0, -1])), bad=[call(X, 2), call(array())]),
    Row("block_diag", alike(sequence=False).filter(lambda c: c.args[0].ndim < 3), bad=[call(array(1, 1, 1)), call(1.0)]),
    Row("meshgrid", calls(VECTORS, indexing=st.sampled_from(["ij", "xy"])),
        bad=[call(X, X, indexing="ij"), call(array(2), indexing="yx"), call(array(2), array(2).astype(np.float32), indexing="ij"), call([])]),
    Row("cartesian_prod", VECTORS.map(lambda v: case(tuple(v))), bad=[call(X), call(array())]),
    Row("combinations", calls(arrays(shapes(1, 1, max_side=4)), st.integers(0, 3), st.booleans()), bad=[call(X), call(array(3), -1)]),
]
