"""What values parameters and samples of distributions may have. As torch.distributions.constraints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ops.triangular import cholesky_ex

__all__ = ["Constraint", "boolean", "dependent", "greater_than", "greater_than_eq", "independent", "integer_interval", "interval",
           "less_than", "lower_cholesky", "nonnegative", "nonnegative_integer", "one_hot", "positive", "positive_definite", "real",
           "real_vector", "simplex", "unit_interval"]


class Constraint:
    """A named condition; `check` tells where it holds, over all but the last `event_dim` dimensions."""

    def __init__(self, name: str, condition: Callable[[Any], Any], event_dim: int = 0, is_discrete: bool = False) -> None:
        self.name, self.condition, self.event_dim, self.is_discrete = name, condition, event_dim, is_discrete

    def check(self, value: Any) -> Any:
        """A bool tensor."""
        return self.condition(value)

    def __repr__(self) -> str:
        return self.name


def _positive_definite(v: Any) -> Any:
    symmetric = ((v - v.mT).abs() <= 1e-6).all(-1).all(-1)
    return symmetric & (cholesky_ex(v.detach())[1] == 0)


def _simplex(v: Any) -> Any:
    return (v >= 0).all(-1) & ((v.sum(-1) - 1).abs() < 1e-6)


def _one_hot(v: Any) -> Any:
    return ((v == 0) | (v == 1)).all(-1) & (v.sum(-1) == 1)


def _lower_cholesky(v: Any) -> Any:
    return (v.tril() == v).flatten(-2).all(-1) & (v.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


def greater_than(lower_bound: Any) -> Constraint:
    """x > lower_bound."""
    return Constraint(f"GreaterThan(lower_bound={lower_bound})", lambda v: lower_bound < v)


def greater_than_eq(lower_bound: Any) -> Constraint:
    """x >= lower_bound."""
    return Constraint(f"GreaterThanEq(lower_bound={lower_bound})", lambda v: lower_bound <= v)


def less_than(upper_bound: Any) -> Constraint:
    """x < upper_bound."""
    return Constraint(f"LessThan(upper_bound={upper_bound})", lambda v: v < upper_bound)


def interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """lower_bound <= x <= upper_bound."""
    return Constraint(f"Interval(lower_bound={lower_bound}, upper_bound={upper_bound})",
                      lambda v: (lower_bound <= v) & (v <= upper_bound))


def integer_interval(lower_bound: Any, upper_bound: Any) -> Constraint:
    """An integer with lower_bound <= x <= upper_bound."""
    return Constraint(f"IntegerInterval(lower_bound={lower_bound}, upper_bound={upper_bound})",
                      lambda v: (v % 1 == 0) & (lower_bound <= v) & (v <= upper_bound), is_discrete=True)


def independent(base: Constraint, dims: int) -> Constraint:
    """`base` at every place of the last `dims` dimensions."""
    def condition(v: Any) -> Any:
        return base.check(v).flatten(-dims).all(-1) if dims else base.check(v)
    return Constraint(f"IndependentConstraint({base}, {dims})", condition, base.event_dim + dims, base.is_discrete)


real = Constraint("Real()", lambda v: ~v.isnan())
dependent = Constraint("Dependent()", lambda v: ~v.isnan())
boolean = Constraint("Boolean()", lambda v: (v == 0) | (v == 1), is_discrete=True)
nonnegative_integer = Constraint("IntegerGreaterThan(lower_bound=0)", lambda v: (v % 1 == 0) & (v >= 0), is_discrete=True)
positive, nonnegative, unit_interval = greater_than(0.0), greater_than_eq(0.0), interval(0.0, 1.0)
simplex = Constraint("Simplex()", _simplex, 1)
one_hot = Constraint("OneHot()", _one_hot, 1, True)
lower_cholesky = Constraint("LowerCholesky()", _lower_cholesky, 2)
positive_definite = Constraint("PositiveDefinite()", _positive_definite, 2)
real_vector = independent(real, 1)
