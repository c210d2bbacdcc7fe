"""Depth, plain and residual: why a deeper network can be worse in training, and what a shortcut changes.

A plain network of convolutions could copy what a shallower one computes and put identities behind it, so its training loss should be
no worse. He et al. (2015, Deep residual learning for image recognition, arXiv 1512.03385) found that it is worse, with batch
normalisation and without overfitting: *degradation*, a failure of the search and not of the network. A residual block computes
relu(x + f(x)), so that f = 0 is the identity, and the gradient reaches x by the sum undiminished. With the sum left bare,
x + f(bn, relu, conv, bn, relu, conv), nothing at all stands between the first block and the last (He et al., 2016, Identity mappings in
deep residual networks, arXiv 1603.05027: *pre-activation*).

Batch normalisation keeps the signal at one scale on the way up, but at initialisation each plain layer of ReLU and normalisation makes the
gradient greater on the way down (by sqrt(pi / (pi - 1)) = 1.21 in a wide layer: Yang et al., 2019, A mean field theory of batch
normalization, arXiv 1902.08129). So it is exploding gradients and not vanishing ones that a plain network with normalisation has.

Everything here is small: 8 channels, 4 x 4 positions, a few epochs. The harm to deep plain networks is that of the papers (theirs has 18 to 56
layers and more epochs); the paper's gain by pre-activation, seen there from 100 layers on, is not: in so few epochs it learns more slowly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import nn
from ..core.generator import manual_seed
from ..core.tensor import Tensor
from ..nn import functional as F
from .loop import evaluate, fit, gradient_norms, images
from .picture import COLOURS, panels, plain_ticks, spread, write
from .registry import Result, study

__all__ = ["residual_depth"]

DEPTHS = (8, 20, 32, 44)
KINDS = ("plain", "residual", "pre-activation")
WIDTH = 8


class Block(nn.Module):
    """Two 3 x 3 convolutions of one width; `kind` says in what order, and whether the input is added."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.conv1, self.conv2 = (nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(WIDTH), nn.BatchNorm2d(WIDTH)

    def forward(self, x: Any) -> Tensor:
        if self.kind == "pre-activation":
            return x + self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(x))))))
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + x if self.kind == "residual" else y)


def build(kind: str, depth: int) -> nn.Sequential:
    """A network of 4 x 4 positions, `depth` layers of weights and the initialisation of He et al."""
    stem, end = [nn.BatchNorm2d(WIDTH), nn.ReLU()], []
    if kind == "pre-activation":
        stem, end = [], stem
    net = nn.Sequential(nn.Conv2d(1, WIDTH, 3, 2, 1, bias=False), *stem, *(Block(kind) for _ in range((depth - 2) // 2)), *end,
                        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTH, 10))
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
    return net


@study
def residual_depth(seed: int = 0, depths: Sequence[int] = DEPTHS, epochs: int = 5, repeats: int = 2) -> Result:
    """Plain, residual and pre-activation networks as they grow deeper, and the gradients of their layers."""
    data, held_out = images(True, (1, 8, 8)), images(False, (1, 8, 8))
    norms: dict[str, list[float]] = {}
    ends: dict[str, list[list[tuple[float, ...]]]] = {kind: [] for kind in KINDS}
    table: list[Sequence[Any]] = [("depth", "kind", "gradient: first / last layer", "training loss", "training accuracy", "held-out accuracy")]
    for depth in depths:
        for kind in KINDS:
            runs, ratios = [], []
            for r in range(repeats):
                manual_seed(seed + r)
                net = build(kind, depth)
                norms[kind] = gradient_norms(net, data)[:-1]  # of the convolutions; in the end those of the deepest net
                ratios.append(norms[kind][0] / norms[kind][-1])
                for _ in fit(net, data, epochs, lambda t: (64, 0.05 * (1 - t / epochs))):
                    pass
                runs.append((*evaluate(net, data), evaluate(net, held_out)[1]))
            ends[kind].append(runs)
            table.append((depth, kind, float(np.exp(np.mean(np.log(ratios)))), *map(float, np.mean(runs, 0))))
    figure, (left, middle, right) = panels(3)
    for kind, colour, marker in zip(KINDS, COLOURS, "osD"):
        values = np.array(ends[kind])
        spread(left, depths, values[:, :, 0], colour, kind, marker)
        spread(middle, depths, values[:, :, 2], colour, kind, marker)
        write(middle, depths[-1], values[-1, :, 2].mean(), kind, colour)
        right.plot(range(1, depths[-1]), norms[kind], color=colour, marker=marker, markersize=3)
        write(right, depths[-1] - 1, norms[kind][-1], kind, colour)
    plain_ticks(left, (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2))
    right.set_yscale("log")
    left.set(xlabel="layers", ylabel=f"training loss after {epochs} epochs (nats)", title="Deeper and worse in training")
    left.legend()
    middle.set(xlabel="layers", ylabel="held-out accuracy", title="The same on held-out images")
    right.set(xlabel="layer, from the input", ylabel="norm of the weights' gradient", title=f"{depths[-1]} layers, at initialisation")
    for axis, ticks in ((left, depths), (middle, depths), (right, range(0, depths[-1], 10))):
        axis.set_xticks(ticks)
    for axis in (middle, right):
        axis.grid(axis="y", alpha=0.3)
        axis.set_xlim(None, depths[-1] * 1.4)
    losses = {kind: np.array(values)[:, :, 0].mean(1) for kind, values in ends.items()}
    says = (f"Training loss from {depths[0]} to {depths[-1]} layers: "
            + ", ".join(f"{kind} {loss[0]:.2f} to {loss[-1]:.2f}" for kind, loss in losses.items())
            + f" (means of {repeats} runs of {epochs} epochs; bands: the runs).")
    return Result(table, figure, says)
