"""Histograms of weights, and of what quantisation changes in them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.tensor import data_of
from ..nn import Module
from .canvas import COLOURS, panels, tiles

__all__ = ["plot_quantization_error", "plot_weights"]


def plot_weights(model: Module, most: int = 12) -> Any:
    """A histogram of each weight (parameters of one dimension left out), with its standard deviation; of more than `most`, some are left out.

    ValueError if the model has none.

    >>> from minidl import nn
    >>> len(plot_weights(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))).axes)
    2
    """
    weights = [(name, np.asarray(data_of(p)).ravel()) for name, p in model.named_parameters() if p.ndim > 1]
    if not weights:
        raise ValueError(f"plot_weights: {type(model).__name__} has no weight of two or more dimensions")
    if len(weights) > most:
        weights = [weights[n] for n in np.linspace(0, len(weights) - 1, most).round().astype(int)]
    figure, axes, columns = tiles(len(weights), 4, 2.8, 2.1)
    for place, (ax, (name, values)) in enumerate(zip(axes, weights)):
        ax.hist(values, bins=int(np.clip(math.sqrt(values.size), 5, 60)), color=COLOURS[0])
        ax.axvline(0, color=COLOURS[6], linewidth=0.8, linestyle=":")
        ax.set_title(f"{name}\n{values.size:,} of sd {values.std():.2g}", fontsize=9)
        if place % columns == 0:
            ax.set_ylabel("number of weights")
        if place >= len(weights) - columns:
            ax.set_xlabel("value")
    return figure


def plot_quantization_error(x: Any, quantized: Any, step: float | None = None) -> Any:
    """Numbers and the levels they were rounded to, and the error between; `step`, the distance of two levels, draws the limits of rounding,
    half a step either way.

    The title has the signal-to-noise ratio 10 log10(sum x^2 / sum error^2). ValueError for unequal shapes or no numbers.

    >>> x = np.linspace(-1, 1, 101)
    >>> plot_quantization_error(x, np.round(x * 4) / 4, 0.25).axes[1].get_title()
    'Error: 18.2 dB below the numbers'
    """
    values, levels = (np.asarray(data_of(z), np.float64) for z in (x, quantized))
    if values.shape != levels.shape or not values.size:
        raise ValueError(f"plot_quantization_error: expected numbers and their quantised values of one shape, got {values.shape} and {levels.shape}")
    error = levels - values
    noise, signal = float((error ** 2).sum()), float((values ** 2).sum())
    figure, axes = panels(1, 2, 4.6, 3.4)
    left, right = axes[0]
    found = np.unique(levels)
    bins = int(np.clip(math.sqrt(values.size), 10, 100))
    _, edges, _ = left.hist(values.ravel(), bins=bins, color=COLOURS[5], label="numbers")
    apart = step or (float(np.diff(found).min()) if len(found) > 1 else edges[1] - edges[0])
    if len(found) <= 300:  # as high as the numbers are dense, whatever the width of the bars
        heights = [np.count_nonzero(levels == level) * (edges[1] - edges[0]) / apart for level in found]
        left.bar(found, heights, apart, fill=False, edgecolor=COLOURS[1], linewidth=1.2, label=f"rounded to {len(found)} levels")
    left.set(xlabel="value", ylabel=f"numbers in a width of {edges[1] - edges[0]:.2g}", title=f"{values.size:,} numbers on {len(found)} levels")
    left.legend(fontsize=9)
    right.hist(error.ravel(), bins=min(bins, 40), color=COLOURS[0])
    right.margins(y=0.2)
    for limit in (-0.5, 0.5) if step else ():
        right.axvline(limit * float(step or 0), color=COLOURS[1], linestyle="--", label="half a step" if limit < 0 else None)
    right.set(xlabel="quantised - original", ylabel="number of values",
              title=f"Error: {10 * math.log10(signal / noise):.1f} dB below the numbers" if noise and signal else "No error")
    if step:
        right.legend(fontsize=9, loc="upper center")
    return figure
