"""The command ``minidl``; `main.parser` lists what it does."""

from .main import main as main
