"""What is timed: functions of the library's module, so that one text serves minidl and PyTorch.

`WORKLOADS` maps a name to ``build(torch)``, which prepares the inputs and returns ``step, leaves``: the function that is timed, which
returns a tensor, and the tensors whose gradients it leaves behind. Inputs and weights come from NumPy with fixed seeds, so both
libraries compute the same numbers. The part of a name before ``/`` is its group; a group is timed in one process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .small import SMALL

Build = Callable[[Any], tuple[Callable[[], Any], tuple[Any, ...]]]


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


# ---- training steps: forward, loss, backward and one step of SGD with momentum


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def training(torch: Any, model: Any, *shape: int) -> Any:
    """The training step of a classifier with 10 classes on one batch of inputs of `shape`."""
    with torch.no_grad():
        for seed, (name, p) in enumerate(model.named_parameters()):
            if p.ndim > 1:
                p.copy_(torch.from_numpy(normal(seed, *p.shape) * np.float32(np.sqrt(2 / np.prod(p.shape[1:])))))
            else:
                p.fill_(0.0 if name.endswith("bias") else 1.0)
    x = torch.from_numpy(normal(1000, *shape))
    labels = torch.from_numpy(np.random.default_rng(1001).integers(0, 10, shape[0]))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step() -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step, ()


def mlp(torch: Any) -> Any:
    """784-256-10 with ReLU, batch 32."""
    nn = torch.nn
    return training(torch, nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10)), 32, 784)


def lenet(torch: Any) -> Any:
    """LeNet-5 with ReLU and maximum pooling (LeCun et al., 1998), batch 64 of 3 x 32 x 32."""
    nn = torch.nn
    model = nn.Sequential(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
    return training(torch, model, 64, 3, 32, 32)


def se_resnet20(torch: Any) -> Any:
    """ResNet-20 for 3 x 32 x 32 (He et al., 2016) with squeeze-and-excitation by 4 (Hu et al., 2018), batch 32."""
    nn = torch.nn

    class Gate(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.factor = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, channels // 4), nn.ReLU(),
                                        nn.Linear(channels // 4, channels), nn.Sigmoid(), nn.Unflatten(1, (channels, 1, 1)))

        def forward(self, x: Any) -> Any:
            return x * self.factor(x)

    class Block(nn.Module):
        def __init__(self, channels: int, width: int, stride: int) -> None:
            super().__init__()
            self.main = nn.Sequential(nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
                                      nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), Gate(width))
            self.shortcut = nn.Identity() if stride == 1 else nn.Sequential(
                nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

        def forward(self, x: Any) -> Any:
            return torch.relu(self.main(x) + self.shortcut(x))

    stages = [Block(16, 16, 1), Block(16, 16, 1), Block(16, 16, 1), Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1),
              Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1)]
    model = nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), *stages,
                          nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    return training(torch, model, 32, 3, 32, 32)


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


TRAINING: dict[str, Build] = {"mlp": mlp, "lenet": lenet, "se_resnet20": se_resnet20}
WORKLOADS: dict[str, Build] = {"chain": chain, **TRAINING}
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
