"""Special functions: ``torch.special``, from the ops' table."""

from .core.registry import namespace as _namespace

globals().update(_namespace("special"))
