"""A pytest plugin: profiles of how long to search, and `check` as a fixture.

    def test_my_conv(minidl_check):
        minidl_check(my_conv2d, against="conv2d")

    pytest --minidl-profile=deep --minidl-seed=7

The profiles are quick (25 cases for each check), ci (200) and deep (5000).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

__all__ = ["PROFILES", "minidl_check"]

PROFILES = {"quick": 25, "ci": 200, "deep": 5000}
COUNTS = pytest.StashKey[dict[str, int]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("minidl", "checks of operators")
    group.addoption("--minidl-profile", choices=list(PROFILES), default="quick", help="how many cases minidl_check draws: %(choices)s")
    group.addoption("--minidl-seed", type=int, default=0, help="the same seed draws the same cases")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COUNTS] = {}


@pytest.fixture
def minidl_check(request: pytest.FixtureRequest) -> Callable[..., int]:
    """`minidl.testing.check` with the profile's number of cases and the seed of the command line."""
    from .checking import check

    def run(candidate: Any, against: str, **options: Any) -> int:
        __tracebackhide__ = True
        options = {"examples": PROFILES[request.config.getoption("--minidl-profile")],
                   "seed": request.config.getoption("--minidl-seed"), **options}
        count = check(candidate, against, **options)
        counts = request.config.stash[COUNTS]
        counts[against] = counts.get(against, 0) + count
        return count

    return run


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    counts = config.stash[COUNTS]
    if counts:
        terminalreporter.write_line("minidl: " + ", ".join(f"{n} cases of {op}" for op, n in counts.items()))
