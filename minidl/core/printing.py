"""What a tensor looks like: PyTorch's repr. https://docs.pytorch.org/docs/stable/generated/torch.set_printoptions.html"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .dtypes import DTYPES, default_dtype
from .tensor import Tensor

__all__ = ["set_printoptions"]


class Options:
    precision = 4
    threshold = 1000
    edgeitems = 3
    linewidth = 80
    sci_mode: bool | None = None


PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80}}


def set_printoptions(precision: int | None = None, threshold: float | None = None, edgeitems: int | None = None,
                     linewidth: int | None = None, profile: str | None = None, sci_mode: bool | None = None) -> None:
    """Sets how tensors print: digits, the size from which they are abridged, items at each edge, line width, profile."""
    chosen = PROFILES.get(profile, {}) if profile else {}
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    for name, value in {**chosen, **{k: v for k, v in given.items() if v is not None}}.items():
        setattr(Options, name, value)
    Options.sci_mode = sci_mode


class Formatter:
    """One width and notation for all elements of a tensor, from those that will be shown."""

    def __init__(self, values: np.ndarray) -> None:
        self.floating = values.dtype.kind == "f"
        self.integral, self.scientific, self.width = True, False, 1
        flat = values.reshape(-1)
        if not self.floating:
            self.width = max((len(str(v)) for v in flat.tolist()), default=1)
            return
        kept = flat[np.isfinite(flat) & (flat != 0)]
        if kept.size:
            self._fit(np.abs(kept.astype(np.float64)), kept)
        if Options.sci_mode is not None:
            self.scientific = Options.sci_mode
            if kept.size and (self.scientific or not self.integral):
                self.width = max(1, *(len(self._number(v)) for v in kept.tolist()))

    def _fit(self, size: np.ndarray, kept: np.ndarray) -> None:
        largest, smallest = size.max(), size.min()
        self.integral = bool(np.all(kept == np.ceil(kept)))
        ratio = largest / smallest
        self.scientific = bool(ratio > 1000 or largest > 1e8 or (not self.integral and smallest < 1e-4))
        self.width = max(len(self._number(v)) for v in kept.tolist())

    def _number(self, v: float) -> str:
        if self.scientific:
            return f"{v:.{Options.precision}e}"
        if self.integral:
            return f"{v:.0f}." if math.isfinite(v) else f"{v:.0f}"
        return f"{v:.{Options.precision}f}"

    def __call__(self, v: Any) -> str:
        return (self._number(v) if self.floating else str(v)).rjust(self.width)


class ComplexFormatter:
    """Real and imaginary parts, each with a width and notation of its own."""

    def __init__(self, values: np.ndarray) -> None:
        self.real, self.imag = Formatter(values.real), Formatter(values.imag)
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, v: complex) -> str:
        imag = self.imag(v.imag).lstrip()
        return f"{self.real(v.real)}{'' if imag[0] == '-' else '+'}{imag}j"


def formatter(values: np.ndarray) -> Any:
    return (ComplexFormatter if values.dtype.kind == "c" else Formatter)(values)


def _row(values: np.ndarray, indent: int, format: Any, summarize: bool) -> str:
    per_line = max(1, math.floor((Options.linewidth - indent) / (format.width + 2)))
    edge = Options.edgeitems
    if summarize and values.size > 2 * edge:
        words = [*map(format, values[:edge].tolist()), " ...", *map(format, values[values.size - edge:].tolist())]
    else:
        words = [format(v) for v in values.tolist()]
    lines = [", ".join(words[i:i + per_line]) for i in range(0, len(words), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _block(values: np.ndarray, indent: int, format: Any, summarize: bool) -> str:
    if values.ndim == 0:
        return format(values.item())
    if values.ndim == 1:
        return _row(values, indent, format, summarize)
    edge = Options.edgeitems
    if summarize and len(values) > 2 * edge:
        parts = ([_block(v, indent + 1, format, summarize) for v in values[:edge]] + ["..."]
                 + [_block(v, indent + 1, format, summarize) for v in values[len(values) - edge:]])
    else:
        parts = [_block(v, indent + 1, format, summarize) for v in values]
    return "[" + ("," + "\n" * (values.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def _shown(values: np.ndarray) -> np.ndarray:
    """The elements that an abridged print shows."""
    edge = Options.edgeitems
    for axis, n in enumerate(values.shape):
        if n > 2 * edge:
            values = np.take(values, [*range(edge), *range(n - edge, n)], axis=axis)
    return values


def tensor_repr(t: Tensor) -> str:
    """``tensor([[1., 2.]], grad_fn=<MulBackward0>)``."""
    values, prefix, suffixes = t._data, "tensor(", []
    indent = len(prefix)
    d = DTYPES[values.dtype]
    has_default = values.dtype in (default_dtype(), np.promote_types(default_dtype(), np.complex64), np.dtype(np.int64), np.dtype(bool))
    if values.size == 0:
        if values.ndim != 1:
            suffixes.append(f"size={tuple(values.shape)}")
        if values.dtype != default_dtype():
            suffixes.append(f"dtype={d}")
        text = "[]"
    else:
        if not has_default:
            suffixes.append(f"dtype={d}")
        summarize = values.size > Options.threshold
        text = _block(values, indent, formatter(_shown(values) if summarize else values), summarize)
    if t.grad_fn is not None:
        suffixes.append(f"grad_fn=<{t.grad_fn.name()}>")
    elif t.requires_grad:
        suffixes.append("requires_grad=True")
    return _join(prefix + text, suffixes, indent)


def _join(text: str, suffixes: list[str], indent: int) -> str:
    """The suffixes behind the values, each on a line of its own where it would not fit."""
    length = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if length + len(suffix) + 2 > Options.linewidth:
            text, length = f"{text},\n{' ' * indent}{suffix}", indent + len(suffix)
        else:
            text, length = f"{text}, {suffix}", length + len(suffix) + 2
    return text + ")"


Tensor.__repr__ = tensor_repr  # type: ignore[method-assign,assignment]
