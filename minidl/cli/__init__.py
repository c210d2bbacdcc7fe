"""The command ``minidl``: train, eval, predict, quantize, ops."""

from .main import main as main
