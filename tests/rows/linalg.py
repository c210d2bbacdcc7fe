"""Rows of linear algebra: systems, determinants, decompositions, norms."""

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import DType, Row, array, arrays, call, calls, case

BATCH = st.sampled_from([(), (), (2,), (1, 2), (0,)])
FLAG = st.booleans()


@st.composite
def regular(draw: Any, batch: Any = BATCH, n: int | None = None) -> np.ndarray:
    """Square matrices far from singular: the diagonal dominates."""
    n = draw(st.integers(0, 3)) if n is None else n
    shape = (*(draw(batch) if isinstance(batch, st.SearchStrategy) else batch), n, n)
    return draw(arrays(shape, "open")) + 3 * np.eye(n)


@st.composite
def symmetric(draw: Any, **kwargs: Any) -> np.ndarray:
    """Symmetric positive-definite matrices with distinct eigenvalues."""
    a = draw(regular(**kwargs))
    return (a + a.swapaxes(-1, -2)) / 2 + np.diag(3.0 * np.arange(a.shape[-1]))


@st.composite
def rectangular(draw: Any, batch: Any = BATCH, wide: bool | None = None) -> np.ndarray:
    """Matrices of full rank with distinct singular values, of any proportions (or only wide or only tall)."""
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    if wide is not None and (m < n) != wide:
        m, n = n, m
    return draw(arrays((*draw(batch), m, n), "open")) * 0.25 + np.eye(m, n) * (2.0 + np.arange(n))


@st.composite
def systems(draw: Any, *, vectors: bool = True, **kwargs: Any) -> Case:
    a = draw(regular())
    left = draw(FLAG)
    k = draw(st.integers(0, 2))
    n = a.shape[-1]
    if vectors and draw(FLAG):
        return case((a, draw(arrays(a.shape[:-1], "finite"))))
    batch = draw(st.sampled_from([a.shape[:-2], ()]))
    return case((a, draw(arrays((*batch, n, k) if left else (*batch, k, n)))), {"left": left, **{k: draw(v) for k, v in kwargs.items()}})


@st.composite
def factored(draw: Any) -> Case:
    lower = np.tril(draw(regular()))
    upper = draw(FLAG)
    b = draw(arrays((*lower.shape[:-1], draw(st.integers(0, 2)))))
    return case((b, lower.swapaxes(-1, -2) if upper else lower, upper))


@st.composite
def least_squares(draw: Any) -> Case:
    a = draw(rectangular())
    shape = a.shape[:-1] if draw(FLAG) and a.ndim > 1 and 0 not in a.shape else (*a.shape[:-1], 2)
    return case((a, draw(arrays(shape))), {"driver": draw(st.sampled_from([None, "gels", "gelsd"]))})


@st.composite
def vector_norms(draw: Any) -> Case:
    x = draw(arrays(domain="away", shape=st.sampled_from([(), (3,), (2, 3), (2, 1, 3), (0, 2)])))
    ord = draw(st.sampled_from([0.5, 1, 1.5, 2, 3, math.inf, -math.inf, -1, -2]))
    dim = draw(st.sampled_from([None, -1] if x.ndim else [None]))
    return case((x, ord, dim), {"keepdim": draw(FLAG), "dtype": draw(st.sampled_from([None, DType("float64")]))})


