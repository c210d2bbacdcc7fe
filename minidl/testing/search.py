"""Hypothesis, run as a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .report import Mismatch

__all__ = ["search"]


def search(strategy: Any, test: Callable[[Any], None], examples: int | None = None, seed: int = 0) -> int:
    """Runs `test` on drawn values; raises the Mismatch of the simplest that fails; returns the number of values tried."""
    import hypothesis
    from hypothesis import HealthCheck, settings

    count = 0

    @hypothesis.seed(seed)
    @settings(deadline=None, database=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck), derandomize=False,
              max_examples=examples or settings().max_examples)
    @hypothesis.given(strategy)
    def run(value: Any) -> None:
        nonlocal count
        count += 1
        test(value)

    try:
        run()
    except Mismatch as found:
        found.__notes__ = []  # Hypothesis's own account of the example, which the message holds already
        raise found.with_traceback(None) from None
    return count
