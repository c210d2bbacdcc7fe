"""``python -m benchmarks.peers``: minidl and other libraries for NumPy arrays, each in processes of its own, in turn.

Two workloads of the same sizes for all: the training step of LeNet, and a convolution with its backward. The peers come
with the extra `peers`; one that is not installed is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .child import milliseconds
from .measure import ROOT, environment
from .networks import NETWORKS, normal

LENET = [("conv1", (6, 3, 5, 5)), ("conv2", (16, 6, 5, 5)), ("fc1", (120, 400)), ("fc2", (84, 120)), ("fc3", (10, 84))]
IMAGES, KERNEL = (8, 64, 56, 56), (64, 64, 3, 3)
BATCH, RATE = NETWORKS["lenet"].batch, 0.01


def weights() -> list[np.ndarray]:
    return [normal(i, *shape) * np.float32(np.sqrt(2 / np.prod(shape[1:]))) for i, (_, shape) in enumerate(LENET)]


def data() -> tuple[np.ndarray, np.ndarray]:
    return normal(1000, BATCH, 3, 32, 32), np.random.default_rng(1001).integers(0, 10, BATCH)


def torch_like(library: str) -> dict[str, Callable[[], Any]]:
    """minidl, or PyTorch."""
    torch = importlib.import_module(library)
    f = torch.nn.functional
    ws = [torch.from_numpy(w).requires_grad_() for w in weights()]
    x, labels = map(torch.from_numpy, data())
    image, kernel = (torch.from_numpy(normal(i, *shape)).requires_grad_() for i, shape in enumerate((IMAGES, KERNEL)))

    def lenet() -> None:
        a = f.max_pool2d(f.relu(f.conv2d(x, ws[0])), 2)
        a = f.max_pool2d(f.relu(f.conv2d(a, ws[1])), 2).flatten(1)
        a = f.linear(f.relu(f.linear(f.relu(f.linear(a, ws[2])), ws[3])), ws[4])
        f.cross_entropy(a, labels).backward()
        with torch.no_grad():
            for w in ws:
                w -= RATE * w.grad
                w.grad = None

    def conv() -> None:
        image.grad = kernel.grad = None
        f.conv2d(image, kernel, padding=1).sum().backward()

    return {"lenet": lenet, "conv": conv}


def mygrad() -> dict[str, Callable[[], Any]]:
    import mygrad as mg
    from mygrad.nnet.activations import relu
    from mygrad.nnet.layers import conv_nd, max_pool
    from mygrad.nnet.losses import softmax_crossentropy

    ws = [mg.tensor(w) for w in weights()]
    x, labels = data()
    image, kernel = mg.tensor(normal(0, *IMAGES)), mg.tensor(normal(1, *KERNEL))

    def lenet() -> None:
        a = max_pool(relu(conv_nd(x, ws[0], stride=1)), (2, 2), 2)
        a = max_pool(relu(conv_nd(a, ws[1], stride=1)), (2, 2), 2).reshape(BATCH, -1)
        a = relu(relu(a @ ws[2].T) @ ws[3].T) @ ws[4].T
        softmax_crossentropy(a, labels).backward()
        for w in ws:
            w.data -= RATE * w.grad

    def conv() -> None:
        conv_nd(image, kernel, stride=1, padding=1).sum().backward()

    return {"lenet": lenet, "conv": conv}


def pydynet() -> dict[str, Callable[[], Any]]:
    import pydynet as pdn
    import pydynet.nn.functional as f

    ws = [pdn.Tensor(w, requires_grad=True) for w in weights()]
    x, labels = data()
    x, labels = pdn.Tensor(x), pdn.Tensor(labels)
    image, kernel = pdn.Tensor(normal(0, *IMAGES), requires_grad=True), pdn.Tensor(normal(1, *KERNEL), requires_grad=True)

    def lenet() -> None:
        a = f.max_pool2d(f.relu(f.conv2d(x, ws[0])), 2, 2)
        a = f.max_pool2d(f.relu(f.conv2d(a, ws[1])), 2, 2).reshape(BATCH, -1)
        a = f.relu(f.relu(a @ ws[2].transpose(1, 0)) @ ws[3].transpose(1, 0)) @ ws[4].transpose(1, 0)
        f.cross_entropy_loss(a, labels).backward()
        for w in ws:
            w.data -= RATE * w.grad
            w.zero_grad()

    def conv() -> None:
        image.zero_grad()
        kernel.zero_grad()
        pdn.sum(f.conv2d(image, kernel, padding=1)).backward()

    return {"lenet": lenet, "conv": conv}


def jax() -> dict[str, Callable[[], Any]]:
    import jax
    import jax.numpy as jnp

    numbers = ("NCHW", "OIHW", "NCHW")
    x, labels = map(jnp.asarray, data())
    state = [[jnp.asarray(w) for w in weights()]]
    image, kernel = jnp.asarray(normal(0, *IMAGES)), jnp.asarray(normal(1, *KERNEL))

    def convolve(a: Any, w: Any, padding: str) -> Any:
        return jax.lax.conv_general_dilated(a, w, (1, 1), padding, dimension_numbers=numbers)

    def pool(a: Any) -> Any:
        return jax.lax.reduce_window(a, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

    def loss(ws: Any) -> Any:
        a = pool(jax.nn.relu(convolve(x, ws[0], "VALID")))
        a = pool(jax.nn.relu(convolve(a, ws[1], "VALID"))).reshape(BATCH, -1)
        a = jax.nn.relu(jax.nn.relu(a @ ws[2].T) @ ws[3].T) @ ws[4].T
        return -jnp.take_along_axis(jax.nn.log_softmax(a), labels[:, None], 1).mean()

    update = jax.jit(lambda ws: [w - RATE * g for w, g in zip(ws, jax.grad(loss)(ws))])
    gradients = jax.jit(jax.grad(lambda a, w: convolve(a, w, "SAME").sum(), (0, 1)))

    def lenet() -> None:
        state[0] = jax.block_until_ready(update(state[0]))

    return {"lenet": lenet, "conv": lambda: jax.block_until_ready(gradients(image, kernel))}


LIBRARIES: dict[str, Callable[[], dict[str, Callable[[], Any]]]] = {
    "minidl": lambda: torch_like("minidl"), "torch": lambda: torch_like("torch"), "mygrad": mygrad, "pydynet": pydynet, "jax": jax}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=LIBRARIES, help="measure one library in this process, as JSON")
    options = parser.parse_args(arguments)
    if options.child:
        print(json.dumps({name: milliseconds(step, 1.0) for name, step in LIBRARIES[options.child]().items()}))
        return
    present = [name for name in LIBRARIES if importlib.util.find_spec(name)]
    times: dict[str, list[dict[str, float]]] = {name: [] for name in present}
    for _ in range(options.rounds):
        for name in present:
            command = [sys.executable, "-m", "benchmarks.peers", "--child", name]
            answer = subprocess.run(command, cwd=ROOT, env=environment(options.threads), check=True, stdout=subprocess.PIPE, text=True)
            times[name].append(json.loads(answer.stdout))
    print(f"{'':10}" + "".join(f"{work + ' ms':>12}{'/ minidl':>10}" for work in ("lenet", "conv")))
    for name in present:
        cells = []
        for work in ("lenet", "conv"):
            ratio = statistics.median([a[work] / b[work] for a, b in zip(times[name], times["minidl"])])
            cells.append(f"{statistics.median([t[work] for t in times[name]]):12.2f}{ratio:10.2f}")
        print(f"{name:10}{''.join(cells)}")


if __name__ == "__main__":
    main()
