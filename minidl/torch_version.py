"""A version that compares as a version with strings and tuples: PyTorch's `TorchVersion`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from .version import __version__ as _version

__all__ = ["TorchVersion"]

_FORM = re.compile(r"v?(?P<release>\d+(\.\d+)*)"
                   r"((?P<before>[-_.]?(a|alpha|b|beta|c|rc|pre|preview|dev)[-_.\d]*)|(?P<local>\+.+)|(?P<after>[-_.]?(post|r|rev)?\d+))?")
_RANKS = {"before": 0, None: 1, "local": 2, "after": 3}


def _key(version: str) -> tuple[list[int], int, str]:
    """The release without zeros at its end, then what comes before or after it; ValueError for what is no version."""
    found = _FORM.fullmatch(version.strip().lower())
    if found is None:
        raise ValueError(version)
    numbers = [int(number) for number in found["release"].split(".")]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    kind = next((name for name in ("before", "local", "after") if found[name]), None)
    return numbers, _RANKS[kind], found[kind] if kind else ""


def _comparison(relation: Callable[[Any, Any], bool], of_strings: Callable[[str, Any], Any]) -> Callable[[Any, Any], Any]:
    def compare(self: str, other: Any) -> Any:
        text = ".".join(map(str, other)) if isinstance(other, (tuple, list)) else str(other)
        try:
            return relation(_key(self), _key(text))
        except ValueError:
            return of_strings(self, other)

    return compare


class TorchVersion(str):
    """A string that compares by release, and then as a pre-release, release, local or post-release version, with strings, tuples and ``packaging``'s
    versions; with what is no version, as a string.

    >>> TorchVersion("2.13.0+minidl.0.1.0") > "2.9", TorchVersion("1.10.0a0") < (1, 10)
    (True, True)
    """

    __slots__ = ()
    __hash__ = str.__hash__
    __eq__ = _comparison(operator.eq, str.__eq__)
    __ne__ = _comparison(operator.ne, str.__ne__)
    __lt__ = _comparison(operator.lt, str.__lt__)
    __le__ = _comparison(operator.le, str.__le__)
    __gt__ = _comparison(operator.gt, str.__gt__)
    __ge__ = _comparison(operator.ge, str.__ge__)


__version__ = TorchVersion(_version)
