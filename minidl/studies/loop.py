"""What the studies train on, how, and what they measure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .. import optim
from ..core.modes import no_grad
from ..core.tensor import Tensor, wrap
from ..datasets import digits
from ..nn import functional as F
from ..ops.random import randperm

__all__ = ["Epoch", "Images", "Plan", "constant", "evaluate", "fit", "gradient_norms", "images"]

Images = tuple[Tensor, Tensor]
Plan = Callable[[float], tuple[int, float]]  # batch size and learning rate at a time in epochs


class Epoch(NamedTuple):
    """Means over an epoch's images, each taken as its batch came by, and the number of steps."""

    loss: float
    accuracy: float
    steps: int


def images(train: bool, shape: tuple[int, ...] = (64,), count: int | None = None, seed: int = 0) -> Images:
    """Digits with values 0 to 1 in this shape: all of them, or `count` drawn by the seed (in order, few hands wrote the first ones)."""
    x, labels = digits(train)
    chosen = slice(None) if count is None else np.random.RandomState(seed).permutation(len(x))[:count]
    return wrap((x[chosen].reshape(-1, *shape) / 16).astype(np.float32)), wrap(labels[chosen])


def constant(size: int, rate: float, warm: float = 0) -> Plan:
    """One batch size and rate throughout, but for a rate that grows over the first `warm` epochs."""
    return lambda time: (size, rate * min(1.0, (time + 0.1) / warm) if warm else rate)


def fit(net: Any, data: Images, epochs: int, plan: Plan, alter: Callable[[Any], Any] = lambda x: x) -> Iterator[Epoch]:
    """Stochastic gradient descent with momentum 0.9 on batches that go through `alter`; pauses after each epoch."""
    x: Any
    x, labels = data
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(epochs):
        order, done, loss_sum, right, steps = randperm(len(x)), 0, 0.0, 0, 0
        while done < len(x):
            size, optimizer.param_groups[0]["lr"] = plan(epoch + done / len(x))
            batch = order[done:done + size]
            optimizer.zero_grad()
            scores = net(alter(x[batch]))
            loss = F.cross_entropy(scores, labels[batch])
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(batch)
            right += int((scores.argmax(1) == labels[batch]).sum())
            done, steps = done + size, steps + 1
        yield Epoch(loss_sum / len(x), right / len(x), steps)


@no_grad()
def evaluate(net: Any, data: Images, training: bool = False) -> tuple[float, float]:
    """Loss (at most 10, whatever a run that has blown up has) and accuracy, in evaluation mode unless `training`."""
    before = net.training
    scores = net.train(training)(data[0])
    net.train(before)
    loss = F.cross_entropy(scores, data[1]).item()
    return min(loss, 10.0) if math.isfinite(loss) else 10.0, float((scores.argmax(1) == data[1]).float().mean())


def gradient_norms(net: Any, data: Images) -> list[float]:
    """The Euclidean norm of the loss's gradient by the weights of each layer, from the input on."""
    net.zero_grad()
    F.cross_entropy(net(data[0]), data[1]).backward()
    return [float(p.grad.norm()) for p in net.parameters() if p.ndim > 1]
