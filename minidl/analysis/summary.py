"""A table of a model's layers: shapes, kernels, parameters, multiply-accumulates, memory."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..core.tensor import Tensor
from ..core.watch import Call, Watcher, watching
from ..nn import Module
from ..nn.parameter import Parameter, is_lazy
from .costs import cost_of
from .modules import ModuleCalls
from .run import inputs_of, run
from .table import html_table, text_table

__all__ = ["LayerRow", "Summary", "summary"]

Shape = tuple[int, ...]


@dataclass
class LayerRow:
    """One call of one module, or a module that was not called.

    - `name`: its own name, `path` with those of the modules around it; `depth`: how many these are.
    - `state`: "run"; "container", not called itself but its submodules were; "used", not called but its parameters were
      (by the module around it); "not run".
    - `parameters`, `macs`: its own, without submodules; a parameter counts where it is first met, so that a layer called a
      second time (`shared`) has none. `total_parameters`, `total_macs`: with submodules.
    - `output_bytes`: the memory of its outputs that is not its inputs'.
    """

    name: str
    path: str
    kind: str
    depth: int
    state: str = "run"
    input_shapes: list[Shape] = field(default_factory=list)
    output_shapes: list[Shape] = field(default_factory=list)
    kernel: Shape | None = None
    parameters: int = 0
    trainable: int = 0
    macs: int = 0
    total_parameters: int = 0
    total_macs: int = 0
    output_bytes: int = 0
    shared: bool = False


@dataclass
class Summary:
    """Rows in the order of execution, and totals; ``str()`` gives the table, a notebook shows it as HTML.

    `activation_bytes`: the outputs of all modules without submodules, which is what a training step keeps at least;
    `buffer_bytes`: of buffers, such as running statistics.
    """

    rows: list[LayerRow]
    total: int
    trainable: int
    macs: int
    parameter_bytes: int
    buffer_bytes: int
    input_bytes: int
    activation_bytes: int
    max_depth: int | None = None

    def __str__(self) -> str:
        return text_table(HEAD, self._cells(), self._footer(), left=4)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_table(HEAD, self._cells(), self._footer(), left=4)

    def as_dict(self) -> dict[str, Any]:
        """The rows and totals as plain lists, dicts and numbers."""
        return asdict(self)

    def _cells(self) -> list[tuple[str, ...]]:
        table: list[tuple[str, ...]] = []
        for r in self.rows:
            if self.max_depth is not None and r.depth > self.max_depth:
                continue
            cut = r.depth == self.max_depth
            parameters, macs = (r.total_parameters, r.total_macs) if cut else (r.parameters, r.macs)
            shown = {"run": shapes(r.input_shapes), "container": "", "used": "used by parent", "not run": "not run"}[r.state]
            table.append(("  " * r.depth + (f"{r.name}: {r.kind}" if r.name else r.kind), shown, shapes(r.output_shapes),
                          "x".join(map(str, r.kernel or ())), "shared" if r.shared else number(parameters), number(macs)))
        return table

    def _footer(self) -> list[str]:
        used = self.parameter_bytes + self.buffer_bytes + self.input_bytes + self.activation_bytes
        return [f"{self.total:,} parameters, {self.trainable:,} of them trainable ({mebibytes(self.parameter_bytes)})",
                f"{self.macs:,} multiply-accumulates",
                (f"memory: input {mebibytes(self.input_bytes)}, layers' outputs {mebibytes(self.activation_bytes)}, "
                 f"with parameters and buffers {mebibytes(used)}")]


HEAD = ("layer", "input", "output", "kernel", "parameters", "MACs")


def number(n: int) -> str:
    return f"{n:,}" if n else "-"


def mebibytes(n: int) -> str:
    return f"{n / 2**20:.2f} MiB"


def shapes(values: list[Shape]) -> str:
    return ", ".join("x".join(map(str, v)) or "scalar" for v in values)


def tensors_in(value: Any) -> list[Tensor]:
    """All tensors in nested tuples, lists, dicts and dataclasses' fields."""
    if isinstance(value, Tensor):
        return [value]
    if not isinstance(value, (tuple, list, dict)):
        value = getattr(value, "__dict__", ())
    items = value.values() if isinstance(value, dict) else value
    return [t for item in items for t in tensors_in(item)] if items else []


