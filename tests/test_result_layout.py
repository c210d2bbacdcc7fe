"""What reduces, accumulates or repeats a permuted tensor leaves row-major memory, as PyTorch does, so that a view of the result is possible."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch

import minidl

REDUCTIONS: dict[str, Callable[[ModuleType, Any, int, bool], Any]] = {
    **{name: lambda T, x, dim, keep, name=name: getattr(T, name)(x, dim, keepdim=keep)
       for name in ("sum", "mean", "prod", "nansum", "nanmean", "amax", "amin", "any", "all", "argmax", "max", "median", "nanmedian", "var", "std")},
    "var_mean": lambda T, x, dim, keep: T.var_mean(x, dim=dim, keepdim=keep),
    "aminmax": lambda T, x, dim, keep: T.aminmax(x, dim=dim, keepdim=keep),
    "half": lambda T, x, dim, keep: x.half().sum(dim, keepdim=keep),
    "half mean": lambda T, x, dim, keep: x.half().mean(dim, keepdim=keep),
    "whole": lambda T, x, dim, keep: x.long().sum(dim, keepdim=keep),
    "count_nonzero": lambda T, x, dim, keep: T.count_nonzero(x, dim),
    "norm": lambda T, x, dim, keep: T.linalg.vector_norm(x, 2, dim, keep),
    "cosine_similarity": lambda T, x, dim, keep: T.cosine_similarity(x, x + 1, dim),
}
OTHERS: dict[str, Callable[[ModuleType, Any, int, bool], Any]] = {
    **{name: lambda T, x, dim, keep, name=name: getattr(T, name)(x, dim) for name in ("cumsum", "cumprod", "logcumsumexp", "cummax", "cummin")},
    "tril": lambda T, x, dim, keep: T.tril(x, dim), "triu": lambda T, x, dim, keep: T.triu(x, dim),
    "repeat": lambda T, x, dim, keep: x.repeat(1, 1, 1, dim + 1),
}


def first(y: Any) -> Any:
    return y[0] if isinstance(y, tuple) else y


@pytest.mark.parametrize("name", [*REDUCTIONS, *OTHERS])
def test_results_of_permuted_tensors_are_contiguous(name: str) -> None:
    call = (REDUCTIONS | OTHERS)[name]
    for order, dim, keep in itertools.product(itertools.permutations(range(4)), range(4), (False, True)):
        ours, theirs = (first(call(T, T.arange(120.0).div(60.0).reshape(2, 3, 4, 5).permute(order), dim, keep)) for T in (minidl, torch))
        assert theirs.is_contiguous() and ours.is_contiguous() and ours.view(-1).shape == theirs.view(-1).shape


@pytest.mark.parametrize("order", [(0, 3, 1, 2), (1, 0, 3, 2), (0, 1, 2, 3), (3, 2, 1, 0), (0, 2, 1, 3)])
@pytest.mark.parametrize("name", ["roll", "nearest", "bilinear"])
def test_images_keep_their_channels_last(name: str, order: tuple[int, ...]) -> None:
    def run(T: ModuleType) -> Any:
        x = T.arange(120.0).reshape(2, 3, 4, 5).permute(order)
        return T.roll(x, 1, 2) if name == "roll" else T.nn.functional.interpolate(x, scale_factor=2, mode=name)

    assert run(minidl).stride() == run(torch).stride() and minidl.equal(run(minidl), minidl.tensor(run(torch).numpy()))


IMAGES: dict[str, Callable[[ModuleType, Any], Any]] = {
    "conv2d": lambda T, x: T.nn.functional.conv2d(x, T.ones(6, x.shape[1], 1, 1)),
    "max_pool2d": lambda T, x: T.nn.functional.max_pool2d(x, 2, padding=1),
    "avg_pool2d": lambda T, x: T.nn.functional.avg_pool2d(x, 2, padding=1),
    "batch_norm": lambda T, x: T.nn.functional.batch_norm(x, T.zeros(x.shape[1]), T.ones(x.shape[1])),
    "constant pad": lambda T, x: T.nn.functional.pad(x, (1, 1)),
}


@pytest.mark.parametrize("name", IMAGES)
def test_channels_last_is_an_order_of_all_dimensions(name: str) -> None:
    """Channels alone innermost, with columns or images in another place than theirs, are none."""
    for order in itertools.permutations(range(4)):
        ours, theirs = (IMAGES[name](T, T.arange(120.0).reshape(2, 3, 4, 5).permute(order)) for T in (minidl, torch))
        assert ours.stride() == theirs.stride(), order
