"""Batch size and learning rate: what the one does to the other.

A step along the mean gradient of B images moves the weights by lr g. Divide the images of k such steps otherwise, into one batch k
times as large: one step with the rate k lr goes as far, as long as the gradient does not change much within it. So runs with equal
lr / B are the same run, image for image: the *linear scaling rule* (Goyal et al., 2017, Accurate, large minibatch SGD, arXiv
1706.02677). Seen from the noise: the steps' random part has the scale lr N / B for N images (Smith et al., 2018, Don't decay the
learning rate, increase the batch size, arXiv 1711.00489), so a larger batch acts as a smaller rate does.

What goes wrong at either end, in a fixed number of epochs:

- *Large batches.* The rate cannot grow with the batch for ever: above about 2 (1 + momentum) / curvature a step overshoots, however
  exact its gradient is. Past that point fewer steps are simply fewer, and the run ends unfinished. Goyal et al. begin with a warm-up,
  as the curvature of their deep networks is greatest at first; in this small one it changes little.
- *Small batches.* With the rate of a larger batch the noise keeps the run from settling, or throws it out. With a rate that is
  scaled down all is well but the time: N / B steps an epoch, each too small to fill the machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import nn
from ..core.generator import manual_seed
from .loop import Images, Plan, constant, evaluate, fit, images
from .picture import COLOURS, panels, plain_ticks, spread
from .registry import Result, study

__all__ = ["batch_size"]

SIZES = tuple(4 * 2 ** k for k in range(9))  # 4 to 1024
RATES = tuple(2.0 ** k for k in range(-10, 2))
BASE_SIZE, BASE_RATE = 32, 2.0 ** -4
RULES: dict[str, tuple[float, float]] = {  # how the rate grows with the batch (a power), and epochs of warm-up
    "same rate": (0, 0), "square root": (0.5, 0), "linear": (1, 0), "linear, warm-up": (1, 1)}


def train(data: Images, epochs: int, seed: int, plan: Plan) -> tuple[Any, list[float], int]:
    """A small network after some epochs; its training loss after each, and its number of steps."""
    manual_seed(seed)
    net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    losses, steps = [], 0
    for epoch in fit(net, data, epochs, plan):
        losses.append(evaluate(net, data)[0])
        steps += epoch.steps
    return net, losses, steps


@study
def batch_size(seed: int = 0, sizes: Sequence[int] = SIZES, rates: Sequence[float] = RATES, epochs: int = 10, repeats: int = 3) -> Result:
    """The linear scaling rule, where it ends, and a growing batch in the place of a falling rate."""
    data, held_out = images(True), images(False)
    grid = np.array([[train(data, epochs, seed, constant(b, r))[1][-1] for b in sizes] for r in rates])
    table: list[Sequence[Any]] = [("batch", "steps", "best rate", "its loss", *(f"{rule}: loss" for rule in RULES), "accuracy, linear")]
    ends: dict[str, list[list[float]]] = {rule: [] for rule in RULES}
    for column, b in enumerate(sizes):
        accuracies = []
        for rule, (power, warm) in RULES.items():
            ends[rule].append([])
            for repeat in range(repeats):
                net, losses, steps = train(data, epochs, seed + repeat, constant(b, BASE_RATE * (b / BASE_SIZE) ** power, warm))
                ends[rule][-1].append(losses[-1])
                if rule == "linear":
                    accuracies.append(evaluate(net, held_out)[1])
        best = int(grid[:, column].argmin())
        table.append((b, steps, rates[best], float(grid[best, column]), *(float(np.mean(ends[rule][-1])) for rule in RULES),
                      float(np.mean(accuracies))))
    falling = train(data, 12, seed, lambda t: (16, 0.1 * 0.25 ** (t // 4)))
    growing = train(data, 12, seed, lambda t: (int(16 * 4 ** (t // 4)), 0.1))
    figure, (left, middle, right) = panels(3)
    draw_grid(left, figure, grid, sizes, rates)
    draw_rules(middle, ends, sizes, epochs)
    for (_, losses, steps), label, style in ((falling, "rate / 4 every 4 epochs", "-"), (growing, "batch x 4 every 4 epochs", "--")):
        right.plot(range(1, 13), losses, style, marker="o", markersize=4, color=COLOURS[style == "--"], label=f"{label}: {steps} steps")
    for turn in (4, 8):
        right.axvline(turn, color="0.8", zorder=0)
    plain_ticks(right, (0.02, 0.05, 0.1, 0.2, 0.5))
    right.set(xlabel="epoch", ylabel="training loss", title="A growing batch for a falling rate")
    right.legend()
    spread = [math.log2(row[2] / row[0]) for row in table[1:-2]]
    says = (f"Best rate / batch size stays within a factor of {2 ** (max(spread) - min(spread)):.0f} while the batch grows by one of "
            f"{sizes[-3] / sizes[0]:.0f}. Growing the batch reaches {growing[1][-1]:.3f} in {growing[2]} steps, a falling rate "
            f"{falling[1][-1]:.3f} in {falling[2]}.")
    return Result(table, figure, says)


def draw_grid(axis: Any, figure: Any, grid: np.ndarray, sizes: Sequence[int], rates: Sequence[float]) -> None:
    mesh = axis.pcolormesh(np.log2(sizes), np.log2(rates), np.log10(grid), cmap="viridis_r", shading="nearest", vmin=-2, vmax=0.5)
    bar = figure.colorbar(mesh, ax=axis, label="training loss", ticks=[-2, -1.5, -1, -0.5, 0, 0.5])
    bar.ax.set_yticklabels([f"{10 ** t:.2g}" for t in (-2, -1.5, -1, -0.5, 0, 0.5)])
    axis.plot(np.log2(sizes), np.log2([BASE_RATE * b / BASE_SIZE for b in sizes]), "--", color="white", linewidth=2, label="rate / batch constant")
    axis.plot(np.log2(sizes), np.log2(rates)[grid.argmin(0)], "o", color=COLOURS[1], markeredgecolor="white", label="best rate of the batch size")
    axis.set_xticks(np.log2(sizes)[::2], sizes[::2])
    axis.set_yticks(np.log2(rates)[::2], [written(r) for r in rates[::2]])
    axis.set_ylim(np.log2(rates[0]) - 0.5, np.log2(rates[-1]) + 0.5)
    axis.set(xlabel="batch size", ylabel="learning rate", title="Equal rate / batch, equal loss")
    axis.legend(loc="lower right", facecolor="0.35", labelcolor="white", framealpha=0.9)


def draw_rules(axis: Any, ends: dict[str, list[list[float]]], sizes: Sequence[int], epochs: int) -> None:
    for (rule, values), colour, marker in zip(ends.items(), COLOURS, "osD^"):
        spread(axis, sizes, values, colour, rule, marker)
    axis.axvline(BASE_SIZE, color="0.8", zorder=0)
    plain_ticks(axis, (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2))
    axis.set(xscale="log", xlabel="batch size", ylabel=f"training loss after {epochs} epochs",
             title=f"Four ways from batch {BASE_SIZE}, rate {written(BASE_RATE)}")
    axis.set_xticks(sizes[::2], sizes[::2])
    axis.xaxis.minorticks_off()
    axis.legend()


def written(rate: float) -> str:
    """A power of two as a whole number or a fraction."""
    return f"1/{1 / rate:.0f}" if rate < 1 else f"{rate:.0f}"
