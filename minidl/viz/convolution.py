"""Convolution as matrices, and the transposed convolution step by step, with their numbers."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ..core.tensor import data_of, wrap
from ..nn import functional as F
from ..ops.conv import dense_matrix
from .canvas import COLOURS, bare, cells, hues, panels, tiles

__all__ = ["plot_dense_matrix", "plot_im2col", "plot_transposed_convolution", "transposed_steps"]

EMPTY = (0.96, 0.96, 0.96, 1.0)  # a place where no weight stands


def places(shape: tuple[int, ...]) -> list[str]:
    """Names of all elements, by their indices, without that of the channel if there is only one: "01" of row 0, column 1."""
    shown = shape[1:] if shape[0] == 1 else shape
    mark = "" if max(shown) <= 10 else ","
    return [mark.join(map(str, index)) for index in product(*map(range, shown))]


def index_name(shape: tuple[int, ...], symbols: str) -> str:
    return "".join(symbols[1:len(shape)] if shape[0] == 1 else symbols[:len(shape)])


def ticks(ax: Any, rows: list[str] | None, columns: list[str] | None) -> None:
    """The names at a table's rows and columns, or none where they would not fit."""
    few = 80
    ax.set_xticks(*((range(len(columns)), columns) if columns and len(columns) <= few else ([],)), rotation=90, fontsize=7)
    ax.set_yticks(*((range(len(rows)), rows) if rows and len(rows) <= few else ([],)), fontsize=7)


