"""Whole networks: a training step (forward, loss, backward, one step of SGD with momentum), and inference.

The networks of `minidl.models` run on PyTorch from the same source (`benchmarks.mirror`); weights and inputs are the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .mirror import mirror

Build = Callable[[Any], tuple[Callable[[], Any], tuple[Any, ...]]]


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


class Network(NamedTuple):
    """How to make it, for either library; one input's shape; the batch of its training step."""

    make: Callable[[Any], Any]
    shape: tuple[int, ...]
    batch: int


def zoo(expression: str) -> Callable[[Any], Any]:
    """A network of `minidl.models`."""
    def make(torch: Any) -> Any:
        return eval(expression, {"models": (torch if torch.__name__ == "minidl" else mirror()).models})

    return make


def mlp(torch: Any) -> Any:
    """784-256-10 with ReLU."""
    nn = torch.nn
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))


def lenet(torch: Any) -> Any:
    """LeNet-5 with ReLU and maximum pooling (LeCun et al., 1998) for 3 x 32 x 32."""
    nn = torch.nn
    return nn.Sequential(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def transformer_block(torch: Any) -> Any:
    """One block of a small vision transformer (Touvron et al., 2021): 197 tokens of 192 features, 3 heads."""
    return torch.nn.TransformerEncoderLayer(192, 3, 768, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)


NETWORKS = {
    "mlp": Network(mlp, (784,), 32),
    "lenet": Network(lenet, (3, 32, 32), 64),
    "se_resnet20": Network(zoo("models.se_resnet20(in_channels=3)"), (3, 32, 32), 32),
    "cbam_resnet18": Network(zoo("models.cbam_resnet18(num_classes=10)"), (3, 112, 112), 4),
    "resnet18": Network(zoo("models.resnet18(num_classes=10)"), (3, 224, 224), 4),
    "unet": Network(zoo("models.UNet(3, 2, features=16, depth=4)"), (3, 128, 128), 4),
    "transformer": Network(transformer_block, (197, 192), 8),
}


def build(torch: Any, network: Network) -> Any:
    """The network with weights of the usual size (He et al., 2015), the same in both libraries."""
    model = network.make(torch)
    with torch.no_grad():
        for seed, (name, p) in enumerate(model.named_parameters()):
            if p.ndim > 1:
                p.copy_(torch.from_numpy(normal(seed, *p.shape) * np.float32(np.sqrt(2 / np.prod(p.shape[1:])))))
            else:
                p.fill_(0.0 if name.endswith("bias") else 1.0)
    return model


def training(network: Network) -> Build:
    """The training step on one batch, with the squared output as the loss where it is not of 10 classes."""
    def workload(torch: Any) -> Any:
        model = build(torch, network)
        x = torch.from_numpy(normal(1000, network.batch, *network.shape))
        labels = torch.from_numpy(np.random.default_rng(1001).integers(0, 10, network.batch))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

        def step() -> Any:
            optimizer.zero_grad()
            y = model(x)
            loss = torch.nn.functional.cross_entropy(y, labels) if y.ndim == 2 else (y * y).mean()
            loss.backward()
            optimizer.step()
            return loss

        return step, ()

    return workload


def inference(network: Network, batch: int) -> Build:
    """The output in evaluation, without a graph."""
    def workload(torch: Any) -> Any:
        model = build(torch, network).eval()
        x = torch.from_numpy(normal(1000, batch, *network.shape))

        def step() -> Any:
            with torch.no_grad():
                return model(x)

        return step, ()

    return workload


TRAINING: dict[str, Build] = {name: training(network) for name, network in NETWORKS.items()}
INFERENCE: dict[str, Build] = {f"infer-{name}-{batch}": inference(network, batch) for name, network in NETWORKS.items()
                              for batch in (1, 8)}
