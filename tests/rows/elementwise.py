"""Rows of functions of one argument: elementary and special functions, rounding, tests."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, binary, call, calls, case, unary

INT, BOOL = np.int64, np.bool_
REFUSED = [call(2.0), call("a")]


def promoted(domain: str = "finite") -> st.SearchStrategy[Case]:
    """Floats of a domain; integers and bools, which become floats."""
    return st.one_of(unary(domain), unary(domain, dtype=INT), unary(domain, dtype=BOOL))


def kept(domain: str = "finite") -> st.SearchStrategy[Case]:
    """Floats, and integers, which stay integers."""
    return st.one_of(unary(domain), unary(domain, dtype=INT), unary(domain, dtype=np.uint8))


@st.composite
def between_integers(draw: Any, *scales: float) -> Case:
    """Numbers away from the jumps of a rounding."""
    x = draw(arrays(dtype=INT))
    return case((np.asarray(x * draw(st.sampled_from(scales)) + draw(st.sampled_from([0.25, -0.125, 0.375, 0.0]))),))


SMOOTH = ("exp", "exp2", "expm1", "sin", "cos", "tanh", "sinh", "cosh", "atan", "deg2rad", "rad2deg", "square", "erf", "erfc")
POSITIVE = ("log", "log2", "log10", "log1p", "sqrt", "rsqrt")
OPEN = ("asin", "acos", "erfinv")
TESTS = ("isnan", "isinf", "isfinite", "isposinf", "isneginf")

ROWS = [
    *(Row(name, promoted(), inplace=True, bad=REFUSED) for name in SMOOTH),
    *(Row(name, promoted("positive") if name == "log1p" else unary("positive"), inplace=True, bad=REFUSED) for name in POSITIVE),
    *(Row(name, unary("open"), inplace=True, bad=REFUSED) for name in OPEN),
    Row("sinc", unary("away"), inplace=True, bad=REFUSED),  # at 0 PyTorch's second derivative is NaN
    Row("tan", unary("open"), inplace=True, bad=REFUSED),
    Row("reciprocal", unary("away"), inplace=True, bad=REFUSED),
    # PyTorch has no gradient of their in-place forms
    Row("asinh", unary(), bad=REFUSED),
    Row("acosh", unary("positive").map(lambda c: case((np.asarray(c.args[0] + 1),))), bad=REFUSED),
    Row("atanh", unary("open"), bad=REFUSED),
    Row("logit", st.one_of(unary("unit"), unary("unit", eps=st.sampled_from([0.1, 0.25]))), inplace=True, bad=REFUSED),
    # special functions; SciPy's trigamma is more precise than PyTorch's (1e-9), so gradients of digamma are tested by themselves
    Row("lgamma", unary("positive"), inplace=True, second=False, bad=REFUSED),
    Row("digamma", unary("positive"), inplace=True, grad=False, bad=REFUSED),
    *(Row(name, calls(arrays((3, 2), "positive"), arrays((2,), "positive")), grad=False, float32=(1e-5, 1e-5), bad=[call(array(2), array(3))])
      for name in ("special.gammainc", "special.gammaincc", "igamma", "igammac")),
    *(Row(name, calls(arrays(domain="positive").map(lambda x: np.asarray(x + 2)), st.integers(1, 4)), float32=(1e-5, 1e-5), bad=[call(array(2), 0)])
      for name in ("mvlgamma", "special.multigammaln")),
    Row("polygamma", calls(st.integers(2, 4), arrays(domain="positive")), grad=False, float32=(1e-5, 1e-5), bad=[call(-1, array(2))]),
    *(Row(f"special.{name}", unary(domain), second=second, grad=grad, bad=REFUSED) for name, domain, grad, second in (
        ("expit", "finite", True, True), ("ndtr", "finite", True, True), ("log_ndtr", "finite", True, True), ("ndtri", "unit", True, True),
        ("erfcx", "finite", True, True), ("entr", "positive", True, True), ("psi", "positive", False, False), ("gammaln", "positive", True, False))),
    # signs and rounding
    Row("abs", kept("away"), inplace=True, operator=("__abs__",), bad=[*REFUSED, call(array(2, dtype=BOOL))]),
    *(Row(name, st.one_of(kept(), unary("special"), unary(dtype=BOOL)), inplace=True, bad=REFUSED) for name in ("sign", "sgn")),
    Row("signbit", st.one_of(kept(), unary("special")), grad=False, bad=REFUSED),
    *(Row(name, st.one_of(kept(), between_integers(1.0)), inplace=True, bad=[*REFUSED, call(array(2, dtype=BOOL))]) for name in ("floor", "ceil", "trunc")),
    Row("frac", between_integers(1.0), inplace=True, bad=[*REFUSED, call(array(2, dtype=INT))]),
    Row("round", st.one_of(kept(), between_integers(1.0, 0.5), between_integers(1.0).map(lambda c: case(c.args, {"decimals": 1})),
                           between_integers(37.0).map(lambda c: case(c.args, {"decimals": -1}))),
        inplace=True, bad=[*REFUSED, call(array(2, dtype=BOOL))]),
    Row("nan_to_num", st.one_of(unary("special"), unary("special", nan=1.0, posinf=2.0, neginf=-3.0), unary(dtype=INT)), inplace=True, bad=REFUSED),
    # comparisons and logic
    *(Row(name, st.one_of(binary(), binary(dtypes=(INT, INT)), binary(dtypes=(INT, np.float64)), binary("special", numbers=False)), grad=False,
          inplace=True, operator=(f"__{name}__",), bad=[call(array(2), array(3)), call(2.0, array(2)), call(array(2), "a")])
      for name in ("eq", "ne", "lt", "le", "gt", "ge")),
    *(Row(f"Tensor.{name}", st.one_of(binary(), binary(dtypes=(INT, np.float64))), grad=False, bad=[call(array(2), array(3))])
      for name in ("__eq__", "__ne__")),
    *(Row(name, st.one_of(binary(numbers=False), binary(dtypes=(BOOL, BOOL), numbers=False), binary(dtypes=(INT, BOOL), numbers=False)), grad=False,
          inplace=True, bad=[call(array(2), array(3)), call(array(2), 1.0)]) for name in ("logical_and", "logical_or", "logical_xor")),
    Row("logical_not", st.one_of(unary(), unary(dtype=INT), unary(dtype=BOOL)), grad=False, inplace=True, bad=REFUSED),
    *(Row(name, st.one_of(binary(dtypes=(INT, INT), numbers=False), binary(dtypes=(BOOL, BOOL), numbers=False), binary(dtypes=(np.uint8, INT), numbers=False),
                          calls(arrays(dtype=INT), st.integers(0, 9))),
          grad=False, inplace=True, operator=(f"__{name.removeprefix('bitwise_')}__",), bad=[call(array(2), array(2)), call(array(2, dtype=INT), 1.5)])
      for name in ("bitwise_and", "bitwise_or", "bitwise_xor")),
    Row("bitwise_not", st.one_of(unary(dtype=INT), unary(dtype=BOOL), unary(dtype=np.uint8)), grad=False, inplace=True, operator=("__invert__",),
        bad=[call(array(2))]),
    *(Row(name, st.one_of(binary("finite", "positive", (INT, INT), numbers=False), calls(arrays(dtype=INT), st.integers(0, 9))), grad=False, inplace=True,
          operator=(operator,), bad=[call(array(2), array(2)), call(array(2, dtype=BOOL), array(2, dtype=BOOL))])
      for name, operator in (("bitwise_left_shift", "__lshift__"), ("bitwise_right_shift", "__rshift__"))),
    *(Row(name, st.one_of(unary("special"), unary(dtype=INT)), grad=False, bad=REFUSED) for name in TESTS),
    Row("isreal", st.one_of(unary("special"), unary(dtype=INT)), grad=False, bad=REFUSED),
    *(Row(name, st.one_of(binary("special", numbers=False), binary("special", numbers=False, equal_nan=True), binary(numbers=False, rtol=0.5, atol=0.25),
                          binary(dtypes=(INT, INT), numbers=False)),
          grad=False, bad=[call(array(2), array(3)), call(array(2), array(2, dtype=INT)), call(array(2), array(2), rtol=-1.0),
                           call(array(2), array(2), atol=-1.0), call(array(2), 2.0)]) for name in ("isclose", "allclose")),
    Row("equal", st.one_of(binary("special", numbers=False), unary().map(lambda c: case(c.args * 2))), grad=False, bad=[call(array(2), 2.0)]),
]
