"""``torch.utils._foreach_utils``: lists of tensors sorted by where and of what type they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = []


def _group_tensors_by_device_and_dtype(tensorlistlist: Sequence[Sequence[Any]], with_indices: bool = False) -> dict[Any, Any]:
    """For each (device, type) of the first list's tensors the parts of all lists at their places, and the places."""
    groups: dict[Any, Any] = {}
    for i, first in enumerate(tensorlistlist[0]):
        lists, places = groups.setdefault((first.device, first.dtype), ([[] for _ in tensorlistlist], []))
        for part, whole in zip(lists, tensorlistlist):
            part += whole[i:i + 1]
        places += [i] * with_indices
    return groups
