"""What the commands share: images as the network sees them, models by name, and checkpoints of a run."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np

from .. import datasets
from ..core.tensor import Tensor, wrap
from ..models import get_model_builder
from ..nn import Module
from ..quantization import from_state_dict
from ..serialization import load

__all__ = ["CheckpointError", "Normalizer", "read_data", "build", "read_checkpoint", "restore"]

RUN, QUANTIZED = "minidl-run", "minidl-quantized"  # what the checkpoints of `minidl train` and `minidl quantize` say they are


class CheckpointError(Exception):
    """A checkpoint that is missing, damaged, or of something else."""


@dataclass(frozen=True)
class Normalizer:
    """Per channel ``(x / scale - mean) / std``: what a network is fed, from integer images of values 0 to `scale`."""

    scale: int
    mean: list[float]
    std: list[float]

    @staticmethod
    def of(images: np.ndarray, scale: int) -> Normalizer:
        """Mean and standard deviation of the training images' channels."""
        x = images / scale
        std = x.std((0, 2, 3))
        return Normalizer(scale, x.mean((0, 2, 3)).tolist(), np.where(std > 0, std, 1.0).tolist())

    def __call__(self, images: np.ndarray) -> Tensor:
        shape = (1, -1, 1, 1)
        x = (images / self.scale - np.reshape(self.mean, shape)) / np.reshape(self.std, shape)
        return wrap(np.ascontiguousarray(x, np.float32))


def read_data(name: str, seed: int, size: int | None = None) -> datasets.ImageData:
    """The data set of ``--data``; a folder of images is brought to one `size`."""
    data = datasets.load(name, seed=seed) if size is None else datasets.load(name, seed=seed, size=size)
    if not len(data.train_labels) or not len(data.test_labels):
        raise ValueError(f"{name}: expected images to train on and images held out, got {len(data.train_labels)} and "
                         f"{len(data.test_labels)}")
    return data


def build(config: dict[str, Any]) -> Module:
    """The model of a run's configuration, which is told the number of classes and, where it takes them, the channels and the size of images.

    ValueError for a network of three channels where the images have another number.
    """
    builder, (channels, height, _) = get_model_builder(config["model"]), config["shape"]
    taken = inspect.signature(get_type_hints(builder)["return"]).parameters
    known = {"in_channels": channels, "image_size": height, "aux_logits": False}
    if channels != 3 and "in_channels" not in taken:
        raise ValueError(f"model {config['model']!r} is for images of 3 channels, those of {config['data']!r} have {channels}")
    model: Module = builder(num_classes=len(config["classes"]), **{name: value for name, value in known.items() if name in taken})
    return model


def read_checkpoint(path: str | Path, *others: str) -> dict[str, Any]:
    """The state of a run (or of one of the `others` among formats), from a checkpoint file or from a run's directory; CheckpointError where
    it is none."""
    path = Path(path)
    if path.is_dir():
        path = path / "last.pt"
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such checkpoint")
    try:
        state = load(path)
    except Exception as error:
        raise CheckpointError(f"{path}: not a readable checkpoint ({error})") from error
    if isinstance(state, dict) and state.get("format") == QUANTIZED and QUANTIZED not in others:
        raise CheckpointError(f"{path}: quantised, and so for `minidl eval` and `minidl predict` alone")
    if not isinstance(state, dict) or state.get("format") not in (RUN, *others):
        raise CheckpointError(f"{path}: not a checkpoint of `minidl train` (it has no 'format': '{RUN}')")
    return state


def restore(model: Module, state: dict[str, Any], path: str | Path) -> Module:
    """The checkpoint's weights in a model of its configuration."""
    try:
        if state["format"] == QUANTIZED:
            return from_state_dict(model, state["model"])
        model.load_state_dict(state["model"])
    except (RuntimeError, KeyError) as error:
        raise CheckpointError(f"{path}: the weights do not fit the model {state['config']['model']!r}: {error}") from error
    return model
