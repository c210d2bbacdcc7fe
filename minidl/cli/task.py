"""What a run is for: the one loop trains a classifier of images and one of pixels, and a task is all that differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..core.modes import no_grad
from ..core.tensor import Tensor
from ..datasets import ImageData
from ..nn import Module
from ..nn import functional as F

__all__ = ["Section", "Task", "count", "evaluate", "predictions"]

Table = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A part of a run's report: a heading, words, and a figure of matplotlib's or a table whose first row is its head. A named figure is also
    a file of the run."""

    title: str
    words: str = ""
    figure: Any = None
    table: Table = ()
    name: str = ""


class Task:
    """A kind of run. Both kinds count (true class, predicted class), of images or of pixels, and all their measures follow from the counts."""

    name: str
    defaults: ClassVar[dict[str, Any]]
    measures: ClassVar[dict[str, str]]  # name in the history -> what it is called; the first is what `best` means
    things: str  # what is counted
    ignore_index: int

    def read(self, config: dict[str, Any]) -> ImageData:
        """The data of a run; labels are (N,) or, for pixels, (N, H, W)."""
        raise NotImplementedError(f"{type(self).__name__} has no read")

    def score_shape(self, config: dict[str, Any]) -> tuple[int, ...]:
        """The shape that a model has to give for one image."""
        raise NotImplementedError(f"{type(self).__name__} has no score_shape")

    def measure(self, counts: np.ndarray) -> dict[str, float]:
        """The measures, by name."""
        raise NotImplementedError(f"{type(self).__name__} has no measure")

    def sections(self, model: Module, x: Tensor, data: ImageData, counts: np.ndarray) -> Iterator[Section]:
        """What the report shows of the held-out images, `x` as the model sees them."""
        raise NotImplementedError(f"{type(self).__name__} has no sections")

    def loss(self, scores: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Any:
        """The sum of the cross-entropies of images or pixels."""
        return F.cross_entropy(scores, labels, reduction="sum", ignore_index=self.ignore_index, label_smoothing=label_smoothing)

    def counted(self, labels: Tensor) -> int:
        """How many cross-entropies that sum has."""
        return int((labels.numpy() != self.ignore_index).sum())

    def said(self, values: dict[str, float]) -> str:
        return ", ".join(f"{title} {values[name]:.2%}" for name, title in self.measures.items())


def count(guesses: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Counts (true class, predicted class); labels that are no class are ignored.

    >>> count(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 255]), 2)
    array([[1, 1],
           [0, 1]])
    """
    known = (labels >= 0) & (labels < classes)
    return np.bincount(labels[known] * classes + guesses[known], minlength=classes * classes).reshape(classes, classes)


@no_grad()
def predictions(model: Module, x: Tensor, batch_size: int = 64) -> Iterator[tuple[slice, Tensor]]:
    """The scores of batches, in evaluation mode, and which images they are of."""
    model.eval()
    for start in range(0, len(x), batch_size):
        part = slice(start, start + batch_size)
        yield part, scores_of(model(x[part]))


def scores_of(output: Any) -> Tensor:
    """A model's scores; torchvision's networks for segmentation give them as ``"out"`` of a dict."""
    scores: Tensor = output["out"] if isinstance(output, dict) else output
    return scores


@no_grad()
def evaluate(task: Task, model: Module, x: Tensor, labels: Tensor) -> tuple[float, np.ndarray]:
    """Mean loss, and the counts of (true class, predicted class)."""
    total, counts = 0.0, np.zeros((), np.int64)
    for part, scores in predictions(model, x):
        total += task.loss(scores, labels[part]).item()
        counts = counts + count(scores.argmax(1).numpy(), labels[part].numpy(), scores.shape[1])
    return total / max(1, task.counted(labels)), counts
