"""Pictures of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .canvas import COLOURS, figure_of, panels

__all__ = ["plot_curves", "plot_confusion", "save_figure"]

TRAIN, TEST, RATE = COLOURS[:3]
TITLES = {"iou": "Mean IoU", "dice": "Mean Dice"}


def plot_curves(history: Sequence[dict[str, float]]) -> Any:
    """Loss and every measure (training and held-out) and the learning rate over epochs, side by side.

    A row has `epoch`, `lr`, `train_loss`, `test_loss`, and for each measure `train_NAME` and `test_NAME`, which is better the higher it is.

    >>> row = {"epoch": 1, "lr": 0.1, "train_loss": 1.0, "test_loss": 0.9, "train_accuracy": 0.5, "test_accuracy": 0.6}
    >>> len(plot_curves([row]).axes)
    3
    """
    measures = [name.removeprefix("test_") for name in history[-1] if name.startswith("test_") and name != "test_loss"]
    figure, axes = panels(1, 2 + len(measures), 4, 3.6)
    loss, *others, rate = axes[0]
    epochs = [row["epoch"] for row in history]
    style: dict[str, Any] = {"marker": "o", "markersize": 3, "linewidth": 1.5}
    for axis, what in zip((loss, *others), ("loss", *measures)):
        held_out = [row[f"test_{what}"] for row in history]
        axis.plot(epochs, [row[f"train_{what}"] for row in history], color=TRAIN, label="training", **style)
        axis.plot(epochs, held_out, color=TEST, label="held out", linestyle="--", **style)
        axis.set_title(f"{TITLES.get(what, what.capitalize())} (held out: {held_out[-1]:.2%}, best {max(held_out):.2%})")
        axis.legend()
    loss.set_yscale("log")
    loss.set_ylabel("cross-entropy")
    loss.set_title("Loss")
    rate.plot(epochs, [row["lr"] for row in history], color=RATE, **style)
    rate.set_title("Learning rate")
    rate.set_ylabel("at the epoch's first step")
    for axis in axes[0]:
        axis.set_xlabel("epoch")
        axis.grid(alpha=0.3)
        axis.xaxis.get_major_locator().set_params(integer=True)
    return figure


def plot_confusion(counts: np.ndarray, classes: Sequence[str], ax: Any = None, what: str = "images") -> Any:
    """Counts of (true class, predicted class), of `what`; shades show the share of the true class.

    >>> plot_confusion(np.eye(2, dtype=int), ["cat", "dog"]).axes[0].get_xlabel()
    'predicted class'
    """
    n = len(classes)
    side = float(np.clip(0.5 * n + 1.5, 4, 14))
    figure, axis = figure_of(ax, side + 1, side)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    image = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if n <= 30:
        for (i, j), count in np.ndenumerate(counts):
            if count:
                axis.text(j, i, str(count), ha="center", va="center", color="white" if shares[i, j] > 0.5 else "black")
    axis.set_xticks(range(n), classes, rotation=0 if max(map(len, classes)) < 4 else 90)
    axis.set_yticks(range(n), classes)
    axis.set_xlabel("predicted class")
    axis.set_ylabel("true class")
    axis.set_title(f"{int(counts.trace())} of {int(counts.sum())} held-out {what} right")
    figure.colorbar(image, ax=axis, label="share of the true class", fraction=0.046)
    return figure


def save_figure(figure: Any, path: str | Path) -> None:
    """Writes the figure as an image file."""
    figure.savefig(path, dpi=120)
