"""The receptive field: which positions of the input one position of a layer's output depends on.

Two ways to the same answer. `receptive_field` follows the recurrence through the graph of the operations, whatever modules or
functions they came from (`minidl.analysis.axis` has the formulas, `fields` a rule for each operation; where branches meet, the
union). `measured_receptive_field` asks the gradients of one output position which inputs they reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from fractions import Fraction
from math import isinf, prod
from typing import Any

import numpy as np

from ..core.engine import grad
from ..core.tensor import Tensor, wrap
from ..nn import Module
from ..nn.parameter import is_lazy
from ..ops.pool import mean_spread
from ..ops.pool_adaptive import adaptive_spread
from .axis import IDENTITY
from .fields import Entry, Field, field_after
from .record import Recorded, record
from .table import html_table, text_table

__all__ = ["FieldRow", "MeasuredField", "ReceptiveField", "measured_receptive_field", "receptive_field"]

Span = tuple[int, int] | None


@dataclass
class FieldRow:
    """An operation that changes the field: one value for each spatial dimension of the input.

    - `size`: of the feature map (1 where that dimension is gone). `field`: how many inputs, from the first to the last, one
      position reads (infinite: all), `stride`: how far that moves from one position to the next, `start`: the first
      input that position 0 reads, below 0 in the padding.
    """

    name: str
    operation: str
    axes: tuple[Entry, ...]
    size: tuple[int, ...]

    @property
    def field(self) -> tuple[float, ...]:
        return tuple([axis.size for _, axis in self.axes])

    @property
    def stride(self) -> tuple[Fraction, ...]:
        return tuple([axis.stride for _, axis in self.axes])

    @property
    def start(self) -> tuple[float | None, ...]:
        return tuple([None if axis.spans[0] is None else axis.spans[0][0] for _, axis in self.axes])


@dataclass
class ReceptiveField:
    """`rows` from input to output; `field`, `stride`, `start` and `size` of the output, as `FieldRow` has them.

    The field is that of the recurrence: it is not cut off at the borders of the image.
    """

    input_size: tuple[int, ...]
    rows: list[FieldRow]

    def __getattr__(self, name: str) -> Any:
        if name in ("field", "stride", "start", "size"):
            return getattr(self.rows[-1], name)
        raise AttributeError(name)

    def at(self, *position: int) -> tuple[Span, ...] | None:
        """The first and last input that this position of the output reads, in each dimension, within the image; None if it
        reads nothing."""
        spans = [axis.at(i) for (_, axis), i in zip(self.rows[-1].axes, position, strict=True)]
        return None if None in spans else tuple([(int(max(s[0], 0)), int(min(s[1], n - 1)))  # type: ignore[index]
                                                 for s, n in zip(spans, self.input_size)])

    def interior(self) -> tuple[list[int], ...]:
        """In each dimension, the positions of the output that depend on nothing in any layer's padding: `at` is exact there."""
        return tuple([[i for i in range(self.rows[-1].size[d]) if self._is_inside(d, axis.at(i))]
                      for d, (_, axis) in enumerate(self.rows[-1].axes)])

    def _is_inside(self, d: int, span: Any) -> bool:
        """Whether the span lies in the image, and what a layer's positions before its first and after its last would read,
        does not (if an output depended on one, that would be part of the span)."""
        if span is None:
            return True
        beyond = [(axis.at(i), i < 0) for (_, axis), n in [(row.axes[d], row.size[d]) for row in self.rows] if axis.advance
                  for i in (*range(-len(axis.spans), 0), *range(n, n + len(axis.spans)))]
        return 0 <= span[0] and span[1] < self.input_size[d] and all(
            s is None or (s[1] < span[0] if before else s[0] > span[1]) for s, before in beyond)

    def as_dict(self) -> dict[str, Any]:
        """The rows as plain lists, dicts and numbers."""
        return {"input_size": self.input_size, "rows": [
            {"name": r.name, "operation": r.operation, "size": r.size, "field": r.field, "stride": [float(s) for s in r.stride],
             "start": r.start} for r in self.rows]}

    def _cells(self) -> list[tuple[str, ...]]:
        return [(r.name, r.operation, "x".join(map(str, r.size)), *(each(v) for v in (r.field, r.stride, r.start)))
                for r in self.rows]

    def __str__(self) -> str:
        return text_table(HEAD, self._cells(), [], left=2)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_table(HEAD, self._cells(), [], left=2)


HEAD = ("layer", "operation", "size", "field", "stride", "start")


def each(values: tuple[Any, ...]) -> str:
    """One value if it is the same in all dimensions."""
    shown = ["-" if v is None else "all" if isinstance(v, float) and isinf(v) else str(v) for v in values]
    return shown[0] if len(set(shown)) == 1 else " x ".join(shown)


