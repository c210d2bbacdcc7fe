"""Batch normalisation's momentum, and statistics that lag.

In training a channel is normalised by its mean and variance over the batch, in evaluation by running estimates of them (Ioffe & Szegedy,
2015, arXiv 1502.03167): ``running = (1 - momentum) running + momentum batch``. PyTorch's momentum is the share of the *new* value, 0.1 (most
others' is the share of the old one). After n steps the first values, 0 and 1, still weigh (1 - momentum)^n, and the estimate's memory is
about 1 / momentum steps long.

- *Small momentum*: the network in evaluation is normalised by what its layers did long ago, and before 1 / momentum steps by values that were never
  measured. The training loss shows nothing of it, as training does not use them.
- *Great momentum, small batches*: the estimate is that of the last few images, and noisy. What momentum 0.1 averages at batch 128 are about
  2,500 images, at batch 4 eighty.
- The remedy is exact statistics: ``momentum=None`` averages all batches alike, here over the training images with the final weights
  (Wu & Johnson, 2021, Rethinking "batch" in batch norm, arXiv 2105.07576: *precise* batch normalisation).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import nn
from ..core.generator import manual_seed
from ..core.modes import no_grad
from .loop import Images, constant, evaluate, fit, images
from .picture import COLOURS, panels, spread
from .registry import Result, study

__all__ = ["batch_norm_momentum", "build", "exact"]

MOMENTA = (0.001, 0.01, 0.1, 0.5, 1.0)
PLANS = ((4, 2, 0.01), (128, 6, 0.1))  # batch size, epochs and learning rate
COUNT = 1408  # images: both sizes divide it, as a batch of one image has no variance


def build(momentum: float = 0.1, eps: float = 1e-5) -> nn.Sequential:
    """A normalisation of the pixels, and two hidden layers with one each; `eps` is that of the first."""
    layers: list[nn.Module] = [nn.BatchNorm1d(64, eps, momentum)]
    for i in (64, 32):
        layers += [nn.Linear(i, 32), nn.BatchNorm1d(32, momentum=momentum), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(32, 10))


@no_grad()
def exact(net: nn.Sequential, data: Images) -> nn.Sequential:
    """The network with the statistics of all these images in the place of running estimates."""
    for m in net.modules():
        if isinstance(m, nn.BatchNorm1d):
            m.reset_running_stats()
            m.momentum = None
    net.train()(data[0])
    return net


@study
def batch_norm_momentum(seed: int = 0, momenta: Sequence[float] = MOMENTA, plans: Sequence[tuple[int, int, float]] = PLANS,
                        repeats: int = 5) -> Result:
    """Running statistics that lag or are noisy, by momentum and batch size, beside exact ones."""
    data, held_out = images(True, count=COUNT), images(False)
    table: list[Sequence[Any]] = [("batch", "momentum", "first values' weight", "running: held-out loss", "running: accuracy", "exact: loss",
                                   "exact: accuracy")]
    figure, (left, right) = panels(2, 6)
    words = []
    for (size, epochs, rate), colour, marker in zip(plans, COLOURS, "os"):
        ends, best = [], []
        for momentum, shade in zip(momenta, COLOURS):
            curves, runs = [], []
            for r in range(repeats):
                manual_seed(seed + r)
                net = build(momentum)
                curves.append([evaluate(net, held_out)[1] for _ in fit(net, data, epochs, constant(size, rate))])
                runs.append((*evaluate(net, held_out), *evaluate(exact(net, data), held_out)))
            ends.append([run[1] for run in runs])
            best.append([run[3] for run in runs])
            table.append((size, momentum, (1 - momentum) ** (epochs * COUNT // size), *map(float, np.mean(runs, 0))))
            if size == plans[-1][0]:
                spread(left, range(1, epochs + 1), np.transpose(curves), shade, f"momentum {momentum:g}")
        spread(right, momenta, ends, colour, f"batch {size}, running statistics", marker)
        spread(right, momenta, best, colour, f"batch {size}, exact statistics", "", "--")
        means = np.mean(ends, 1)
        words.append(f"batch {size}: {means.min():.3f} (momentum {momenta[means.argmin()]:g}) to {means.max():.3f} (momentum "
                     f"{momenta[means.argmax()]:g}), {np.mean(best):.3f} exact")
    left.set(xlabel="epoch", ylabel="held-out accuracy, running statistics",
             title=f"Lag: batch {plans[-1][0]}, {COUNT // plans[-1][0]} steps an epoch")
    left.legend(loc="lower right")
    right.set(xscale="log", xlabel="momentum (share of the new batch)", ylabel="held-out accuracy", title="Lag on the left, noise on the right")
    right.set_xticks(momenta, [f"{momentum:g}" for momentum in momenta])
    right.xaxis.minorticks_off()
    right.legend(loc="lower center")
    for axis in (left, right):
        axis.grid(axis="y", alpha=0.3)
    return Result(table, figure, "Held-out accuracy of the same weights, by momentum. " + "; ".join(words) + f" (means of {repeats} runs).")
