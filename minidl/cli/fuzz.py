"""``minidl fuzz``: a function held against an operator over drawn calls."""

from __future__ import annotations

import argparse
import importlib
import random
import sys
import time
from typing import Any

from ..testing.adapters import Candidate, jax_function, minidl_function, numpy_function, torch_function
from ..testing.checking import check
from ..testing.onnx import onnx_operator
from ..testing.report import Mismatch
from .train import positive

__all__ = ["add_fuzz_arguments", "run_fuzz"]

ADAPTERS: dict[str, Any] = {"numpy": numpy_function, "minidl": minidl_function, "torch": torch_function, "jax": jax_function}


def add_fuzz_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("function", help="MODULE:FUNCTION, called as PyTorch's operator is; with --library onnx an ONNX operator")
    parser.add_argument("--as", dest="op", required=True, metavar="OPERATOR", help="what it should be, such as conv_transpose2d")
    parser.add_argument("--library", dest="arrays", choices=[*ADAPTERS, "onnx"], default="numpy", help="whose arrays it takes")
    parser.add_argument("--examples", type=positive, default=500, help="how many calls are drawn")
    parser.add_argument("--seed", type=int, help="the same seed draws the same calls; by default another each time")
    parser.add_argument("--oracle", choices=["minidl", "none"], default="minidl", help="none: relations and slopes alone")
    parser.add_argument("--plain", action="store_true", help="only contiguous arrays, batches, and paddings in numbers")
    parser.add_argument("--forward", action="store_true", help="outputs alone, no gradients")


def run_fuzz(arguments: argparse.Namespace) -> int:
    """Hold a function against an operator over drawn calls; print the simplest that differs, as a script."""
    try:
        from ..testing.strategies import cases
    except ImportError as error:
        raise ValueError(f"drawing calls needs Hypothesis, which `pip install hypothesis` brings ({error})") from None

    seed = random.randrange(2 ** 31) if arguments.seed is None else arguments.seed
    candidate = onnx_operator(arguments.function) if arguments.arrays == "onnx" else load(arguments.function, arguments.arrays)
    start = time.perf_counter()
    try:
        count = check(candidate, arguments.op, cases(arguments.op, arguments.plain), None if arguments.oracle == "none" else "minidl",
                      examples=arguments.examples, seed=seed, orders=0 if arguments.forward else 2)
    except Mismatch as found:
        print(found.script)
        print(f"\n# found with --seed {seed}")
        return 1
    print(f"{count} calls of {arguments.op} agree ({time.perf_counter() - start:.1f} s, seed {seed})")
    return 0


def load(name: str, library: str) -> Candidate:
    """The function MODULE:FUNCTION as a candidate; modules are looked for in the current directory too."""
    module, colon, path = name.partition(":")
    if not colon:
        raise ValueError(f"expected MODULE:FUNCTION, got {name!r}")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        function: Any = importlib.import_module(module)
    except ImportError as error:
        raise ValueError(f"cannot import {module!r}: {error}") from None
    for part in path.split("."):
        if not hasattr(function, part):
            raise ValueError(f"{module} has no {path}")
        function = getattr(function, part)
    if library == "torch":
        importlib.import_module(library).set_num_threads(1)  # for calls as small as these, threads only wait
    candidate: Candidate = ADAPTERS[library](function)
    return candidate
