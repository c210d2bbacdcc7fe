"""``python -m benchmarks.growth``: how a training step's time grows with the batch, the image and the depth, for both libraries."""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import subprocess
import sys
from typing import Any

from .child import milliseconds
from .measure import LIBRARIES, ROOT, environment, in_turn
from .networks import Network, training, zoo

SMALL = "models.se_resnet8(in_channels=3)"
CASES: dict[str, list[tuple[str, Network]]] = {
    "batch": [(str(n), Network(zoo(SMALL), (3, 32, 32), n)) for n in (1, 2, 4, 8, 16, 32, 64)],
    "image": [(f"{n} px", Network(zoo(SMALL), (3, n, n), 8)) for n in (8, 16, 32, 64, 128)],
    "depth": [(f"{n} layers", Network(zoo(f"models.SmallResNet({n}, in_channels=3)"), (3, 32, 32), 8)) for n in (8, 14, 20, 32)],
}


def measure(library: str) -> dict[str, dict[str, float]]:
    torch: Any = importlib.import_module(library)
    times: dict[str, dict[str, float]] = {}
    for axis, cases in CASES.items():
        times[axis] = {}
        for label, network in cases:
            times[axis][label] = milliseconds(training(network)(torch)[0], 0.4)
    return times


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=LIBRARIES, help="measure one library in this process, as JSON")
    options = parser.parse_args(arguments)
    if options.child:
        if options.child == "torch":
            importlib.import_module("torch").set_num_threads(options.threads)
        print(json.dumps(measure(options.child)))
        return
    answers: dict[str, list[Any]] = {library: [] for library in LIBRARIES}
    for r in range(options.rounds):
        for library in in_turn(r):
            command = [sys.executable, "-m", "benchmarks.growth", "--child", library, "--threads", str(options.threads)]
            answer = subprocess.run(command, cwd=ROOT, env=environment(options.threads), check=True, stdout=subprocess.PIPE, text=True)
            answers[library].append(json.loads(answer.stdout))
    for axis, cases in CASES.items():
        print(f"\n{axis:12}{'minidl ms':>12}{'torch ms':>12}{'ratio':>8}")
        for label, _ in cases:
            times = {k: [a[axis][label] for a in answers[k]] for k in LIBRARIES}
            ratio = statistics.median([m / t for m, t in zip(times["minidl"], times["torch"])])
            print(f"{label:12}{statistics.median(times['minidl']):12.2f}{statistics.median(times['torch']):12.2f}{ratio:8.2f}")


if __name__ == "__main__":
    main()
