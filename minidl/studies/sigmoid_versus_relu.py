"""Sigmoid versus ReLU: vanishing and exploding gradients, and the scale of the first weights.

The gradient reaches a layer as a product with one factor for each layer above: its weights, times the slope of its activation. With
weights of variance gain^2 / fan_in, a layer multiplies the gradient's mean square by gain^2 E[slope^2].

- *Sigmoid*: the slope is at most 1/4, so at gain 1 ten layers divide the gradient by 4^10, a million: it vanishes. More gain makes up
  for it, but saturates the units, whose slope falls; the mean output of 1/2 does the same. Glorot & Bengio (2010, Understanding the difficulty
  of training deep feedforward neural networks) saw its top hidden layer saturate first.
- *Tanh*: the slope at zero is 1, so gain 1 is right for small signals (their initialisation, for layers of one width).
- *ReLU*: the slope is 1 for one half and 0 for the other, so gain^2 / 2 = 1: gain sqrt(2) (He et al., 2015, Delving deep into rectifiers, arXiv
  1502.01852). There is no saturation to stop it: with twice that gain the signal and the gradient double in each layer, and explode.

PyTorch's own initialisation of a linear layer, uniform with the variance 1 / (3 fan_in), is gain 0.58.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import nn
from ..core.generator import manual_seed
from ..nn import functional as F
from .loop import Images, constant, evaluate, fit, images
from .picture import COLOURS, panels, write
from .registry import Result, study

__all__ = ["sigmoid_versus_relu"]

GAINS = tuple(2.0 ** (k / 2) for k in range(-2, 7))  # 1/2 to 8
RATES = (0.001, 0.01, 0.1, 1.0)
ACTIVATIONS: dict[str, tuple[Any, float]] = {  # and the gain that keeps a small signal's gradient: 1 over the root of the mean squared slope
    "sigmoid": (nn.Sigmoid, 4.0), "tanh": (nn.Tanh, 1.0), "ReLU": (nn.ReLU, math.sqrt(2))}
WIDTH = 64


def build(name: str, gain: float, depth: int, seed: int) -> nn.Sequential:
    """`depth` hidden layers with weights of variance gain^2 / fan_in and no bias at first, and a linear layer with gain 1."""
    manual_seed(seed)
    layers: list[nn.Module] = []
    for i in range(depth + 1):
        layers += [nn.Linear(64 if i == 0 else WIDTH, WIDTH if i < depth else 10), *([ACTIVATIONS[name][0]()] if i < depth else [])]
        nn.init.normal_(layers[2 * i].weight, std=(gain if i < depth else 1) / math.sqrt(layers[2 * i].in_features))
        nn.init.zeros_(layers[2 * i].bias)
    return nn.Sequential(*layers)


def signals(net: nn.Sequential, data: Images) -> tuple[list[float], list[float], list[float]]:
    """Of each hidden layer: the standard deviation of its outputs over images, and the loss's gradient by its outputs and by its weights (norms)."""
    outputs, x = [], data[0]
    for layer in net:
        x = layer(x)
        if not isinstance(layer, nn.Linear):
            x.retain_grad()
            outputs.append(x)
    F.cross_entropy(x, data[1]).backward()
    return ([float(y.detach().var(0).mean().sqrt()) for y in outputs], [float(y.grad.norm()) for y in outputs],
            [float(layer.weight.grad.norm()) for layer in list(net)[:-1:2]])


@study
def sigmoid_versus_relu(seed: int = 0, gains: Sequence[float] = GAINS, rates: Sequence[float] = RATES, depth: int = 10, epochs: int = 6) -> Result:
    """Outputs, gradients and training loss of deep networks, by activation and initial scale."""
    (x, labels), (test_x, test_labels) = images(True), images(False)
    data, held_out = (x - x.mean(), labels), (test_x - x.mean(), test_labels)
    table: list[Sequence[Any]] = [("activation", "gain", "outputs: last / first layer", "gradient by outputs: first / last",
                                   "by weights: first / last", "by weights: first", "best rate", "training loss", "held-out accuracy")]
    figure, (left, middle, right) = panels(3)
    best: dict[str, tuple[float, float]] = {}
    for (name, (_, critical)), colour, marker in zip(ACTIVATIONS.items(), COLOURS, "osD"):
        firsts, losses = [], []
        for gain in gains:
            widths, by_outputs, by_weights = signals(build(name, gain, depth, seed), data)
            runs = []
            for rate in rates:
                net = build(name, gain, depth, seed)
                for _ in fit(net, data, epochs, constant(32, rate)):
                    pass
                runs.append((evaluate(net, data)[0], rate, evaluate(net, held_out)[1]))
            loss, rate, accuracy = min(runs)
            table.append((name, gain, widths[-1] / widths[0], by_outputs[0] / by_outputs[-1], by_weights[0] / by_weights[-1], by_weights[0],
                          rate, loss, accuracy))
            firsts.append(by_weights[0])
            losses.append(loss)
        best[name] = min(zip(losses, gains))
        for gain, style in {critical: "--", 1.0: "-"}.items():
            norms = signals(build(name, gain, depth, seed), data)[1]
            left.plot(range(1, depth + 1), norms, style, color=colour, marker=marker, markersize=4, label=f"{name}, gain {gain:.3g}")
        middle.plot(gains, firsts, color=colour, marker=marker, markersize=5)
        write(middle, gains[-1], firsts[-1], name, colour)
        right.plot(gains, losses, color=colour, marker=marker, markersize=5, label=name)
        right.axvline(critical, color=colour, linestyle=":", zorder=0)
    left.legend(loc="lower right")
    left.set(yscale="log", xlabel="hidden layer, from the input", ylabel="norm of the loss's gradient by the layer's outputs",
             title=f"{depth} hidden layers, at initialisation")
    middle.set(xscale="log", yscale="log", xlabel="gain: the weights' deviation, times root of fan_in",
               ylabel="norm of the gradient by the first weights", title="What reaches the first layer", xlim=(None, gains[-1] * 2.4))
    right.set(xscale="log", xlabel="gain (dotted: slopes of small signals make up for it)", ylabel="training loss (nats)",
              title=f"After {epochs} epochs, at the best of {len(rates)} rates", ylim=(0, 3))
    for axis in (middle, right):
        axis.xaxis.minorticks_off()
        axis.set_xticks(gains[::2], [f"{gain:g}" for gain in gains[::2]])
    right.legend(loc="upper center", ncols=3)
    for axis in (left, middle, right):
        axis.grid(axis="y", alpha=0.3)
    learnt = {name: [row[1] for row in table[1:] if row[0] == name and row[7] < 1] for name in ACTIVATIONS}
    says = (" ".join(f"{name[0].upper() + name[1:]}: least loss {loss:.3f} at gain {gain:.3g}, and below 1 at {len(learnt[name])} of "
                     f"{len(gains)} gains."
                     for name, (loss, gain) in best.items())
            + " The gradient by the weights is the gradient by the outputs times the inputs: where both grow or shrink alike on their ways "
            "(ReLU, and tanh up to gain 1.4), it is the same for all layers, and too small or too great for all of them.")
    return Result(table, figure, says)
