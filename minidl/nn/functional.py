"""The functions behind the layers: those of the ops' table that belong to ``nn.functional``."""

import typing as _typing

from .. import ops as _ops  # fills the table  # noqa: F401
from ..core.registry import namespace as _namespace

globals().update(_namespace("nn.functional"))

if _typing.TYPE_CHECKING:
    def __getattr__(name: str) -> _typing.Any: ...
