"""Files of tensors: PyTorch's own checkpoints without PyTorch, and the formats of NumPy and safetensors.

`load` trusts no file. A checkpoint is a pickle, and a pickle is a program; here only the things in an explicit table can be
built by it (`minidl.serialization.rebuild`), anything else is refused by name, and nothing of the file's is ever run.
"""

from typing import Any

from .formats import load_npz as load_npz
from .formats import load_safetensors as load_safetensors
from .formats import save_npz as save_npz
from .formats import save_safetensors as save_safetensors
from .names import get_unsafe_globals_in_checkpoint as get_unsafe_globals_in_checkpoint
from .read import load as load
from .trust import add_safe_globals as add_safe_globals
from .trust import clear_safe_globals as clear_safe_globals
from .trust import get_safe_globals as get_safe_globals
from .trust import safe_globals as safe_globals
from .write import DEFAULT_PROTOCOL as DEFAULT_PROTOCOL
from .write import save as save

MAP_LOCATION = Any  # of annotations: where to load to
