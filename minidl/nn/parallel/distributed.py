"""``torch.nn.parallel.distributed``: the name of a module of several processes."""

from . import DistributedDataParallel as DistributedDataParallel
