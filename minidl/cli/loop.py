"""The training loop: one for all tasks."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from .. import optim
from ..core.generator import default_generator, manual_seed
from ..core.modes import no_grad
from ..core.tensor import Tensor, wrap
from ..datasets import ImageData
from ..nn import Module
from ..ops.create import zeros
from ..optim.lr_scheduler import CosineAnnealingLR, CosineAnnealingWarmRestarts, LambdaLR, LinearLR, SequentialLR
from ..optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from ..serialization import save
from ..serialization.write import replacing
from ..transforms import MixUp
from ..utils.data import DataLoader, TensorDataset
from .augment import Augment
from .data import RUN, Normalizer, build, restore
from .task import Task, count, evaluate, scores_of

__all__ = ["OPTIMIZERS", "Training"]

OPTIMIZERS: dict[str, Callable[[Any, float], optim.Optimizer]] = {
    "sgd": lambda params, lr: optim.SGD(params, lr=lr, momentum=0.9, weight_decay=5e-4, nesterov=True),
    "adamw": lambda params, lr: optim.AdamW(params, lr=lr),
}


class Training:
    """One run: its model, optimiser, schedule and history; all of it goes into each checkpoint."""

    def __init__(self, config: dict[str, Any], task: Task, data: ImageData, state: dict[str, Any] | None) -> None:
        self.config, self.task, self.data = config, task, data
        manual_seed(config["seed"])
        self.model = build(config)
        check_fit(self.model, config, task)
        decay = config["ema"]
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True) if decay else None
        self.normalizer = Normalizer.of(data.train_images, data.scale)
        self.augment = Augment(config["augment"], config["shape"][1:], task.ignore_index)
        self.mixup = MixUp(alpha=config["mixup"]) if config["mixup"] else None
        self.optimizer = OPTIMIZERS[config["optimizer"]](self.model.parameters(), config["lr"])
        n, size = len(data.train_images), config["batch_size"]
        self.train_set = TensorDataset(wrap(data.train_images), wrap(data.train_labels))
        # A batch norm can make nothing of one image alone.
        self.loader: Any = DataLoader(self.train_set, batch_size=size, shuffle=True, drop_last=n > size and n % size == 1)
        self.test_set = self.normalizer(data.test_images), wrap(data.test_labels)
        self.scheduler = schedule(self.optimizer, config["schedule"], -(-len(self.loader) // config["accumulate"]), config["epochs"])
        self.history: list[dict[str, float]] = []
        if state is not None:
            restore(self.model, {**state, "model": state.get("trained", state["model"])}, "checkpoint")
            if self.average is not None:
                self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.scheduler.load_state_dict(state["scheduler"])
            self.history = state["history"]
            default_generator.set_state(state["generator"].numpy())

    @property
    def result(self) -> Module:
        """What is evaluated and kept: the model, or the moving average of its weights."""
        return self.model if self.average is None else self.average.module

    @property
    def best(self) -> int:
        """The first of the epochs with the best measure, counted from 1; 0 before the first."""
        measure = f"test_{next(iter(self.task.measures))}"
        return 1 + int(np.argmax([row[measure] for row in self.history])) if self.history else 0

    @property
    def stopped(self) -> bool:
        """Whether the measure has not become better for as many epochs as the run has patience."""
        patience = self.config["early_stopping"]
        return bool(patience) and len(self.history) - self.best >= patience

    def values(self, row: dict[str, float]) -> dict[str, float]:
        """The held-out measures of an epoch, by name."""
        return {name: row[f"test_{name}"] for name in self.task.measures}

    def state(self) -> dict[str, Any]:
        state = {"format": RUN, "config": self.config, "model": self.result.state_dict(), "optimizer": self.optimizer.state_dict(),
                 "scheduler": self.scheduler.state_dict(), "history": self.history, "generator": wrap(default_generator.get_state()),
                 "normalizer": {"scale": self.normalizer.scale, "mean": self.normalizer.mean, "std": self.normalizer.std}}
        if self.average is not None:
            state |= {"trained": self.model.state_dict(), "average": self.average.state_dict()}
        return state

    def run(self, directory: Path) -> np.ndarray:
        """Trains until the last epoch, or until it stops early. After each, `last.pt` (and `best.pt`) hold the run, and metrics.csv its history.

        Returns the counts of (true class, predicted class) held out.
        """
        if not self.history:
            save(self.state(), directory / "last.pt")
        counts = None
        while len(self.history) < self.config["epochs"] and not self.stopped:
            rate = self.optimizer.param_groups[0]["lr"]
            loss, measures = self.train_epoch(f"epoch {len(self.history) + 1}/{self.config['epochs']}")
            test_loss, counts = evaluate(self.task, self.result, *self.test_set)
            row = {"epoch": len(self.history) + 1, "lr": rate, "train_loss": loss, **{f"train_{k}": v for k, v in measures.items()},
                   "test_loss": test_loss, **{f"test_{k}": v for k, v in self.task.measure(counts).items()}}
            self.history.append(row)
            write_metrics(directory / "metrics.csv", self.history)
            if self.best == len(self.history):
                save(self.state(), directory / "best.pt")
            save(self.state(), directory / "last.pt")
        return evaluate(self.task, self.result, *self.test_set)[1] if counts is None else counts

    def train_epoch(self, title: str) -> tuple[float, dict[str, float]]:
        """One pass over the training images: mean loss and measures on the way. ValueError when the loss is no longer a number."""
        from tqdm import tqdm
        self.model.train()
        total, seen, counts = 0.0, 0, np.zeros((), np.int64)
        with tqdm(self.loader, desc=title, unit="batch", leave=title.startswith(f"epoch {self.config['epochs']}/"), disable=None) as bar:
            for batches in groups(bar, self.config["accumulate"]):
                self.optimizer.zero_grad()
                whole = sum(self.task.counted(labels) for _, labels in batches)
                for images, labels in batches:
                    loss, scores, labels = self.loss(images, labels)
                    (loss / max(1, whole)).backward()
                    total += loss.item()
                    if not np.isfinite(total):
                        raise ValueError(f"{title}: the loss is {total}, at a learning rate of {self.optimizer.param_groups[0]['lr']:.3g}; "
                                         "try a lower --lr")
                    counts = counts + count(scores.argmax(1).numpy(), labels.numpy(), scores.shape[1])
                self.optimizer.step()
                self.scheduler.step()
                if self.average is not None:
                    self.average.update_parameters(self.model)
                seen += whole
                bar.set_postfix(loss=f"{total / max(1, seen):.4f}", lr=f"{self.optimizer.param_groups[0]['lr']:.2g}")
        return total / max(1, seen), self.task.measure(counts)

    def loss(self, images: Tensor, labels: Tensor) -> tuple[Any, Tensor, Tensor]:
        """The sum of a batch's cross-entropies, the scores, and the labels as augmented (of a mixture, those of its greater part)."""
        x, labels = self.augment(images.float() / self.data.scale, labels)
        x = replace(self.normalizer, scale=1)(x.numpy())
        smoothing = self.config["label_smoothing"]
        if self.mixup is None:
            scores = scores_of(self.model(x))
            return self.task.loss(scores, labels, smoothing), scores.detach(), labels
        # The cross-entropy is linear in the target, so that of a mixed target is the mixture of two.
        x, share = self.mixup.mix(x)
        scores, others = scores_of(self.model(x)), labels.roll(1, 0)
        loss = self.task.loss(scores, labels, smoothing) * share + self.task.loss(scores, others, smoothing) * (1 - share)
        return loss, scores.detach(), labels if share >= 0.5 else others


