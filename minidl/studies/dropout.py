"""Dropout: what it does to a large network that has few images, of which some have wrong labels.

In training each hidden unit is set to zero with probability p and the others are multiplied by 1 / (1 - p), so that the expected
input of the next layer stays what it is in evaluation, where nothing is dropped (Srivastava et al., 2014, Dropout: a simple way to
prevent neural networks from overfitting, JMLR 15; the paper multiplies the weights by 1 - p in evaluation instead). No unit can rely
on another one being there, and evaluation approximates the mean of the exponentially many thinned networks that were trained.

What to look for:

- On right labels there is little to see. The training loss goes to zero for most rates, held-out accuracy hardly moves, and the gain is in the
  held-out loss: wrong answers are less sure.
- A fifth of the labels wrong, the network without dropout first learns the digits and then the mistakes: held-out accuracy rises and falls
  again. Dropout makes single images costly to learn by heart, and holds off the fall.
- Too great a rate leaves too small a network, and the digits are not learnt either.
- Very few images are learnt by heart in spite of the noise, so the gain is small for them and grows with their number, as in the paper (section
  7.4), which then finds less of it again for many more images than there are here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import nn
from ..core.generator import manual_seed
from ..core.tensor import wrap
from .loop import Images, constant, evaluate, fit, images
from .picture import COLOURS, panels, spread, write
from .registry import Result, study

__all__ = ["dropout"]

RATES = (0.0, 0.25, 0.5, 0.75, 0.9)
COUNTS = (100, 300, 1000)
WRONG = 0.2  # share of labels
MEASURES = 20  # in a run


def draw(count: int, wrong: float, seed: int) -> Images:
    """Some training images, of which a share has another label than its own."""
    x, labels = images(True, count=count, seed=seed)
    given, rng = labels.numpy().copy(), np.random.RandomState(seed)
    chosen = rng.permutation(count)[:round(wrong * count)]
    given[chosen] = (given[chosen] + rng.randint(1, 10, len(chosen))) % 10
    return x, wrap(given)


def train(data: Images, held_out: Images, rate: float, steps: int, seed: int) -> list[tuple[float, ...]]:
    """Loss and accuracy on the training images, then on the held-out ones, at equal distances in a run."""
    manual_seed(seed)
    net = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Dropout(rate), nn.Linear(256, 256), nn.ReLU(), nn.Dropout(rate), nn.Linear(256, 10))
    every = steps * 50 // len(data[0]) // MEASURES  # epochs
    run = enumerate(fit(net, data, every * MEASURES, constant(50, 0.02)), 1)
    return [(*evaluate(net, data), *evaluate(net, held_out)) for epoch, _ in run if epoch % every == 0]


@study
def dropout(seed: int = 0, rates: Sequence[float] = RATES, counts: Sequence[int] = COUNTS, count: int = 300, steps: int = 800,
            repeats: int = 3) -> Result:
    """Overfitting on few images: rates of dropout, right and wrong labels, and more images."""
    held_out = images(False)

    def runs(number: int, wrong: float, rate: float) -> np.ndarray:
        """Repetitions, measures in a run, and training loss and accuracy, held-out loss and accuracy."""
        return np.array([train(draw(number, wrong, seed + r), held_out, rate, steps, seed + r) for r in range(repeats)])

    right = {rate: runs(count, 0, rate) for rate in rates}
    wrong = {rate: runs(count, WRONG, rate) for rate in rates}
    table: list[Sequence[Any]] = [("rate", "right labels: training loss", "held-out loss", "accuracy", "some wrong: training accuracy",
                                   "held-out loss", "accuracy", "its best")]
    for rate in rates:
        a, b = right[rate].mean(0), wrong[rate].mean(0)
        table.append((rate, *map(float, (a[-1, 0], a[-1, 2], a[-1, 3], b[-1, 1], b[-1, 2], b[-1, 3], b[:, 3].max()))))
    pair = (0.0, 0.5)
    by_count = {rate: [(wrong[rate] if number == count else runs(number, WRONG, rate))[:, -1, 3] for number in counts] for rate in pair}
    figure, (left, middle, last) = panels(3)
    time = np.arange(1, MEASURES + 1) * (steps / MEASURES)
    for rate, colour in zip(pair, COLOURS):
        for column, style in ((1, ":"), (3, "-")):
            curve = wrong[rate][:, :, column].T
            spread(left, time, curve, colour, marker="", style=style)
            name = f"p = {rate:g}, {'held out' if column == 3 else 'training'}"
            left.plot([], [], style, color=colour, label=name)
    left.axhline(1 - WRONG, color="0.7", zorder=0)
    write(left, time[-1], 1 - WRONG, "share of right labels", "0.4", -4, -7, ha="right")
    left.set(xlabel="step", ylabel="share of labels met", title=f"{count} images, a fifth of the labels wrong")
    left.legend(loc="lower right")
    for runs_, label, colour, marker in ((right, "right labels", COLOURS[2], "o"), (wrong, "a fifth wrong", COLOURS[1], "s")):
        spread(middle, rates, [runs_[rate][:, -1, 2] for rate in rates], colour, label, marker)
    middle.set(xlabel="probability of dropping a unit", ylabel="held-out loss (cross-entropy, nats)", title=f"{count} images, after {steps} steps",
               ylim=(0, None))
    middle.legend()
    for rate, colour, marker in zip(pair, COLOURS, "os"):
        spread(last, counts, by_count[rate], colour, f"p = {rate:g}", marker)
    last.set(xscale="log", xlabel="training images", ylabel="held-out accuracy", title="A fifth of the labels wrong")
    last.set_xticks(counts, counts)
    last.xaxis.minorticks_off()
    last.legend()
    for axis in (left, middle, last):
        axis.grid(axis="y", alpha=0.3)
    plain, half = (wrong[rate].mean(0) for rate in pair)
    says = (f"A fifth of {count} labels wrong: held-out accuracy without dropout reaches {plain[:, 3].max():.3f} and ends at {plain[-1, 3]:.3f}; "
            f"with p = 0.5 it reaches {half[:, 3].max():.3f} and ends at {half[-1, 3]:.3f}. On right labels the accuracies are "
            f"{right[0.0][:, -1, 3].mean():.3f} and {right[0.5][:, -1, 3].mean():.3f}, the held-out losses {right[0.0][:, -1, 2].mean():.3f} and "
            f"{right[0.5][:, -1, 2].mean():.3f}.")
    return Result(table, figure, says)
