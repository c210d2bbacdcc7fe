"""Batch normalisation's eps: channels that are nearly constant.

y = (x - mean) / sqrt(var + eps) (Ioffe & Szegedy, 2015, arXiv 1502.03167), so no deviation is multiplied by more than 1 / sqrt(eps), 316 for
PyTorch's 1e-5. For ordinary channels eps does nothing. For a channel that hardly varies in training it decides how loud the little is, and a
*dead* channel, of variance zero, passes nothing in training: its weights get no gradient and keep their first values. A value that differs in use
then comes out as x / sqrt(eps), and these untrained weights carry it on.

The digits' pixels have such channels: three at the rim are zero in all training images here, and some others in all but a few. The study normalises
the pixels, trains, and gives one dead pixel of each held-out image the lowest grey level, 1/16, which the eye would not see.

The running variance hides this for a while: it starts at 1 and falls by the factor 0.9 a step for momentum 0.1, so that it reaches 1e-5 only after
some 110 steps. Which of the two limits the gain depends on how long was trained.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.generator import manual_seed
from ..core.tensor import wrap
from .batch_norm_momentum import COUNT, build, exact
from .loop import Images, constant, evaluate, fit, images
from .picture import COLOURS, panels, spread, write
from .registry import Result, study

__all__ = ["batch_norm_eps"]

EPSILONS = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 1e-12)


@study
def batch_norm_eps(seed: int = 0, epsilons: Sequence[float] = EPSILONS, epochs: int = 5, repeats: int = 5) -> Result:
    """What eps does to training, and to a speck in a pixel that is always zero in training."""
    data, held_out = images(True, count=COUNT), images(False)
    deviations = data[0].numpy().std(0)
    dead = np.flatnonzero(deviations == 0)
    table: list[Sequence[Any]] = [("eps", "greatest gain", "training loss", "held-out accuracy", "with speck, running", "with speck, exact")]
    clean: list[list[float]] = []
    lagging: list[list[float]] = []
    specked: list[list[float]] = []
    for eps in epsilons:
        runs = []
        for r in range(repeats):
            manual_seed(seed + r)
            net = build(eps=eps)
            for _ in fit(net, data, epochs, constant(128, 0.1)):
                pass
            before = with_speck(net, held_out, dead)
            loss = evaluate(exact(net, data), data)[0]
            runs.append((loss, evaluate(net, held_out)[1], before, with_speck(net, held_out, dead)))
        for rows, column in zip((clean, lagging, specked), (1, 2, 3)):
            rows.append([run[column] for run in runs])
        table.append((eps, 1 / math.sqrt(eps), *map(float, np.mean(runs, 0))))
    figure, (left, right) = panels(2, 6)
    x = np.logspace(-7, 0.5, 200)
    for eps, colour in zip((1e-12, 1e-8, 1e-5, 1e-2, 1.0), COLOURS):
        gain = 1 / np.sqrt(x ** 2 + eps)
        left.plot(x, gain, color=colour)
        write(left, x[0], gain[0], f"eps = {eps:g}", colour, 2, 7, ha="left")
    live = deviations[deviations > 0]
    left.plot(live, np.full(len(live), 0.15), "|", color="black", markersize=10)
    write(left, live.min(), 0.15, f"the digits' {len(live)} live pixels", "black", -4, 0, ha="right")
    left.set(xscale="log", yscale="log", xlabel="standard deviation of a channel in training", ylabel="gain 1 / sqrt(var + eps)",
             ylim=(0.05, 1e7), title="eps bounds the gain of what hardly varies")
    for rows, colour, label, marker, style in ((specked, COLOURS[1], "with a speck, exact statistics", "D", "-"),
                                               (lagging, COLOURS[0], "with a speck, running statistics", "s", "-"),
                                               (clean, COLOURS[-1], "as they are, exact statistics", "", "--")):
        spread(right, epsilons, rows, colour, label, marker, style)
    right.axvline(1e-5, color="0.7", linestyle=":", zorder=0)
    write(right, 1e-5, 0.9, "PyTorch's", "0.4", -4, ha="right")
    right.set(xscale="log", xlabel="eps", ylabel="held-out accuracy", ylim=(0, 1.03), title="A speck of 1/16 in a pixel that was always zero")
    right.legend(loc="lower right")
    right.grid(axis="y", alpha=0.3)
    at = dict(zip(epsilons, zip(np.mean(clean, 1), np.mean(specked, 1))))
    says = (f"{len(dead)} of 64 pixels are dead in training. Held-out accuracy lies between {np.mean(clean, 1).min():.3f} and "
            f"{np.mean(clean, 1).max():.3f} for all eps: in training eps hardly matters. With a speck in a dead pixel it goes from "
            f"{at[epsilons[0]][1]:.3f} (eps {epsilons[0]:g}) to "
            f"{at[epsilons[-1]][1]:.3f} (eps {epsilons[-1]:g}) with exact statistics; the running variance, to which its "
            f"first value of 1 still gives {0.9 ** (epochs * COUNT // 128):.2g}, hides it.")
    return Result(table, figure, says)


def with_speck(net: Any, data: Images, dead: np.ndarray) -> float:
    """Accuracy with the lowest grey level in one dead pixel; the mean over these pixels."""
    accuracies = []
    for pixel in dead:
        x = data[0].numpy().copy()
        x[:, pixel] = 1 / 16
        accuracies.append(evaluate(net, (wrap(x), data[1]))[1])
    return float(np.mean(accuracies))
