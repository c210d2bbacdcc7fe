"""Rows of sorting, order statistics, quantiles, searching, distinct elements and histograms."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, call, calls, case, reduction, shapes, unary
from .reduce import along, with_nans

INT, BOOL = np.int64, np.bool_
NONE = call(array(0, 3), 0)
BAD = [call(array(2, 3), 2), call(3.0), call("a")]
distinct = reduction("distinct", dims="one")
METHODS = st.sampled_from(["linear", "lower", "higher", "midpoint", "nearest"])


@st.composite
def by_dim(draw: Any, domain: str = "distinct", dtype: Any = np.float64, **kwargs: Any) -> Case:
    """Calls ``f(x, dim=)``."""
    c = draw(along(domain, dtype=dtype, **kwargs))
    return case(c.args[:1], {**c.kwargs, "dim": c.args[1]})


@st.composite
def ranked(draw: Any, first: int, domain: str = "distinct", dtype: Any = np.float64, **kwargs: Any) -> Case:
    """Calls ``f(x, k, dim)`` with k from `first` to the size."""
    x, dim = draw(along(domain, min_side=1, dtype=dtype)).args
    k = draw(st.integers(first, x.shape[dim] if x.ndim else 1))
    return case((x, k, dim), {name: draw(value) for name, value in kwargs.items()})


@st.composite
def fractions(draw: Any) -> Case:
    """Calls of quantile: one fraction or several."""
    c = draw(distinct)
    q = draw(st.sampled_from([0.0, 0.25, 0.6, 1.0]) | arrays(st.sampled_from([(), (1,), (3,)]), "unit"))
    return case((c.args[0], q, *c.args[1:]), {**c.kwargs, "interpolation": draw(METHODS)})


@st.composite
def with_gaps(draw: Any) -> Case:
    """Calls of nanquantile: some elements are NaN."""
    x = draw(with_nans()).args[0]
    return case((x, draw(st.sampled_from([0.0, 0.3, 1.0]))))


@st.composite
def searches(draw: Any) -> Case:
    """A sorted sequence, or one a line, and values."""
    shape = draw(st.sampled_from([(4,), (0,), (2, 3)]))
    dtype = draw(st.sampled_from([np.float64, INT]))
    edges = np.sort(draw(arrays(shape, dtype=dtype)), axis=-1)
    values = draw(arrays((*shape[:-1], 3) if len(shape) > 1 else shapes(), dtype=dtype))
    return case((edges, values), draw(st.sampled_from([{}, {"right": True}, {"side": "right"}, {"side": "left"}, {"out_int32": True}])))


@st.composite
def unsorted(draw: Any) -> Case:
    edges = draw(arrays((4,), "distinct"))
    return case((edges, draw(arrays())), {"sorter": np.argsort(edges)})


@st.composite
def repeats(draw: Any, dims: bool = True) -> Case:
    """Tensors of few values, and every combination of what else is asked for."""
    x = draw(arrays(shapes(min_dims=1, min_side=1), dtype=draw(st.sampled_from([INT, BOOL, np.uint8]))))
    x = x // 3 if x.dtype == INT else x
    kwargs: dict[str, Any] = {"return_inverse": draw(st.booleans()), "return_counts": draw(st.booleans())}
    if draw(st.booleans()):
        kwargs["dim"] = draw(st.integers(-x.ndim, x.ndim - 1))
    return case((x,), kwargs)


@st.composite
def weighted(draw: Any) -> Case:
    """Calls of bincount."""
    x = draw(arrays(shapes(min_dims=1, max_dims=1), "positive", INT))
    weights = draw(st.none() | arrays(x.shape) | arrays(x.shape, dtype=INT))
    return case((x, weights), {"minlength": draw(st.integers(0, 8))})


@st.composite
def binned(draw: Any) -> Case:
    """Calls of histogram: a number of bins, with and without a range, or the edges."""
    x = draw(arrays())
    kwargs = {"weight": draw(st.none() | arrays(x.shape, "positive")), "density": False}
    if draw(st.booleans()):
        return case((x, np.sort(draw(arrays((4,), "distinct")))), kwargs)
    return case((x, draw(st.integers(1, 4))), {**kwargs, "range": draw(st.sampled_from([None, (-1.0, 2.0), (0.5, 0.5)]))})


ROWS = [
    Row("sort", by_dim(descending=st.booleans()) | by_dim("special", stable=st.just(True), descending=st.booleans())
        | by_dim(dtype=INT, stable=st.just(True), descending=st.booleans()) | by_dim(dtype=BOOL, stable=st.just(True)), bad=BAD),
    Row("argsort", by_dim(descending=st.booleans()) | by_dim(dtype=INT, stable=st.just(True), descending=st.booleans()), bad=BAD),
    Row("msort", unary("distinct") | unary(dtype=INT), bad=BAD[1:]),
    Row("topk", ranked(0, largest=st.booleans()), bad=[call(array(2), 3), call(array(2), -1), call(array(2), 1, 1), call(array(2, dtype=BOOL), 1)]),

    *(Row(name, distinct, bad=[*BAD, NONE, call(array(2, 3), (0, 1)), call(array(2, dtype=BOOL))]) for name in ("median", "nanmedian")),
    Row("nanmedian", st.builds(lambda c: case(c.args[:1]), with_nans()) | st.builds(lambda c: case((c.args[0], 0)), with_nans().filter(lambda c: c.args[0].ndim)),
        grad=False),
    Row("kthvalue", ranked(1, keepdim=st.booleans()), bad=[call(array(2), 0), call(array(2), 3), call(array(0), 1), call(array(2, dtype=BOOL), 1)]),
    Row("mode", along("distinct", min_side=1, keepdim=st.booleans()), bad=[*BAD, NONE]),
    Row("quantile", fractions(), bad=[call(array(2), 1.5), call(array(2), -0.1), call(array(0), 0.5), call(array(2, dtype=INT), 0.5),
                                      call(array(2), 0.5, 1), call(array(2), abs(array(1, 1)) / 9), call(array(2), 0.5, interpolation="x"),
                                      call(array(2), array(1).astype(np.float32) * 0)]),
    Row("nanquantile", with_gaps(), bad=[call(array(2), 1.5), call(array(0), 0.5), call(array(2, dtype=INT), 0.5)]),

    Row("searchsorted", searches() | unsorted(), grad=False,
        bad=[call(array(2, 2), array(3, 2)), call(array(2, 2), 1.0), call(array(2), array(2), side="x"), call(array(2), array(2), right=True, side="left"),
             call(array(2), array(2), sorter=array(2)), call(array(2), array(2), sorter=array(2, dtype=INT) + 2), call(array(), 1.0)]),
    Row("bucketize", st.builds(lambda x, edges, right: case((x, np.sort(edges)), {"right": right}),
                               arrays() | st.just(0.5), arrays((4,)), st.booleans()), grad=False, bad=[call(array(2), array(2, 2)), call(array(2), 1.0)]),
    Row("isin", calls(arrays(dtype=INT) | st.just(2), arrays(dtype=INT), invert=st.booleans()) | calls(arrays(dtype=INT), 2), bad=[call(1, 2)]),
    Row("unique", repeats(), bad=[call(array(2), dim=1), call(array(2, 0, 3), dim=0), call(array(), dim=0)], grad=False),
    Row("unique", unary(), grad=False),
    Row("unique_consecutive", repeats(), bad=[call(array(2), dim=1), call(array(2, 0, 3), dim=0), call(array(), dim=0)], grad=False),

    Row("bincount", weighted(), grad=False,
        bad=[call(array(2)), call(array(2, 2, dtype=INT)), call(array(2, dtype=INT) - 2), call(array(2, dtype=INT), array(3)), call(array(2, dtype=INT), minlength=-1)]),
    Row("histc", calls(arrays(), st.integers(1, 5), st.sampled_from([0, -1.5]), st.sampled_from([0, 2.0])), grad=False,
        bad=[call(array(2), 0), call(array(2), 3, 2, 1), call(array(2, dtype=INT)), call(array(2), 3, float("-inf"), 0)]),
    Row("histogram", binned(), grad=False,
        bad=[call(array(2), 0), call(array(2), 3, range=(2.0, 1.0)), call(array(2, dtype=INT), 3), call(array(2), array(2, 2)), call(array(2), 3, weight=array(3))]),
]
