"""A whole training as one value, which prints as the program that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .adapters import build
from .case import Case, code

__all__ = ["Training"]


@dataclass(frozen=True, repr=False)
class Training:
    """`steps` of an optimiser on one batch. `network` is a Case with its input; optimiser and scheduler lack their first argument.

    >>> net = Case("nn.Sequential", (Case("nn.Linear", (1, 1)),), {}, (np.ones((1, 1)),))
    >>> print(Training(net, Case("optim.SGD", (), {"lr": 0.125}), "mse_loss", np.array([[2.0]]), steps=3))
    net = nn.Sequential(nn.Linear(1, 1)).double()
    opt = optim.SGD(net.parameters(), lr=0.125)
    for _ in range(3):
        opt.zero_grad()
        loss = F.mse_loss(net(from_numpy(np.array([[1.0]]))), from_numpy(np.array([[2.0]])))
        loss.backward()
        opt.step()
    """

    network: Case
    optimizer: Case
    loss: str
    target: np.ndarray
    steps: int = 1
    scheduler: Case | None = None

    def __repr__(self) -> str:
        def call(case: Case, first: str) -> str:
            return f"{case.op}({', '.join([first, *(f'{k}={code(v)}' for k, v in case.kwargs.items())])})"

        assert self.network.inputs is not None
        net = Case(self.network.op, self.network.args, self.network.kwargs)
        lines = [f"net = {net}.double()", f"opt = {call(self.optimizer, 'net.parameters()')}"]
        lines += [f"scheduler = {call(self.scheduler, 'opt')}"] if self.scheduler else []
        lines += [f"for _ in range({self.steps}):", "    opt.zero_grad()",
                  f"    loss = F.{self.loss}(net(from_numpy({code(self.network.inputs[0])})), from_numpy({code(self.target)}))",
                  "    loss.backward()", "    opt.step()"]
        return "\n".join([*lines, "    scheduler.step()"] if self.scheduler else lines)

    def run(self, library: Any) -> tuple[list[float], list[np.ndarray]]:
        """Losses and the parameters at the end, in float64, by minidl or PyTorch; both draw the same first parameters."""
        library.manual_seed(0)
        net = build(library.nn, self.network).double()
        opt = getattr(library.optim, self.optimizer.op.split(".")[-1])(net.parameters(), **self.optimizer.kwargs)
        scheduler = None
        if self.scheduler is not None:
            scheduler = getattr(library.optim.lr_scheduler, self.scheduler.op.split(".")[-1])(opt, **self.scheduler.kwargs)
        assert self.network.inputs is not None
        x, target = library.from_numpy(np.array(self.network.inputs[0])), library.from_numpy(np.array(self.target))
        losses = []
        for _ in range(self.steps):
            opt.zero_grad()
            loss = getattr(library.nn.functional, self.loss)(net(x), target)
            loss.backward()
            opt.step()
            if scheduler is not None:
                scheduler.step()
            losses.append(loss.item())
        return losses, [p.detach().numpy() for p in net.parameters()]
