"""Figures that need no screen."""

from __future__ import annotations

from typing import Any

__all__ = ["COLOURS", "panels"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # Okabe and Ito's


def panels(columns: int, width: float = 5.2, height: float = 4.2) -> tuple[Any, Any]:
    """A figure and its row of axes, each of the given size in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    figure = Figure(figsize=(columns * width, height), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)  # type: ignore[union-attr, call-arg]
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns, squeeze=False)[0]
