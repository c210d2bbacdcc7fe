"""``minidl eval`` and ``minidl predict``: what a checkpoint is worth, and what it says of an image."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ..core.modes import no_grad
from ..core.tensor import wrap
from ..nn import functional as F
from .data import QUANTIZED, CheckpointError, Normalizer, build, read_checkpoint, read_data, restore
from .train import evaluate

__all__ = ["add_eval_arguments", "add_predict_arguments", "run_eval", "run_predict"]


def add_eval_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", help="a checkpoint of `minidl train` or `minidl quantize`, or a run's directory")
    parser.add_argument("--data", default=None, help="other data than the run's own")


def run_eval(arguments: argparse.Namespace) -> None:
    """Give the accuracy of a checkpoint on the held-out images."""
    state = read_checkpoint(arguments.checkpoint, QUANTIZED)
    config = state["config"]
    data = read_data(arguments.data or config["data"], config["seed"], config["size"])
    if list(data.test_images.shape[1:]) != config["shape"] or list(data.classes) != config["classes"]:
        raise CheckpointError(f"{arguments.checkpoint}: the model is for images {config['shape']} of classes {config['classes']}; "
                              f"the data holds {list(data.test_images.shape[1:])} of {list(data.classes)}")
    model = restore(build(config), state, arguments.checkpoint)
    loss, accuracy, confusion = evaluate(model, Normalizer(**state["normalizer"])(data.test_images), wrap(data.test_labels))
    print(f"accuracy {accuracy:.2%} ({int(confusion.trace())} of {len(data.test_labels)} held-out images), loss {loss:.4f}")


def add_predict_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", help="a checkpoint of `minidl train` or `minidl quantize`, or a run's directory")
    parser.add_argument("images", nargs="+", metavar="image", help="image files; resized to what the model takes")
    parser.add_argument("--top", type=int, default=3, help="how many classes to print")


def run_predict(arguments: argparse.Namespace) -> None:
    """Give the most probable classes of images."""
    state = read_checkpoint(arguments.checkpoint, QUANTIZED)
    config = state["config"]
    model = restore(build(config), state, arguments.checkpoint).eval()
    normalizer = Normalizer(**{**state["normalizer"], "scale": 255})
    images = np.stack([read_image(Path(path), config["shape"]) for path in arguments.images])
    with no_grad():
        probabilities = F.softmax(model(normalizer(images)), 1).numpy()
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