@no_grad()
def check_fit(model: Module, config: dict[str, Any], task: Task) -> None:
    """ValueError unless the model gives a task's scores for an image of the data's size."""
    shape, wanted = config["shape"], task.score_shape(config)
    try:
        found = tuple(scores_of(model.eval()(zeros(1, *shape))).shape)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"model {config['model']!r} does not take images {tuple(shape)}: {error}") from error
    if found != wanted:
        raise ValueError(f"model {config['model']!r} is not for --task {task.name}: for images {(1, *shape)} expected scores {wanted}, got {found}")


def groups(batches: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """The batches in groups of that size, the last perhaps smaller.

    >>> list(groups("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    iterator = iter(batches)
    while group := list(islice(iterator, size)):
        yield group


def schedule(optimizer: optim.Optimizer, name: str, steps_per_epoch: int, epochs: int) -> SequentialLR:
    """A linear warm-up over the first epoch (or half of all steps), then the named course, step by step."""
    total = steps_per_epoch * epochs
    warm = max(1, min(steps_per_epoch, total // 2))
    courses: dict[str, Any] = {
        "cosine": lambda: CosineAnnealingLR(optimizer, T_max=max(1, total - warm)),
        "restarts": lambda: CosineAnnealingWarmRestarts(optimizer, T_0=max(1, (total - warm) // 7), T_mult=2),
        "constant": lambda: LambdaLR(optimizer, constant)}
    return SequentialLR(optimizer, [LinearLR(optimizer, start_factor=0.1, total_iters=warm), courses[name]()], [warm])


def constant(step: int) -> float:
    return 1.0


def write_metrics(path: Path, history: list[dict[str, float]]) -> None:
    """The history as CSV, whole at any moment."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(history[0]))
    writer.writeheader()
    writer.writerows(history)
    with replacing(path) as file:
        file.write(text.getvalue().encode())
