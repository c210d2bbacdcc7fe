"""Linear algebra: the functions of ``torch.linalg``, from the ops' table."""

import typing as _typing

from .core.registry import namespace as _namespace
from .ops.linalg import LinAlgError as LinAlgError

globals().update(_namespace("linalg"))

if _typing.TYPE_CHECKING:
    def __getattr__(name: str) -> _typing.Any: ...
