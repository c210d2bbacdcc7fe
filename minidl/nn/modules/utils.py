"""Arguments that are one value for all dimensions, or one for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["n_tuple"]


def n_tuple(value: Any, n: int) -> tuple[Any, ...]:
    """`n` times the value; a sequence as it is.

    >>> n_tuple(3, 2), n_tuple((1, 2), 2)
    ((3, 3), (1, 2))
    """
    return tuple(value) if isinstance(value, Iterable) else (value,) * n


def _ntuple(n: int, name: str = "parse") -> Callable[[Any], tuple[Any, ...]]:
    """`n_tuple` for a certain n, as PyTorch's own layers have it and those of others import it."""
    return lambda value: n_tuple(value, n)


_single, _pair, _triple, _quadruple = map(_ntuple, (1, 2, 3, 4))
