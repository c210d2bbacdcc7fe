"""The public namespace, with PyTorch's names: gathered here when `minidl` is first asked for one; nothing is defined here."""

from math import e as e
from math import inf as inf
from math import nan as nan
from math import pi as pi

import minidl as torch  # torch.torch is PyTorch too  # noqa: F401

from . import autograd as autograd
from . import ops as _ops  # fills the table  # noqa: F401
from .amp import GradScaler as GradScaler
from .amp import autocast as autocast
from .compat import *
from .core import dtypes as _dtypes
from .core.dtypes import dtype as dtype
from .core.dtypes import finfo as finfo
from .core.dtypes import get_default_dtype as get_default_dtype
from .core.dtypes import iinfo as iinfo
from .core.dtypes import set_default_dtype as set_default_dtype
from .core.generator import Generator as Generator
from .core.generator import default_generator as default_generator
from .core.modes import enable_grad as enable_grad
from .core.modes import inference_mode as inference_mode
from .core.modes import is_grad_enabled as is_grad_enabled
from .core.modes import is_inference_mode_enabled as is_inference_mode_enabled
from .core.modes import no_grad as no_grad
from .core.modes import set_grad_enabled as set_grad_enabled
from .core.printing import set_printoptions as set_printoptions
from .core.registry import namespace as _namespace
from .core.tensor import Size as Size
from .core.tensor import Tensor as Tensor
from .core.tensor import device as device
from .core.threads import get_num_threads as get_num_threads
from .core.threads import set_num_threads as set_num_threads
from .futures import Future as Future
from .ops.memory import channels_last as channels_last
from .ops.memory import channels_last_3d as channels_last_3d
from .ops.memory import contiguous_format as contiguous_format
from .ops.memory import jagged as jagged
from .ops.memory import layout as layout
from .ops.memory import memory_format as memory_format
from .ops.memory import preserve_format as preserve_format
from .ops.memory import sparse_bsc as sparse_bsc
from .ops.memory import sparse_bsr as sparse_bsr
from .ops.memory import sparse_coo as sparse_coo
from .ops.memory import sparse_csc as sparse_csc
from .ops.memory import sparse_csr as sparse_csr
from .ops.memory import strided as strided

globals().update(_namespace("torch"))
globals().update({_d.name: _d for _d in _dtypes.DTYPES.values()} | _dtypes.ABSENT | _dtypes.ALIASES)
