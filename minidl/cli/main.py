"""Arguments of the command line, and what is done with an error."""

from __future__ import annotations

import argparse
import io
import sys

from ..version import RELEASE
from . import evaluate, fuzz, gallery, quantize, reference, study, train
from .data import CheckpointError

__all__ = ["main"]


class Help(argparse.ArgumentDefaultsHelpFormatter):
    """Tells the default, unless it is that nothing is given."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, "") or action.default is False else super()._get_help_string(action)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="minidl", description="Deep learning in NumPy: train networks on images, use them, and look inside.")
    top.add_argument("--version", action="version", version=f"minidl {RELEASE}")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")
    for name, module in (("train", train), ("eval", evaluate), ("predict", evaluate), ("quantize", quantize), ("study", study),
                         ("gallery", gallery), ("ops", reference), ("fuzz", fuzz)):
        doc = (getattr(module, f"run_{name}").__doc__ or "").splitlines()[0]
        sub = commands.add_parser(name, help=doc, description=doc, formatter_class=Help)
        getattr(module, f"add_{name}_arguments")(sub)
        sub.set_defaults(run=getattr(module, f"run_{name}"))
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0, 1 after an error (told in one line), 130 after an interruption."""
    arguments = parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # so that progress shows in a file or pipe, too
    try:
        return int(arguments.run(arguments) or 0)
    except (CheckpointError, ValueError, OSError, RuntimeError) as error:
        print(f"minidl {arguments.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
