"""`minidl.models` on PyTorch, as the benchmarks run it, for comparison in double precision."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks import mirror as source


class Hardsigmoid(torch.nn.Module):
    """PyTorch's has a derivative of 1/6 in single precision, wrong from the ninth digit on in double."""

    def forward(self, x: Any) -> Any:
        return torch.nn.functional.relu6(x + 3) / 6


def mirror() -> Any:
    """The package: ``.models`` holds the networks as torch modules, ``.nn`` is torch.nn with minidl's attention layers."""
    return source.mirror(Hardsigmoid=Hardsigmoid)
