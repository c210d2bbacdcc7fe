"""The receptive field over the image."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..analysis import measured_receptive_field, receptive_field
from ..core.tensor import data_of
from ..nn import Module
from .canvas import COLOURS, bare, panels, picture_of
from .layers import module_of

__all__ = ["plot_receptive_field"]


def plot_receptive_field(model: Module, input: Any, layer: str | None = None, most: int = 6) -> Any:
    """What the middle position of each layer up to `layer` (by default the output) reads of the image (1, C, H, W), by the recurrence; and what the
    last of them was measured to depend on, by the gradients that reach each pixel.

    Of more than `most` layers that enlarge the field, some are left out. Errors are those of `analysis.receptive_field`; ValueError if there is no
    such layer.

    >>> import minidl as torch
    >>> from minidl import nn
    >>> plot_receptive_field(nn.Sequential(nn.Conv2d(1, 2, 3)), torch.rand(1, 1, 7, 7)).axes[0].get_title()
    'By the recurrence: 3 x 3 pixels'
    """
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Rectangle
    image = np.asarray(data_of(input))
    if image.ndim != 4:
        raise ValueError(f"plot_receptive_field: expected an image (1, C, H, W), got shape {image.shape}")
    if layer is not None:
        module_of("plot_receptive_field", model, layer)
    size = (1, *image.shape[1:])
    found = receptive_field(model, size, layer)
    growing = [row for n, row in enumerate(found.rows[1:], 1) if row.field != found.rows[n - 1].field]
    if len(growing) > most:
        growing = [growing[n] for n in np.linspace(0, len(growing) - 1, most).round().astype(int)]
    figure, axes = panels(1, 2, 4.6, 4.6, width_ratios=[1.0, 1.12])
    left, right = axes[0]
    picture = picture_of(image[0])
    grey = picture if picture.ndim == 2 else picture.mean(2)
    left.imshow(grey, cmap="gray", vmin=-0.3, vmax=1.3)
    height, width = found.input_size
    boxes = []
    for depth, (row, colour) in enumerate(zip(growing, COLOURS)):
        spans: list[Any] = [axis.at(n // 2) for (_, axis), n in zip(row.axes, row.size)]
        if None in spans:
            continue
        (top, bottom), (start, end) = ((max(s[0], -0.5 * n), min(s[1], 1.5 * n)) for s, n in zip(spans, (height, width)))
        boxes.append((top, bottom, start, end))
        field = " x ".join("all" if np.isinf(f) else str(int(f)) for f in row.field)
        left.add_patch(Rectangle((start - 0.5, top - 0.5), end - start + 1, bottom - top + 1, fill=False, edgecolor=colour, linewidth=1.6 + depth, zorder=3 - depth / 10,
                                 label=f"{row.name or row.operation}: {field}"))
    edges = [*boxes, (0, height - 1, 0, width - 1)]
    left.set_xlim(min(b[2] for b in edges) - 1, max(b[3] for b in edges) + 1)
    left.set_ylim(max(b[1] for b in edges) + 1, min(b[0] for b in edges) - 1)
    left.set_facecolor("0.9")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncol=3, fontsize=8, frameon=False)
    left.set_title("By the recurrence: " + " x ".join("all" if np.isinf(f) else str(int(f)) for f in found.field) + " pixels", fontsize=10)
    measured = measured_receptive_field(model, size, tuple([n // 2 for n in found.size]), layer)
    strength = measured.gradient / (measured.gradient.max() or 1.0)
    floor = 10.0 ** max(np.floor(np.log10(strength[strength > 0].min())), -6)
    shade = right.imshow(np.where(strength > 0, np.maximum(strength, floor), np.nan), cmap="viridis", norm=LogNorm(floor, 1))
    right.set_facecolor("0.9")
    figure.colorbar(shade, ax=right, label="gradient, share of greatest", fraction=0.046)
    right.set_title("Measured by gradients: " + " x ".join(map(str, measured.field)) + " pixels in the image", fontsize=10)
    reached: Any = found.at(*[n // 2 for n in found.size])
    if reached is not None:
        (top, bottom), (start, end) = reached
        right.add_patch(Rectangle((start - 0.5, top - 0.5), end - start + 1, bottom - top + 1, fill=False, edgecolor=COLOURS[1], linewidth=2,
                                  linestyle="--", clip_on=False))
    for ax in (left, right):
        bare(ax)
    figure.suptitle(f"Receptive field of the middle of {'the output' if layer is None else repr(layer)}, image of {height} x {width}", fontsize=11)
    return figure
