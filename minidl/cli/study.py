"""``minidl study``: an experiment on the digits, with its table and its plot."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..studies import STUDIES, run

__all__ = ["add_study_arguments", "run_study"]


def add_study_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=sorted(STUDIES), metavar="NAME", help=f"one of {', '.join(sorted(STUDIES))}")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same numbers")
    parser.add_argument("--out", type=Path, default=Path("studies"), help="directory of the plot")


def run_study(arguments: argparse.Namespace) -> int:
    """Run a study of how training goes, print its table and save its plot."""
    run(arguments.name, arguments.out, arguments.seed)
    return 0
