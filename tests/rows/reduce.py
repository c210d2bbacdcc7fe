"""Rows of sums, products, means, counts, extrema, variances, softmax and logsumexp."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import DType, Row, array, arrays, call, case, reduction, shapes, unary

INT, BOOL = np.int64, np.bool_
BAD = [call(array(2, 3), 2), call(3.0), call("a")]
BAD_DIMS = [*BAD, call(array(2, 3), (0, 0)), call(array(2, 3), 0, 1)]
BAD_DIM = [*BAD, call(array(2, 3), (0, 1))]
EMPTY = [call(array(0)), call(array(0, 3), 0)]


def whole(dims: str = "many", min_side: int = 0) -> st.SearchStrategy[Case]:
    """Reductions of integers and bools."""
    return st.one_of(*(reduction(dims=dims, min_side=min_side, dtype=d) for d in (INT, np.uint8, BOOL)))


@st.composite
def along(draw: Any, domain: str = "finite", min_side: int = 0, dtype: Any = np.float64, **kwargs: Any) -> Case:
    """Calls ``f(x, dim)``, 0-d included."""
    x = draw(arrays(shapes(min_side=min_side), domain, dtype))
    return case((x, draw(st.integers(-max(x.ndim, 1), max(x.ndim, 1) - 1))), {k: draw(v) for k, v in kwargs.items()})


@st.composite
def sizes(draw: Any) -> Case:
    """A tensor, and a size that broadcasts to its shape."""
    x = draw(arrays(shapes(min_side=1), dtype=draw(st.sampled_from([np.float64, INT]))))
    size = [1 if draw(st.booleans()) else n for n in x.shape]
    while size and size[0] == 1 and draw(st.booleans()):
        size.pop(0)
    return case((x, size))


@st.composite
def tied(draw: Any, dims: str = "many") -> Case:
    """Reductions of floats of few values, so that extrema tie."""
    c = draw(reduction(dims=dims, dtype=INT))
    return case((np.asarray(c.args[0] // 3 * 1.5), *c.args[1:]), c.kwargs)


@st.composite
def with_zeros(draw: Any, dims: str = "one") -> Case:
    """Reductions of floats some of which are 0."""
    c = draw(reduction("away", dims=dims))
    x = c.args[0]
    return case((np.where(draw(arrays(x.shape, dtype=BOOL)), 0.0, x), *c.args[1:]), c.kwargs)


@st.composite
def with_nans(draw: Any) -> Case:
    """Reductions of floats some of which are NaN, but not all."""
    c = draw(reduction())
    x = np.where(draw(arrays(c.args[0].shape, dtype=BOOL)), np.nan, c.args[0])
    x[(0,) * x.ndim] = 1.0
    return case((x, *c.args[1:]), c.kwargs)


@st.composite
def covariances(draw: Any) -> Case:
    """Calls of cov, with weights of either kind."""
    x = draw(arrays(st.sampled_from([(4,), (2, 4), (3, 4)])))
    return case((x,), {"correction": draw(st.integers(0, 1)), "fweights": draw(st.none() | arrays((4,), dtype=INT).map(lambda w: abs(w) + 1)),
                       "aweights": draw(st.none() | arrays((4,), "positive"))})


def bent(c: Case) -> Case:
    """Rows that are not multiples of each other."""
    x = c.args[0]
    return case((x + x * x / 10,))


def casting(calls_: st.SearchStrategy[Case], *names: str) -> st.SearchStrategy[Case]:
    """The same calls with one of these for `dtype`."""
    return st.builds(lambda c, name: case(c.args, {**c.kwargs, "dtype": DType(name)}), calls_, st.sampled_from(names))


def spread() -> st.SearchStrategy[Case]:
    """Calls of var and its like, in the new and the old form; the elements differ, so that no standard deviation is 0."""
    x = {"domain": "distinct", "min_side": 2}
    flag = st.builds(lambda c, unbiased: case((c.args[0], unbiased)), reduction(**x), st.booleans())
    return flag | reduction(**x, unbiased=st.booleans()) | reduction(**x, correction=st.sampled_from([0, 1, 0.5]))


FEW = [*BAD, call(array(3, dtype=INT)), call(array(2, 3), (0, 0)), call(array(3), unbiased=True, correction=1)]
NO_FLOAT = [call(array(2, dtype=INT), 0), call(array(2, dtype=BOOL), 0)]
FLOATS = along(min_side=0) | casting(along(min_side=0, dtype=INT), "float64")

ROWS = [
    Row("sum", reduction(min_side=0) | whole() | casting(whole(), "float64"), bad=BAD_DIMS),
    Row("sum", casting(reduction(min_side=0), "int64", "bool"), grad=False),
    Row("nansum", with_nans() | whole(), bad=BAD_DIMS),
    Row("Tensor.sum_to_size", sizes(), bad=[call(array(2, 3), 2), call(array(3), 2, 3)]),
    Row("prod", with_zeros() | reduction(dims="one", min_side=0) | whole("one") | casting(whole("one"), "float64"), bad=BAD_DIM),
    Row("trace", unary("finite").filter(lambda c: c.args[0].ndim == 2) | unary(dtype=INT).filter(lambda c: c.args[0].ndim == 2),
        bad=[call(array(2)), call(array(2, 2, 2))]),
    Row("mean", reduction(min_side=0) | casting(whole(), "float64"),
        bad=[*BAD_DIMS, *NO_FLOAT, call(array(2), dtype=DType("int64"))]),
    Row("nanmean", with_nans(), bad=[*BAD_DIMS, *NO_FLOAT]),
    Row("count_nonzero", st.builds(lambda c: case(c.args), with_zeros() | whole()), bad=[call(array(2, 3), 2), call(array(2, 3), (0, 0))]),
    *(Row(name, with_zeros("many") | whole(), bad=BAD_DIMS) for name in ("all", "any")),

    *(Row(name, tied() | reduction("special") | whole(min_side=1), bad=[*BAD_DIMS, *EMPTY]) for name in ("amax", "amin")),
    *(Row(name, reduction("distinct", dims="one") | tied("one") | whole("one", 1), bad=[*BAD_DIM, *EMPTY]) for name in ("max", "min")),
    *(Row(name, tied("one") | reduction("special", dims="one") | whole("one", 1).filter(lambda c: c.args[0].dtype != BOOL),
          bad=[*BAD_DIM, *EMPTY, call(array(2, dtype=BOOL))]) for name in ("argmax", "argmin")),
    Row("aminmax", st.builds(lambda c: case(c.args[:1], c.kwargs if len(c.args) == 1 else {**c.kwargs, "dim": c.args[1]}), tied("one") | whole("one", 1)),
        bad=[*EMPTY[:1], call(array(0, 3), dim=0), call(array(2), dim=1), call(array(2), 0)]),

    *(Row(name, spread(), bad=FEW) for name in ("var", "std", "var_mean", "std_mean")),
    Row("cov", covariances(), bad=[call(array(2, 2, 2)), call(array(2, 3), fweights=array(3)), call(array(2, 3), aweights=array(2)),
                                   call(array(2, 3), fweights=array(3, dtype=INT) - 2), call(array(2, 3, dtype=BOOL))]),
    Row("corrcoef", unary("distinct").filter(lambda c: c.args[0].ndim in (1, 2) and c.args[0].shape[-1] > 2).map(bent),
        bad=[call(array(2, 2, 2))]),

    *(Row(name, FLOATS, bad=[*NO_FLOAT, call(array(2), 1), call(array(2)), call(array(2), None)]) for name in ("softmax", "log_softmax")),
    *(Row(f"{space}.{name}", FLOATS, bad=[*NO_FLOAT, call(array(2), 1)])
      for space in ("special", "nn.functional") for name in ("softmax", "log_softmax")),
    Row("nn.functional.softmin", FLOATS, bad=[*NO_FLOAT, call(array(2), 1)]),
    *(Row(name, reduction(dims="required") | st.builds(lambda c: case(c.args), reduction(dims="required", dtype=INT)),
          bad=[call(array(2)), call(array(2), 1), call(array(2, 2), (0, 0))]) for name in ("logsumexp", "special.logsumexp")),
]
