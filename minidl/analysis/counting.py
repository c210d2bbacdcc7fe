"""Parameters, multiply-accumulates and floating-point operations of a model. `minidl.analysis.costs` has the conventions."""

from __future__ import annotations

import threading
from typing import Any

from ..core.watch import Call, Watcher, watching
from ..nn import Module
from .costs import Cost, cost_of
from .run import inputs_of, run

__all__ = ["count_flops", "count_macs", "count_parameters"]


class CostWatcher(Watcher):
    """Sums the costs of this thread's operations."""

    def __init__(self) -> None:
        self.total, self.thread = Cost(), threading.get_ident()

    def enter(self, call: Call) -> None: ...

    def leave(self, call: Call) -> None:
        if threading.get_ident() == self.thread:
            cost = cost_of(call)
            if cost is not None:
                self.total.add(cost)


def costs(what: str, model: Any, **inputs: Any) -> Cost:
    watcher = CostWatcher()
    with watching(watcher):
        run(what, model, inputs_of(**inputs))
    return watcher.total


def count_parameters(model: Module, trainable: bool = False) -> int:
    """The number of elements of all parameters, each shared one once; of those that require a gradient if `trainable`.

    Buffers (such as the running statistics of batch normalisation) are no parameters. ValueError for a lazy layer's
    parameters before its first input.

    >>> from minidl import nn
    >>> count_parameters(nn.Linear(3, 2))
    8
    """
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)


def count_macs(model: Any, input_size: Any = None, *, input_data: Any = None, batch_dim: int | None = None, dtypes: Any = None,
               bias: bool = False) -> int:
    """Multiply-accumulates of one forward of a model, or of any function of tensors.

    One MAC is one product added to a sum. All convolutions, transposed convolutions and matrix products count, in layers,
    recurrent cells, attention and functional calls alike, padding as if it were data; not activations, pooling and
    normalisation. With `bias`, each addition of a bias counts as one more. The inputs are those of `summary`; whole batches are
    counted, so give a batch of 1 to compare with published figures.

    >>> from minidl import nn
    >>> count_macs(nn.Conv2d(3, 8, 3, padding=1), (1, 3, 10, 10)), 8 * 3 * 3 * 3 * 10 * 10
    (21600, 21600)
    """
    total = costs("count_macs", model, input_size=input_size, input_data=input_data, batch_dim=batch_dim, dtypes=dtypes)
    return total.macs + bias * total.bias


def count_flops(model: Any, input_size: Any = None, *, input_data: Any = None, batch_dim: int | None = None,
                dtypes: Any = None, bias: bool = False, activations: bool = False) -> int:
    """Floating-point operations of one forward: two for each MAC of `count_macs`.

    With `bias` one for each addition of a bias; with `activations` also the operations on single elements: one for each
    element that an activation, sum or product yields, one for each element that a pooling or reduction reads, two for batch
    normalisation's scale and shift, three for softmax.

    >>> from minidl import nn
    >>> net = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    >>> count_flops(net, (1, 3)), count_flops(net, (1, 3), bias=True, activations=True)
    (12, 16)
    """
    total = costs("count_flops", model, input_size=input_size, input_data=input_data, batch_dim=batch_dim, dtypes=dtypes)
    return 2 * total.macs + bias * total.bias + activations * total.other
