"""What the layers of a network compute and have learned: feature maps and filters."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from ..core.modes import no_grad
from ..core.tensor import Tensor, data_of
from ..nn import Module
from .canvas import around_zero, bare, panels, picture_of, tiles

__all__ = ["feature_maps", "plot_feature_maps", "plot_filters"]


def module_of(what: str, model: Module, layer: str) -> Module:
    """The submodule of that name; ValueError with the nearest names if there is none."""
    modules = dict(model.named_modules())
    if layer not in modules:
        names = difflib.get_close_matches(layer, [n for n in modules if n], 5, 0) or list(modules)[1:6]
        raise ValueError(f"{what}: the model has no layer {layer!r}; the nearest names are {', '.join(map(repr, names))}")
    return modules[layer]


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Evaluation mode, then for each module the mode that it had."""
    modes = [(m, m.training) for m in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for m, training in modes:
            m.training = training


@contextmanager
def hooked(hooks: Mapping[Module, Callable[..., Any]]) -> Iterator[None]:
    """Forward hooks, removed afterwards whatever happens."""
    with ExitStack() as stack:
        for module, hook in hooks.items():
            stack.enter_context(module.register_forward_hook(hook))
        yield


@no_grad()
def feature_maps(model: Module, input: Any, layer: str) -> np.ndarray:
    """What the submodule `layer` gives for the input, in evaluation mode; of several calls the last.

    A hook reads it and is removed; modes are left as they were. ValueError if there is no such layer, or it does not run, or gives no tensor.

    >>> import minidl as torch
    >>> from minidl import nn
    >>> feature_maps(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()), torch.zeros(2, 1, 6, 6), "0").shape
    (2, 4, 4, 4)
    """
    kept: list[Any] = []
    module = module_of("feature_maps", model, layer)
    with evaluating(model), hooked({module: lambda m, args, output: kept.append(np.array(data_of(output)) if isinstance(output, Tensor) else None)}):
        model(input)
    if not kept or kept[-1] is None:
        raise ValueError(f"feature_maps: layer {layer!r} " + ("gave no tensor" if kept else "did not run"))
    maps: np.ndarray = kept[-1]
    return maps


def plot_feature_maps(model: Module, input: Any, layer: str, image: int = 0, channels: int = 17) -> Any:
    """The input image and the first `channels` maps that `layer` makes of it, all on one scale of colours.

    >>> import minidl as torch
    >>> from minidl import nn
    >>> len(plot_feature_maps(nn.Sequential(nn.Conv2d(1, 4, 3)), torch.rand(1, 1, 6, 6), "0").axes)  # image, maps, scale of colours
    6
    """
    maps = feature_maps(model, input, layer)
    if maps.ndim != 4:
        raise ValueError(f"plot_feature_maps: expected layer {layer!r} to give (N, C, H, W), got shape {maps.shape}")
    shown = maps[image, :channels]
    figure, axes, _ = tiles(len(shown) + 1, 9, 1.25, 1.4)
    for ax in axes:
        bare(ax)
    first, *others = axes
    first.imshow(picture_of(data_of(input)[image]), cmap="gray")
    first.set_title("input", fontsize=9)
    signed = shown.min() < 0
    colours = around_zero(shown) if signed else {"cmap": "viridis", "vmin": 0, "vmax": float(shown.max()) or 1.0}
    for channel, (ax, values) in enumerate(zip(others, shown)):
        shade = ax.imshow(values, **colours)
        ax.set_title(f"channel {channel}", fontsize=9)
    figure.colorbar(shade, ax=axes, label="activation", shrink=0.8, pad=0.01)
    part = "all" if len(shown) == maps.shape[1] else f"{len(shown)} of"
    figure.suptitle(f"Feature maps of {layer!r}: {part} {maps.shape[1]} channels of {maps.shape[2]} x {maps.shape[3]}")
    return figure


def plot_filters(model: Module, layer: str | None = None, filters: int = 32, channels: int = 8) -> Any:
    """The weights of a two-dimensional convolution (by default the model's first), one column a filter, one row an input channel.

    ValueError if there is no such layer, or no convolution.

    >>> from minidl import nn
    >>> plot_filters(nn.Sequential(nn.Conv2d(1, 4, 3))).get_suptitle()
    "Filters of '0': all 4, of 3 x 3 weights for each of 1 input channel"
    """
    kinds = {name: m for name, m in model.named_modules() if getattr(m, "kernel_size", None) and getattr(getattr(m, "weight", None), "ndim", 0) == 4}
    if not kinds:
        raise ValueError(f"plot_filters: {type(model).__name__} has no two-dimensional convolution")
    if layer is not None and layer not in kinds:
        found = module_of("plot_filters", model, layer)
        raise ValueError(f"plot_filters: layer {layer!r} is a {type(found).__name__} and has no filters; convolutions are "
                         f"{', '.join(map(repr, list(kinds)[:5]))}")
    name = next(iter(kinds)) if layer is None else layer
    module: Any = kinds[name]
    weight = np.asarray(data_of(module.weight))
    if getattr(module, "transposed", False):
        weight = weight.swapaxes(0, 1)
    shown = weight[:filters, :channels]
    depth = shown.shape[1]
    per_row = min(len(shown), 8 if depth == 1 else 16)
    blocks = -(-len(shown) // per_row)
    side = 1.0 if depth == 1 else 0.7
    figure, axes = panels(blocks * depth, per_row, side + 0.6 / per_row, side + 0.7 / (blocks * depth))
    for ax in axes[-depth:, len(shown) - (blocks - 1) * per_row:].flat:
        ax.remove()
    for (o, c), values in ((place, shown[place]) for place in np.ndindex(shown.shape[:2])):
        ax = axes[o // per_row * depth + c, o % per_row]
        bare(ax)
        shade = ax.imshow(values, **around_zero(shown))
        if c == 0:
            ax.set_title(str(o), fontsize=8)
        if o % per_row == 0 and depth > 1:
            ax.set_ylabel(f"c = {c}", fontsize=8)
    figure.colorbar(shade, ax=[ax for ax in axes.flat if ax.figure], label="weight", shrink=0.9, pad=0.02, aspect=12)
    part = "all" if len(shown) == len(weight) else f"{len(shown)} of"
    some = f"{depth} of " if depth < weight.shape[1] else ""
    figure.suptitle(f"Filters of {name!r}: {part} {len(weight)}, of {weight.shape[2]} x {weight.shape[3]} weights for each of "
                    f"{some}{weight.shape[1]} input channel{'s' * (weight.shape[1] != 1)}", fontsize=10)
    return figure
