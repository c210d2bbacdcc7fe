"""How each operation changes what its output reads of the network's input: one rule for each primitive.

A field says, for each spatial dimension of the input, along which dimension of a tensor it now lies (counted from the back;
None once the tensor has no such dimension left) and what the positions there read (`minidl.analysis.axis`).
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from ..core.watch import Call
from .axis import WHOLE, Axis, taps
from .costs import ELEMENTWISE

__all__ = ["Field", "field_after"]

Entry = tuple[int | None, Axis]
Field = tuple[Entry, ...]
Change = Callable[[int, Axis], Entry]


def each(field: Field, change: Change) -> Field:
    """The field with `change` applied wherever the input's dimension is still there."""
    return tuple([(dim, axis) if dim is None else change(dim, axis) for dim, axis in field])


def joined(fields: list[tuple[Field, tuple[int, ...]]], shape: tuple[int, ...]) -> Field:
    """The field of tensors (of the sizes given) that are brought together element by element, with broadcasting to `shape`."""
    total: list[Entry] = []
    for entries in zip(*[broadcast(field, size, shape) for field, size in fields]):
        dim, axis = entries[0]
        for other_dim, other in entries[1:]:
            if None in (dim, other_dim) or dim == other_dim:
                dim, axis = other_dim if dim is None else dim, axis.joined(other)
            else:
                dim, axis = None, WHOLE
        total.append((dim, axis))
    return tuple(total)


def broadcast(field: Field, size: tuple[int, ...], shape: tuple[int, ...]) -> Field:
    return each(field, lambda dim, axis: (dim, axis.over(1) if size[dim] == 1 != shape[dim] else axis))


def gone(sizes: tuple[int, ...]) -> Change:
    """For what mixes all positions: each output reads what all of them read together."""
    return lambda dim, axis: (None, axis.over(sizes[dim]))


def size_of(x: Any) -> tuple[int, ...]:
    return tuple(x.shape)


# ---- one rule for each primitive: its call and the field of its first argument


def windowed(call: Call, field: Field, kernel: Any, geo: Any, transposed: bool = False) -> Field:
    n, x = len(kernel), size_of(call.args[0])

    def change(dim: int, axis: Axis) -> Entry:
        i = dim + n
        if i < 0:  # a dimension of channels is summed over, one of batches stays
            return (dim, axis) if i == -2 else (None, axis.over(x[dim]))
        layer = axis.conv_transposed if transposed else axis.conv
        return dim, layer(kernel[i], geo.stride[i], geo.padding[i][0], geo.dilation[i])

    return each(field, change)