@st.composite
def matrix_norms(draw: Any) -> Case:
    a = draw(rectangular(batch=st.sampled_from([(), (2,)])))
    dim = (-2, -1)
    if draw(FLAG):
        a, dim = np.moveaxis(a, -1, 0), (-1, 0)
    return case((a, draw(st.sampled_from(["fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf])), dim), {"keepdim": draw(FLAG)})


NOT_SQUARE = [call(array(2)), call(array(2, 3)), call(array(2, 2, dtype=np.int64))]
SINGULAR = [call(np.zeros((2, 2))), call(np.ones((3, 2, 2)))]
BAD_SYSTEM = [call(array(2), array(2)), call(array(2, 3), array(2)), call(array(2, 2), array(3, 2)), call(array(3, 2, 2), array(2, 2, 2)),
              call(array(2, 2), array(2, 2, dtype=np.int64))]

ROWS = [
    Row("linalg.inv", calls(regular()), bad=NOT_SQUARE + SINGULAR),
    Row("inverse", calls(regular()), bad=NOT_SQUARE + SINGULAR),
    Row("linalg.inv_ex", calls(regular(), check_errors=FLAG), bad=[*NOT_SQUARE, call(np.zeros((2, 2)), check_errors=True)]),
    Row("linalg.solve", systems(), bad=[*BAD_SYSTEM, call(np.zeros((2, 2)), array(2))]),
    Row("linalg.solve_ex", systems(), bad=[*BAD_SYSTEM, call(np.zeros((2, 2)), array(2), check_errors=True)]),
    Row("linalg.solve_triangular", systems(vectors=False, upper=FLAG, unitriangular=FLAG),
        bad=[call(*c.args, upper=True) for c in BAD_SYSTEM[:-1]] + [call(array(2, 2), array(2), upper=True)]),
    Row("linalg.tensorinv", calls(regular(batch=(), n=6).map(lambda a: a.reshape(2, 3, 6)), ind=2),
        bad=[call(array(2, 3, 5), ind=2), call(array(2, 3, 6), ind=0)]),
    Row("linalg.tensorsolve", calls(regular(batch=(), n=6).map(lambda a: a.reshape(2, 3, 6)), arrays((2, 3)))
        | calls(regular(batch=(), n=6).map(lambda a: a.reshape(6, 2, 3)), arrays((6,)), dims=st.just((1, 2))),
        bad=[call(array(2, 3, 5), array(2, 3))]),
    *(Row(name, calls(regular()), bad=NOT_SQUARE) for name in ("det", "linalg.det", "logdet", "slogdet", "linalg.slogdet")),
    *(Row(name, calls(regular(), st.integers(-3, 4)), bad=[call(array(2), 2), call(array(2, 3), 2), call(np.zeros((2, 2)), -1)])
      for name in ("matrix_power", "linalg.matrix_power")),
    *(Row(name, calls(regular()), bad=NOT_SQUARE) for name in ("matrix_exp", "linalg.matrix_exp")),
    Row("linalg.diagonal", calls(rectangular(), offset=st.integers(-2, 2)), bad=[call(array(2))]),
    # factors
    Row("linalg.cholesky", calls(symmetric(), upper=FLAG), bad=[*NOT_SQUARE, call(-np.eye(2)), call(np.zeros((2, 2, 2)))]),
    Row("linalg.cholesky_ex", calls(symmetric(), upper=FLAG), bad=[*NOT_SQUARE, call(-np.eye(2), check_errors=True)]),
    Row("triangular_solve", systems(vectors=False).map(lambda c: case((c.args[1], c.args[0]))), bad=[call(array(2), array(2, 2))]),
    Row("cholesky_solve", factored(), bad=[call(array(2), array(2, 2)), call(array(3, 1), array(2, 2)), call(array(2, 2), array(2, 3))]),
    Row("cholesky_inverse", calls(regular().map(np.tril)), bad=NOT_SQUARE[:2]),
    Row("linalg.qr", calls(rectangular(), st.just("reduced")) | calls(rectangular(wide=True), st.just("complete")),
        bad=[call(array(2)), call(array(2, 2, dtype=np.int64)), call(array(2, 2), "full")]),
    Row("linalg.svdvals", calls(rectangular()), bad=[call(array(2)), call(array(2, 2, dtype=np.int64))]),
    Row("linalg.eigvalsh", calls(symmetric(), st.sampled_from(["L", "U"])), bad=[*NOT_SQUARE, call(array(2, 2), "X")]),
    Row("linalg.pinv", calls(rectangular(), rtol=st.sampled_from([None, 1e-3]), atol=st.sampled_from([None, 1e-3]))
        | calls(symmetric(), hermitian=True), bad=[call(array(2)), call(array(2, 2, dtype=np.int64)), call(array(2, 3), hermitian=True)]),
    Row("linalg.lstsq", least_squares(), grad=False,
        bad=[call(array(2), array(2)), call(array(3, 2), array()), call(array(3, 2), array(2, 2)), call(array(3, 2), array(3, 2), driver="x"),
             call(array(3, 2), array(3, 2, dtype=np.int64))]),
    Row("linalg.matrix_rank", calls(rectangular(), st.sampled_from([1e-3, 2.5])) | calls(rectangular()) | calls(symmetric(), hermitian=True)
        | calls(rectangular(), atol=st.sampled_from([None, 2.5]), rtol=st.sampled_from([None, 0.7])),
        bad=[call(array(2)), call(array(2, 2, dtype=np.int64))]),
    # norms
    Row("linalg.vector_norm", vector_norms(),
        bad=[call(array(2, dtype=np.int64)), call(array(2), "fro"), call(array(0), math.inf), call(array(2, 0), math.inf, 1),
             call(array(2), dtype=DType("int64")), call(array(2), dtype=DType("float32"))]),
    Row("linalg.vector_norm", calls(arrays(), 0), grad=False),
    Row("linalg.matrix_norm", matrix_norms(),
        bad=[call(array(2)), call(array(2, 2), "x"), call(array(2, 2), 3), call(array(2, 2), dim=(0, 0)), call(array(2, 2), dim=(0,)),
             call(array(2, 2, dtype=np.int64))]),
    Row("linalg.norm", vector_norms().filter(lambda c: c.args[0].ndim == 1 or c.args[2] == -1) | matrix_norms() | calls(rectangular()),
        bad=[call(array(2), "fro"), call(array(2, 2, 2), 2), call(array(2, 2, 2), dim=(0, 1, 2)), call(array(2, 2), 0, (0, 1))]),
    Row("norm", calls(rectangular(), st.sampled_from(["fro", 1, 2, math.inf, 3]), st.sampled_from([None, 0, (0, 1), [-1]]), FLAG)
        | calls(rectangular(batch=st.just(())), "nuc"),
        bad=[call(array(2, 2), "x"), call(array(2, 2, 2), "nuc"), call(array(2, 2, 2), "nuc", 0), call(array(2, dtype=np.int64))]),
    Row("linalg.cond", calls(regular(st.sampled_from([(), (2,)]), 3), st.sampled_from([None, 2, -2])),
        bad=[call(array(2)), call(array(2, 3), 1), call(array(2, 2), "x"), call(array(2, 2), 3)]),
    Row("linalg.cond", calls(regular(n=3) | st.sampled_from([np.zeros((2, 2, 2)), np.zeros((0, 0))]),
                             st.sampled_from([2, "fro", "nuc", 1, -1, math.inf])), grad=False),
]
