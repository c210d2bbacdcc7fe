"""Arithmetic: sums, products, quotients and powers, elementwise with broadcasting.

The engine sums a gradient over the dimensions that were broadcast, so the rules ignore broadcasting.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Tensor, data_of, primitive, public


@primitive(a=lambda g: g, b=lambda g: g, common="a b", grad_name="AddBackward0")
def _add(a: Any, b: Any) -> Any:
    return np.add(a, b)


@public(method=True, operators=("__mul__", "__rmul__"), inplace=True, aliases="multiply")
@primitive(a=lambda g, b: g * b, b=lambda g, a: g * a, common="a b")
def mul(a: Any, b: Any) -> Any:
    """y = a * b; dy/da = b, dy/db = a."""
    return np.multiply(a, b)


@primitive(a=lambda g: g, b=lambda g: -g, common="a b", grad_name="SubBackward0")
def _sub(a: Any, b: Any) -> Any:
    return np.subtract(a, b)


@primitive(a=lambda g, b: g / b, b=lambda g, a, b: -g * a / (b * b), floating="a b", grad_name="DivBackward0")
def _div(a: Any, b: Any) -> Any:
    return np.true_divide(a, b)


@public(method=True, operators=("__neg__",), inplace=True, aliases="negative")
@primitive(x=lambda g: -g)
def neg(x: Any) -> Any:
    """y = -x."""
    if x.dtype == bool:
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert "
                           "a mask, use the `~` or `logical_not()` operator instead.")
    return np.negative(x)
