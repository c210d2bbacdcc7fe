"""The command ``minidl``: train, eval, predict, ops."""

from .main import main as main
