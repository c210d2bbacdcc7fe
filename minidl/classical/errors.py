"""Errors and warnings, with scikit-learn's names."""

from __future__ import annotations

import sys
from typing import TypeVar

E = TypeVar("E", bound=Exception)


class NotFittedError(ValueError, AttributeError):
    """A method that needs what `fit` learns was called before it."""


class ConvergenceWarning(UserWarning):
    """An iteration ended without reaching what it is for."""


class DataConversionWarning(UserWarning):
    """The data were converted to what the method needs, which may not be what was meant."""


class UndefinedMetricWarning(UserWarning):
    """A score is a quotient whose divisor is 0."""


def akin(kind: type[E]) -> type[E]:
    """`kind`, or where scikit-learn is in use a class that is also its class of that name, as those expect who catch or filter it there."""
    theirs = getattr(sys.modules.get("sklearn.exceptions"), kind.__name__, None)
    return kind if theirs is None else type(kind.__name__, (kind, theirs), {})
