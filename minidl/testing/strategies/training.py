"""Optimisers, schedules, and whole trainings."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ..case import Case
from ..training import Power, Training
from .network import networks
from .tensors import tensors

__all__ = ["OPTIMIZERS", "SCHEDULERS", "optimizers", "schedulers", "trainings"]

# For each option the values that are drawn, the simplest first.
OPTIMIZERS: dict[str, dict[str, list[Any]]] = {
    "SGD": {"momentum": [0.0, 0.9], "dampening": [0.0, 0.25], "weight_decay": [0.0, 0.1], "maximize": [False, True]},
    "Adam": {"betas": [(0.9, 0.999), (0.5, 0.9)], "weight_decay": [0.0, 0.1], "amsgrad": [False, True], "maximize": [False, True]},
    "AdamW": {"betas": [(0.9, 0.999), (0.5, 0.9)], "weight_decay": [0.01, 0.1], "amsgrad": [False, True]},
    "Adamax": {"betas": [(0.9, 0.999), (0.5, 0.9)], "weight_decay": [0.0, 0.1]},
    "NAdam": {"momentum_decay": [0.004, 0.1], "weight_decay": [0.0, 0.1], "decoupled_weight_decay": [False, True]},
    "RAdam": {"betas": [(0.9, 0.999), (0.5, 0.9)], "weight_decay": [0.0, 0.1], "decoupled_weight_decay": [False, True]},
    "RMSprop": {"alpha": [0.99, 0.5], "momentum": [0.0, 0.9], "centered": [False, True], "weight_decay": [0.0, 0.1]},
    "Rprop": {"etas": [(0.5, 1.2), (0.4, 1.5)], "step_sizes": [(1e-6, 50), (1e-3, 0.2)]},
    "Adagrad": {"lr_decay": [0.0, 0.1], "weight_decay": [0.0, 0.1], "initial_accumulator_value": [0.0, 0.5]},
    "Adadelta": {"rho": [0.9, 0.5], "weight_decay": [0.0, 0.1]},
    "Adafactor": {"weight_decay": [0.0, 0.1], "d": [1.0, 1.5], "beta2_decay": [-0.8, -0.5]},
    "ASGD": {"lambd": [1e-4, 0.01], "t0": [1e6, 2.0], "weight_decay": [0.0, 0.1]},
    "LBFGS": {"max_iter": [2, 4], "history_size": [100, 2], "line_search_fn": [None, "strong_wolfe"]},
    "Muon": {"momentum": [0.95, 0.5], "nesterov": [True, False], "weight_decay": [0.1, 0.0], "adjust_lr_fn": [None, "match_rms_adamw"]},
}
SCHEDULERS: dict[str, dict[str, list[Any]]] = {
    "StepLR": {"step_size": [1, 2, 3], "gamma": [0.5, 0.1]},
    "MultiStepLR": {"milestones": [[1, 2], [3], [2, 2]], "gamma": [0.5, 0.1]},
    "ConstantLR": {"factor": [0.5, 0.25], "total_iters": [1, 3]},
    "LinearLR": {"start_factor": [0.5, 0.1], "end_factor": [1.0, 0.25], "total_iters": [2, 4]},
    "ExponentialLR": {"gamma": [0.5, 0.9]},
    "PolynomialLR": {"total_iters": [2, 5], "power": [1.0, 2.0]},
    "CosineAnnealingLR": {"T_max": [1, 3, 10], "eta_min": [0.0, 0.01]},
    "CosineAnnealingWarmRestarts": {"T_0": [1, 3], "T_mult": [1, 2], "eta_min": [0.0, 0.01]},
    "CyclicLR": {"base_lr": [0.01], "max_lr": [0.1, 0.3], "step_size_up": [1, 3], "step_size_down": [None, 2], "gamma": [1.0, 0.9],
                 "mode": ["triangular", "triangular2", "exp_range"], "cycle_momentum": [False]},
    "OneCycleLR": {"max_lr": [0.1, 0.5], "total_steps": [40, 50], "pct_start": [0.3, 0.5], "anneal_strategy": ["cos", "linear"],
                   "three_phase": [False, True], "cycle_momentum": [False]},
    "LambdaLR": {"lr_lambda": [Power(0.5), Power(0.9)]},
    "MultiplicativeLR": {"lr_lambda": [Power(0.5), Power(0.9)]},
    "ReduceLROnPlateau": {"mode": ["min", "max"], "factor": [0.5, 0.1], "patience": [0, 1, 2], "threshold_mode": ["rel", "abs"], "cooldown": [0, 2]},
}
_JOINED = ("SequentialLR", "ChainedScheduler")
_TO_ZERO = ("PolynomialLR", "CosineAnnealingLR")  # a line search from a step of length 0 divides by zero


@st.composite
def optimizers(draw: Any, name: str | None = None, names: Any = tuple(OPTIMIZERS)) -> Case:
    """``optim.name(lr=..., ...)`` without its parameters."""
    name = name or draw(st.sampled_from(names))
    options = {key: draw(st.sampled_from(values)) for key, values in OPTIMIZERS[name].items()}
    return Case(f"optim.{name}", (), {"lr": draw(st.sampled_from([0.125, 0.03125])), **options})


@st.composite
def schedulers(draw: Any, name: str | None = None, names: Any = (*SCHEDULERS, *_JOINED)) -> Case:
    """``optim.lr_scheduler.name(...)`` without its optimiser; those that join others hold two Cases."""
    name = name or draw(st.sampled_from(names))
    if name in _JOINED:
        parts = draw(st.lists(schedulers(names=("StepLR", "ExponentialLR", "ConstantLR", "LinearLR")), min_size=2, max_size=2))
        kwargs: dict[str, Any] = {"schedulers": parts}
        if name == "SequentialLR":
            kwargs["milestones"] = [draw(st.integers(1, 4))]
    else:
        kwargs = {key: draw(st.sampled_from(values)) for key, values in SCHEDULERS[name].items()}
    return Case(f"optim.lr_scheduler.{name}", (), kwargs)


@st.composite
def trainings(draw: Any, optimizer: str | None = None, scheduler: str | None = None) -> Training:
    """A network, an optimiser, perhaps a scheduler, a loss, a batch of data, and one to four steps.

    Muon, which takes matrices alone, and Rprop, Adagrad and Adafactor, whose first step from a gradient that is a rounding error is as long as
    from any other, train a network without biases and norms.
    """
    chosen = draw(optimizers(optimizer))
    outputs, batch = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    if chosen.op in ("optim.Muon", "optim.Rprop", "optim.Adagrad", "optim.Adafactor"):
        inputs = draw(st.integers(1, 3))
        layers = (Case("nn.Linear", (inputs, 3), {"bias": False}), Case("nn.Tanh"), Case("nn.Linear", (3, outputs), {"bias": False}))
        network = Case("nn.Sequential", layers, {}, (draw(tensors((batch, inputs))),))
    else:
        network = draw(networks(outputs, smooth=True, batch=batch))
    if draw(st.booleans()):
        loss, target = "cross_entropy", draw(tensors((batch,), "positive", "int64", "contiguous", high=outputs))
    else:
        loss, target = "mse_loss", draw(tensors((batch, outputs)))
    names = [name for name in (*SCHEDULERS, *_JOINED) if not chosen.kwargs.get("line_search_fn") or name not in _TO_ZERO]
    schedule = draw(schedulers(scheduler)) if scheduler else draw(st.none() | schedulers(names=names))
    return Training(network, chosen, loss, target, draw(st.integers(1, 4)), schedule)
