"""Anomaly detection: a failing or NaN-producing backward shows where its forward was written."""

from __future__ import annotations

import traceback

from ..core.graph import Node
from ..core.modes import modes

__all__ = ["detect_anomaly", "set_detect_anomaly"]


def _remember(node: Node) -> None:
    """Notes the Python stack of the forward, without the library's own frames at its end."""
    stack = traceback.extract_stack()
    while len(stack) > 1 and ("minidl" in stack[-1].filename or stack[-1].filename.startswith("<generated")):
        stack.pop()
    node.forward_stack, node.plain = "".join(traceback.format_list(stack)), False


class set_detect_anomaly:
    """Switches anomaly detection on or off for this thread; as a context manager, for its extent.

    While it is on, every op notes where it was called. An error in its backward then shows that place, and with `check_nan` a
    gradient with NaN is such an error.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.previous = modes.observers, modes.check_nan
        others = tuple(o for o in modes.observers if o is not _remember)
        modes.check_nan = mode and check_nan
        modes.observe((*others, _remember) if mode else others)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        observers, modes.check_nan = self.previous
        modes.observe(observers)


class detect_anomaly(set_detect_anomaly):
    """A context manager in which anomaly detection is on.

    >>> with detect_anomaly():
    ...     pass
    """

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(True, check_nan)
