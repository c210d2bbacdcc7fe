"""Linear algebra: the functions of ``torch.linalg``, from the ops' table."""

from .core.registry import namespace as _namespace
from .ops.linalg import LinAlgError as LinAlgError

globals().update(_namespace("linalg"))
