"""Relations between several results of one function: they need no oracle.

Each takes a function from cases to one array, and a case, and gives the pairs of arrays that must be equal but for rounding; no pairs where it does
not apply. `adjoint` relates two functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .case import Case

__all__ = ["RELATIONS", "adjoint"]

Function = Callable[[Case], np.ndarray]
Pairs = list[tuple[np.ndarray, np.ndarray]]


def argument(case: Case, position: int, value: Any, **kwargs: Any) -> Case:
    """The case with one positional argument, and keywords, exchanged."""
    args = [*case.args[:position], value, *case.args[position + 1:]]
    return Case(case.op, tuple(args), {**case.kwargs, **kwargs}, case.inputs)


def dims_of(case: Case) -> int:
    """Spatial dimensions, by the name's last digit but one."""
    return int(case.op[-2])


def without_bias(case: Case) -> Case:
    return argument(case, 2, None) if len(case.args) > 2 and case.op.startswith(("conv", "linear", "bilinear")) else case


def batched(case: Case) -> bool:
    x = case.args[0]
    return x.ndim == dims_of(case) + 2 if case.op[-1] == "d" else x.ndim > 1


def linear(f: Function, case: Case) -> Pairs:
    """f(2 x - v) = 2 f(x) - f(v) without the bias."""
    case = without_bias(case)
    x = case.args[0]
    v = x[..., ::-1].copy()
    return [(f(argument(case, 0, 2 * x - v)), 2 * f(case) - f(argument(case, 0, v)))]


def biased(f: Function, case: Case) -> Pairs:
    """The bias is added, once for each output channel."""
    b = case.args[2]
    if b is None:
        return []
    dims = 0 if case.op == "linear" else dims_of(case)
    return [(f(case), f(without_bias(case)) + b.reshape(-1, *[1] * dims))]


def batch(f: Function, case: Case) -> Pairs:
    """Each item of a batch has the result that it has alone."""
    x = case.args[0]
    if not batched(case) or len(x) < 2:
        return []
    y = f(case)
    return [(y[i:i + 1], f(argument(case, 0, x[i:i + 1]))) for i in range(len(x))]


def each_channel(f: Function, case: Case) -> Pairs:
    """Channels in another order give the results in that order."""
    x = case.args[0]
    axis = x.ndim - dims_of(case) - 1 if case.op[-1] == "d" else 1
    return [(np.flip(f(case), axis), f(argument(case, 0, np.flip(x, axis).copy())))]


def channels(f: Function, case: Case) -> Pairs:
    """Output channels in another order within their group, and x's with the weight's."""
    x, w, b = case.args[:3]
    axis, groups = x.ndim - dims_of(case) - 1, case.kwargs["groups"]
    mixed = Case(case.op, (_within(x, axis, groups), _within(np.flip(w, 1), 0, groups), b if b is None else _within(b, 0, groups)), case.kwargs)
    return [(_within(f(case), axis, groups), f(mixed))]


def _within(a: np.ndarray, axis: int, groups: int) -> np.ndarray:
    """Reversed order within each of `groups` blocks along an axis."""
    parts = np.split(a, groups, axis)
    return np.concatenate([np.flip(p, axis) for p in parts], axis)


def groups(f: Function, case: Case) -> Pairs:
    """A grouped operator is its groups, each alone, joined."""
    x, w, b = case.args[:3]
    n = case.kwargs["groups"]
    if n == 1:
        return []
    axis = x.ndim - dims_of(case) - 1
    pieces = zip(np.split(x, n, axis), np.split(w, n), [None] * n if b is None else np.split(b, n))
    return [(f(case), np.concatenate([f(Case(case.op, part, {**case.kwargs, "groups": 1})) for part in pieces], axis))]


def shift(f: Function, case: Case) -> Pairs:
    """x with `stride` more zeros in front gives the result one place on (of convolutions and, but for the edge, poolings)."""
    conv = case.op.startswith("conv")
    stride = (case.kwargs["stride"] if conv else case.args[2] or case.args[1])[-1]
    if not conv and any(case.args[3]) or case.kwargs.get("ceil_mode"):
        return []
    x = case.args[0]
    moved = np.concatenate([np.zeros((*x.shape[:-1], stride), x.dtype), x], -1)
    y = f(case)
    return [(y, f(argument(case, 0, moved))[..., 1:][..., :y.shape[-1]])]


