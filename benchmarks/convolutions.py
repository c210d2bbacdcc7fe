"""Times each convolution of LeNet, SE-ResNet-20 and ResNet-18 in its three directions: ``python -m benchmarks.convolutions``.

minidl's and PyTorch's processes take turns, as in `benchmarks.measure`. Beside each of minidl's times stands the algorithm
that was chosen, and with ``--all`` the times of all others that were not estimated to be many times slower.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from typing import Any

import numpy as np

from .child import milliseconds
from .measure import ROOT, environment, geometric_mean, in_turn

# name: batch, channels in and out, size of the image, size of the kernel, stride, padding, groups
LAYERS = {
    "lenet 1": (64, 3, 6, 32, 5, 1, 0, 1), "lenet 2": (64, 6, 16, 14, 5, 1, 0, 1),
    "resnet20 first": (32, 3, 16, 32, 3, 1, 1, 1), "resnet20 16": (32, 16, 16, 32, 3, 1, 1, 1),
    "resnet20 16-32": (32, 16, 32, 32, 3, 2, 1, 1), "resnet20 32": (32, 32, 32, 16, 3, 1, 1, 1),
    "resnet20 32-64": (32, 32, 64, 16, 3, 2, 1, 1), "resnet20 64": (32, 64, 64, 8, 3, 1, 1, 1),
    "resnet20 short": (32, 16, 32, 32, 1, 2, 0, 1),
    "resnet18 first": (8, 3, 64, 224, 7, 2, 3, 1), "resnet18 64": (8, 64, 64, 56, 3, 1, 1, 1),
    "resnet18 64-128": (8, 64, 128, 56, 3, 2, 1, 1), "resnet18 128": (8, 128, 128, 28, 3, 1, 1, 1),
    "resnet18 128-256": (8, 128, 256, 28, 3, 2, 1, 1), "resnet18 256": (8, 256, 256, 14, 3, 1, 1, 1),
    "resnet18 256-512": (8, 256, 512, 14, 3, 2, 1, 1), "resnet18 512": (8, 512, 512, 7, 3, 1, 1, 1),
    "resnet18 short": (8, 64, 128, 56, 1, 2, 0, 1),
    "depthwise": (8, 64, 64, 28, 3, 1, 1, 64), "pointwise": (8, 256, 64, 14, 1, 1, 0, 1),
}
DIRECTIONS = ("output", "input_grad", "weight_grad")
SECONDS = 0.2  # for which each is timed


def arrays(shape: tuple[int, ...]) -> list[np.ndarray]:
    n, c, o, size, k, stride, padding, groups = shape
    out = (size + 2 * padding - k) // stride + 1
    rng = np.random.default_rng(0)
    return [rng.standard_normal(s, dtype=np.float32) for s in ((n, c, size, size), (o, c // groups, k, k), (n, o, out, out))]


def minidl_times(precision: str, every: bool) -> dict[str, Any]:
    from minidl.backends import conv
    from minidl.ops.conv import choose
    from minidl.ops.conv.geometry import check

    conv.precision = precision
    result: dict[str, Any] = {}
    for name, shape in LAYERS.items():
        x, w, g = arrays(shape)
        stride, padding, groups = shape[5:]
        geo = check("conv2d", x, w, None, stride, padding, 1, groups)
        steps = {"output": lambda x=x, w=w, geo=geo: choose.output(x, w, None, geo),
                 "input_grad": lambda x=x, w=w, g=g, geo=geo: choose.input_grad(g, w, None, x.shape[2:], geo),
                 "weight_grad": lambda x=x, w=w, g=g, geo=geo: choose.weight_grad(x, g, w.shape[2:], geo)}
        for direction, step in steps.items():
            plan = conv.explain(x.shape, w.shape, stride, padding, 1, groups, direction=direction)
            row = {"ms": milliseconds(step, SECONDS), "algorithm": plan.chosen}
            if every:
                costs = {c.name: c.cost.seconds() for c in plan.candidates if c.cost}
                row["others"] = {}
                for other in (n for n, s in costs.items() if s < 6 * costs[plan.chosen]):
                    with conv.using(other):
                        row["others"][other] = milliseconds(step, SECONDS / 2)
            result[f"{name} {direction}"] = row
    return result


def torch_times(threads: int) -> dict[str, Any]:
    import torch

    torch.set_num_threads(threads)
    result: dict[str, Any] = {}
    for name, shape in LAYERS.items():
        x, w, g = (torch.from_numpy(a) for a in arrays(shape))
        stride, padding, groups = shape[5:]

        def backward(mask: list[bool], x: Any = x, w: Any = w, g: Any = g, s: int = stride, p: int = padding, n: int = groups) -> Any:
            return torch.ops.aten.convolution_backward(g, x, w, None, [s, s], [p, p], [1, 1], False, [0, 0], n, mask)

        def forward(x: Any = x, w: Any = w, s: int = stride, p: int = padding, n: int = groups) -> Any:
            return torch.nn.functional.conv2d(x, w, None, s, p, 1, n)

        for direction, step in zip(DIRECTIONS, (forward, lambda b=backward: b([True, False, False]), lambda b=backward: b([False, True, False]))):
            result[f"{name} {direction}"] = {"ms": milliseconds(step, SECONDS)}
    return result


def child(library: str, threads: int, precision: str, every: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.convolutions", "--child", library, "--threads", str(threads), "--precision", precision]
    answer = subprocess.run(command + ["--all"] * every, cwd=ROOT, env=environment(threads), check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(answer.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.convolutions", description="Times convolutions of minidl and PyTorch.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", default="exact", choices=["exact", "fast"])
    parser.add_argument("--all", action="store_true", help="time the other algorithms, too")
    parser.add_argument("--child", choices=["minidl", "torch"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(minidl_times(options.precision, options.all) if options.child == "minidl" else torch_times(options.threads)))
        return
    answers: dict[str, list[Any]] = {"minidl": [], "torch": []}
    for r in range(options.rounds):
        for library in in_turn(r):
            answers[library].append(child(library, options.threads, options.precision, options.all and r == 0))
    ratios: dict[str, float] = {}
    print(f"{'':28}{'minidl ms':>10}{'torch ms':>10}{'ratio':>7}")
    for name, row in answers["minidl"][0].items():
        mine, theirs = ([a[name]["ms"] for a in answers[library]] for library in ("minidl", "torch"))
        ratios[name] = statistics.median([m / t for m, t in zip(mine, theirs, strict=True)])
        others = "  ".join(f"{n} {ms:.2f}" for n, ms in row.get("others", {}).items())
        print(f"{name:28}{statistics.median(mine):10.2f}{statistics.median(theirs):10.2f}{ratios[name]:7.2f}  {row['algorithm']}  {others}")
    for direction in DIRECTIONS:
        print(f"{direction}: geometric mean {geometric_mean([v for n, v in ratios.items() if n.endswith(direction)]):.2f}")


if __name__ == "__main__":
    main()
