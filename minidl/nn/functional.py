"""The functions behind the layers: those of the ops' table that belong to ``nn.functional``."""

import typing as _typing
from functools import partial as _partial

from .. import ops as _ops  # fills the table  # noqa: F401
from ..core.registry import namespace as _namespace

globals().update(_namespace("nn.functional"))
for _pool in ("max_pool1d", "max_pool2d", "max_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d",
              "fractional_max_pool2d", "fractional_max_pool3d"):
    globals()[f"{_pool}_with_indices"] = _partial(globals()[_pool], return_indices=True)

if _typing.TYPE_CHECKING:
    def __getattr__(name: str) -> _typing.Any: ...
