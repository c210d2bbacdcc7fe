"""``minidl quantize``: a checkpoint in 8-bit integers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from ..core.modes import no_grad
from ..quantization import MinMaxObserver, MSEObserver, PercentileObserver, QConfig, convert, default_qconfig, prepare, report
from ..serialization import save
from .data import QUANTIZED, Normalizer, build, read_checkpoint, read_data, restore
from .train import positive, task_of

__all__ = ["add_quantize_arguments", "run_quantize"]

OBSERVERS = {"minmax": MinMaxObserver, "percentile": PercentileObserver, "mse": MSEObserver}


def add_quantize_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", help="a checkpoint of `minidl train`, or a run's directory")
    parser.add_argument("--out", default=None, help="the file to write, which must not exist; default NAME-int8.pt beside NAME.pt")
    parser.add_argument("--calibration", type=positive, default=512, metavar="N", help="how many training images the ranges are measured on")
    parser.add_argument("--observer", default="minmax", choices=OBSERVERS, help="how the ranges of activations are chosen")


@no_grad()
def run_quantize(arguments: argparse.Namespace) -> None:
    """Turn a checkpoint's weights into 8-bit integers, and say what that costs."""
    state = read_checkpoint(arguments.checkpoint)
    if task_of(state["config"]).name != "classify":
        raise ValueError(f"{arguments.checkpoint}: quantize is for classifiers of images, the run's task is {state['config']['task']!r}")
    path = Path(arguments.checkpoint)
    path = path / "last.pt" if path.is_dir() else path
    out = path.with_name(f"{path.stem}-int8.pt") if arguments.out is None else Path(arguments.out)
    if out.exists():
        raise FileExistsError(f"{out}: exists already; name another with --out")
    config, normalize = state["config"], Normalizer(**state["normalizer"])
    data = read_data(config["data"], config["seed"], config["size"])
    model = restore(build(config), state, arguments.checkpoint).eval()
    count = min(arguments.calibration, len(data.train_images))
    images = normalize(data.train_images[np.linspace(0, len(data.train_images) - 1, count).astype(np.int64)])
    prepared = prepare(model, images[:1], QConfig(OBSERVERS[arguments.observer], default_qconfig.weight))
    for start in range(0, count, 256):
        prepared(images[start:start + 256])
    quantized = convert(prepared)
    print(report(model, quantized, normalize(data.test_images), data.test_labels))
    write_new({"format": QUANTIZED, "config": config, "normalizer": state["normalizer"], "model": quantized.state_dict()}, out)
    print(f"calibrated on {count} training images; written to {out}")


def write_new(state: dict[str, Any], path: Path) -> None:
    """Saves a file that must not exist: the name is taken first, then the file, whole, put in its place."""
    with open(path, "x"):
        pass
    try:
        save(state, path)
    except BaseException:
        path.unlink()
        raise