def shift_transposed(f: Function, case: Case) -> Pairs:
    """x with one zero more in front gives the result `stride` places on."""
    x, y = case.args[0], f(case)
    moved = np.concatenate([np.zeros((*x.shape[:-1], 1), x.dtype), x], -1)
    return [(y, f(argument(case, 0, moved))[..., case.kwargs["stride"][-1]:])]


def strided(f: Function, case: Case) -> Pairs:
    """A stride is a stride of one, subsampled."""
    stride = case.kwargs["stride"]
    if set(stride) == {1}:
        return []
    dense = Case(case.op, case.args, {**case.kwargs, "stride": (1,) * len(stride)})
    return [(f(case), f(dense)[_every(stride)])]


def _every(steps: tuple[int, ...]) -> Any:
    """An index of every n-th element along the last dimensions."""
    return (..., *(slice(None, None, n) for n in steps))


def dilated(f: Function, case: Case) -> Pairs:
    """A dilation is a kernel with zeros between its taps."""
    w, dilation = case.args[1], case.kwargs["dilation"]
    if set(dilation) == {1} or case.kwargs["padding"] == "same":
        return []
    wide = np.zeros((*w.shape[:2], *(d * (k - 1) + 1 for k, d in zip(w.shape[2:], dilation))), w.dtype)
    wide[_every(dilation)] = w
    return [(f(case), f(argument(case, 1, wide, dilation=(1,) * len(dilation))))]


def padded(f: Function, case: Case) -> Pairs:
    """Padding is zeros around x."""
    x, padding = case.args[0], case.kwargs["padding"]
    if isinstance(padding, str) or not any(padding):
        return []
    wide = np.pad(x, [(0, 0)] * (x.ndim - len(padding)) + [(p, p) for p in padding])
    return [(f(case), f(argument(case, 0, wide, padding=(0,) * len(padding))))]


def queries(f: Function, case: Case) -> Pairs:
    """Attention of queries in another order is the attention in that order."""
    q, mask = case.args[0], case.args[3]
    if case.kwargs["is_causal"]:
        return []
    flipped = argument(argument(case, 0, np.flip(q, -2).copy()), 3, None if mask is None else np.flip(mask, -2).copy())
    return [(np.flip(f(case), -2), f(flipped))]


def keys(f: Function, case: Case) -> Pairs:
    """Keys and values in another order, alike, change nothing."""
    q, k, v, mask = case.args
    if case.kwargs["is_causal"]:
        return []
    args = (q, np.flip(k, -2).copy(), np.flip(v, -2).copy(), None if mask is None else np.flip(mask, -1).copy())
    return [(f(case), f(Case(case.op, args, case.kwargs)))]


RELATIONS: dict[str, Callable[[Function, Case], Pairs]] = {
    f.__name__: f for f in (linear, biased, batch, each_channel, channels, groups, shift, shift_transposed, strided, dilated, padded,
                            queries, keys)}


def adjoint(case: Case, shape: tuple[int, ...], transpose: Function, g: np.ndarray) -> np.ndarray:
    """W^T g of the x-linear convolution W of `case`, by a transposed convolution, which x's `shape` and <W x, g> = <x, W^T g> determine."""
    k, dims = case.kwargs, dims_of(case)
    x_size, g_size, kernel = shape[-dims:], g.shape[-dims:], case.args[1].shape[2:]
    least = [(n - 1) * s - 2 * p + d * (m - 1) + 1 for n, s, p, d, m in zip(g_size, k["stride"], k["padding"], k["dilation"], kernel)]
    kwargs = {**k, "output_padding": tuple(n - m for n, m in zip(x_size, least))}
    return transpose(Case(f"conv_transpose{dims}d", (g, case.args[1], None), kwargs))
