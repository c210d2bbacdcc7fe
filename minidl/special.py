"""Special functions: ``torch.special``, from the ops' table."""

from . import ops as _ops  # fills the table  # noqa: F401
from .core.registry import namespace as _namespace

globals().update(_namespace("special"))