def plot_dense_matrix(weight: Any, input_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1, ax: Any = None) -> Any:
    """The matrix of `minidl.dense_matrix`, W of Y = W X, beside the kernel: a place in the kernel has one colour in both.

    With `ax`, the matrix alone. Values are written where there are at most 900. Arguments and errors are those of `dense_matrix`.

    >>> import minidl as torch
    >>> plot_dense_matrix(torch.tensor([[[[1., 2.], [3., 4.]]]]), (1, 3, 3)).axes[-1].get_title()
    'Y = W X: 4 weights fill 16 of 36 places'
    """
    size = tuple(input_size)
    values = data_of(dense_matrix(weight, size, stride, padding, dilation, groups))
    w = np.asarray(data_of(weight))
    numbers = np.arange(1, w.size + 1).reshape(w.shape)  # which weight stands where, whatever its value
    standing = data_of(dense_matrix(wrap(numbers), size, stride, padding, dilation, groups))
    kernel = int(np.prod(w.shape[2:]))
    palette = np.vstack([[EMPTY], np.tile(hues(kernel), (w.size // kernel, 1))])
    if ax is None:
        wide = float(np.clip(0.26 * values.shape[1], 3, 13))
        tall = float(np.clip(wide * values.shape[0] / values.shape[1], 1.6, 12))
        table = w.reshape(-1, w.shape[-1])
        slot = max(table.shape[1], values.shape[1] // 8, 4)  # cells: as large in the kernel as in the matrix
        figure, axes = panels(1, 2, wide * (1 + slot / values.shape[1]) / 2 + 0.5, max(tall, wide / values.shape[1] * len(table)) + 1.6,
                              width_ratios=[slot, values.shape[1]])
        left, ax = axes[0]
        cells(left, table, palette[numbers.reshape(table.shape)], most=200)
        blocks = w.shape[0] * w.shape[1]
        for block in range(1, blocks):
            left.axhline(block * len(table) / blocks - 0.5, color="black", linewidth=1.2)
        left.set_title(f"kernel\n{' x '.join(map(str, w.shape))}", fontsize=10)
        bare(left)
    else:
        figure = ax.get_figure()
    cells(ax, values, np.where((standing == 0)[..., None], EMPTY, palette[standing]), lambda v: f"{v:.3g}" if v else "")
    place = np.prod(size[1:], dtype=int)
    for edge in range(place, values.shape[1], place):
        ax.axvline(edge - 0.5, color="black", linewidth=1.2)
    out = (len(w), *output_shape(weight, size, stride, padding, dilation, groups))
    for edge in range(len(values) // len(w), len(values), len(values) // len(w)):
        ax.axhline(edge - 0.5, color="black", linewidth=1.2)
    ticks(ax, places(out), places(size))
    ax.set_xlabel(f"input ({index_name(size, 'cij')}), {' x '.join(map(str, size))}")
    ax.set_ylabel(f"output ({index_name(out, 'cij')}), {' x '.join(map(str, out))}")
    ax.set_title(f"Y = W X: {w.size} weights fill {np.count_nonzero(standing)} of {values.size} places", fontsize=11)
    return figure


def output_shape(weight: Any, size: tuple[int, ...], stride: Any, padding: Any, dilation: Any, groups: int) -> tuple[int, ...]:
    conv: Any = {2: F.conv1d, 3: F.conv2d, 4: F.conv3d}[len(size)]
    zeros = wrap(np.zeros((1, *size), data_of(weight).dtype))
    return tuple(conv(zeros, weight, None, stride, padding, dilation, groups).shape[2:])


def plot_im2col(input: Any, weight: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> Any:
    """A convolution (C, H, W) by (O, C, kh, kw) as one product of matrices: the kernels as rows times the patches as columns (`unfold`).

    Each element of the image has one colour, so that the columns show how often it is copied; padding is grey. Values are written where there
    are at most 900.

    >>> import minidl as torch
    >>> plot_im2col(torch.arange(9.).reshape(1, 3, 3), torch.ones(1, 1, 2, 2)).axes[1].get_title()
    'im2col matrix 4 x 4: 9 numbers become 16'
    """
    x, w = np.asarray(data_of(input)), np.asarray(data_of(weight))
    if x.ndim != 3 or w.ndim != 4 or x.shape[0] != w.shape[1]:
        raise ValueError(f"plot_im2col: expected an input (C, H, W) and a weight (O, C, kh, kw), got {x.shape} and {w.shape}")
    kernel = w.shape[2:]
    columns, which = (data_of(F.unfold(wrap(z[None].astype(np.float64)), kernel, dilation, padding, stride))[0]
                      for z in (x, np.arange(1.0, x.size + 1).reshape(x.shape)))
    rows = w.reshape(len(w), -1)
    result = rows @ columns
    out = tuple(F.conv2d(wrap(x[None].astype(np.float64)), wrap(w.astype(np.float64)), None, stride, padding, dilation).shape[2:])
    palette = np.vstack([[EMPTY], hues(x.size)])
    image = x.reshape(-1, x.shape[2])
    (tall, wide), left = columns.shape, max(rows.shape[1], image.shape[1])
    scale = min(0.33, 10 / (wide + left))
    top = max(tall, len(image))
    figure, axes = panels(2, 2, scale * (left + wide) / 2 + 0.8, scale * (top + len(rows)) / 2 + 0.9,
                          width_ratios=[left, wide], height_ratios=[top, len(rows)])
    plain = np.ones((*rows.shape, 4)) * (0.99, 0.89, 0.80, 1)
    names = [f"{'' if x.shape[0] == 1 else c}{i}{j}" for c, i, j in product(*map(range, w.shape[1:]))]
    cells(axes[0, 0], image, palette[np.arange(1, x.size + 1).reshape(image.shape)])
    cells(axes[0, 1], columns, palette[which.astype(int)])
    cells(axes[1, 0], rows, plain)
    cells(axes[1, 1], result, np.ones((*result.shape, 4)) * (0.80, 0.90, 0.95, 1))
    for channel in range(1, x.shape[0]):
        axes[0, 0].axhline(channel * x.shape[1] - 0.5, color="black", linewidth=1.2)
    bare(axes[0, 0])
    ticks(axes[0, 1], names, places((1, *out)))
    ticks(axes[1, 0], [str(o) for o in range(len(w))], names)
    ticks(axes[1, 1], [str(o) for o in range(len(w))], places((1, *out)))
    titles = (f"image {' x '.join(map(str, x.shape))}", f"im2col matrix {tall} x {wide}: {x.size} numbers become {columns.size}",
              "kernels as rows", "their product: the output")
    for ax, title in zip(axes.flat, titles):
        ax.set_title(title, fontsize=10)
    axes[0, 1].set(xlabel="output place (ij)", ylabel="place in the kernel")
    axes[1, 0].set(xlabel="place in the kernel", ylabel="channel")
    axes[1, 1].set_xlabel("output place (ij)")
    return figure


def transposed_steps(input: Any, weight: Any, stride: int = 1, dilation: int = 1) -> list[np.ndarray]:
    """The sums after each element of the input (H, W) has been multiplied by the kernel (kh, kw) and laid `stride` apart, before padding is cut off.

    >>> [s.tolist() for s in transposed_steps(np.array([[1., 2.]]), np.array([[1., 10.]]))]
    [[[1.0, 10.0, 0.0]], [[1.0, 12.0, 20.0]]]
    """
    x, w = np.asarray(data_of(input)), np.asarray(data_of(weight))
    if x.ndim != 2 or w.ndim != 2:
        raise ValueError(f"transposed_steps: expected an input (H, W) and a kernel (kh, kw), got {x.shape} and {w.shape}")
    total = np.zeros([(n - 1) * stride + dilation * (k - 1) + 1 for n, k in zip(x.shape, w.shape)], np.result_type(x, w))
    steps = []
    for (i, j), value in np.ndenumerate(x):
        a, b = i * stride, j * stride
        total[a:a + dilation * (w.shape[0] - 1) + 1:dilation, b:b + dilation * (w.shape[1] - 1) + 1:dilation] += value * w
        steps.append(total.copy())
    return steps


def plot_transposed_convolution(input: Any, weight: Any, stride: int = 1, padding: int = 0, dilation: int = 1) -> Any:
    """A transposed convolution of an image (H, W) by a kernel (kh, kw), an element a step: each lays its multiple of the kernel, and what
    overlaps adds up; the padding is cut off in the end. ValueError for more than 16 elements.

    >>> import minidl as torch
    >>> figure = plot_transposed_convolution(torch.ones(1, 2), torch.ones(1, 2))
    >>> [ax.get_title() for ax in figure.axes]
    ['input', 'kernel', 'step 1: add 1 x kernel', 'step 2: add 1 x kernel', 'output, 1 x 3']
    """
    steps = transposed_steps(input, weight, stride, dilation)
    x, w = np.asarray(data_of(input)), np.asarray(data_of(weight))
    if x.size > 16:
        raise ValueError(f"plot_transposed_convolution: expected an input of at most 16 elements, got {x.size}")
    full = steps[-1]
    result = full[padding:full.shape[0] - padding, padding:full.shape[1] - padding]
    if not result.size or padding < 0:
        raise ValueError(f"plot_transposed_convolution: nothing is left of {full.shape[0]} x {full.shape[1]} without a padding of {padding}")
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle
    scale = max(0.34 * max(full.shape), 1.7)
    figure, drawn, _ = tiles(len(steps) + 3, 4, scale + 0.3, scale * full.shape[0] / full.shape[1] + 0.45)
    most = max(float(np.abs(s).max()) for s in (x, w, *steps)) or 1.0
    for ax, values in zip(drawn, (x, w, *steps, result)):
        cells(ax, values, colormaps["RdBu_r"](0.5 + values / (2.4 * most)))
        ax.tick_params(which="both", length=0)
        bare(ax)
    drawn[0].set_title("input", fontsize=9)
    drawn[1].set_title("kernel", fontsize=9)
    drawn[-1].set_title(f"output, {result.shape[0]} x {result.shape[1]}", fontsize=9)
    reach = [dilation * (k - 1) + 1 for k in w.shape]
    for n, (ax, (i, j)) in enumerate(zip(drawn[2:], np.ndindex(x.shape))):
        ax.set_title(f"step {n + 1}: add {x[i, j]:.3g} x kernel", fontsize=9)
        ax.add_patch(Rectangle((j * stride - 0.5, i * stride - 0.5), reach[1], reach[0], fill=False, edgecolor=COLOURS[6], linewidth=2.2, clip_on=False))
    if padding:
        for ax in drawn[2:-1]:
            ax.add_patch(Rectangle((padding - 0.5, padding - 0.5), result.shape[1], result.shape[0], fill=False, edgecolor=COLOURS[2], linewidth=1.6,
                                   linestyle="--", clip_on=False))
    cut = f"; the padding of {padding}, outside the dashed line, is cut off" if padding else ""
    figure.suptitle(f"Transposed convolution, stride {stride}: {x.shape[0]} x {x.shape[1]} becomes {result.shape[0]} x {result.shape[1]}{cut}", fontsize=10)
    return figure
