"""``torch.nn._reduction``: names of reductions, and the two flags that older code gives in their place."""

from __future__ import annotations

__all__ = ["get_enum", "legacy_get_string"]

NUMBERS = {"none": 0, "mean": 1, "elementwise_mean": 1, "sum": 2}


def get_enum(reduction: str) -> int:
    """0, 1 or 2 for none, mean or sum; ValueError for another word."""
    if reduction not in NUMBERS:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return NUMBERS[reduction]


def legacy_get_string(size_average: bool | None, reduce: bool | None, emit_warning: bool = True) -> str:
    """The reduction that two flags stand for, each True unless it is given."""
    return "none" if reduce is False else "sum" if size_average is False else "mean"
