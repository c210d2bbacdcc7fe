"""A whole training as one value, which prints as the program that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .adapters import build
from .bounds import nudged
from .case import Case, code
from .report import difference

__all__ = ["Power", "Training", "schedule"]


@dataclass(frozen=True)
class Power:
    """base ** epoch: a factor of a learning rate."""

    base: float

    def __call__(self, epoch: int) -> float:
        return self.base ** epoch


def schedule(library: Any, case: Case, optimizer: Any) -> Any:
    """The scheduler of a case, and those that it holds."""
    kwargs = {key: [schedule(library, part, optimizer) for part in value] if key == "schedulers" else value for key, value in case.kwargs.items()}
    return getattr(library.optim.lr_scheduler, case.op.split(".")[-1])(optimizer=optimizer, **kwargs)


def _code(case: Case, first: str, name: str) -> str:
    """The code of an optimiser or scheduler, `name` being the keyword of its first argument, `first`."""
    parts = [f"{k}=[{', '.join(_code(part, first, name) for part in v)}]" if k == "schedulers" else f"{k}={code(v)}" for k, v in case.kwargs.items()]
    return f"{case.op}({', '.join([f'{name}={first}', *parts])})"


@dataclass(frozen=True, repr=False)
class Training:
    """`steps` of an optimiser on one batch. `network` is a Case with its input; optimiser and scheduler lack their first argument.

    >>> net = Case("nn.Sequential", (Case("nn.Linear", (1, 1)),), {}, (np.ones((1, 1)),))
    >>> print(Training(net, Case("optim.SGD", (), {"lr": 0.125}), "mse_loss", np.array([[2.0]]), steps=3))
    net = nn.Sequential(nn.Linear(1, 1)).double()
    opt = optim.SGD(params=net.parameters(), lr=0.125)
    def closure():
        opt.zero_grad()
        loss = F.mse_loss(net(from_numpy(np.array([[1.0]]))), from_numpy(np.array([[2.0]])))
        loss.backward()
        return loss
    for _ in range(3):
        loss = opt.step(closure)
    """

    network: Case
    optimizer: Case
    loss: str
    target: np.ndarray
    steps: int = 1
    scheduler: Case | None = None

    def __repr__(self) -> str:
        assert self.network.inputs is not None
        net = Case(self.network.op, self.network.args, self.network.kwargs)
        lines = [f"net = {net}.double()", f"opt = {_code(self.optimizer, 'net.parameters()', 'params')}"]
        lines += [f"scheduler = {_code(self.scheduler, 'opt', 'optimizer')}"] if self.scheduler else []
        lines += ["def closure():", "    opt.zero_grad()",
                  f"    loss = F.{self.loss}(net(from_numpy({code(np.array(self.network.inputs[0], order='C'))})), from_numpy({code(self.target)}))",
                  "    loss.backward()", "    return loss", f"for _ in range({self.steps}):", "    loss = opt.step(closure)"]
        return "\n".join([*lines, f"    scheduler.step({'loss.item()' * self.on_plateau})"] if self.scheduler else lines)

    @property
    def on_plateau(self) -> bool:
        """Whether the scheduler is told the loss."""
        return self.scheduler is not None and self.scheduler.op.endswith("OnPlateau")

    def difference(self, library: Any, oracle: Any) -> str | None:
        """Where the runs of both differ by more than rounding explains, or None.

        A training may lose all digits: a line search extrapolates from points 1e-6 apart, a step is as long from a gradient of rounding errors as
        from any other. So a result may differ as the oracle's own does when what it starts from is nudged by 2^-50.
        """
        want, have = self.run(oracle), self.run(library)
        for i, (w, h, bound) in enumerate(zip(want, have, nudged(lambda seed: self.run(oracle, seed), want))):
            found = difference(h, w, 1e-9 * (1 + abs(w)) + bound)
            if found:
                return f"{'the losses' if not i else f'parameter {i - 1}'}: {found}"
        return None

    def run(self, library: Any, seed: int | None = None) -> list[np.ndarray]:
        """The losses, then the parameters at the end, in float64, by minidl or PyTorch; both draw the same first parameters.

        With a `seed` the first parameters and the inputs are moved by a relative 2^-50, randomly.
        """
        library.manual_seed(0)
        net = build(library.nn, self.network).double()
        opt = getattr(library.optim, self.optimizer.op.split(".")[-1])(net.parameters(), **self.optimizer.kwargs)
        scheduler = None if self.scheduler is None else schedule(library, self.scheduler, opt)
        assert self.network.inputs is not None
        # In rows: PyTorch 2.13 crashes in the backward of a group norm of channels-last images that have no gradient.
        x, target = (library.from_numpy(np.array(a, order="C")) for a in (self.network.inputs[0], self.target))
        if seed is not None:
            rng = np.random.default_rng(seed)
            for values in (x, *(p.detach() for p in net.parameters())):
                values *= library.from_numpy(1 + 2.0 ** -50 * rng.standard_normal(tuple(values.shape)))

        def closure() -> Any:
            opt.zero_grad()
            loss = getattr(library.nn.functional, self.loss)(net(x), target)
            loss.backward()
            return loss

        losses = []
        for _ in range(self.steps):
            loss = opt.step(closure)
            if scheduler is not None:
                scheduler.step(*([loss.item()] if self.on_plateau else []))
            losses.append(loss.item())
        return [np.array(losses), *(p.detach().numpy() for p in net.parameters())]
