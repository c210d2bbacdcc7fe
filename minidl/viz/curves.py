"""Curves: gradient flow, activation functions, learning-rate schedules."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..autograd import grad
from ..core.modes import enable_grad
from ..core.tensor import data_of, wrap
from ..nn import Module
from ..nn import functional as F
from .canvas import COLOURS, figure_of, tiles

__all__ = ["ACTIVATIONS", "activation_curve", "gradient_flow", "plot_activations", "plot_gradient_flow", "plot_schedules", "schedule_rates"]

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": F.relu, "leaky_relu": F.leaky_relu, "elu": F.elu, "selu": F.selu, "sigmoid": F.sigmoid, "tanh": F.tanh,
    "softplus": F.softplus, "softsign": F.softsign, "gelu": F.gelu, "silu": F.silu, "mish": F.mish, "hardswish": F.hardswish}


def gradient_flow(model: Module) -> list[tuple[str, float, float]]:
    """Name, mean |g| and greatest |g| of every weight (parameters of one dimension, as biases have, left out) after a backward.

    ValueError if no weight has a gradient.

    >>> from minidl import nn, ones
    >>> net = nn.Linear(2, 1)
    >>> net(ones(3, 2)).sum().backward()
    >>> gradient_flow(net)
    [('weight', 3.0, 3.0)]
    """
    rows = [(name, float(np.abs(data_of(p.grad)).mean()), float(np.abs(data_of(p.grad)).max())) for name, p in model.named_parameters()
            if p.ndim > 1 and p.grad is not None]
    if not rows:
        raise ValueError(f"gradient_flow: no weight of {type(model).__name__} has a gradient; call backward() on a loss first")
    return rows


def plot_gradient_flow(model: Module, ax: Any = None) -> Any:
    """`gradient_flow` from the first layer to the last, on a logarithmic scale; zeros stand as crosses at its lower end.

    >>> from minidl import nn, ones
    >>> net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    >>> net(ones(3, 2)).sum().backward()
    >>> plot_gradient_flow(net).axes[0].get_ylabel()
    '|gradient| of the weights'
    """
    names, *values = zip(*gradient_flow(model))
    figure, ax = figure_of(ax, max(6.0, 0.4 * len(names) + 1.5), 4.6)
    places = np.arange(len(names))
    flowing = [np.array(row) for row in values]
    for row, label, colour, marker in zip(flowing, ("mean", "greatest"), COLOURS, "os"):
        ax.plot(places[row > 0], row[row > 0], color=colour, marker=marker, markersize=5, linewidth=1.2, label=label)
    ax.set_yscale("log")
    means = flowing[0]
    dead = places[means == 0]
    if len(dead):
        ax.plot(dead, np.zeros(len(dead)), "x", color=COLOURS[6], transform=ax.get_xaxis_transform(), clip_on=False, label="zero")
    ax.set_xticks(places, [name.removesuffix(".weight") for name in names], rotation=90 if len(names) > 3 else 0, fontsize=8)
    ax.set(xlabel="layer, from input to output", ylabel="|gradient| of the weights")
    spread = means[means > 0].max() / means[means > 0].min() if (means > 0).any() else 1.0
    ax.set_title(f"Gradient flow: {len(dead)} of {len(means)} layers get none" if len(dead) else
                 f"Gradient flow: layers' means differ by a factor of {spread:,.{0 if spread >= 10 else 1}f}")
    ax.grid(alpha=0.3)
    ax.legend()
    return figure


def activation_curve(function: Callable[[Any], Any], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An elementwise function and its derivative at x, by autograd.

    >>> from minidl.nn import functional as F
    >>> [v.tolist() for v in activation_curve(F.relu, np.array([-1.0, 2.0]))]
    [[0.0, 2.0], [0.0, 1.0]]
    """
    t = wrap(np.array(x)).requires_grad_()
    with enable_grad():
        y = function(t)
        slope, = grad(y.sum(), [t])
    return data_of(y.detach()), data_of(slope)


