"""A table of a model's layers: shapes, parameters, sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.modes import no_grad
from ..core.tensor import Tensor, wrap
from ..nn import Module

__all__ = ["LayerRow", "Summary", "summary"]


@dataclass
class LayerRow:
    """One call of one module: its depth in the tree, its shapes, and the parameters that are its own."""

    name: str
    kind: str
    depth: int
    input_shapes: list[tuple[int, ...]]
    output_shapes: list[tuple[int, ...]] = field(default_factory=list)
    parameters: int = 0


@dataclass
class Summary:
    """Rows in the order of execution, and totals; ``str()`` gives the table. A shared parameter counts once."""

    rows: list[LayerRow]
    total: int
    trainable: int
    parameter_bytes: int

    def __str__(self) -> str:
        head = ("layer", "input", "output", "parameters")
        table = [("  " * r.depth + (f"{r.name}: {r.kind}" if r.name else r.kind), shapes(r.input_shapes), shapes(r.output_shapes),
                  f"{r.parameters:,}" if r.parameters else "-") for r in self.rows]
        widths = [max(len(row[i]) for row in (head, *table)) for i in range(4)]
        line = "-" * (sum(widths) + 6)

        def form(row: tuple[str, ...]) -> str:
            return "  ".join((*(cell.ljust(w) for cell, w in zip(row[:3], widths)), row[3].rjust(widths[3])))

        return "\n".join((form(head), line, *map(form, table), line,
                          f"{self.total:,} parameters, {self.trainable:,} of them trainable ({self.parameter_bytes / 2**20:.2f} MiB)"))

    __repr__ = __str__


def shapes(values: list[tuple[int, ...]]) -> str:
    return ", ".join("x".join(map(str, v)) or "scalar" for v in values)


def tensor_shapes(value: Any) -> list[tuple[int, ...]]:
    """The shapes of all tensors in nested tuples, lists and dicts."""
    if isinstance(value, Tensor):
        return [tuple(value.shape)]
    if isinstance(value, dict):
        value = list(value.values())
    return [s for item in value for s in tensor_shapes(item)] if isinstance(value, (tuple, list)) else []


@no_grad()
def summary(model: Module, input_size: Sequence[Any]) -> Summary:
    """Runs `model` once on zeros of `input_size` (batch included; a list of sizes for several inputs) and tabulates every
    module's call. The model is run in eval mode and left as it was.

    >>> from minidl import nn
    >>> print(summary(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), (1, 3)))
    layer        input  output  parameters
    --------------------------------------
    Sequential   1x3    1x2              -
      0: Linear  1x3    1x2              8
      1: ReLU    1x2    1x2              -
    --------------------------------------
    8 parameters, 8 of them trainable (0.00 MiB)
    """
    sizes = list(input_size) if input_size and isinstance(input_size[0], (tuple, list)) else [tuple(input_size)]
    rows: list[LayerRow] = []
    handles, modes = [], {m: m.training for m in model.modules()}
    counted: set[int] = set()
    for name, module in model.named_modules():
        handles += _watch(module, name, rows, counted)
    try:
        model.eval()
        model(*[wrap(np.zeros(size, np.float32)) for size in sizes])
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes.items():
            module.training = training
    parameters = list(model.parameters())
    return Summary(rows, sum(p.numel() for p in parameters), sum(p.numel() for p in parameters if p.requires_grad),
                   sum(p.numel() * p.element_size() for p in parameters))


def _watch(module: Module, name: str, rows: list[LayerRow], counted: set[int]) -> list[Any]:
    """Hooks that enter a row when the module is called, and its output when it returns."""
    open_rows: list[LayerRow] = []

    def enter(module: Module, args: Any) -> None:
        own = [p for p in module._parameters.values() if p is not None and id(p) not in counted]
        counted.update(map(id, own))
        row = LayerRow(name.rpartition(".")[2], type(module).__name__, name.count(".") + 1 if name else 0, tensor_shapes(args),
                       parameters=sum(p.numel() for p in own))
        rows.append(row)
        open_rows.append(row)

    def leave(module: Module, args: Any, output: Any) -> None:
        open_rows.pop().output_shapes = tensor_shapes(output)

    return [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
