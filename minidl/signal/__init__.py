"""Signal processing: what ``torch.signal`` has, its windows."""

from . import windows as windows
