"""The memory order of joined tensors: PyTorch's, whose `view` then works on both sides or on neither."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import minidl

KINDS: dict[str, Any] = {
    "contiguous": lambda T, x: x,
    "channels-last": lambda T, x: x.contiguous(memory_format=T.channels_last),
    "part of channels-last": lambda T, x: T.cat([x, x], 1).contiguous(memory_format=T.channels_last)[:, :3],
    "reversed": lambda T, x: x.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0),
    "transposed": lambda T, x: x.transpose(0, 1).contiguous().transpose(0, 1),
}


def joined(T: ModuleType, first: str, second: str, dim: int) -> Any:
    x = T.arange(2 * 3 * 4 * 5).float().reshape(2, 3, 4, 5)
    return T.cat([KINDS[first](T, x), KINDS[second](T, x + 1)], dim)


@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("first", KINDS)
def test_cat(first: str, second: str) -> None:
    for dim in range(4):
        own, theirs = joined(minidl, first, second, dim), joined(torch, first, second, dim)
        assert own.stride() == theirs.stride()
        np.testing.assert_array_equal(own.numpy(), theirs.numpy())


def test_cat_of_volumes_and_stack() -> None:
    for T in (minidl, torch):
        x = T.arange(48).float().reshape(2, 3, 2, 2, 2).contiguous(memory_format=T.channels_last_3d)
        assert T.cat([x, x], 1).stride() == (48, 1, 24, 12, 6)
        assert T.stack([x[0].permute(3, 0, 1, 2)] * 2, 0).is_contiguous()
