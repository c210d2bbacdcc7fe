"""One library over some workloads, as a process of its own: ``python -m benchmarks.child minidl 2 chain`` prints JSON.

Arguments: the library, its number of threads, the names. It alone is imported: minidl's process never sees PyTorch.
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .workloads import WORKLOADS, group

SECONDS = {"small": 0.05}  # for which a workload of this group is timed, 0.6 otherwise
SAMPLE = 0.002  # seconds: shorter calls are timed several at a time


def milliseconds(step: Callable[[], Any], seconds: float) -> float:
    """The median time of a call in ms, over at least five samples, after calls to warm up."""
    for _ in range(3):
        step()
    start = time.perf_counter()
    step()
    number = max(1, round(SAMPLE / max(time.perf_counter() - start, 1e-7)))
    samples: list[float] = []
    end = time.perf_counter() + seconds
    while len(samples) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(number):
            step()
        samples.append((time.perf_counter() - start) / number)
    return 1e3 * statistics.median(samples)


def digest(tensor: Any) -> list[float]:
    """Two numbers that depend on all elements, the second also on their order: to compare the libraries' results."""
    values = np.asarray(tensor.detach().numpy(), np.float64).ravel()
    return [float(np.abs(values).mean()), float((values * np.cos(np.arange(values.size))).mean())]


def occupied(entry: str) -> float:
    """A size from the kernel's account of this process, in MB: ``VmRSS`` now, ``VmHWM`` at its highest. NaN where there is none."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(entry)), float("nan"))


def run(library: str, threads: int, names: list[str]) -> dict[str, Any]:
    """For each name ``ms`` and ``values``; for the process its memory beyond that of the imported library, and versions."""
    torch = importlib.import_module(library)
    if library == "torch":
        torch.set_num_threads(threads)
    before = occupied("VmRSS")
    results = {}
    for name in names:
        step, leaves = WORKLOADS[name](torch)
        values = digest(step())
        step()
        values += digest(step())
        for leaf in leaves:
            values += digest(leaf.grad)
        results[name] = {"ms": milliseconds(step, SECONDS.get(group(name), 0.6)), "values": values}
    return {"version": getattr(torch.version, "RELEASE", torch.__version__), "peak_mb": occupied("VmHWM") - before, "results": results}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]), sys.argv[3:])))
