"""A training run begun in one library and finished in the other, through a checkpoint file, has the losses of a run in one of them."""

from __future__ import annotations

import io
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import minidl

BEGUN, ALL = 6, 14  # steps
RNG = np.random.default_rng(0)
IMAGES, CLASSES = RNG.standard_normal((ALL, 8, 2, 6, 6)), RNG.integers(0, 3, (ALL, 8))
SENTENCES, NEXT = RNG.integers(0, 7, (ALL, 5, 4)), RNG.integers(0, 7, (ALL, 5, 4))


def convolutional(T: ModuleType) -> Any:
    nn = T.nn
    return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 2, groups=2),
                         nn.GroupNorm(2, 6), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))


def recurrent(T: ModuleType) -> Any:
    class Speller(T.nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = T.nn.Embedding(7, 4)
            self.lstm = T.nn.LSTM(4, 4)
            self.attention = T.nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0)
            self.out = T.nn.Linear(4, 7, bias=False)
            self.out.weight = T.nn.Parameter(self.embedding.weight.detach().clone())

        def forward(self, x: Any) -> Any:
            return self.out(self.attention(self.lstm(self.embedding(x))[0])).flatten(0, 1)

    return Speller()


NETS = {"convolutional": (convolutional, IMAGES, CLASSES), "recurrent": (recurrent, SENTENCES, NEXT)}
COURSES: dict[str, tuple[Any, Any]] = {
    "sgd, warm-up and cosine": (lambda T, ps: T.optim.SGD(ps, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3), lambda T, o: (
        T.optim.lr_scheduler.SequentialLR(o, [T.optim.lr_scheduler.LinearLR(o, 0.1, total_iters=3),
                                              T.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 4, 2)], [3]))),
    "adamw, one cycle": (lambda T, ps: T.optim.AdamW(ps, lr=0.01, amsgrad=True), lambda T, o: (
        T.optim.lr_scheduler.OneCycleLR(o, 0.02, total_steps=ALL + 1))),
    "rmsprop, steps": (lambda T, ps: T.optim.RMSprop(ps, lr=0.005, momentum=0.5, centered=True), lambda T, o: T.optim.lr_scheduler.StepLR(o, 4)),
    "nadam, chained": (lambda T, ps: T.optim.NAdam(ps, lr=0.01), lambda T, o: T.optim.lr_scheduler.ChainedScheduler(
        [T.optim.lr_scheduler.ConstantLR(o, 0.5, 4), T.optim.lr_scheduler.ExponentialLR(o, 0.9)])),
    "adagrad, polynomial": (lambda T, ps: T.optim.Adagrad(ps, lr=0.05), lambda T, o: T.optim.lr_scheduler.PolynomialLR(o, 20, 2.0))}


class Run:
    """A training run in one library: a network, its optimiser in two groups, and its schedule."""

    def __init__(self, T: ModuleType, net: str, course: str) -> None:
        self.T = T
        T.manual_seed(3)
        build, self.x, self.y = NETS[net]
        self.net = build(T).double()
        groups = [{"params": [p for p in self.net.parameters() if p.ndim > 1]},
                  {"params": [p for p in self.net.parameters() if p.ndim < 2], "weight_decay": 0.0}]
        optimizer, schedule = COURSES[course]
        self.optimizer = optimizer(T, groups)
        self.schedule = schedule(T, self.optimizer)

    def steps(self, start: int, end: int) -> list[float]:
        losses = []
        for i in range(start, end):
            self.optimizer.zero_grad()
            loss = self.T.nn.functional.cross_entropy(self.net(self.T.from_numpy(self.x[i])), self.T.from_numpy(self.y[i]).flatten())
            loss.backward()
            self.T.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
            self.optimizer.step()
            self.schedule.step()
            losses.append(loss.item())
        return losses

    def saved(self, **options: Any) -> io.BytesIO:
        file = io.BytesIO()
        self.T.save({"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict(), "schedule": self.schedule.state_dict()}, file, **options)
        file.seek(0)
        return file

    def load(self, file: io.BytesIO) -> None:
        state = self.T.load(file)
        assert str(self.net.load_state_dict(state["net"])) == "<All keys matched successfully>"
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("first", [torch, minidl], ids=["from torch", "from minidl"])
@pytest.mark.parametrize("course", COURSES)
@pytest.mark.parametrize("net", NETS)
def test_a_run_may_change_library_in_the_middle(net: str, course: str, first: ModuleType, zipped: bool) -> None:
    second = minidl if first is torch else torch
    whole = Run(torch, net, course)
    begun, other = Run(first, net, course), Run(second, net, course)
    for p in other.net.parameters():
        p.data.fill_(0.5)  # all must come from the file
    start = io.BytesIO()
    torch.save(whole.net.state_dict(), start)
    start.seek(0)
    begun.net.load_state_dict(first.load(start))  # PyTorch's and minidl's normal samples differ in the last digit
    losses = begun.steps(0, BEGUN)
    other.load(begun.saved(_use_new_zipfile_serialization=zipped))
    losses += other.steps(BEGUN, ALL)
    want = whole.steps(0, ALL)
    np.testing.assert_allclose(losses, want, rtol=1e-9, atol=0)
    assert want[-1] != want[-2] and other.schedule.get_last_lr() == pytest.approx(whole.schedule.get_last_lr(), rel=1e-12)
    for (name, have), p in zip(other.net.state_dict().items(), whole.net.state_dict().values()):
        # the gradient of an attention's key bias is nothing but rounding errors, which Adagrad divides by their own size
        np.testing.assert_allclose(have.numpy(), p.numpy(), rtol=1e-8, atol=1e-8 if name.endswith("in_proj_bias") else 1e-11, err_msg=name)
    back = Run(first, net, course)
    back.load(other.saved())  # and home again
    assert back.steps(0, 1) == pytest.approx(other.steps(0, 1), rel=1e-9)
