"""Learning-rate schedules: PyTorch's ``torch.optim.lr_scheduler``, with its numbers.

A schedule is made after its optimizer and stepped after the optimizer's step, once an epoch (`OneCycleLR` and `CyclicLR`: once
a batch). The usual recipe of warm-up, cosine and restarts is a sequence of two: a line from 1% up to the full rate, then
cosines that begin anew after `T_0` epochs, after `T_0 T_mult` more, and so on.

>>> import minidl as torch
>>> from minidl.optim import SGD
>>> optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
>>> warm_up = LinearLR(optimizer, start_factor=0.01, total_iters=4)
>>> cosines = CosineAnnealingWarmRestarts(optimizer, T_0=4, T_mult=2, eta_min=0.001)
>>> scheduler = SequentialLR(optimizer, [warm_up, cosines], milestones=[4])
>>> rates = []
>>> for epoch in range(12):
...     optimizer.step()
...     rates.append(round(scheduler.get_last_lr()[0], 4))
...     scheduler.step()
>>> rates
[0.001, 0.0258, 0.0505, 0.0752, 0.1, 0.0855, 0.0505, 0.0155, 0.1, 0.0962, 0.0855, 0.0694]
"""

from .base import LRScheduler as LRScheduler
from .combined import ChainedScheduler as ChainedScheduler
from .combined import SequentialLR as SequentialLR
from .cosine import CosineAnnealingLR as CosineAnnealingLR
from .cosine import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from .cycles import CyclicLR as CyclicLR
from .cycles import OneCycleLR as OneCycleLR
from .decay import ConstantLR as ConstantLR
from .decay import ExponentialLR as ExponentialLR
from .decay import LambdaLR as LambdaLR
from .decay import LinearLR as LinearLR
from .decay import MultiplicativeLR as MultiplicativeLR
from .decay import MultiStepLR as MultiStepLR
from .decay import PolynomialLR as PolynomialLR
from .decay import StepLR as StepLR
from .plateau import ReduceLROnPlateau as ReduceLROnPlateau

_LRScheduler = LRScheduler  # the old name
