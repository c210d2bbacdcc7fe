"""``torch.distributed.nn``: communication through which gradients flow; ValueError, as there is no group of processes."""

from . import all_gather as all_gather
from . import all_reduce as all_reduce
from . import broadcast as broadcast
