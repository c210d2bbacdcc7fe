"""What a study is, and which there are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..viz import save_figure

__all__ = ["STUDIES", "Result", "run", "study"]


@dataclass
class Result:
    """What a study found: a table (its first row the headings), a figure of matplotlib's, and what they say in words."""

    table: Sequence[Sequence[Any]]
    figure: Any
    says: str

    def text(self) -> str:
        """The table with aligned columns, and the words below it.

        >>> print(Result([("batch", "loss"), (8, 0.25), (1024, 1.625)], None, "More is less.").text())
        batch   loss
            8  0.250
         1024   1.62
        <BLANKLINE>
        More is less.
        """
        rows = [[f"{value:#.3g}" if isinstance(value, float) else str(value) for value in row] for row in self.table]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(value.rjust(width) for value, width in zip(row, widths)) for row in rows]
        return "\n".join([*lines, "", self.says])


STUDIES: dict[str, Callable[[int], Result]] = {}


def study(function: Callable[..., Result]) -> Callable[..., Result]:
    """Enters a study under its function's name, with ``-`` for ``_``."""
    STUDIES[function.__name__.replace("_", "-")] = function
    return function


def run(name: str, out: Path, seed: int = 0) -> Path:
    """Runs a study, prints its table and saves its plot in a directory; returns the plot's path. ValueError for an unknown name."""
    if name not in STUDIES:
        raise ValueError(f"study: expected one of {', '.join(sorted(STUDIES))}, got {name!r}")
    start = time.monotonic()
    result = STUDIES[name](seed)
    print(result.text())
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.png"
    save_figure(result.figure, path)
    print(f"\nplot: {path} ({time.monotonic() - start:.0f} s)")
    return path
