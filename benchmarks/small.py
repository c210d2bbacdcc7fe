"""Common operations on tensors of a few dozen elements, where the time is that of the call and not of the arithmetic.

`SMALL` maps a name to the function (of the library and its inputs), its inputs, and whether it has a gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def values(*shape: int) -> np.ndarray:
    """Distinct values in [0.5, 1.5], where every function below is smooth, in an order without pattern."""
    n = int(np.prod(shape))
    return np.random.default_rng(n).permutation(np.linspace(0.5, 1.5, n, dtype=np.float32)).reshape(shape)


def indices(*shape: int, high: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, high, shape)


A, B, ROW, SQUARE = values(4, 8), values(4, 8)[::-1].copy(), values(8), values(8, 8)
IMAGE, KERNEL = values(2, 3, 8, 8), values(4, 3, 3, 3)
MASK = A > 1
LABELS = indices(4, high=8)

SMALL: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...], bool]] = {
    # arithmetic
    "add": (lambda torch, a, b: a + b, (A, B), True),
    "add-number": (lambda torch, a: a + 1.5, (A,), True),
    "sub": (lambda torch, a, b: a - b, (A, B), True),
    "mul": (lambda torch, a, b: a * b, (A, B), True),
    "mul-broadcast": (lambda torch, a, b: a * b, (A, ROW), True),
    "div": (lambda torch, a, b: a / b, (A, B), True),
    "pow": (lambda torch, a: a ** 2, (A,), True),
    "neg": (lambda torch, a: -a, (A,), True),
    "eq": (lambda torch, a, b: a == b, (A, B), False),
    "where": (lambda torch, m, a, b: torch.where(m, a, b), (MASK, A, B), True),
    "maximum": (lambda torch, a, b: torch.maximum(a, b), (A, B), True),
    "clamp": (lambda torch, a: torch.clamp(a, 0.7, 1.2), (A,), True),
    "add_": (lambda torch, a, b: (a * 1).add_(b), (A, B), True),
    # elementwise functions
    "exp": (lambda torch, a: torch.exp(a), (A,), True),
    "log": (lambda torch, a: torch.log(a), (A,), True),
    "sqrt": (lambda torch, a: torch.sqrt(a), (A,), True),
    "abs": (lambda torch, a: torch.abs(a), (A,), True),
    "tanh": (lambda torch, a: torch.tanh(a), (A,), True),
    "sigmoid": (lambda torch, a: torch.sigmoid(a), (A,), True),
    "relu": (lambda torch, a: torch.relu(a), (A,), True),
    "gelu": (lambda torch, a: torch.nn.functional.gelu(a), (A,), True),
    # reductions
    "sum": (lambda torch, a: a.sum(), (A,), True),
    "sum-dim": (lambda torch, a: a.sum(1), (A,), True),
    "mean": (lambda torch, a: a.mean(), (A,), True),
    "mean-dim": (lambda torch, a: a.mean(1, keepdim=True), (A,), True),
    "var": (lambda torch, a: a.var(1), (A,), True),
    "max": (lambda torch, a: a.max(), (A,), True),
    "max-dim": (lambda torch, a: a.max(1).values, (A,), True),
    "argmax": (lambda torch, a: a.argmax(1), (A,), False),
    "norm": (lambda torch, a: torch.linalg.vector_norm(a), (A,), True),
    "cumsum": (lambda torch, a: torch.cumsum(a, 1), (A,), True),
    # shape
    "reshape": (lambda torch, a: a.reshape(8, 4), (A,), True),
    "view": (lambda torch, a: a.view(-1), (A,), True),
    "transpose": (lambda torch, a: a.transpose(0, 1), (A,), True),
    "permute": (lambda torch, x: x.permute(0, 2, 3, 1), (IMAGE,), True),
    "unsqueeze": (lambda torch, a: a.unsqueeze(1), (A,), True),
    "flatten": (lambda torch, x: torch.flatten(x, 1), (IMAGE,), True),
    "expand": (lambda torch, a: a.expand(4, 8), (ROW,), True),
    "cat": (lambda torch, a, b: torch.cat([a, b], 1), (A, B), True),
    "stack": (lambda torch, a, b: torch.stack([a, b]), (A, B), True),
    "split": (lambda torch, a: a.split(4, 1)[0], (A,), True),
    # indexing
    "select": (lambda torch, a: a[1], (A,), True),
    "slice": (lambda torch, a: a[:, 2:6], (A,), True),
    "index": (lambda torch, a, i: a[i], (A, indices(3, high=4)), True),
    "index-mask": (lambda torch, a, m: a[m], (A, MASK), True),
    "gather": (lambda torch, a, i: a.gather(1, i), (A, indices(4, 2, high=8)), True),
    "embedding": (lambda torch, w, i: torch.nn.functional.embedding(i, w), (SQUARE, indices(4, high=8)), True),
    # networks
    "matmul": (lambda torch, a, b: a @ b, (A, SQUARE), True),
    "bmm": (lambda torch, a, b: torch.bmm(a, b), (values(2, 4, 8), values(2, 8, 4)), True),
    "linear": (lambda torch, x, w, b: torch.nn.functional.linear(x, w, b), (A, SQUARE, ROW), True),
    "softmax": (lambda torch, a: torch.softmax(a, 1), (A,), True),
    "log_softmax": (lambda torch, a: torch.log_softmax(a, 1), (A,), True),
    "cross_entropy": (lambda torch, a, i: torch.nn.functional.cross_entropy(a, i), (A, LABELS), True),
    "mse_loss": (lambda torch, a, b: torch.nn.functional.mse_loss(a, b), (A, B), True),
    "conv2d": (lambda torch, x, w: torch.nn.functional.conv2d(x, w, padding=1), (IMAGE, KERNEL), True),
    "max_pool2d": (lambda torch, x: torch.nn.functional.max_pool2d(x, 2), (IMAGE,), True),
    "layer_norm": (lambda torch, a, w, b: torch.nn.functional.layer_norm(a, (8,), w, b), (A, ROW, ROW + 1), True),
    "batch_norm": (lambda torch, x, w, b: torch.nn.functional.batch_norm(x, None, None, w, b, True), (IMAGE, values(3), values(3)), True),
}
