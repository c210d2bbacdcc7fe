"""PyTorch's semantics in NumPy that a person can read: ``import minidl as torch``.

The operations come from one table, which the modules in `minidl.ops` fill; nothing is defined here.
"""

from . import ops as _ops
from .bind import bind as _bind
from .core import dtypes as _dtypes
from .core.dtypes import dtype as dtype
from .core.dtypes import finfo as finfo
from .core.dtypes import get_default_dtype as get_default_dtype
from .core.dtypes import iinfo as iinfo
from .core.dtypes import set_default_dtype as set_default_dtype
from .core.generator import Generator as Generator
from .core.generator import default_generator as default_generator
from .core.modes import *
from .core.printing import set_printoptions as set_printoptions
from .core.registry import namespace as _namespace
from .core.tensor import Size as Size
from .core.tensor import Tensor as Tensor
from .core.tensor import device as device
from .ops.memory import channels_last as channels_last
from .ops.memory import channels_last_3d as channels_last_3d
from .ops.memory import contiguous_format as contiguous_format
from .ops.memory import layout as layout
from .ops.memory import memory_format as memory_format
from .ops.memory import preserve_format as preserve_format
from .ops.memory import strided as strided

_bind()
globals().update(_namespace("torch"))
globals().update({_d.name: _d for _d in _dtypes.DTYPES.values()} | _dtypes.ALIASES)

from . import autograd as autograd  # noqa: E402
from . import linalg as linalg  # noqa: E402
from . import special as special  # noqa: E402
from . import nn as nn  # noqa: E402
from . import optim as optim  # noqa: E402
from . import utils as utils  # noqa: E402

from . import serialization as serialization  # noqa: E402
from .serialization import load as load  # noqa: E402
from .serialization import save as save  # noqa: E402
from .version import __version__ as __version__  # noqa: E402
