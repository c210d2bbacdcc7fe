"""The command ``minidl``: train, eval, predict."""

from .main import main as main
