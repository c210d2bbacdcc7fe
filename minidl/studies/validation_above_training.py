"""Validation accuracy above training accuracy, and why: the two are not measured alike.

What a training loop reports as training accuracy is the mean over the epoch's batches as they come by. Three things lower it that do not
touch validation, which is done at the epoch's end, in evaluation mode, on images as they are:

- *the running mean*: the epoch's first batches meet the weights of its beginning;
- *dropout* is active (Srivastava et al., 2014, JMLR 15), and the thinned network is worse than the whole one;
- *augmentation*: the images are made harder, here shifted by up to a pixel in each direction and given noise.

To take the causes apart, the training images are measured again after each epoch: with dropout and augmentation, with one of them, and with
neither. Running mean: both active, less the report. The share of either of the others depends on which is switched off first, so it is the
mean of the two orders, and the shares add up. What is then left, training less validation, both measured alike, is the *generalisation gap*, and
it has the expected sign.
An easier validation set would be a further cause; here both are drawn from the same images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import nn
from ..core.generator import manual_seed
from ..core.tensor import Tensor, wrap
from ..nn import functional as F
from ..ops.random import randint, randn
from .loop import constant, evaluate, fit, images
from .picture import COLOURS, panels, spread
from .registry import Result, study

__all__ = ["validation_above_training"]

CAUSES = ("running mean", "dropout", "augmentation")


def augment(x: Any) -> Tensor:
    """Each image shifted by -1, 0 or 1 pixels down and across, with zeros moving in, and noise of deviation 0.1."""
    n = len(x)
    padded = F.pad(x.reshape(n, 8, 8), (1, 1, 1, 1))
    down, across = randint(0, 3, (n, 1, 1)), randint(0, 3, (n, 1, 1))
    rows, columns = (wrap(np.arange(8).reshape(shape)) for shape in ((1, 8, 1), (1, 1, 8)))
    moved = padded[wrap(np.arange(n).reshape(n, 1, 1)), rows + down, columns + across]
    return (moved + 0.1 * randn(n, 8, 8)).reshape(n, 64)


@study
def validation_above_training(seed: int = 0, count: int = 1437, rate: float = 0.4, epochs: int = 25, repeats: int = 5) -> Result:
    """Reported training accuracy, the same measured as validation is, and each cause's share of the difference."""
    held_out = images(False)
    runs = []
    for r in range(repeats):
        data = images(True, count=count, seed=seed + r)
        manual_seed(seed + r)
        net = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Dropout(rate), nn.Linear(256, 256), nn.ReLU(), nn.Dropout(rate), nn.Linear(256, 10))
        rows = []
        for epoch in fit(net, data, epochs, constant(32, 0.05), augment):
            harder = augment(data[0]), data[1]
            both, dropped, augmented, neither = (evaluate(net, x, training)[1] for x, training in (
                (harder, True), (data, True), (harder, False), (data, False)))
            rows.append((epoch.accuracy, evaluate(net, held_out)[1], neither, both - epoch.accuracy,
                         (augmented - both + neither - dropped) / 2, (dropped - both + neither - augmented) / 2))
        runs.append(rows)
    values = np.array(runs).transpose(1, 2, 0)  # epoch, measure, repetition
    means = values.mean(2)
    table: list[Sequence[Any]] = [("epoch", "training, as reported", "validation", "training, as validation", *CAUSES, "generalisation gap")]
    table += [(i + 1, *map(float, row), float(row[2] - row[1])) for i, row in enumerate(means)]
    figure, (left, right) = panels(2, 6)
    time = range(1, epochs + 1)
    for column, label, colour, style, marker in ((0, "training, as reported", COLOURS[0], "-", "o"), (1, "validation", COLOURS[1], "-", "s"),
                                                 (2, "training, measured as validation is", COLOURS[0], "--", "")):
        spread(left, time, values[:, column], colour, label, marker, style)
    left.set(xlabel="epoch", ylabel="accuracy", title="Validation above training, and not")
    left.legend(loc="lower right")
    for column, (cause, colour, marker) in enumerate(zip(CAUSES, (COLOURS[5], COLOURS[2], COLOURS[4]), "^vD"), 3):
        spread(right, time, values[:, column], colour, cause, marker)
    spread(right, time, values[:, 1] - values[:, 2], COLOURS[3], "generalisation gap (counts the other way)", "x", "--")
    spread(right, time, values[:, 1] - values[:, 0], COLOURS[-1], "sum: validation less reported training", "")
    right.axhline(0, color="black", linewidth=0.8)
    right.set(xlabel="epoch", ylabel="difference in accuracy", title="Each cause's share")
    right.legend()
    for axis in (left, right):
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(axis="y", alpha=0.3)
    first, last = means[0], means[-1]
    says = (f"After {epochs} epochs validation ({last[1]:.3f}) is {'above' if last[1] > last[0] else 'not above'} "
            f"reported training ({last[0]:.3f}), and training "
            f"measured alike is {last[2]:.3f}. In the first epoch the running mean hides {first[3]:.3f}, in the last {last[3]:.3f}; then dropout "
            f"{last[4]:.3f} and augmentation {last[5]:.3f} (means of {repeats} runs).")
    return Result(table, figure, says)
