"""Figures that need no screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..viz import canvas
from ..viz.canvas import COLOURS

__all__ = ["COLOURS", "panels", "plain_ticks", "spread", "write"]


def panels(columns: int, width: float = 5.2, height: float = 4.2) -> tuple[Any, Any]:
    """A figure and its row of axes, each of the given size in inches."""
    figure, axes = canvas.panels(1, columns, width, height)
    figure.get_layout_engine().set(wspace=0.06)
    return figure, axes[0]


def plain_ticks(axis: Any, values: Sequence[float]) -> None:
    """A logarithmic vertical axis with these values on it, written out."""
    axis.set_yscale("log")
    axis.yaxis.minorticks_off()
    axis.set_yticks(values, [f"{value:g}" for value in values])
    axis.grid(axis="y", alpha=0.3)


def spread(axis: Any, x: Any, runs: Any, colour: str, label: str | None = None, marker: str = "o", style: str = "-") -> None:
    """The mean of each row of `runs` (a row for each x, a column for each repetition), and a band from the least to the greatest."""
    values = np.asarray(runs, float)
    axis.plot(x, values.mean(1), style, marker=marker, markersize=5, color=colour, label=label)
    axis.fill_between(x, values.min(1), values.max(1), color=colour, alpha=0.15, linewidth=0)


def write(axis: Any, x: float, y: float, text: str, colour: str, dx: float = 4, dy: float = 0, **style: Any) -> None:
    """Text beside a point of the data, `dx` and `dy` printer's points from it."""
    axis.annotate(text, (x, y), (dx, dy), textcoords="offset points", color=colour, **{"va": "center", "fontsize": 9, **style})
