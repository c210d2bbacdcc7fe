"""The mechanism: Tensor, graph, engine, and how ops are made. Needs NumPy alone."""

from .dtypes import default_dtype as default_dtype
from .memory import keep_freed_memory
from .modes import modes as modes
from .primitive import primitive as primitive
from .registry import public as public
from .tensor import Tensor as Tensor
from .tensor import data_of as data_of
from .tensor import dtype_of as dtype_of
from .tensor import from_array as from_array
from .tensor import wrap as wrap

keep_freed_memory(1 << 29)
