"""``minidl eval`` and ``minidl predict``: what a checkpoint is worth, and what it says of an image."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ..core.tensor import wrap
from ..nn import functional as F
from .data import QUANTIZED, CheckpointError, Normalizer, build, read_checkpoint, restore
from .task import evaluate, predictions
from .train import positive, task_of

__all__ = ["add_eval_arguments", "add_predict_arguments", "run_eval", "run_predict"]


def add_eval_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", help="a checkpoint of `minidl train` or `minidl quantize`, or a run's directory")
    parser.add_argument("--data", default=None, help="other data than the run's own")


def run_eval(arguments: argparse.Namespace) -> None:
    """Give the accuracy (or IoU and Dice) of a checkpoint on the held-out images."""
    state = read_checkpoint(arguments.checkpoint, QUANTIZED)
    config = state["config"]
    task = task_of(config)
    data = task.read({**config, "data": arguments.data or config["data"]})
    if list(data.test_images.shape[1:]) != config["shape"] or list(data.classes) != config["classes"]:
        raise CheckpointError(f"{arguments.checkpoint}: the model is for images {config['shape']} of classes {config['classes']}; "
                              f"the data holds {list(data.test_images.shape[1:])} of {list(data.classes)}")
    model = restore(build(config), state, arguments.checkpoint)
    loss, counts = evaluate(task, model, Normalizer(**state["normalizer"])(data.test_images), wrap(data.test_labels))
    print(f"{task.said(task.measure(counts))} ({int(counts.trace())} of {int(counts.sum())} held-out {task.things} right), loss {loss:.4f}")


def add_predict_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", help="a checkpoint of `minidl train` or `minidl quantize`, or a run's directory")
    parser.add_argument("images", nargs="+", metavar="image", help="image files; resized to what the model takes")
    parser.add_argument("--top", type=positive, default=3, help="how many classes to print")


def run_predict(arguments: argparse.Namespace) -> None:
    """Give the most probable classes of images; of pixels, each class's share of the image."""
    state = read_checkpoint(arguments.checkpoint, QUANTIZED)
    config = state["config"]
    model = restore(build(config), state, arguments.checkpoint)
    normalizer = Normalizer(**{**state["normalizer"], "scale": 255})
    images = normalizer(np.stack([read_image(Path(path), config["shape"]) for path in arguments.images]))
    probabilities = np.concatenate([F.softmax(scores, 1).numpy() for _, scores in predictions(model, images)])
    probabilities = probabilities.reshape(*probabilities.shape[:2], -1).mean(2)
    for path, row in zip(arguments.images, probabilities):
        order = np.argsort(-row)[:arguments.top]
        print(f"{path}: " + ", ".join(f"{config['classes'][i]} {row[i]:.1%}" for i in order))


def read_image(path: Path, shape: list[int]) -> np.ndarray:
    """An image file as uint8 (channels, height, width) of the model's shape; bright strokes on dark, as in training."""
    from PIL import Image
    channels, height, width = shape
    try:
        with Image.open(path) as file:
            image = file.convert("L" if channels == 1 else "RGB").resize((width, height), Image.Resampling.BILINEAR)
            array = np.asarray(image)
    except OSError as error:
        raise ValueError(f"{path}: not a readable image ({error})") from error
    return array[None] if channels == 1 else array.transpose(2, 0, 1)
