"""Images with one class each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from ..core.tensor import Tensor, wrap
from ..datasets import ImageData
from ..nn import Module
from ..nn import functional as F
from .data import read_data
from .task import Section, Table, Task, predictions

__all__ = ["Classification"]


class Classification(Task):
    name = "classify"
    defaults: ClassVar = {"model": "se_resnet8", "data": "digits", "epochs": 80, "batch_size": 64, "optimizer": "sgd", "lr": 0.1,
                          "augment": ["shift", "warp"]}
    measures: ClassVar = {"accuracy": "accuracy"}
    things = "images"
    ignore_index = -100

    def read(self, config: dict[str, Any]) -> ImageData:
        return read_data(config["data"], config["seed"], config["size"])

    def score_shape(self, config: dict[str, Any]) -> tuple[int, ...]:
        return (1, len(config["classes"]))

    def measure(self, counts: np.ndarray) -> dict[str, float]:
        return {"accuracy": float(counts.trace() / counts.sum())}

    def sections(self, model: Module, x: Tensor, data: ImageData, counts: np.ndarray) -> Iterator[Section]:
        from ..viz import plot_confusion
        from ..viz.gallery import plot_gallery
        yield Section("Confusion", figure=plot_confusion(counts, data.classes), name="confusion")
        yield Section("Each class", table=per_class(counts, data.classes))
        p = np.concatenate([F.softmax(scores, 1).numpy() for _, scores in predictions(model, x)])
        guesses, truth = p.argmax(1), data.test_labels
        wrong = np.flatnonzero(guesses != truth)
        if not len(wrong):
            yield Section("Worst mistakes", "None: all held-out images are classified as they are labelled.")
            return
        losses = F.cross_entropy(wrap(np.log(np.maximum(p[wrong], np.finfo(np.float32).tiny))), wrap(truth[wrong]), reduction="none").numpy()
        worst = wrong[np.argsort(-losses, kind="stable")][:24]
        titles = [f"{data.classes[guesses[i]]} {p[i, guesses[i]]:.0%}\nis {data.classes[truth[i]]} {p[i, truth[i]]:.0%}" for i in worst]
        words = (f"{len(worst)} of {len(wrong)}, by their loss: the class that was predicted and its probability; the true class and "
                 f"the probability given to it.")
        yield Section("Worst mistakes", words, figure=plot_gallery(data.test_images[worst], titles))


def per_class(counts: np.ndarray, classes: tuple[str, ...]) -> Table:
    """Precision: of those given the class, how many have it. Recall: of those that have it, how many were given it. F1: their harmonic mean."""
    hits, given, there = counts.diagonal(), counts.sum(0), counts.sum(1)
    rows = [("class", "images", "precision", "recall", "F1")]
    for i, name in enumerate(classes):
        rows.append((name, str(there[i]), share(hits[i], given[i]), share(hits[i], there[i]), share(2 * hits[i], given[i] + there[i])))
    return rows


def share(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "-"
