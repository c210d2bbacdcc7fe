"""Loading data, and trading time for memory: PyTorch's ``torch.utils``."""

from . import checkpoint as checkpoint
from . import data as data
from . import hooks as hooks
