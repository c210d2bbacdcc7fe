"""What is timed: functions of the library's module, so that one text serves minidl and PyTorch.

`WORKLOADS` maps a name to ``build(torch)``, which prepares the inputs and returns ``step, leaves``: the function that is timed, which
returns a tensor, and the tensors whose gradients it leaves behind. Inputs and weights come from NumPy with fixed seeds, so both
libraries compute the same numbers. The part of a name before ``/`` is its group; a group is timed in one process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .networks import INFERENCE, TRAINING, Build, normal
from .small import SMALL


def chain(torch: Any) -> Any:
    """2,000 operations on 0-d tensors, one after the other, and the backward through them: the price of a call and a node."""
    w, b = torch.tensor(0.9, requires_grad=True), torch.tensor(0.1, requires_grad=True)

    def step() -> Any:
        w.grad = b.grad = None
        y = w
        for _ in range(500):
            y = y * w
            y = torch.tanh(y)
            y = y + b
            y = torch.sin(y)
        y.backward()
        return y

    return step, (w, b)


# ---- single operations


def operation(function: Callable[..., Any], arrays: tuple[np.ndarray, ...], backward: bool) -> Build:
    """The workload of one function (of the library and its inputs), alone or with the backward to all its float inputs."""

    def build(torch: Any) -> Any:
        tensors = [torch.from_numpy(a.copy()) for a in arrays]
        if not backward:
            return lambda: function(torch, *tensors), ()
        leaves = tuple(t.requires_grad_() for t in tensors if t.is_floating_point())
        g = torch.ones_like(function(torch, *tensors).detach())

        def step() -> Any:
            for leaf in leaves:
                leaf.grad = None
            y = function(torch, *tensors)
            y.backward(g)
            return y

        return step, leaves

    return build


# name: batch, channels in and out, size of the image, size of the kernel, stride, padding, groups
CONVOLUTIONS = {
    "3x3-16-32px": (32, 16, 16, 32, 3, 1, 1, 1),
    "3x3-64-8px": (32, 64, 64, 8, 3, 1, 1, 1),
    "3x3-64-56px": (8, 64, 64, 56, 3, 1, 1, 1),
    "1x1-256-14px": (8, 256, 64, 14, 1, 1, 0, 1),
    "7x7-stride2-224px": (1, 3, 64, 224, 7, 2, 3, 1),
    "3x3-depthwise-28px": (8, 64, 64, 28, 3, 1, 1, 64),
}


def convolution(shape: tuple[int, ...], backward: bool) -> Build:
    n, c, f, size, k, stride, padding, groups = shape

    def conv2d(torch: Any, x: Any, w: Any) -> Any:
        return torch.nn.functional.conv2d(x, w, None, stride, padding, 1, groups)

    return operation(conv2d, (normal(0, n, c, size, size), normal(1, f, c // groups, k, k) / k), backward)


WORKLOADS: dict[str, Build] = {"chain": chain, **TRAINING, **INFERENCE}
for _name, _shape in CONVOLUTIONS.items():
    WORKLOADS[f"conv/{_name}/forward"] = convolution(_shape, False)
    WORKLOADS[f"conv/{_name}/backward"] = convolution(_shape, True)
for _name, (_function, _arrays, _differentiable) in SMALL.items():
    WORKLOADS[f"small/{_name}/forward"] = operation(_function, _arrays, False)
    if _differentiable:
        WORKLOADS[f"small/{_name}/backward"] = operation(_function, _arrays, True)


def group(name: str) -> str:
    """The workloads of one group share a process: all convolutions, all small operations, each other one alone."""
    return name.partition("/")[0]