def receptive_field(model: Any, input_size: Any, layer: str | None = None) -> ReceptiveField:
    """The receptive field of a model's output, or of its submodule `layer`, by the recurrence.

    ``S_n = S_(n-1) s``, ``R_n = R_(n-1) + d (k - 1) S_(n-1)``, the union where branches meet; per dimension. `input_size` is
    (N, C, ...); the model may be any function of one tensor. Operations that mix all positions (a mean over the image,
    attention, a linear layer after flattening) read all that there is; so do joined branches of different strides.

    NotImplementedError for an operation that has no recurrence (a flip, a transform by a grid); ValueError where the output
    does not depend on the input.

    >>> from minidl import nn
    >>> receptive_field(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3, dilation=2)), (1, 1, 16, 16))
    layer  operation     size  field  stride  start
    -----------------------------------------------
    input               16x16      1       1      0
    0      convolution  16x16      3       1     -1
    1      max_pool       8x8      4       2     -1
    2      convolution    4x4     12       2     -1
    """
    x = wrap(np.zeros(tuple(input_size), np.float32))
    x.requires_grad_(True)
    recorded, _, nodes = record("receptive_field", model, x, layer)
    spatial = tuple(input_size)[2:]
    fields: dict[Any, Field] = {x: tuple([(d - len(spatial), IDENTITY) for d in range(len(spatial))])}
    rows = [FieldRow("input", "", fields[x], spatial)]
    for node in nodes:
        if node not in recorded.calls:
            raise NotImplementedError(f"receptive_field: no rule for {node.name()}")
        operands = [(fields.get(getattr(e, "parent", e)), value) for e, value in recorded.operands(node)]
        given = [f for f, _ in operands if f is not None]
        if not given:
            continue
        call = recorded.calls[node]
        fields[node] = field_after(call, operands)
        if node is nodes[-1] or any([a for _, a in f] != [a for _, a in fields[node]] for f in given):
            shape = (call.result[0] if isinstance(call.result, tuple) else call.result).shape
            size = tuple([1 if dim is None else shape[dim] for dim, _ in fields[node]])
            rows.append(FieldRow(recorded.names[node], recorded.operation(node), fields[node], size))
    return ReceptiveField(spatial, rows)


# ---- measured


@dataclass
class MeasuredField:
    """What one output position was found to depend on: `gradient`, the sum over channels of its gradient's magnitude at each
    place of the image, and `mask`, where that is not zero."""

    position: tuple[int, ...]
    gradient: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        return self.gradient != 0

    def extent(self) -> tuple[Span, ...] | None:
        """The first and last place that was reached, in each dimension; None if none was."""
        if not self.mask.any():
            return None
        places = [np.flatnonzero(self.mask.any(tuple([d for d in range(self.mask.ndim) if d != axis]))) for axis in range(self.mask.ndim)]
        return tuple([(int(p[0]), int(p[-1])) for p in places])

    @property
    def field(self) -> tuple[int, ...]:
        """The number of places from the first to the last, in each dimension."""
        return tuple([0 if s is None else s[1] - s[0] + 1 for s in self.extent() or (None,) * self.mask.ndim])


def measured_receptive_field(model: Any, input_size: Any, position: Any = None, layer: str | None = None,
                             as_is: bool = False) -> MeasuredField:
    """The receptive field of one output position (by default the middle one), by the gradients that reach the input.

    The gradient is that of the sum over channels of the output, or of that of the submodule `layer`, of an input of positive
    random numbers. So that nothing cancels or is cut off by an activation, the model computes in float64 with all weights
    positive and no biases, and a maximum over a window passes its gradient to every place, since any of them may hold the
    maximum; with `as_is`, everything stays as it is in the model, and the gradient shows the *effective* field (Luo et al.
    2016, https://arxiv.org/abs/1701.04128). The model is left as it was.

    >>> from minidl import nn
    >>> measured_receptive_field(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 1, (1, 3))), (1, 1, 9, 9)).field
    (3, 5)
    """
    values = np.random.default_rng(0).uniform(0.5, 1, tuple(input_size))
    x = wrap(values.astype(np.float32) if as_is else values)
    x.requires_grad_(True)
    with nullcontext() if as_is or not isinstance(model, Module) else positive(model):
        recorded, y, nodes = record("measured_receptive_field", model, x, layer)
        if not as_is:
            for node in nodes:
                spread_evenly(node, recorded)
        spatial = tuple(y.shape)[2:]
        place = tuple([n // 2 for n in spatial]) if position is None else tuple(position)
        if len(place) != len(spatial) or not all(-n <= i < n for i, n in zip(place, spatial)):
            raise IndexError(f"measured_receptive_field: the output has positions of {spatial}, got {place}")
        g = np.zeros(y.shape, y._data.dtype)
        g[(0, slice(None), *place)] = 1
        dx = grad(y, x, wrap(g), allow_unused=True)[0]
    magnitude = np.zeros(x.shape) if dx is None else np.abs(dx._data)
    return MeasuredField(place, magnitude[0].sum(axis=0))


def spread_evenly(node: Any, recorded: Recorded) -> None:
    """Gives a maximum over windows the gradient of their sum."""
    if recorded.operation(node) == "max_pool":
        x, w = recorded.calls[node].args
        node.arrays = lambda n, g, edges: (mean_spread(g, w, True, 1, tuple(x.shape[x.ndim - len(w.kernel):])),)
    elif node.name().startswith("AdaptiveMaxPool"):
        x, _, dims = recorded.calls[node].args
        node.arrays = lambda n, g, edges: (adaptive_spread(g, tuple(x.shape[x.ndim - dims:])),)


@contextmanager
def positive(model: Module) -> Iterator[None]:
    """Weights that keep values positive and of moderate size: those of products random and on average 1 / (2 fan_in)."""
    random = np.random.default_rng(0)
    replaced: list[tuple[Tensor, np.ndarray]] = []
    for name, t in [*model.named_parameters(), *model.named_buffers()]:
        if is_lazy(t) or t._data.dtype.kind != "f":
            continue
        last = name.rpartition(".")[2]
        if t.ndim > 1:
            array = random.uniform(0.5, 1.5, t.shape) / (2 * prod(t.shape[1:]))
        else:
            array = np.full(t.shape, 0.0 if "bias" in last or "mean" in last else 1.0)
        replaced.append((t, t._data))
        t._data = array
    try:
        yield
    finally:
        for t, old in replaced:
            t._data = old
