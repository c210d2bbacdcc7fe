"""``minidl train``: a network learns to classify images, and leaves everything about the run in one directory."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np

from .. import optim
from ..analysis import summary
from ..core.generator import default_generator, manual_seed
from ..core.modes import no_grad
from ..core.tensor import Tensor, wrap
from ..datasets import ImageData
from ..models import list_models
from ..nn import Module
from ..nn import functional as F
from ..optim.lr_scheduler import CosineAnnealingLR, CosineAnnealingWarmRestarts, LambdaLR, LinearLR, SequentialLR
from ..serialization import save
from ..serialization.write import replacing
from ..utils.data import DataLoader, TensorDataset
from .data import CheckpointError, Normalizer, build, read_checkpoint, read_data, restore

__all__ = ["add_train_arguments", "run_train"]

DEFAULTS = {"model": "se_resnet8", "data": "digits", "epochs": 20, "batch_size": 32, "lr": 0.1, "schedule": "cosine", "seed": 0,
            "out": "runs"}
COLUMNS = ("epoch", "lr", "train_loss", "train_accuracy", "test_loss", "test_accuracy")


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default=DEFAULTS["model"], choices=list_models(), metavar="MODEL", help=f"one of {', '.join(list_models())}")
    parser.add_argument("--data", default=DEFAULTS["data"], help="'digits', or a directory with IDX files, CIFAR-10's binary files, or a folder of images for each class")
    parser.add_argument("--size", type=int, default=None, help="side to which a folder's images are resized")
    parser.add_argument("--epochs", type=positive, default=DEFAULTS["epochs"], help="passes over the training images")
    parser.add_argument("--batch-size", type=positive, default=DEFAULTS["batch_size"], help="images per step")
    parser.add_argument("--lr", type=float, default=DEFAULTS["lr"], help="highest learning rate")
    parser.add_argument("--schedule", default=DEFAULTS["schedule"], choices=("cosine", "restarts", "constant"),
                        help="learning rate after the warm-up epoch: one cosine, cosines that restart and double, or constant")
    parser.add_argument("--seed", type=int, default=DEFAULTS["seed"], help="the same seed gives the same numbers")
    parser.add_argument("--out", default=DEFAULTS["out"], help="directory of all runs")
    parser.add_argument("--name", default=None, help="this run's directory there (a number is added if it exists); default DATA-MODEL")
    parser.add_argument("--resume", default=None, metavar="RUN", help="go on with this run (its directory or last.pt); the other options are then the run's own")


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, got {value}")
    return value


def run_train(arguments: argparse.Namespace) -> int:
    """Train a classifier of images; by default a small SE-ResNet on handwritten digits."""
    if arguments.resume is not None:
        state = read_checkpoint(arguments.resume)
        run = Path(arguments.resume)
        run = run if run.is_dir() else run.parent
        for unfinished in run.glob(".*.tmp"):  # of a run that was killed while it wrote
            unfinished.unlink(missing_ok=True)
        config = state["config"]
    else:
        state, config = None, {k: getattr(arguments, k) for k in (*DEFAULTS, "size")}
    data = read_data(config["data"], config["seed"], config["size"])
    if state is None:
        config |= {"classes": list(data.classes), "shape": list(data.train_images.shape[1:])}
        run = new_directory(Path(config["out"]), arguments.name or f"{Path(config['data']).name}-{config['model']}")
    elif config["shape"] != list(data.train_images.shape[1:]) or config["classes"] != list(data.classes):
        raise CheckpointError(f"{arguments.resume}: the run was on images {config['shape']} of {len(config['classes'])} classes; "
                              f"{config['data']} now holds {list(data.train_images.shape[1:])} of {len(data.classes)}")
    try:
        training = Training(config, data, state)
        print(f"{len(data.train_labels)} images to learn from, {len(data.test_labels)} held out, classes {', '.join(data.classes)}")
        print(summary(training.model, (config["batch_size"], *config["shape"])))
        training.run(run)
    except KeyboardInterrupt:
        print(f"\ninterrupted; go on with: minidl train --resume {run}", file=sys.stderr)
        return 130
    print(f"held-out accuracy {training.history[-1]['test_accuracy']:.2%}, best {training.best:.2%}; "
          f"everything about this run is in {run}/")
    return 0


def new_directory(out: Path, name: str) -> Path:
    """A directory that did not exist: `name`, or with the first free number behind it."""
    number = 1
    while True:
        run = out / (name if number == 1 else f"{name}-{number}")
        try:
            run.mkdir(parents=True)
            return run
        except FileExistsError:
            number += 1


class Training:
    """One run: its model, optimiser, schedule and history; all of it goes into each checkpoint."""

    def __init__(self, config: dict[str, Any], data: ImageData, state: dict[str, Any] | None) -> None:
        self.config, self.data = config, data
        manual_seed(config["seed"])
        self.model = build(config)
        self.normalizer = Normalizer.of(data.train_images, data.scale)
        self.optimizer = optim.SGD(self.model.parameters(), lr=config["lr"], momentum=0.9, weight_decay=5e-4, nesterov=True)
        self.train_set = TensorDataset(self.normalizer(data.train_images), wrap(data.train_labels))
        self.loader: Any = DataLoader(self.train_set, batch_size=config["batch_size"], shuffle=True)
        self.test_set = self.normalizer(data.test_images), wrap(data.test_labels)
        self.scheduler = schedule(self.optimizer, config["schedule"], len(self.loader), config["epochs"])
        self.history: list[dict[str, float]] = []
        self.best = 0.0
        if state is not None:
            restore(self.model, state, "checkpoint")
            self.optimizer.load_state_dict(state["optimizer"])
            self.scheduler.load_state_dict(state["scheduler"])
            self.history, self.best = state["history"], state["best"]
            default_generator.set_state(state["generator"].numpy())

    def state(self) -> dict[str, Any]:
        return {"format": "minidl-run", "config": self.config, "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
                "scheduler": self.scheduler.state_dict(), "history": self.history, "best": self.best,
                "generator": wrap(default_generator.get_state()),
                "normalizer": {"scale": self.normalizer.scale, "mean": self.normalizer.mean, "std": self.normalizer.std}}

    def run(self, directory: Path) -> None:
        """Trains until the last epoch. After each, `last.pt` (and `best.pt`) hold the run, and metrics.csv its history."""
        if not self.history:
            save(self.state(), directory / "last.pt")
        confusion = None
        for epoch in range(len(self.history), self.config["epochs"]):
            rate = self.optimizer.param_groups[0]["lr"]
            loss, accuracy = self.train_epoch(epoch)
            test_loss, test_accuracy, confusion = evaluate(self.model, *self.test_set)
            self.history.append(dict(zip(COLUMNS, (epoch + 1, rate, loss, accuracy, test_loss, test_accuracy))))
            is_best = test_accuracy > self.best
            self.best = max(self.best, test_accuracy)
            write_metrics(directory / "metrics.csv", self.history)
            if is_best:
                save(self.state(), directory / "best.pt")
            save(self.state(), directory / "last.pt")
        if confusion is None:
            confusion = evaluate(self.model, *self.test_set)[2]
        self.draw(directory, confusion)

    def train_epoch(self, epoch: int) -> tuple[float, float]:
        """One pass over the training images: mean loss and accuracy on the way."""
        from tqdm import tqdm
        self.model.train()
        total = correct = seen = 0.0
        with tqdm(self.loader, desc=f"epoch {epoch + 1}/{self.config['epochs']}", unit="batch", leave=epoch + 1 == self.config["epochs"],
                  disable=None) as bar:
            for x, labels in bar:
                self.optimizer.zero_grad()
                scores = self.model(shifted(x))
                loss = F.cross_entropy(scores, labels)
                loss.backward()
                self.optimizer.step()
                rate = self.optimizer.param_groups[0]["lr"]
                self.scheduler.step()
                n = len(labels)
                total, seen = total + loss.item() * n, seen + n
                correct += int((scores.detach().argmax(1) == labels).sum())
                bar.set_postfix(loss=f"{total / seen:.4f}", accuracy=f"{correct / seen:.2%}", lr=f"{rate:.2g}")
        return total / seen, correct / seen

    def draw(self, directory: Path, confusion: np.ndarray) -> None:
        from ..viz import plot_confusion, plot_curves, save_figure
        save_figure(plot_curves(self.history), directory / "curves.png")
        save_figure(plot_confusion(confusion, self.config["classes"]), directory / "confusion.png")


def shifted(x: Tensor) -> Tensor:
    """Every image moved by its own whole number of pixels, up to an eighth of its height, either way; edges are continued."""
    n, channels, height, width = x.shape
    most = max(1, height // 8)
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (most, most), (most, most)), mode="edge")
    down, right = default_generator.randint((2, n), 0, 2 * most + 1)
    rows, columns = down[:, None] + np.arange(height), right[:, None] + np.arange(width)
    return wrap(padded[np.arange(n)[:, None, None, None], np.arange(channels)[:, None, None], rows[:, None, :, None], columns[:, None, None, :]])


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


@no_grad()
def evaluate(model: Module, images: Tensor, labels: Tensor, batch_size: int = 256) -> tuple[float, float, np.ndarray]:
    """Mean loss, accuracy, and the counts of (true class, predicted class)."""
    model.eval()
    total, truth, predicted = 0.0, labels.numpy(), []
    for start in range(0, len(truth), batch_size):
        scores = model(images[start:start + batch_size])
        total += F.cross_entropy(scores, labels[start:start + batch_size], reduction="sum").item()
        predicted.append(scores.argmax(1).numpy())
        classes = scores.shape[1]
    guesses = np.concatenate(predicted)
    confusion = np.bincount(truth * classes + guesses, minlength=classes * classes).reshape(classes, classes)
    return total / len(truth), float((guesses == truth).mean()), confusion


def write_metrics(path: Path, history: list[dict[str, float]]) -> None:
    """The history as CSV, whole at any moment."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(history)
    with replacing(path) as file:
        file.write(text.getvalue().encode())
