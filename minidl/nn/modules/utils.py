"""Arguments that are one value for all dimensions, or one for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["n_tuple"]


def n_tuple(value: Any, n: int) -> tuple[Any, ...]:
    """`n` times the value; a sequence as it is.

    >>> n_tuple(3, 2), n_tuple((1, 2), 2)
    ((3, 3), (1, 2))
    """
    return tuple(value) if isinstance(value, Iterable) else (value,) * n
