"""What all pictures share: figures that need no screen, colours, and tables of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.tensor import data_of

__all__ = ["COLOURS", "around_zero", "bare", "cells", "figure_of", "heat_over", "hues", "panels", "picture_of", "tiles"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # Okabe and Ito's, told apart by the colour-blind


def panels(rows: int, columns: int, width: float, height: float, **how: Any) -> tuple[Any, np.ndarray]:
    """A figure and its axes (rows, columns), each of the given size in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **how)


def tiles(count: int, most: int, width: float, height: float, **how: Any) -> tuple[Any, list[Any], int]:
    """A figure, so many axes in reading order, and how many (at most `most`) stand in a row."""
    columns = min(most, count)
    figure, axes = panels(-(-count // columns), columns, width, height, **how)
    for ax in axes.flat[count:]:
        ax.remove()
    return figure, list(axes.flat[:count]), columns


def figure_of(ax: Any, width: float, height: float) -> tuple[Any, Any]:
    """The given axis and its figure, or new ones."""
    if ax is not None:
        return ax.get_figure(), ax
    figure, axes = panels(1, 1, width, height)
    return figure, axes[0, 0]


def picture_of(image: Any) -> np.ndarray:
    """(C, H, W), (1, C, H, W) or (H, W) as `imshow` takes it: (H, W, 3), or (H, W) of the mean where there are not three channels; from 0 to 1."""
    array = np.asarray(data_of(image), np.float64)
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if array.ndim not in (2, 3):
        raise ValueError(f"expected an image (C, H, W), got shape {np.shape(data_of(image))}")
    if array.ndim == 3:
        array = array.transpose(1, 2, 0) if len(array) == 3 else array.mean(0)
    low, high = array.min(), array.max()
    scaled: np.ndarray = (array - low) / (high - low or 1.0)
    return scaled


def heat_over(ax: Any, image: Any, heat: np.ndarray, smooth: bool = False) -> Any:
    """`heat`, of whatever size, spread over the image in grey; returns what a scale of its colours, from the least to the greatest, is made of."""
    picture = picture_of(image)
    grey = picture if picture.ndim == 2 else picture.mean(2)
    height, width = grey.shape
    ax.imshow(grey, cmap="gray", vmin=-0.3, vmax=1.3)
    shade = ax.imshow(heat, cmap="viridis", alpha=0.65, extent=(-0.5, width - 0.5, height - 0.5, -0.5), interpolation="bilinear" if smooth else "nearest")
    bare(ax)
    return shade


def bare(ax: Any) -> None:
    ax.set_xticks([])
    ax.set_yticks([])


def around_zero(values: np.ndarray) -> dict[str, Any]:
    """Colours for numbers of both signs: blue below zero, white at it, red above."""
    most = float(np.abs(values).max(initial=0)) or 1.0
    return {"cmap": "RdBu_r", "vmin": -most, "vmax": most}


def number(value: float) -> str:
    """At most three digits, without needless ones."""
    return f"{value:.3g}"


def cells(ax: Any, values: np.ndarray, colours: np.ndarray, text: Any = number, most: int = 900) -> Any:
    """A table drawn as squares: `colours` (rows, columns, 3 or 4), and the values in them unless there are more than `most`."""
    image = ax.imshow(colours, aspect="equal", interpolation="nearest")
    rows, columns = values.shape
    ax.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    ax.tick_params(which="minor", length=0)
    ax.grid(which="minor", color="0.75", linewidth=0.5)
    if values.size <= most:
        light = colours[..., :3] @ (0.299, 0.587, 0.114) > 0.55
        for (i, j), value in np.ndenumerate(values):
            ax.text(j, i, text(value), ha="center", va="center", fontsize=8, color="black" if light[i, j] else "white")
    return image


def hues(count: int) -> np.ndarray:
    """Colours (count, 4) that differ in lightness as well, for things in order."""
    from matplotlib import colormaps
    colours: np.ndarray = colormaps["viridis"](np.linspace(0.12, 1, count))
    return colours
