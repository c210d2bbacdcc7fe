"""The sizes that convolutions and poolings yield, each with the formula it came from, filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["OutputSize", "conv_output_size", "conv_transpose_output_size", "pool_output_size"]


@dataclass(frozen=True)
class OutputSize:
    """`size` (an int if the input's was one), the `formula` in symbols, and `steps`: for each dimension with its numbers."""

    size: Any
    formula: str
    steps: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join((self.formula, *self.steps))

    __repr__ = __str__


def per_dimension(op: str, input_size: Any, **options: Any) -> list[dict[str, int]]:
    """The options of each dimension; ValueError for values that are too small, or of another number than the sizes."""
    n = len(input_size) if isinstance(input_size, (tuple, list)) else 1
    table: list[dict[str, int]] = [{} for _ in range(n)]
    for name, given in {"input_size": input_size, **options}.items():
        values = list(given) if isinstance(given, (tuple, list)) else [given] * n
        least = 0 if "padding" in name else 1
        if len(values) != n or any(not isinstance(v, int) or v < least for v in values):
            raise ValueError(f"{op}: {name} must be an int of at least {least}, or {n} of them, got {given!r}")
        for row, value in zip(table, values):
            row[name] = value
    return table


def collected(op: str, input_size: Any, formula: str, sizes: list[int], steps: list[str]) -> OutputSize:
    steps = [f"{step} = {size}" for step, size in zip(steps, sizes)]
    for size, step in zip(sizes, steps):
        if size < 1:
            raise ValueError(f"{op}: the output would be empty: {step}")
    return OutputSize(tuple(sizes) if isinstance(input_size, (tuple, list)) else sizes[0], formula, tuple(steps))


def conv_output_size(input_size: Any, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> OutputSize:
    """The size of a convolution's output: ``floor((n + 2p - d (k - 1) - 1) / s) + 1`` in each spatial dimension.

    All arguments are ints, or one for each dimension; `padding` may be 'valid' (0) or 'same' (the input's size, stride 1 only).
    ValueError for impossible values, or an empty output. Dumoulin, Visin, 2016, https://arxiv.org/abs/1603.07285.

    >>> print(conv_output_size((32, 30), 3, stride=2, padding=1))
    floor((n + 2p - d (k - 1) - 1) / s) + 1
    floor((32 + 2*1 - 1*(3 - 1) - 1) / 2) + 1 = 16
    floor((30 + 2*1 - 1*(3 - 1) - 1) / 2) + 1 = 15
    """
    if padding == "same":
        rows = per_dimension("conv_output_size", input_size, kernel_size=kernel_size, stride=stride, dilation=dilation)
        if any(r["stride"] != 1 for r in rows):
            raise ValueError(f"conv_output_size: padding='same' needs a stride of 1, got {stride!r}")
        sizes = [r["input_size"] for r in rows]
        return collected("conv_output_size", input_size, "n, as padding='same' adds d (k - 1)", sizes, [f"{n}" for n in sizes])
    rows = per_dimension("conv_output_size", input_size, kernel_size=kernel_size, stride=stride,
                         padding=0 if padding == "valid" else padding, dilation=dilation)
    sizes = [(r["input_size"] + 2 * r["padding"] - r["dilation"] * (r["kernel_size"] - 1) - 1) // r["stride"] + 1 for r in rows]
    return collected("conv_output_size", input_size, "floor((n + 2p - d (k - 1) - 1) / s) + 1", sizes, [
        f"floor(({r['input_size']} + 2*{r['padding']} - {r['dilation']}*({r['kernel_size']} - 1) - 1) / {r['stride']}) + 1"
        for r in rows])


def pool_output_size(input_size: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
                     ceil_mode: bool = False) -> OutputSize:
    """The size of a pooling's output: that of a convolution, with `ceil_mode` rounded up; the stride is the kernel's size by
    default.

    In `ceil_mode` a last window that would begin in the padding after the input is left out, as in PyTorch.

    >>> print(pool_output_size(7, 2, ceil_mode=True))
    ceil((n + 2p - d (k - 1) - 1) / s) + 1, less a window that begins in the padding
    ceil((7 + 2*0 - 1*(2 - 1) - 1) / 2) + 1 = 4
    """
    stride = kernel_size if stride is None else stride
    if not ceil_mode:
        return conv_output_size(input_size, kernel_size, stride, padding, dilation)
    rows = per_dimension("pool_output_size", input_size, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)
    sizes, steps = [], []
    for r in rows:
        n, k, s, p, d = r["input_size"], r["kernel_size"], r["stride"], r["padding"], r["dilation"]
        size = -((n + 2 * p - d * (k - 1) - 1) // -s) + 1
        late = (size - 1) * s >= n + p
        sizes.append(size - late)
        steps.append(f"ceil(({n} + 2*{p} - {d}*({k} - 1) - 1) / {s}) + 1" + " - 1" * late)
    return collected("pool_output_size", input_size,
                     "ceil((n + 2p - d (k - 1) - 1) / s) + 1, less a window that begins in the padding", sizes, steps)


def conv_transpose_output_size(input_size: Any, kernel_size: Any, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
                               dilation: Any = 1) -> OutputSize:
    """The size of a transposed convolution's output: ``(n - 1) s - 2p + d (k - 1) + e + 1``, with `output_padding` e.

    ValueError also where e is smaller than neither stride nor dilation. The order of the arguments is that of the layer.

    >>> print(conv_transpose_output_size(16, 3, stride=2, padding=1, output_padding=1))
    (n - 1) s - 2p + d (k - 1) + e + 1
    (16 - 1)*2 - 2*1 + 1*(3 - 1) + 1 + 1 = 32
    """
    rows = per_dimension("conv_transpose_output_size", input_size, kernel_size=kernel_size, stride=stride, padding=padding,
                         output_padding=output_padding, dilation=dilation)
    sizes, steps = [], []
    for r in rows:
        n, k, s, p, e, d = (r[name] for name in ("input_size", "kernel_size", "stride", "padding", "output_padding", "dilation"))
        if e >= s and e >= d:
            raise ValueError(f"conv_transpose_output_size: output_padding must be smaller than stride or dilation, got {e}")
        sizes.append((n - 1) * s - 2 * p + d * (k - 1) + e + 1)
        steps.append(f"({n} - 1)*{s} - 2*{p} + {d}*({k} - 1) + {e} + 1")
    return collected("conv_transpose_output_size", input_size, "(n - 1) s - 2p + d (k - 1) + e + 1", sizes, steps)
