"""``torch.utils.dlpack``: arrays of other libraries without a copy.

>>> import numpy as np
>>> from_dlpack(np.ones(2))
tensor([1., 1.], dtype=torch.float64)
"""

from typing import Any

from ..ops.history import from_dlpack as from_dlpack


def to_dlpack(tensor: Any) -> Any:
    """A capsule of the tensor's memory."""
    return tensor.__dlpack__()
