"""``python -m benchmarks.kmeans``: minidl's KMeans and scikit-learn's, in turn, from the same start; exits with 1 if their inertias differ."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np

from . import measure

TOLERANCE = 1e-6  # of the inertia


def samples(n: int, d: int, k: int, dtype: str) -> np.ndarray:
    """Clusters that overlap, so that k-means takes some dozens of iterations."""
    rng = np.random.default_rng(0)
    return (rng.uniform(-10, 10, (k, d))[rng.integers(0, k, n)] + 4 * rng.standard_normal((n, d))).astype(dtype)


def error(X: np.ndarray, model: Any) -> float:
    """The inertia in float64; scikit-learn sums that of float32 data in float32."""
    return float(((X.astype(np.float64) - model.cluster_centers_[model.labels_]) ** 2).sum())


def run(options: argparse.Namespace) -> int:
    import sklearn.cluster

    import minidl.classical

    agree = True
    for dtype in ("float64", "float32"):
        X = samples(options.samples, options.features, options.clusters, dtype)
        for start, arguments in {"array": {"init": X[:options.clusters]}, "k-means++": {"random_state": 0}}.items():
            libraries = {"minidl": minidl.classical.KMeans, "scikit-learn": sklearn.cluster.KMeans}
            times: dict[str, list[float]] = {name: [] for name in libraries}
            for turn in range(options.rounds):
                fitted = {}
                for name in sorted(libraries, reverse=bool(turn % 2)):
                    begin = time.perf_counter()
                    fitted[name] = libraries[name](options.clusters, **arguments).fit(X)
                    times[name].append(time.perf_counter() - begin)
            ours, theirs = fitted["minidl"], fitted["scikit-learn"]
            ratios = [a / b for a, b in zip(times["minidl"], times["scikit-learn"])]
            difference = abs(error(X, ours) / error(X, theirs) - 1)
            agree &= difference <= TOLERANCE
            print(f"{dtype} {start:9}  {ours.n_iter_:3d} and {theirs.n_iter_:3d} iterations  "
                  f"{statistics.median(times['minidl']):6.3f} s and {statistics.median(times['scikit-learn']):6.3f} s  "
                  f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})  inertia differs by {difference:.1e}")
    return 0 if agree else 1


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kmeans", description=__doc__.partition(": ")[2])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--features", type=int, default=32)
    parser.add_argument("--clusters", type=int, default=64)
    options = parser.parse_args(arguments)
    environment = measure.environment(options.threads)
    if os.environ.get("OMP_NUM_THREADS") == environment["OMP_NUM_THREADS"]:
        return run(options)
    # The libraries read the number of threads when they are loaded.
    return subprocess.run([sys.executable, "-m", "benchmarks.kmeans", *(sys.argv[1:] if arguments is None else arguments)],
                          cwd=measure.ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
