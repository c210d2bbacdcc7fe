"""Discrete Fourier transforms: the functions of ``torch.fft``, from the ops' table."""

import typing as _typing

from . import ops as _ops  # fills the table  # noqa: F401
from .core.registry import namespace as _namespace

globals().update(_namespace("fft"))

if _typing.TYPE_CHECKING:
    def __getattr__(name: str) -> _typing.Any: ...
