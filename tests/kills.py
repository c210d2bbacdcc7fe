"""Kills `minidl train` with SIGKILL at random moments, resumes it, and compares what it leaves with a run that was never killed.

    python tests/kills.py 200 --seed 0

Every other kill aims at the saving of a file: it comes within 3 ms of the file's beginning. The exit status is 0 if every run, in the
end, left the same bits of weights, optimiser, schedule, random state and metrics, and no other files.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

import minidl
from minidl.cli import main
from minidl.datasets import load_digits

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: F401  # here, so that no child has to import it

LEFT = ["best.pt", "confusion.png", "curves.png", "last.pt", "metrics.csv", "report.html"]


def write_data(folder: Path) -> None:
    """A few of the digits as IDX files."""
    images, labels = load_digits()
    images = (images * 15).astype(np.uint8)
    for name, low, high in (("train", 0, 160), ("t10k", 160, 200)):
        for kind, array in (("images-idx3", images[low:high].reshape(-1, 8, 8)), ("labels-idx1", labels[low:high].astype(np.uint8))):
            header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            (folder / f"{name}-{kind}-ubyte").write_bytes(header + array.tobytes())


def begin(where: Path, *arguments: str) -> int:
    """A process of its own that runs a command of `minidl` in a directory."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.chdir(where)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        status = main(list(arguments))
    finally:
        os._exit(status)


def half_written(run: Path) -> list[Path]:
    return list(run.glob(".*.tmp"))


def kill(child: int, run: Path, after: float, saving: bool) -> int:
    """Waits for `after` seconds, or for the beginning of a file, then kills; the exit status, negative for a signal."""
    end = time.monotonic() + after
    while time.monotonic() < end and not (saving and half_written(run)):
        time.sleep(0.0002)
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
    if saving:
        time.sleep(random.uniform(0, 0.003))
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def one_run(where: Path, train: list[str], wanted: int, duration: float, seen: Counter[str]) -> None:
    """A run that is killed until it gets through, or `wanted` more kills have been seen."""
    run = where / "runs" / "run"
    where.mkdir()
    while True:
        arguments = ["train", "--resume", "runs/run"] if run.exists() else train
        child = begin(where, *arguments)
        wanted -= 1
        if wanted < 0:
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        else:
            saving = random.random() < 0.5
            status = kill(child, run, random.uniform(0, duration * (2 if saving else 1)), saving)
        if status != -signal.SIGKILL:
            if status:
                raise SystemExit(f"{' '.join(arguments)} failed with status {status}")
            return
        started = (run / "last.pt").exists()
        seen["while a file was written" if half_written(run) else "before the first checkpoint" if not started else
             "in the first epoch" if not (run / "metrics.csv").exists() else "in a later one or the pictures"] += 1
        if not started:  # nothing to resume
            shutil.rmtree(where / "runs", ignore_errors=True)


def contents(run: Path) -> dict[str, Any]:
    """All that a run left but its pictures, every tensor as its bytes."""
    left = sorted(p.name for p in run.iterdir())
    if left != LEFT:
        raise SystemExit(f"files left: {left}, expected {LEFT}")
    return {name: (run / name).read_bytes() if name.endswith("csv") else bits(minidl.load(run / name)) for name in ("last.pt", "best.pt", "metrics.csv")}


def bits(value: Any) -> Any:
    if isinstance(value, minidl.Tensor):
        return value.dtype, value.shape, value.stride(), value.numpy().tobytes()
    if isinstance(value, dict):
        return [(key, bits(v)) for key, v in value.items()]
    return [type(value), *map(bits, value)] if isinstance(value, (list, tuple)) else value


def kills(number: int, seed: int, epochs: int) -> None:
    """Kills `number` times; prints when, and raises SystemExit where a run differs."""
    random.seed(seed)
    seen: Counter[str] = Counter()
    runs = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder)
        train = ["train", "--data", str(folder), "--model", "resnet8", "--batch-size", "16", "--epochs", str(epochs), "--name", "run"]
        start = time.monotonic()
        one_run(folder / "whole", train, 0, 0.0, seen)
        duration = time.monotonic() - start
        wanted = contents(folder / "whole" / "runs" / "run")
        while seen.total() < number:
            one_run(folder / "killed", train, number - seen.total(), duration, seen)
            have = contents(folder / "killed" / "runs" / "run")
            for file in wanted:
                if have[file] != wanted[file]:
                    raise SystemExit(f"{file} is not that of the run that was never killed")
            shutil.rmtree(folder / "killed")
            runs += 1
    print(f"{seen.total()} kills in {runs} runs of {duration:.1f} s ({', '.join(f'{n} {when}' for when, n in sorted(seen.items()))}): "
          "all ended with the bits of the run that was never killed")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("number", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    sys.exit(kills(options.number, options.seed, options.epochs))
