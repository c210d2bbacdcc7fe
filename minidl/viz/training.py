"""Pictures of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["plot_curves", "plot_confusion", "save_figure"]

TRAIN, TEST, RATE = "#0072B2", "#D55E00", "#009E73"  # Okabe and Ito's colours, told apart by the colour-blind


def _figure(columns: int, width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns, squeeze=False)[0]


def plot_curves(history: Sequence[dict[str, float]]) -> Any:
    """Loss, accuracy (training and held-out) and learning rate over epochs, side by side.

    >>> row = {"epoch": 1, "lr": 0.1, "train_loss": 1.0, "test_loss": 0.9, "train_accuracy": 0.5, "test_accuracy": 0.6}
    >>> len(plot_curves([row]).axes)
    3
    """
    figure, (loss, accuracy, rate) = _figure(3, 12, 3.6)
    epochs = [row["epoch"] for row in history]
    style: dict[str, Any] = {"marker": "o", "markersize": 3, "linewidth": 1.5}
    for axis, what in ((loss, "loss"), (accuracy, "accuracy")):
        axis.plot(epochs, [row[f"train_{what}"] for row in history], color=TRAIN, label="training", **style)
        axis.plot(epochs, [row[f"test_{what}"] for row in history], color=TEST, label="held out", linestyle="--", **style)
        axis.set_title(what.capitalize())
        axis.legend()
    loss.set_yscale("log")
    loss.set_ylabel("cross-entropy")
    accuracy.set_ylabel("share of images")
    accuracy.set_title(f"Accuracy (held out: {history[-1]['test_accuracy']:.2%}, best {max(row['test_accuracy'] for row in history):.2%})")
    rate.plot(epochs, [row["lr"] for row in history], color=RATE, **style)
    rate.set_title("Learning rate")
    rate.set_ylabel("at the epoch's first step")
    for axis in (loss, accuracy, rate):
        axis.set_xlabel("epoch")
        axis.grid(alpha=0.3)
        axis.xaxis.get_major_locator().set_params(integer=True)
    return figure


def plot_confusion(counts: np.ndarray, classes: Sequence[str]) -> Any:
    """Counts of (true class, predicted class); shades show the share of the true class.

    >>> plot_confusion(np.eye(2, dtype=int), ["cat", "dog"]).axes[0].get_xlabel()
    'predicted class'
    """
    n = len(classes)
    side = float(np.clip(0.5 * n + 1.5, 4, 14))
    figure, (axis,) = _figure(1, side + 1, side)
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
    axis.set_title(f"{int(counts.trace())} of {int(counts.sum())} held-out images right")
    figure.colorbar(image, ax=axis, label="share of the true class", fraction=0.046)
    return figure


def save_figure(figure: Any, path: str | Path) -> None:
    """Writes the figure as an image file."""
    figure.savefig(path, dpi=120)
