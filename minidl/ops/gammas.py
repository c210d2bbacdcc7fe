"""The incomplete gamma function, and the gamma function of several dimensions."""

from __future__ import annotations

import math
from typing import Any, NoReturn

import numpy as np

from ..core import primitive, public
from ..core.promotion import result_dtype
from .elementwise import exp, log, needs_float
from .reduce import sum
from .shape import unsqueeze
from .special import lgamma, scipy_special

__all__ = ["gammainc", "gammaincc", "mvlgamma"]


def unknown(g: Any) -> NoReturn:
    """As in PyTorch, there is no derivative with respect to the first argument."""
    raise NotImplementedError("the derivative for 'igamma: input' is not implemented.")


@public(where="special")
@primitive(a=unknown, b=lambda g, a, b: g * exp((a - 1) * log(b) - b - lgamma(a)), common="a b", grad_name="IgammaBackward0")
def gammainc(a: Any, b: Any) -> Any:
    """y = the integral of t^(a - 1) e^(-t) from 0 to b, over gamma(a); dy/db = b^(a - 1) e^(-b) / gamma(a), and none by a, as in PyTorch."""
    needs_float("igamma_cpu", a)
    return scipy_special("gammainc", a, b)


@public(where="special")
@primitive(a=unknown, b=lambda g, a, b: -g * exp((a - 1) * log(b) - b - lgamma(a)), common="a b", grad_name="IgammacBackward0")
def gammaincc(a: Any, b: Any) -> Any:
    """y = 1 - `gammainc`; dy/db = -b^(a - 1) e^(-b) / gamma(a), and none by a, as in PyTorch."""
    needs_float("igammac_cpu", a)
    return scipy_special("gammaincc", a, b)


@public(method=True)
def igamma(input: Any, other: Any) -> Any:
    """`gammainc` by its older name."""
    return gammainc(input, other)


@public(method=True)
def igammac(input: Any, other: Any) -> Any:
    """`gammaincc` by its older name."""
    return gammaincc(input, other)


@public(method=True)
def mvlgamma(input: Any, p: int) -> Any:
    """y = p (p - 1) / 4 log pi + sum of lgamma(x - j / 2) for j = 0 ... p - 1. RuntimeError for p < 1."""
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    halves = np.arange(p, dtype=result_dtype(input, 1.0)) / 2
    return sum(lgamma(unsqueeze(input, -1) - halves), -1) + p * (p - 1) / 4 * math.log(math.pi)


@public(where="special")
def multigammaln(input: Any, p: int) -> Any:
    """`mvlgamma` by its name in `special`."""
    return mvlgamma(input, p)
