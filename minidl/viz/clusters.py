"""K-means, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .canvas import COLOURS, tiles

__all__ = ["plot_kmeans_steps"]

MARKERS = "os^Dv<>"


def nearest(x: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the nearest centre and squared distance to it."""
    squares = ((x[:, None] - centers) ** 2).sum(2)
    return squares.argmin(1), squares.min(1)


def plot_kmeans_steps(X: Any, steps: Sequence[Any]) -> Any:
    """Samples (n, 2) with the nearest of the centres (k, 2) after each step; arrows show where the next step moves the centres to,
    if that is far enough to see.

    Titles have the inertia, the sum of squared distances to the nearest centre. ValueError for data that are not two-dimensional.

    >>> x = np.array([[0.0, 0.0], [1.0, 0.0], [9.0, 0.0]])
    >>> figure = plot_kmeans_steps(x, [[[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [5.0, 0.0]]])
    >>> [ax.get_title() for ax in figure.axes]
    ['start: inertia 64', 'step 1: inertia 17']
    """
    from matplotlib.colors import to_rgba_array
    x, moves = np.asarray(X, np.float64), [np.asarray(c, np.float64) for c in steps]
    if x.ndim != 2 or x.shape[1] != 2 or any(c.ndim != 2 or c.shape[1] != 2 for c in moves) or not moves:
        raise ValueError(f"plot_kmeans_steps: expected samples (n, 2) and centres (k, 2), got {x.shape} and {[c.shape for c in moves]}")
    figure, axes, columns = tiles(len(moves), 3, 3.3, 3.1, sharex=True, sharey=True)
    margin = 0.06 * np.maximum(np.ptp(x, 0), 1e-9)
    (left, bottom), (right, top) = x.min(0) - margin, x.max(0) + margin
    far = 0.05 * np.ptp(x, 0)  # shorter arrows would be within the mark
    tints = to_rgba_array(COLOURS)[:, :3]
    grid = np.stack(np.meshgrid(np.linspace(left, right, 240), np.linspace(bottom, top, 240)), 2)
    for n, (ax, centers) in enumerate(zip(axes, moves)):
        labels, squares = nearest(x, centers)
        regions = nearest(grid.reshape(-1, 2), centers)[0].reshape(grid.shape[:2])
        ax.imshow(tints[regions % 7], extent=(left, right, bottom, top), origin="lower", aspect="auto", alpha=0.13, interpolation="nearest")
        for k in range(len(centers)):
            ax.scatter(*x[labels == k].T, s=11, color=COLOURS[k % 7], marker=MARKERS[k % 7], alpha=0.55, linewidths=0)
            ax.plot(*centers[k], marker=MARKERS[k % 7], color=COLOURS[k % 7], markersize=10, markeredgecolor="black", markeredgewidth=1.4)
            if n + 1 < len(moves) and (np.abs(moves[n + 1][k] - centers[k]) > far).any():
                ax.annotate("", moves[n + 1][k], centers[k], arrowprops={"arrowstyle": "-|>", "color": "black", "linewidth": 1.3, "shrinkB": 0})
        ax.set_title(f"{f'step {n}' if n else 'start'}: inertia {squares.sum():.4g}", fontsize=10)
        ax.set(xlim=(left, right), ylim=(bottom, top))
        if n % columns == 0:
            ax.set_ylabel("feature 1")
        if n >= len(moves) - columns:
            ax.set_xlabel("feature 0")
            ax.tick_params(labelbottom=True)
    return figure
