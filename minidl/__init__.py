"""PyTorch's semantics in NumPy that a person can read: ``import minidl as torch``."""

from . import ops as _ops
from .bind import bind as _bind
from .core import dtypes as _dtypes
from .core.modes import *
from .core.registry import namespace as _namespace
from .core.tensor import Size as Size
from .core.tensor import Tensor as Tensor
from .core.tensor import device as device

_bind()
globals().update(_namespace("torch"))
globals().update({_d.name: _d for _d in _dtypes.DTYPES.values()} | _dtypes.ALIASES)
