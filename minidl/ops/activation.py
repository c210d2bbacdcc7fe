"""Activation functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import primitive, public
from .elementwise import masked


@primitive(d=lambda g, s: sigmoid_backward(g, s), s=lambda g, d, s: g * d * (1 - 2 * s))
def sigmoid_backward(d: Any, s: Any) -> Any:
    """y = d s (1 - s)."""
    y = np.subtract(1, s, np.empty_like(s))
    np.multiply(y, s, y)
    return np.multiply(y, d, y)


@public(where="torch nn.functional", method=True, inplace=True)
@primitive(x=lambda g, y: sigmoid_backward(g, y), floating="x")
def sigmoid(x: Any) -> Any:
    """y = 1 / (1 + e^-x), dy/dx = y (1 - y)."""
    y = np.negative(x, np.empty_like(x))
    np.exp(y, y)
    y += 1
    return np.reciprocal(y, y)


@primitive(x=lambda g, y: masked(g, ~(y <= 0)))
def _relu(x: Any) -> Any:
    if x.dtype == bool:
        raise RuntimeError("Boolean inputs not supported for relu")
    return np.maximum(x, 0)


@public(where="torch", method=True, inplace=True)
def relu(input: Any) -> Any:
    """y = max(x, 0); dy/dx = 1 where x > 0."""
    return _relu(input)
