"""The functions behind the layers: those of the ops' table that belong to ``nn.functional``."""

from .. import ops as _ops  # fills the table  # noqa: F401
from ..core.registry import namespace as _namespace

globals().update(_namespace("nn.functional"))
