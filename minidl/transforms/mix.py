"""Batches mixed with themselves: pairs of images, with their labels in the same proportion."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core import Tensor
from ..core.generator import default_generator
from ..nn import Module
from ..ops.embedding import one_hot
from .base import randint

__all__ = ["CutMix", "MixUp"]


def gamma(shape: float) -> float:
    """A sample of Gamma(shape, 1) by rejection (Marsaglia and Tsang 2000), with PyTorch's numbers."""
    scale = 1.0
    if shape < 1:  # Gamma(a) = Gamma(a + 1) U^(1/a)
        scale = (1 - _unit()) ** (1 / shape)
        shape += 1
    d = shape - float(np.float32(1 / 3))
    c = 1 / math.sqrt(9 * d)
    while True:
        x = float(default_generator.normal((1,), dtype=np.float64)[0])
        y = 1 + c * x
        if y <= 0:
            continue
        v = y * y * y
        u = 1 - _unit()
        if u < 1 - float(np.float32(0.0331)) * x ** 4 or math.log(u) < 0.5 * x * x + d * (1 - v + math.log(v)):
            return max(scale * d * v, float(np.finfo(np.float64).tiny))


def _unit() -> float:
    return float(default_generator.uniform((1,), dtype=np.float64)[0])


def dirichlet(alpha: float, n: int) -> np.ndarray:
    """n shares of a whole, of Dirichlet(alpha, ..., alpha): gamma variables over their sum, in float32."""
    x = np.array([gamma(float(np.float32(alpha))) for _ in range(n)])
    tiny, below_one = np.finfo(np.float32).tiny, np.nextafter(np.float32(1), np.float32(0))
    return np.clip((x / x.sum()).astype(np.float32), tiny, below_one)


def beta(alpha: float) -> float:
    """A sample of Beta(alpha, alpha)."""
    return float(dirichlet(alpha, 2)[0])


class _Mix(Module):
    def __init__(self, *, alpha: float = 1.0, num_classes: int | None = None) -> None:
        super().__init__()
        if not alpha > 0:
            raise ValueError(f"{type(self).__name__}: expected alpha > 0, got {alpha}")
        self.alpha, self.num_classes = float(alpha), num_classes

    def forward(self, *inputs: Any) -> Any:
        images, labels = inputs if len(inputs) == 2 else inputs[0]
        self.check(images, labels)
        mixed, lam = self.mix(images)
        if labels.ndim == 1:
            labels = one_hot(labels, self.num_classes)
        if not labels.dtype.is_floating_point:
            labels = labels.float()
        return mixed, blended(labels, lam)

    def mix(self, images: Tensor) -> tuple[Tensor, float]:
        raise NotImplementedError(f"{type(self).__name__} has no mix")

    def check(self, images: Any, labels: Any) -> None:
        name = type(self).__name__
        if not isinstance(images, Tensor):
            raise ValueError(f"{name}() does not support {type(images).__name__}: it mixes a batch of tensors")
        if not isinstance(labels, Tensor):
            raise ValueError(f"The labels must be a tensor, but got {type(labels)} instead.")
        if labels.ndim not in (1, 2):
            raise ValueError("labels should be index based with shape (batch_size,) or probability based with shape "
                             f"(batch_size, num_classes), but got a tensor of shape {labels.shape} instead.")
        if labels.ndim == 1 and self.num_classes is None:
            raise ValueError("num_classes must be passed if the labels are index-based (1D)")
        if labels.ndim == 2 and self.num_classes not in (None, labels.shape[-1]):
            raise ValueError("When passing 2D labels, the number of elements in last dimension must match num_classes: "
                             f"{labels.shape[-1]} != {self.num_classes}. You can Leave num_classes to None.")
        if images.ndim != 4:
            raise ValueError(f"Expected a batched input with 4 dims, but got {images.ndim} dimensions instead.")
        if images.shape[0] != labels.shape[0]:
            raise ValueError("The batch size of the image or video does not match the batch size of the labels: "
                             f"{images.shape[0]} != {labels.shape[0]}.")

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}, num_classes={self.num_classes}"


def blended(x: Any, lam: float) -> Any:
    """lam x_i + (1 - lam) x_{i-1}: each of a batch with the one before it."""
    return x.roll(1, 0) * (1.0 - lam) + x * lam


class MixUp(_Mix):
    """x_i = lam x_i + (1 - lam) x_{i-1}, and the labels likewise, lam of Beta(alpha, alpha) (Zhang et al. 2018).

    Called on a batch: float images (N, C, H, W), and labels (N) of `num_classes` or probabilities (N, num_classes);
    gives the images and probabilities. Put it after a loader that shuffles, since neighbours are mixed.

    >>> import minidl as torch
    >>> images, labels = MixUp(num_classes=3)(torch.rand(2, 3, 4, 4), torch.tensor([0, 2]))
    >>> labels.shape, labels.sum(1)
    (torch.Size([2, 3]), tensor([1., 1.]))
    """

    def mix(self, images: Tensor) -> tuple[Tensor, float]:
        if not images.dtype.is_floating_point:
            raise RuntimeError(f"MixUp: expected float images, got {images.dtype}")
        lam = beta(self.alpha)
        return blended(images, lam), lam


class CutMix(_Mix):
    """A rectangle of x_{i-1} put into x_i, and labels in proportion to the areas (Yun et al. 2019).

    Its sides are sqrt(1 - lam) of the image's, lam of Beta(alpha, alpha), its middle is uniform, and what lies outside
    the image is cut off. Called as `MixUp`.
    """

    def mix(self, images: Tensor) -> tuple[Tensor, float]:
        h, w = images.shape[-2:]
        half = 0.5 * math.sqrt(1.0 - beta(self.alpha))
        x, y = randint(0, w), randint(0, h)
        dx, dy = int(half * w), int(half * h)
        left, top, right, bottom = max(x - dx, 0), max(y - dy, 0), min(x + dx, w), min(y + dy, h)
        mixed = images.clone()
        mixed[..., top:bottom, left:right] = images.roll(1, 0)[..., top:bottom, left:right]
        return mixed, 1.0 - (right - left) * (bottom - top) / (w * h)