class Rows(ModuleCalls, Watcher):
    """Makes the rows while the model runs, of its modules' calls and of the operations inside them."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[LayerRow, Module]] = []
        self.open: list[LayerRow] = []
        self.used: set[int] = set()  # parameters that an operation was given
        self.leaf_bytes = 0
        self.thread = threading.get_ident()

    def entered(self, module: Module, name: str, args: Any, kwargs: Any) -> None:
        row = row_of(module, name)
        row.input_shapes = [tuple(t.shape) for t in tensors_in((args, kwargs))]
        self.rows.append((row, module))
        self.open.append(row)

    def left(self, module: Module, name: str, args: Any, kwargs: Any, output: Any) -> None:
        row, outputs, given = self.open.pop(), tensors_in(output), tensors_in((args, kwargs))
        row.output_shapes = [tuple(t.shape) for t in outputs]
        row.output_bytes = sum(t._data.nbytes for t in outputs if not any(np.may_share_memory(t._data, x._data) for x in given))
        if self.rows[-1][0] is row:  # no module was called inside
            self.leaf_bytes += row.output_bytes

    def enter(self, call: Call) -> None:
        for value in call.args:
            self.used.update(id(p) for p in (value if isinstance(value, (tuple, list)) else (value,)) if isinstance(p, Parameter))

    def leave(self, call: Call) -> None:
        cost = cost_of(call) if threading.get_ident() == self.thread else None
        if cost is not None and self.open:
            self.open[-1].macs += cost.macs
            for row in self.open:
                row.total_macs += cost.macs

    def add_missing(self, model: Module) -> None:
        """Rows for the modules that were not called: before their submodules, or else after what stands before them."""
        called = {id(module) for _, module in self.rows}
        for name, module in model.named_modules():
            if id(module) in called:
                continue
            row, inside = row_of(module, name), [i for i, (r, _) in enumerate(self.rows) if r.path.startswith(name + ".")]
            row.state = ("container" if inside else
                         "used" if any(id(p) in self.used for p in module._parameters.values()) else "not run")
            row.total_macs = sum(self.rows[i][0].macs for i in inside)
            self.rows.insert(inside[0] if inside else self.place_after_siblings(model, name), (row, module))

    def place_after_siblings(self, model: Module, name: str) -> int:
        parent, _, own = name.rpartition(".")
        before = list(model.get_submodule(parent)._modules)
        for sibling in reversed(before[:before.index(own)]):
            path = f"{parent}.{sibling}".lstrip(".")
            places = [i for i, (r, _) in enumerate(self.rows) if r.path == path or r.path.startswith(path + ".")]
            if places:
                return places[-1] + 1
        return next((i + 1 for i, (r, _) in enumerate(self.rows) if r.path == parent), len(self.rows))

    def count_parameters(self) -> None:
        counted: set[int] = set()
        met: set[int] = set()
        for row, module in self.rows:
            own = [p for p in module._parameters.values() if p is not None and not is_lazy(p)]
            new = [p for p in own if id(p) not in counted]
            counted.update(map(id, new))
            row.parameters, row.trainable = sum(p.numel() for p in new), sum(p.numel() for p in new if p.requires_grad)
            row.kind, row.shared = type(module).__name__, bool(own) and not new  # a lazy layer has become another kind
            row.total_parameters = 0 if id(module) in met else sum(p.numel() for p in module.parameters() if not is_lazy(p))
            met.add(id(module))


def row_of(module: Module, path: str) -> LayerRow:
    kernel = getattr(module, "kernel_size", None)
    return LayerRow(path.rpartition(".")[2], path, type(module).__name__, path.count(".") + bool(path),
                    kernel=(kernel,) if isinstance(kernel, int) else tuple(kernel) if isinstance(kernel, (tuple, list)) else None)


def bytes_of(tensors: Any) -> int:
    return sum(t._data.nbytes for t in {id(t): t for t in tensors if t is not None and not is_lazy(t)}.values())


def summary(model: Module, input_size: Any = None, input_data: Any = None, batch_dim: int | None = None, depth: int | None = None,
            dtypes: Any = None, **kwargs: Any) -> Summary:
    """Runs `model` once and tabulates every module's call: shapes, kernel, parameters, multiply-accumulates, memory.

    - `input_size`: the size of the input, batch included; a list of sizes for several inputs, a dict of them by name. The
      model gets zeros, of type float32 or `dtypes`. `batch_dim` inserts a batch of 1 at that place of each.
    - `input_data` instead: a tensor, a list of inputs, or a dict of named ones. `kwargs` go to the model as they are.
    - `depth`: rows up to this depth, the last ones with all that is inside them.

    As torchinfo's ``summary``, but that it prints nothing and runs in evaluation mode always. The modules' modes, the buffers
    and the generator of random numbers are left as they were; lazy layers take their sizes from this input.

    TypeError if the model takes other inputs than these; RuntimeError, which names the layer, if one fails.

    >>> from minidl import nn
    >>> print(summary(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), (1, 3)))
    layer        input  output  kernel  parameters  MACs
    ----------------------------------------------------
    Sequential   1x3    1x2                      -     -
      0: Linear  1x3    1x2                      8     6
      1: ReLU    1x2    1x2                      -     -
    ----------------------------------------------------
    8 parameters, 8 of them trainable (0.00 MiB)
    6 multiply-accumulates
    memory: input 0.00 MiB, layers' outputs 0.00 MiB, with parameters and buffers 0.00 MiB
    """
    args, named = inputs_of(input_size, input_data, batch_dim, dtypes)
    watcher = Rows()
    with watching(watcher):
        run("summary", model, (args, named | kwargs), watcher)
    watcher.add_missing(model)
    watcher.count_parameters()
    rows, parameters = [row for row, _ in watcher.rows], list(model.parameters())
    return Summary(rows, sum(r.parameters for r in rows), sum(r.trainable for r in rows), rows[0].total_macs, bytes_of(parameters),
                   bytes_of(model.buffers()), bytes_of(tensors_in((args, named, kwargs))), watcher.leaf_bytes, depth)
