"""Rows of arithmetic, powers and the choice between two values."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, binary, call, calls, case, shapes

INT, BYTE, BOOL = np.int64, np.uint8, np.bool_
MISMATCH = call(array(2), array(3))
TEXT = call(array(2), "a")
NUMBER_FIRST = call(2.0, array(2))
NUMBER_SECOND = call(array(2), 2.0)


def mixed(domain: str = "finite", other: str | None = None, **kwargs: Any) -> st.SearchStrategy[Case]:
    """Floats, integers, bytes, and floats beside integers or bools."""
    return st.one_of(binary(domain, other, **kwargs), *(binary(domain, other, dtypes, **kwargs) for dtypes in (
        (INT, INT), (BYTE, INT), (np.float64, INT), (INT, np.float64), (np.float64, BOOL), (BOOL, INT), (np.float32, np.float64))))


def floats(domain: str = "finite", other: str | None = None, **kwargs: Any) -> st.SearchStrategy[Case]:
    """Two float arrays; no Python numbers."""
    return binary(domain, other, numbers=False, **kwargs)


def whole(other: str = "finite", **kwargs: Any) -> st.SearchStrategy[Case]:
    return binary("finite", other, (INT, INT), **kwargs)


@st.composite
def divisions(draw: Any, **kwargs: Any) -> Case:
    """Numbers over numbers that are not 0, floats or integers: the quotients lie away from the integers or are exact."""
    shape = draw(shapes())
    n = int(np.prod(shape))
    if draw(st.booleans()):
        top = np.array(draw(st.lists(st.integers(-20, 20), min_size=n, max_size=n)), INT).reshape(shape)
        bottom = np.array(draw(st.lists(st.sampled_from([-7, -3, -1, 1, 2, 5]), min_size=n, max_size=n)), INT).reshape(shape)
        return case((top, bottom), kwargs)
    top = np.array(draw(st.lists(st.sampled_from([-7.5, -3.25, -0.5, 0.5, 2.75, 9.5]), min_size=n, max_size=n)), float).reshape(shape)
    bottom = draw(st.sampled_from([-2.0, 2.0, 3, np.full(shape, -1.25), np.full(shape, 0.75)]))
    return case((top, bottom), kwargs)


@st.composite
def three(draw: Any, domain: str = "finite", last: str = "finite", dtype: Any = np.float64, **kwargs: Any) -> Case:
    shape = draw(shapes(max_dims=2))
    some = st.sampled_from([shape, shape[1:], (1,) * len(shape)])
    return case((draw(arrays(shape, domain, dtype)), draw(arrays(some, domain, dtype)), draw(arrays(some, last, dtype))),
                {k: draw(v) if isinstance(v, st.SearchStrategy) else v for k, v in kwargs.items()})


@st.composite
def wheres(draw: Any) -> Case:
    shape = draw(shapes(max_dims=2))
    condition = draw(arrays(shape, dtype=BOOL))
    value = st.one_of(arrays(shape), arrays(shape[1:]), arrays(shape, dtype=INT), st.just(2), st.just(0.5))
    return case((draw(value.filter(lambda v: isinstance(v, np.ndarray))), condition, draw(value)))


@st.composite
def bounded(draw: Any, *names: str) -> Case:
    """An array with bounds: numbers, or (all of them) arrays."""
    x = draw(arrays(dtype=draw(st.sampled_from([np.float64, INT]))))
    whole = st.integers(-2, 2) if x.dtype == INT else st.floats(-2, 2, width=32).map(float)
    bound = draw(st.sampled_from([whole, arrays(x.shape, dtype=x.dtype)]))
    present = draw(st.sets(st.sampled_from(names), min_size=1)) if len(names) > 1 else names
    return case((x,), {name: draw(bound) for name in names if name in present})


SCALE = st.sampled_from([1, 2, -0.5, 0])
WHOLE_SCALE = st.sampled_from([1, 2, -3])
EXPONENTS = st.sampled_from([0, 1, 2, 3, -1, 0.5, -0.5, 2.5, -2])

ROWS = [
    Row("add", st.one_of(mixed(), mixed(alpha=WHOLE_SCALE), binary(alpha=SCALE), binary(dtypes=(BOOL, BOOL), numbers=False)), inplace=True,
        operator=("__add__",), bad=[MISMATCH, TEXT, call(array(2, dtype=INT), array(2, dtype=INT), alpha=0.5)]),
    Row("sub", st.one_of(mixed(), mixed(alpha=WHOLE_SCALE), binary(alpha=SCALE)), inplace=True, operator=("__sub__",),
        bad=[MISMATCH, TEXT, call(array(2, dtype=BOOL), array(2, dtype=BOOL)), call(array(2), array(2, dtype=BOOL)),
             call(array(2), True), call(array(2, dtype=BOOL), 1)]),
    Row("rsub", st.one_of(mixed(), binary(alpha=SCALE)), operator=("__rsub__",), bad=[MISMATCH, NUMBER_FIRST]),
    Row("mul", st.one_of(mixed(), binary(dtypes=(BOOL, BOOL), numbers=False)), inplace=True, operator=("__mul__", "__rmul__"), bad=[MISMATCH, TEXT]),
    Row("true_divide", mixed("away", "away"), inplace=True, operator=("__truediv__",), bad=[MISMATCH, TEXT]),
    Row("div", st.one_of(divisions(), divisions(rounding_mode="floor"), divisions(rounding_mode="trunc"), divisions(rounding_mode=None)),
        inplace=True, bad=[MISMATCH, call(array(2), array(2), rounding_mode="up"), call(array(2, dtype=INT), 0, rounding_mode="floor")]),
    Row("floor_divide", divisions(), grad=False, inplace=True, operator=("__floordiv__",),
        bad=[MISMATCH, call(array(2, dtype=INT), 0), call(array(2, dtype=BOOL), array(2, dtype=BOOL))]),
    Row("remainder", divisions(), inplace=True, operator=("__mod__",), bad=[MISMATCH, call(array(2, dtype=INT), 0)]),
    Row("fmod", divisions(), inplace=True, bad=[MISMATCH, NUMBER_FIRST, call(array(2, dtype=INT), 0)]),
    Row("neg", st.one_of(calls(arrays()), calls(arrays(dtype=BYTE))), inplace=True, operator=("__neg__",), bad=[call(array(2, dtype=BOOL)), call(2.0)]),
    Row("positive", st.one_of(calls(arrays()), calls(arrays(dtype=INT))), operator=("__pos__",), bad=[call(array(2, dtype=BOOL))]),
    Row("addcmul", st.one_of(three(), three(value=SCALE), three(dtype=INT, value=WHOLE_SCALE)), inplace=True, bad=[call(array(2), array(3), array(2))]),
    Row("addcdiv", st.one_of(three(last="away"), three(last="away", value=SCALE)), inplace=True,
        bad=[call(array(2), array(3), array(2)), call(*[array(2, dtype=INT)] * 3)]),
    Row("lerp", st.one_of(three(last="unit"), calls(arrays((2, 2)), arrays((2, 2)), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, 2.0]))), inplace=True,
        bad=[call(array(2), array(3), 0.5), call(array(2, dtype=INT), array(2, dtype=INT), 0.5), call(array(2), array(2, dtype=np.float32), 0.5)]),
    Row("hypot", floats("away"), inplace=True, bad=[MISMATCH, NUMBER_SECOND, call(array(2, dtype=INT), array(2, dtype=INT))]),
    *(Row(name, whole(numbers=False), grad=False, inplace=True, bad=[MISMATCH, call(array(2), array(2)), call(array(2, dtype=INT), 2)])
      for name in ("gcd", "lcm")),
    Row("atan2", floats("away"), inplace=True, bad=[MISMATCH, NUMBER_SECOND]),
    Row("copysign", st.one_of(binary("away"), whole()), inplace=True, bad=[MISMATCH, NUMBER_FIRST]),
    Row("pow", st.one_of(binary("positive", "finite"), calls(arrays(), st.sampled_from([0, 1, 2, 3])), calls(arrays(domain="positive"), EXPONENTS),
                         calls(st.sampled_from([2, 0.5, 3.0, 1]), arrays()), whole("positive", numbers=False),
                         calls(arrays(dtype=INT), st.sampled_from([0, 1, 2, 3, 0.5]))),
        inplace=True, operator=("__pow__",), bad=[MISMATCH, TEXT, call(array(2, dtype=INT), -1), call(array(2, dtype=BOOL), array(2, dtype=BOOL))]),
    Row("float_power", st.one_of(binary("positive", "finite"), calls(arrays(dtype=INT), st.sampled_from([0, 1, 2, 3]))), bad=[MISMATCH, call(2.0, 3.0)]),
    Row("ldexp", st.one_of(floats(), binary("finite", "positive", (np.float64, INT), numbers=False)), inplace=True, bad=[MISMATCH, NUMBER_SECOND]),
    Row("frexp", calls(arrays(domain="away")), bad=[call(array(2, dtype=INT))]),
    *(Row(name, floats(), bad=[MISMATCH, NUMBER_SECOND, call(array(2, dtype=INT), array(2, dtype=INT))]) for name in ("logaddexp", "logaddexp2")),
    Row("xlogy", st.one_of(binary("finite", "positive"), calls(st.sampled_from([0, 2, -1.5]), arrays(domain="positive"))), inplace=True, bad=[MISMATCH]),
    Row("special.xlog1py", st.one_of(binary("finite", "positive"), calls(st.sampled_from([0, 2, -1.5]), arrays(domain="positive"))), bad=[MISMATCH]),
    # choosing
    Row("Tensor.where", wheres(), bad=[call(array(2), array(2), array(2)), call(array(2), array(3, dtype=BOOL), array(2))]),
    Row("clamp", bounded("min", "max"), inplace=True, bad=[call(array(2)), call(array(2), array(2), 1.0), call(array(2, dtype=BOOL), False, True), call(2.0, 0, 1)]),
    Row("clamp_min", bounded("min"), inplace=True, bad=[NUMBER_FIRST, MISMATCH]),
    Row("clamp_max", bounded("max"), inplace=True, bad=[NUMBER_FIRST, MISMATCH]),
    *(Row(name, st.one_of(floats(), whole(numbers=False)), bad=[MISMATCH, NUMBER_FIRST, NUMBER_SECOND]) for name in (
        "maximum", "minimum", "fmax", "fmin")),
    Row("heaviside", floats(), grad=False, inplace=True, bad=[MISMATCH, NUMBER_SECOND, call(array(2), array(2, dtype=INT))]),
]
