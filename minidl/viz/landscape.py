"""The loss around a point in the space of weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.modes import no_grad
from ..nn import Module
from .canvas import COLOURS, figure_of
from .layers import evaluating

__all__ = ["filter_normalized", "loss_surface", "plot_loss_surface"]


def filter_normalized(direction: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The direction with each filter (index of the first dimension) scaled to the norm of the weight's; zero for parameters of one dimension.

    Li et al.: Visualizing the loss landscape of neural nets, 2018, section 4.

    >>> filter_normalized(np.array([[3.0, 4.0], [1.0, 0.0]]), np.array([[0.0, 10.0], [2.0, 0.0]])).tolist()
    [[6.0, 8.0], [2.0, 0.0]]
    """
    if weight.ndim < 2:
        return np.zeros_like(weight)
    axes = tuple(range(1, weight.ndim))
    norms = np.sqrt((direction ** 2).sum(axes, keepdims=True))
    scaled: np.ndarray = direction * np.sqrt((weight ** 2).sum(axes, keepdims=True)) / np.where(norms > 0, norms, 1)
    return scaled.astype(weight.dtype)


@no_grad()
def loss_surface(model: Module, loss: Callable[[], Any], steps: int = 21, reach: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The steps from -`reach` to `reach`, and the loss at w + a d + b e for all pairs of them, (b, a), along two random, filter-normalised directions.

    `loss` computes the loss with the model's present weights; it runs in evaluation mode. Weights and modes are left as they were, also after an
    error.

    >>> from minidl import nn
    >>> net = nn.Linear(2, 1)
    >>> places, losses = loss_surface(net, lambda: net.weight.square().sum(), steps=3)
    >>> places.tolist(), losses.shape
    ([-1.0, 0.0, 1.0], (3, 3))
    """
    random = np.random.default_rng(seed)
    held = [(p, p._data) for p in model.parameters()]
    d, e = ([filter_normalized(random.standard_normal(w.shape), w) for _, w in held] for _ in range(2))
    places = np.linspace(-reach, reach, steps)
    losses = np.empty((steps, steps))
    try:
        with evaluating(model):
            for (row, column), _ in np.ndenumerate(losses):
                a, b = float(places[column]), float(places[row])
                for (p, weight), first, second in zip(held, d, e):
                    p._data = weight + a * first + b * second
                losses[row, column] = float(loss())
    finally:
        for p, weight in held:
            p._data = weight
    return places, losses


def plot_loss_surface(places: np.ndarray, losses: np.ndarray, ax: Any = None) -> Any:
    """What `loss_surface` gave, as lines of equal loss; the cross is where the weights are.

    >>> import numpy as np
    >>> plot_loss_surface(np.linspace(-1, 1, 5), np.add.outer(np.arange(5.0), np.arange(5.0)) + 1).axes[0].get_xlabel()
    'step along direction 1 (filter norms)'
    """
    from matplotlib.ticker import LogLocator
    losses = np.asarray(losses, np.float64)
    if losses.shape != (len(places), len(places)) or not np.isfinite(losses).any():
        raise ValueError(f"plot_loss_surface: expected finite losses of shape {(len(places), len(places))}, got {losses.shape}")
    figure, ax = figure_of(ax, 5.8, 4.8)
    low, high = np.nanmin(losses), np.nanmax(np.where(np.isfinite(losses), losses, np.nan))
    wide = bool(low > 0 and high / low > 20)
    levels = np.geomspace(low, high, 15) if wide else np.linspace(low, high if high > low else low + 1, 15)
    how: dict[str, Any] = {"norm": "log"} if wide else {}
    shade = ax.contourf(places, places, losses, levels, cmap="viridis", **how)
    lines = ax.contour(places, places, losses, levels[::2], colors="white", linewidths=0.7)
    ax.clabel(lines, fmt="%.2g", fontsize=8)
    ax.plot(0, 0, "x", color=COLOURS[1], markersize=10, markeredgewidth=2.5, label="the weights")
    bar = figure.colorbar(shade, ax=ax, label="loss" + " (logarithmic)" * wide, format="%.2g")
    if wide:
        bar.set_ticks([t for t in LogLocator(subs=(1, 2, 5)).tick_values(low, high) if low <= t <= high])
        bar.ax.minorticks_off()
    middle = losses[len(places) // 2, len(places) // 2] if len(places) % 2 else low
    ax.set(xlabel="step along direction 1 (filter norms)", ylabel="step along direction 2 (filter norms)",
           title=f"Loss: {middle:.2g} at the weights, {high:.3g} at most")
    ax.set_aspect("equal")
    ax.legend(loc="upper right", fontsize=9)
    return figure