def plot_activations(functions: Mapping[str, Callable[[Any], Any]] | Sequence[str] | None = None, low: float = -4, high: float = 4) -> Any:
    """Activation functions (names of `ACTIVATIONS`, or any by name) and their derivatives, a panel each.

    >>> len(plot_activations(["relu", "tanh"]).axes)
    2
    """
    if functions is None:
        functions = ACTIVATIONS
    elif not isinstance(functions, Mapping):
        for name in functions:
            if name not in ACTIVATIONS:
                raise ValueError(f"plot_activations: no function {name!r} among {', '.join(ACTIVATIONS)}; give others as a dict of name and function")
        functions = {name: ACTIVATIONS[name] for name in functions}
    x = np.linspace(low, high, 401)
    figure, axes, columns = tiles(len(functions), 4, 2.7, 2.3, sharex=True)
    for place, (ax, (name, function)) in enumerate(zip(axes, functions.items())):
        y, slope = activation_curve(function, x)
        ax.axhline(0, color="0.7", linewidth=0.8)
        ax.axvline(0, color="0.7", linewidth=0.8)
        jump = np.abs(np.diff(slope, append=slope[-1])) > 0.1  # where the derivative jumps, no line joins its sides
        ax.plot(x, y, color=COLOURS[0], linewidth=2, label="f(x)")
        ax.plot(x, np.where(jump, np.nan, slope), color=COLOURS[1], linewidth=1.6, linestyle="--", label="f'(x)")
        ax.set_title(f"{name}: f' from {slope.min() + 0.0:.2g} to {slope.max():.3g}", fontsize=10)
        if place % columns == 0:
            ax.set_ylabel("value")
        if place >= len(functions) - columns:
            ax.set_xlabel("x")
            ax.tick_params(labelbottom=True)
    axes[0].legend(loc="upper left", fontsize=9)
    return figure


def schedule_rates(scheduler: Any, steps: int, losses: Sequence[float] | None = None) -> np.ndarray:
    """The learning rate of the first parameter group before each of so many steps; a copy is stepped, not the scheduler itself.

    `losses`, one a step, for schedules that follow them (ReduceLROnPlateau); ValueError without.

    >>> import minidl as torch
    >>> from minidl.optim import SGD, lr_scheduler
    >>> schedule_rates(lr_scheduler.StepLR(SGD([torch.zeros(1, requires_grad=True)], lr=1.0), 2, 0.5), 5).tolist()
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    follows = type(scheduler).__name__ == "ReduceLROnPlateau"
    if follows and (losses is None or len(losses) < steps - 1):
        raise ValueError(f"schedule_rates: ReduceLROnPlateau follows a loss; give losses, one for each of {steps} steps")
    scheduler = copy.deepcopy(scheduler)
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of an optimizer that does not step: here it need not
        for step in range(steps):
            rates.append(scheduler.optimizer.param_groups[0]["lr"])
            if step < steps - 1:  # OneCycleLR refuses a step beyond its last
                scheduler.step(*[losses[step]] if follows else [])  # type: ignore[index]
    return np.array(rates)


def plot_schedules(schedulers: Mapping[str, Any], steps: int, losses: Sequence[float] | None = None, ax: Any = None) -> Any:
    """The learning rates that schedulers give in so many steps, by name; the schedulers stay as they are.

    >>> import minidl as torch
    >>> from minidl.optim import SGD, lr_scheduler
    >>> optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    >>> plot_schedules({"cosine": lr_scheduler.CosineAnnealingLR(optimizer, 10)}, 10).axes[0].get_xlabel()
    'step of the scheduler'
    """
    figure, ax = figure_of(ax, 8, 4.2)
    peaks = []
    for n, (name, scheduler) in enumerate(schedulers.items()):
        rates = schedule_rates(scheduler, steps, losses)
        peaks.append(rates.max())
        ax.step(range(steps), rates, where="post", color=COLOURS[n % 7], linestyle=("-", "--", "-.", ":")[n % 4], linewidth=1.8, label=name)
    ax.set(xlabel="step of the scheduler", ylabel="learning rate", title=f"Learning rate over {steps} steps: greatest {max(peaks):.3g}")
    ax.set_ylim(bottom=0)
    ax.grid(alpha=0.3)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return figure
