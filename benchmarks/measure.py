"""Rounds of child processes, minidl's and PyTorch's in turn, and what is made of their times."""

from __future__ import annotations

import datetime
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .workloads import TRAINING, group

ROOT = Path(__file__).parent.parent
LIBRARIES = ("minidl", "torch")
# "minidl.tensor" is minidl with the operations, which it loads when the first of them is named.
IMPORTS = {"python": "pass", "numpy": "import numpy", "minidl": "import minidl", "minidl.tensor": "import minidl; minidl.tensor",
           "torch": "import torch"}
TOLERANCE = 1e-4  # of the largest of the values compared; the workloads compute in float32


def environment(threads: int) -> dict[str, str]:
    return {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))}


def child(library: str, threads: int, names: list[str]) -> dict[str, Any]:
    """What one child process printed; CalledProcessError, with its traceback on stderr, where it fails."""
    command = [sys.executable, "-m", "benchmarks.child", library, str(threads), *names]
    answer = subprocess.run(command, cwd=ROOT, env=environment(threads), check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(answer.stdout)


def in_turn(round_number: int) -> tuple[str, ...]:
    """The libraries' order in a round: who goes first changes, so that a drift of the machine favours neither."""
    return LIBRARIES if round_number % 2 == 0 else LIBRARIES[::-1]


def compare(minidl: list[float], torch: list[float]) -> dict[str, Any]:
    """Medians in ms; `ratio`, the median over the rounds of minidl's time over PyTorch's; `spread`, its lowest and highest."""
    ratios = [m / t for m, t in zip(minidl, torch, strict=True)]
    return {"minidl_ms": statistics.median(minidl), "torch_ms": statistics.median(torch),
            "ratio": statistics.median(ratios), "spread": [min(ratios), max(ratios)]}


def agree(a: list[float], b: list[float]) -> bool:
    """Whether both libraries computed the same numbers, as far as their digests tell."""
    return bool(np.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE * max(map(abs, b))))


def measure(names: list[str], rounds: int, threads: int, tell: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """A row for each workload: `compare`'s numbers, `values` and whether they `agree`; for training steps also `peak_mb`,
    the process's largest memory beyond that of the imported library, in MB."""
    rows: dict[str, Any] = {}
    versions: dict[str, str] = {}
    for name in dict.fromkeys(map(group, names)):
        members = [n for n in names if group(n) == name]
        answers: dict[str, list[Any]] = {library: [] for library in LIBRARIES}
        for r in range(rounds):
            tell(f"{name}: round {r + 1} of {rounds}")
            for library in in_turn(r):
                answers[library].append(child(library, threads, members))
        for member in members:
            times = {library: [a["results"][member]["ms"] for a in answers[library]] for library in LIBRARIES}
            values = {library: answers[library][0]["results"][member]["values"] for library in LIBRARIES}
            rows[member] = {**compare(times["minidl"], times["torch"]), "values": values,
                            "agree": agree(values["minidl"], values["torch"])}
            if member in TRAINING:
                rows[member]["peak_mb"] = {k: statistics.median([a["peak_mb"] for a in answers[k]]) for k in LIBRARIES}
        versions.update({library: answers[library][0]["version"] for library in LIBRARIES})
    return {"workloads": rows, "versions": versions}


def import_times(rounds: int, threads: int) -> dict[str, Any]:
    """Wall times of ``python -c "import X"`` in ms, medians over three fresh processes a round: in whole, and `beyond_ms` a bare Python;
    `to_numpy`, the median of the whole time over NumPy's in the same turn, and its spread."""
    times: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for r in range(3 * rounds + 1):  # the first, not counted, warms up the disk's cache
        for name in IMPORTS if r % 2 else reversed(IMPORTS):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", IMPORTS[name]], cwd=ROOT, env=environment(threads), check=True)
            if r:
                times[name].append(1e3 * (time.perf_counter() - start))
    rows = {}
    for name, mine in times.items():
        ratios = [t / n for t, n in zip(mine, times["numpy"])]
        rows[name] = {"ms": statistics.median(mine), "beyond_ms": statistics.median(mine) - statistics.median(times["python"]),
                      "to_numpy": statistics.median(ratios), "spread": [min(ratios), max(ratios)]}
    return rows


def geometric_mean(values: list[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, values)))


def summary(rows: dict[str, Any]) -> dict[str, Any]:
    """For the small operations, forward and with backward, and for all else: the ratios' geometric mean, and the highest."""
    parts = {"workloads": [n for n in rows if group(n) != "small"]}
    for kind in ("forward", "backward"):
        parts[f"small {kind}"] = [n for n in rows if group(n) == "small" and n.endswith(kind)]
    result = {}
    for part, names in parts.items():
        if names:
            worst = max(names, key=lambda n: rows[n]["ratio"])
            result[part] = {"count": len(names), "geometric_mean": geometric_mean([rows[n]["ratio"] for n in names]),
                            "worst": worst, "worst_ratio": rows[worst]["ratio"]}
    return result


def machine() -> dict[str, Any]:
    """Where and when: processor, cores, system, date, Python, NumPy, and how many processes wanted to run in the last minute."""
    info = Path("/proc/cpuinfo")
    models = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return {"processor": models[0] if models else platform.processor(), "cores": os.cpu_count(), "system": platform.platform(),
            "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"), "python": platform.python_version(),
            "numpy": np.__version__, "load": os.getloadavg()[0]}
