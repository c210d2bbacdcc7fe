"""Samples of a category that gradients can pass."""

from __future__ import annotations

from typing import Any

from ..core import public
from .create import empty_like, zeros_like
from .softmax import softmax


@public(where="nn.functional")
def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """y = softmax((logits + g) / tau), g = -log(-log u) for u uniform on (0, 1): near a one-hot sample of softmax(logits) for small tau.

    With `hard` the value is one-hot, and the gradient that of y. Jang, Gu and Poole (2017), Categorical reparameterization with
    Gumbel-softmax.
    """
    noise = -empty_like(logits).exponential_().log()
    y = softmax((logits + noise) / tau, dim)
    if not hard:
        return y
    one_hot: Any = zeros_like(logits)
    return one_hot.scatter_(dim, y.max(dim, keepdim=True)[1], 1.0) - y.detach() + y
