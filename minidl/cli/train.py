"""``minidl train``: a network learns to classify images or their pixels, and leaves everything about the run in one directory."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..analysis import summary
from ..models import list_models
from .augment import AUGMENTATIONS
from .classify import Classification
from .data import CheckpointError, read_checkpoint
from .loop import OPTIMIZERS, Training
from .report import write_report
from .segment import Segmentation
from .task import Task

__all__ = ["add_train_arguments", "run_train", "task_of"]

TASKS: dict[str, Task] = {task.name: task for task in (Classification(), Segmentation())}
DEFAULTS: dict[str, Any] = {"task": "classify", "size": None, "schedule": "cosine", "mixup": 0.0, "label_smoothing": 0.0, "ema": 0.0,
                            "early_stopping": 0, "accumulate": 1, "seed": 0, "out": "runs"}


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    def option(name: str, help: str, **how: Any) -> None:
        """An option without a value where it is not given; its default, perhaps of each task, is in the help."""
        key = name.removeprefix("--").replace("-", "_")
        kinds = [f"{' '.join(v) if isinstance(v, list) else v} ({task.name})" for task in TASKS.values() if (v := task.defaults.get(key))]
        default = DEFAULTS.get(key) or ", ".join(kinds)
        parser.add_argument(name, default=argparse.SUPPRESS, help=help + (f"; default {default}" if default else ""), **how)

    option("--task", "classify: a class for each image; segment: one for each pixel", choices=TASKS)
    option("--model", f"one of {', '.join(list_models())}", choices=list_models(), metavar="MODEL")
    option("--data", "'digits', or a directory with IDX files, CIFAR-10's binary files, or a folder of images for each class; to segment, "
           "'shapes', or a directory with images/ and masks/ (in its train/ and test/, or a fifth is held out)")
    option("--size", "side to which a folder's images are resized, or of the shapes' pictures", type=positive)
    option("--epochs", "passes over the training images", type=positive)
    option("--batch-size", "images per batch", type=positive)
    option("--accumulate", "batches per step of the optimiser", type=positive, metavar="N")
    option("--optimizer", "sgd: with Nesterov's momentum 0.9 and weight decay 5e-4; adamw: with weight decay 0.01", choices=OPTIMIZERS)
    option("--lr", "highest learning rate", type=float)
    option("--schedule", "learning rate after the warm-up epoch: one cosine, cosines that restart and double, or constant",
           choices=("cosine", "restarts", "constant"))
    option("--augment", f"what is done to training images, in that order: {', '.join(AUGMENTATIONS)}; or none", nargs="+",
           choices=("none", *AUGMENTATIONS), metavar="WHAT")
    option("--mixup", "mix pairs of images and labels in proportions drawn from Beta(ALPHA, ALPHA)", type=not_negative, metavar="ALPHA")
    option("--label-smoothing", "share of a label that goes to all classes alike", type=fraction, metavar="SHARE")
    option("--ema", "evaluate and keep the moving average of weights with this decay per step, 0.99 for instance", type=fraction, metavar="DECAY")
    option("--early-stopping", "stop after so many epochs without a better held-out accuracy (or IoU)", type=positive, metavar="EPOCHS")
    option("--seed", "the same seed gives the same numbers", type=int)
    option("--out", "directory of all runs")
    option("--name", "this run's directory there (a number is added if it exists); default DATA-MODEL")
    option("--resume", "go on with this run (its directory or last.pt); the other options are then the run's own", metavar="RUN")


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive number, got {value}")
    return value


def not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of at least 0, got {text}")
    return value


def fraction(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 0 and below 1, got {text}")
    return value


def task_of(config: dict[str, Any]) -> Task:
    """The task of a run's configuration."""
    return TASKS[config["task"]]


def configuration(given: dict[str, Any]) -> dict[str, Any]:
    """All options of a run: those given, and for the others the defaults of its task."""
    config = {**TASKS[given.get("task", DEFAULTS["task"])].defaults, **DEFAULTS}
    config |= {name: value for name, value in given.items() if name in config}
    config["augment"] = [name for name in config["augment"] if name != "none"]
    return config


def run_train(arguments: argparse.Namespace) -> int:
    """Train a network on images; by default a small SE-ResNet on handwritten digits."""
    given = vars(arguments)
    state, resumed = None, given.get("resume")
    if resumed is not None:
        state = read_checkpoint(resumed)
        run = Path(resumed) if Path(resumed).is_dir() else Path(resumed).parent
        for unfinished in run.glob(".*.tmp"):  # of a run that was killed while it wrote
            unfinished.unlink(missing_ok=True)
    config = configuration(given) if state is None else state["config"]
    task = task_of(config)
    data = task.read(config)
    found = {"classes": list(data.classes), "shape": list(data.train_images.shape[1:])}
    if state is None:
        config |= found
    elif found != {name: config[name] for name in found}:
        raise CheckpointError(f"{resumed}: the run was on images {config['shape']} of {len(config['classes'])} classes; "
                              f"{config['data']} now holds {found['shape']} of {len(data.classes)}")
    training = Training(config, task, data, state)
    if state is None:
        run = new_directory(Path(config["out"]), given.get("name") or f"{Path(config['data']).name}-{config['model']}")
    try:
        print(f"{len(data.train_labels)} images to learn from, {len(data.test_labels)} held out, classes {', '.join(data.classes)}")
        layers = str(summary(training.model, (config["batch_size"], *config["shape"])))
        print(layers)
        counts = training.run(run)
        write_report(training, counts, layers, run)
    except KeyboardInterrupt:
        print(f"\ninterrupted; go on with: minidl train --resume {run}", file=sys.stderr)
        return 130
    if training.stopped:
        print(f"stopped early: no better epoch after the {training.best}.")
    best = training.history[training.best - 1]
    print(f"held-out {task.said(training.values(training.history[-1]))}, best {task.said(training.values(best))}; "
          f"everything about this run is in {run}/, to be seen in report.html")
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
