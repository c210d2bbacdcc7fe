"""Rows of running sums, products and extrema, of differences, and of derivatives and integrals of samples."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, call, case, shapes
from .reduce import along, casting, with_zeros

INT, BOOL = np.int64, np.bool_
BAD = [call(array(2, 3), 2), call(array(2, 3)), call(array(2, 3), None), call(3.0, 0)]
whole = along(dtype=INT) | along(dtype=np.uint8) | along(dtype=BOOL)


@st.composite
def factors(draw: Any) -> Case:
    """Calls ``f(x, dim)`` with some zeros."""
    c = draw(with_zeros().filter(lambda c: len(c.args) == 2))
    return case(c.args)


@st.composite
def extended(draw: Any) -> Case:
    """Calls of diff, with what comes before and after."""
    x = draw(arrays(shapes(min_dims=1, min_side=0), dtype=draw(st.sampled_from([np.float64, INT, BOOL]))))
    dim = draw(st.integers(-x.ndim, x.ndim - 1))

    def more() -> Any:
        shape = list(x.shape)
        shape[dim] = draw(st.integers(1, 2))
        return draw(st.none() | arrays(tuple(shape), dtype=x.dtype))

    return case((x,), {"n": draw(st.integers(0, 3)), "dim": dim, "prepend": more(), "append": more()})


@st.composite
def sampled(draw: Any) -> Case:
    """Calls of gradient: numbers or coordinates for the spacing."""
    x = draw(arrays(st.sampled_from([(4,), (3, 5), (3, 3, 4)])))
    dims = draw(st.none() | st.permutations(range(x.ndim)))
    kwargs: dict[str, Any] = {"edge_order": draw(st.integers(1, 2))}
    if dims is not None:
        kwargs["dim"] = tuple(dims)
    kind = draw(st.sampled_from(["default", "number", "numbers", "coordinates"]))
    if kind == "number":
        kwargs["spacing"] = draw(st.sampled_from([2.0, 3]))
    elif kind == "numbers":
        kwargs["spacing"] = [0.5 + i for i in range(x.ndim)]
    elif kind == "coordinates":
        sizes = [x.shape[d] for d in (range(x.ndim) if dims is None else dims)]
        kwargs["spacing"] = [np.cumsum(draw(arrays((n,), "positive"))) for n in sizes]
    return case((x,), kwargs)


@st.composite
def integrands(draw: Any) -> Case:
    """Calls of trapezoid: coordinates along one dimension, for every sample, or a step."""
    y = draw(arrays(shapes(min_dims=1, min_side=1), dtype=draw(st.sampled_from([np.float64, INT]))))
    dim = draw(st.integers(-y.ndim, y.ndim - 1))
    kind = draw(st.sampled_from(["none", "dx", "line", "all"]))
    if kind == "dx":
        return case((y,), {"dx": draw(st.sampled_from([1, 0.5, 3.0])), "dim": dim})
    x = () if kind == "none" else (draw(arrays((y.shape[dim],) if kind == "line" else y.shape)),)
    return case((y, *x), {"dim": dim})


TRAPEZES = [call(array(2), array(3)), call(array(2), array(2), dx=2.0), call(array(2, dtype=BOOL)), call(array(2), dim=1)]

ROWS = [
    Row("cumsum", whole | casting(whole, "float64"), bad=BAD),
    Row("cumprod", whole | casting(whole, "float64"), bad=BAD),
    *(Row(name, along() | factors() | along(dtype=INT), inplace=True) for name in ("cumsum", "cumprod")),
    Row("logcumsumexp", along(), bad=[*BAD, call(array(2, dtype=INT), 0)]),
    *(Row(name, along(min_side=1) | along("special", min_side=1) | whole, bad=BAD) for name in ("cummax", "cummin")),
    Row("diff", extended(), bad=[call(array()), call(array(2), n=-1), call(array(2), dim=1), call(array(2), prepend=array(1, 1))]),
    Row("gradient", sampled(), bad=[call(array(1)), call(array(2), edge_order=2), call(array(3), edge_order=3), call(array(3), dim=1),
                                    call(array(3, 3), spacing=[1.0]), call(array(3), spacing=array(3))]),
    *(Row(name, integrands(), bad=TRAPEZES) for name in ("trapezoid", "trapz", "cumulative_trapezoid")),
]