def adaptive(call: Call, field: Field, size: tuple[int, ...]) -> Field:
    x = size_of(call.args[0])

    def change(dim: int, axis: Axis) -> Entry:
        if dim < -len(size):
            return dim, axis
        n, m = x[dim], size[dim]
        return dim, axis.through(n, [range(i * n // m, -((i + 1) * n // -m)) for i in range(m)])

    return each(field, change)


def padded(call: Call, field: Field) -> Field:
    pairs = call.args[1]
    return each(field, lambda dim, axis: (dim, axis.conv(1, 1, pairs[dim][0], 1) if dim >= -len(pairs) else axis))


def resampled(call: Call, field: Field) -> Field:
    along = {t.axis - call.args[0].ndim: t for t in call.args[1]}
    return each(field, lambda dim, axis: (dim, taps(axis, *along[dim][1:]) if dim in along else axis))


def shuffled(call: Call, field: Field) -> Field:
    r = call.args[1]
    return each(field, lambda dim, axis: (dim, axis.through(1, [[0]] * r) if dim >= -2 else axis))


def unshuffled(call: Call, field: Field) -> Field:
    r = call.args[1]
    return each(field, lambda dim, axis: (dim, axis.conv(r, r, 0, 1) if dim >= -2 else axis))


def reshaped(call: Call, field: Field) -> Field:
    """A dimension goes on if the new shape has one of its size with as many elements behind it."""
    old, new = size_of(call.args[0]), size_of(call.result)

    def change(dim: int, axis: Axis) -> Entry:
        behind = prod(old[len(old) + dim + 1:])
        for place in range(-1, -len(new) - 1, -1):
            if new[place] == old[dim] and prod(new[len(new) + place + 1:]) == behind:
                return place, axis
        return None, axis.over(old[dim])

    return each(field, change)


def permuted(call: Call, field: Field) -> Field:
    dims = [d % call.args[0].ndim for d in call.args[1]]
    return each(field, lambda dim, axis: (dims.index(dim + len(dims)) - len(dims), axis))


def transposed(call: Call, field: Field) -> Field:
    n = call.args[0].ndim
    a, b = [d % n - n for d in (call.args[1:] or (0, 1))]
    return each(field, lambda dim, axis: ({a: b, b: a}.get(dim, dim), axis))


def indexed(call: Call, field: Field) -> Field:
    """Basic indices: a slice of a dimension is a layer of its step as stride, a number takes one position."""
    x, key, place = size_of(call.args[0]), list(call.args[1]), 0
    if Ellipsis in key:
        at = key.index(Ellipsis)
        key[at:at + 1] = [slice(None)] * (len(x) - sum(k is not None for k in key) + 1)
    key += [slice(None)] * (len(x) - sum(k is not None for k in key))
    changes: dict[int, Any] = {}
    old = 0
    for k in key:
        if k is not None:
            changes[old] = (k, place)
            old += 1
        place += not isinstance(k, int)

    def change(dim: int, axis: Axis) -> Entry:
        k, new = changes[dim + len(x)]
        if isinstance(k, int):
            return None, Axis(0, (axis.at(k % x[dim]),))
        start, _, step = k.indices(x[dim])
        return new - place, axis.through(step, [[start]])

    return each(field, change)


def reduced(call: Call, field: Field) -> Field:
    x, n = size_of(call.args[0]), call.args[0].ndim
    given = call.args[1] if len(call.args) > 1 and call.args[1] is not None else tuple(range(n))
    dims = {d % n - n for d in (given if isinstance(given, tuple) else (given,))}
    y = call.result[0] if isinstance(call.result, tuple) else call.result
    kept = y.ndim == n

    def change(dim: int, axis: Axis) -> Entry:
        if dim in dims:
            return (dim if kept else None), axis.over(x[dim])
        return dim + (0 if kept else sum(d > dim for d in dims)), axis

    return each(field, change)


def mixed_along(dims: Any) -> Any:
    """Each output reads all that lies along `dims(call)`; the other dimensions go on."""
    def rule(call: Call, field: Field) -> Field:
        x, n = size_of(call.args[0]), call.args[0].ndim
        mixed = {d % n - n for d in dims(call)}
        return each(field, lambda dim, axis: (dim, axis.over(x[dim]) if dim in mixed else axis))

    return rule


def normalised(call: Call) -> list[int]:
    """The dimensions along which statistics are taken: behind those that the view for it has split, its own axes."""
    norm, x = call.args[3], size_of(call.args[0])
    behind = {prod(norm.shape[d + 1:]): d for d in reversed(range(len(norm.shape)))}
    return [d for d in range(len(x)) if x[d] > 1 and behind.get(prod(x[d + 1:]), norm.axes[0]) in norm.axes]


def unstacked(call: Call, field: Field) -> Field:
    at = call.args[1] % call.args[0].ndim - call.args[0].ndim
    return each(field, lambda dim, axis: (None, axis.over(size_of(call.args[0])[at])) if dim == at else (dim + (dim < at), axis))


RULES: dict[str, Callable[[Call, Field], Field]] = {
    "convolution": lambda c, f: windowed(c, f, size_of(c.args[1])[2:], c.args[3]),
    "conv_transposed": lambda c, f: windowed(c, f, size_of(c.args[1])[2:], c.args[4], transposed=True),
    "max_pool": lambda c, f: windowed(c, f, c.args[1].kernel, c.args[1].geo),
    "avg_pool": lambda c, f: windowed(c, f, c.args[1].kernel, c.args[1].geo),
    "adaptive_avg_pool": lambda c, f: adaptive(c, f, c.args[1]),
    "constant_pad_nd": padded,
    "pad_own": padded,
    "resampled": resampled,
    "pixel_shuffle": shuffled,
    "pixel_unshuffle": unshuffled,
    "permute": permuted,
    "transpose": transposed,
    "t": transposed,
    "basic_index": indexed,
    "unbind": unstacked,
    "softmax": mixed_along(lambda c: c.args[1]),
    "log_softmax": mixed_along(lambda c: c.args[1]),
    "normalise": mixed_along(normalised),
    "linear": mixed_along(lambda c: (-1,)),
    "linear_rows": mixed_along(lambda c: (-1,)),
    "mm": mixed_along(lambda c: (-1,)),
} | dict.fromkeys(("view", "unsafe_view", "squeeze", "squeeze_dim", "squeeze_dims", "unsqueeze"), reshaped) | dict.fromkeys(
    ("sum", "sum_all", "mean", "mean_all", "amax", "amin", "max", "min", "max_all", "min_all", "logsumexp", "var", "std",
     "var_mean", "std_mean", "vector_norm"), reduced)
POINTWISE = {"clone", "convert", "normalise_fixed", "channel_shuffle", "masked_fill", "expand_to", "where"}
MIXING = {"bmm", "gram", "mv", "weigh", "dot", "addmm", "baddbmm", "contract"}  # products of tensors that both have fields, too


def field_after(call: Call, operands: list[tuple[Field | None, Any]]) -> Field:
    """The field of an operation's result, from those of its differentiable arguments (None for one that reads no input).

    NotImplementedError for an operation that has no rule.
    """
    op, module = call.spec.name, call.spec.forward.__module__  # type: ignore[union-attr]
    y = size_of(call.result[0] if isinstance(call.result, tuple) else call.result)
    known = [(f, size_of(x)) for f, x in operands if f is not None]
    if op in ("cat", "stack", "split_views"):
        dim = call.args[2 if op == "split_views" else 1] % len(y) - len(y)
        if op == "stack":
            known = [(each(f, lambda d, axis: (d - (d <= dim), axis)), y) for f, _ in known]
        if any(d == dim for f, _ in known for d, _ in f):
            raise NotImplementedError(f"receptive_field: {op} along a spatial dimension ({dim}) has no recurrence")
        return joined([(f, y) for f, _ in known], y)
    if op in POINTWISE or module in ELEMENTWISE:
        return joined(known, y)
    first = next((f for f, value in operands if value is call.args[0]), None)
    if call.spec.node.__name__.startswith("AdaptiveMaxPool") and first is not None:  # type: ignore[union-attr]
        return adaptive(call, first, y[-call.args[2]:])
    if op in RULES and first is not None and len(known) == 1:
        return RULES[op](call, first)
    if op in RULES or op in MIXING:  # a product of what both reads the input, as in attention
        return joined([(each(f, gone(size)), y) for f, size in known], y)
    raise NotImplementedError(f"receptive_field: no rule for the operation {op}")
