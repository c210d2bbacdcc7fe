"""Batch normalisation before the activation, after it, and not at all.

Ioffe & Szegedy (2015, Batch normalization: accelerating deep network training by reducing internal covariate shift, arXiv 1502.03167)
normalise w x + b *before* the activation, as a sum is nearer to symmetric than what an activation leaves of it: activation(bn(w x)). After
it, bn(activation(w x)) instead gives the next layer inputs of mean 0 and variance 1, which is what LeCun et al. (1998, Efficient backprop)
ask of inputs. There is no theorem for either, and published comparisons disagree; residual networks fix an order of their own (He et al., 2016).

What is compared is the training loss after a fixed number of epochs at each learning rate, since the best rate of one order need not be that of
the other. Either place makes deep sigmoid networks train, which do not without, and widens the range of rates for ReLU; which place is the better
one depends on the activation and the rate, by less than normalisation itself matters. The range reaches furthest up before a sigmoid: weights
that a normalisation follows at once may be multiplied by any number, so that too great a rate makes them grow and its own effect shrink.

- *ReLU*: before, a unit cannot be dead, as its sums have mean beta and deviation gamma over each batch. After, it may be dead for a batch, and is
  then normalised from zeros.
- *Sigmoid*: before, the sums stay where the slope is greatest, but the next layer gets positive inputs of small variance. After, its inputs
  are centred, and the sums' own scale is left to the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import nn
from ..core.generator import manual_seed
from .loop import constant, evaluate, fit, images
from .picture import COLOURS, panels, plain_ticks, spread
from .registry import Result, study

__all__ = ["batch_norm_order"]

RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
ORDERS = ("none", "before", "after")
ACTIVATIONS = {"ReLU": nn.ReLU, "sigmoid": nn.Sigmoid}
WIDTH = 32


def build(order: str, activation: str, depth: int) -> nn.Sequential:
    """Hidden layers with the initialisation of He et al. (2015), so that ReLU without normalisation has its chance as well."""
    layers: list[nn.Module] = []
    for i in range(depth):
        layers.append(nn.Linear(64 if i == 0 else WIDTH, WIDTH))
        nn.init.kaiming_normal_(layers[-1].weight, nonlinearity="relu")
        layers += {"none": [], "before": [nn.BatchNorm1d(WIDTH)], "after": []}[order]
        layers += [ACTIVATIONS[activation](), *([nn.BatchNorm1d(WIDTH)] if order == "after" else [])]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 10))


@study
def batch_norm_order(seed: int = 0, rates: Sequence[float] = RATES, depth: int = 6, epochs: int = 10, repeats: int = 3) -> Result:
    """Where to put batch normalisation, at each learning rate, for ReLU and for sigmoid."""
    data, held_out = images(True), images(False)
    table: list[Sequence[Any]] = [("activation", "normalised", "best rate", "training loss", "held-out accuracy", "rates with loss below 0.5")]
    figure, axes = panels(2, 6)
    words = []
    for activation, axis in zip(ACTIVATIONS, axes):
        best = {}
        for order, colour, marker in zip(ORDERS, COLOURS, "osD"):
            losses, accuracies = np.empty((2, len(rates), repeats))
            for i, rate in enumerate(rates):
                for r in range(repeats):
                    manual_seed(seed + r)
                    net = build(order, activation, depth)
                    for _ in fit(net, data, epochs, constant(64, rate)):
                        pass
                    losses[i, r], accuracies[i, r] = evaluate(net, data)[0], evaluate(net, held_out)[1]
            k = int(losses.mean(1).argmin())
            best[order] = float(losses[k].mean())
            spread(axis, rates, losses, colour, "not at all" if order == "none" else f"{order} the activation", marker)
            table.append((activation, order, rates[k], best[order], float(accuracies[k].mean()), f"{(losses.mean(1) < 0.5).sum()} of {len(rates)}"))
        words.append(f"{activation}: least training loss " + ", ".join(f"{loss:.3f} {order}" for order, loss in best.items()))
        plain_ticks(axis, (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10))
        axis.set(xscale="log", xlabel="learning rate (SGD, momentum 0.9, batch 64)", ylabel=f"training loss after {epochs} epochs (nats, 10 at most)",
                 title=f"{activation}, {depth} hidden layers")
        axis.set_xticks(rates, [f"{rate:g}" for rate in rates])
        axis.xaxis.minorticks_off()
        axis.legend()
    return Result(table, figure, "; ".join(words) + f" (means of {repeats} runs).")
