"""Where a network looks: the gates of attention layers, and Grad-CAM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd import grad
from ..core.modes import enable_grad, no_grad
from ..core.tensor import Tensor, data_of
from ..nn import CBAM, ECA, ChannelAttention, Module, SpatialAttention, SqueezeExcitation
from .canvas import COLOURS, bare, heat_over, panels, picture_of
from .layers import evaluating, hooked, module_of

__all__ = ["Gates", "gates", "grad_cam", "plot_gates", "plot_grad_cam"]


@dataclass
class Gates:
    """The factors of one attention layer: `channel` (N, C) and `spatial` (N, H, W), None where it has none; `passed` (N, H, W): the share of the
    magnitude, summed over channels, that it lets through at each place."""

    name: str
    kind: str
    channel: np.ndarray | None
    spatial: np.ndarray | None
    passed: np.ndarray


@no_grad()
def gates(model: Module, input: Any) -> list[Gates]:
    """The gates of all CBAM, squeeze-and-excitation and ECA layers for the input, in evaluation mode, in the order of the model.

    Hooks read them and are removed; modes are left as they were. ValueError if the model has no such layer.

    >>> import minidl as torch
    >>> from minidl import nn
    >>> gate, = gates(nn.Sequential(nn.CBAM(16)), torch.rand(2, 16, 5, 6))
    >>> gate.channel.shape, gate.spatial.shape, gate.passed.shape
    ((2, 16), (2, 5, 6), (2, 5, 6))
    """
    layers = {name: m for name, m in model.named_modules() if isinstance(m, (CBAM, SqueezeExcitation, ECA))}
    if not layers:
        raise ValueError(f"gates: {type(model).__name__} has no attention layer (CBAM, SqueezeExcitation, SEBlock or ECA)")
    seen: dict[Module, Any] = {}

    def keep(module: Module, args: Any, output: Any) -> None:
        seen[module] = args[0], output

    inner = {name: [part for part in m.modules() if isinstance(part, (ChannelAttention, SpatialAttention))] if isinstance(m, CBAM) else
             [m.scale_activation if isinstance(m, SqueezeExcitation) else m.sigmoid] for name, m in layers.items()}
    watched = [*layers.values(), *[part for parts in inner.values() for part in parts]]
    with evaluating(model), hooked(dict.fromkeys(watched, keep)):
        model(input)
    found = []
    for name, m in layers.items():
        if m not in seen:
            continue
        x, y = (np.abs(data_of(t)).sum(1) for t in seen[m])
        factors = {isinstance(part, SpatialAttention): np.array(data_of(seen[part][1])) for part in inner[name]}
        channel, spatial = factors.get(False), factors.get(True)
        found.append(Gates(name, type(m).__name__, None if channel is None else channel.reshape(len(x), -1),
                           None if spatial is None else spatial[:, 0], np.divide(y, x, out=np.zeros_like(y), where=x > 0)))
    return found


def plot_gates(model: Module, input: Any, image: int = 0, layers: int = 4) -> Any:
    """For the first attention layers, a row each: the channels' factors, those of the places over the image, and what of the feature map's
    magnitude passes at each place.

    >>> import minidl as torch
    >>> from minidl import nn
    >>> plot_gates(nn.Sequential(nn.SEBlock(16, bias=False)), torch.zeros(1, 16, 4, 4)).axes[0].get_title()
    "Channel gates of '0', SEBlock"
    """
    shown = gates(model, input)[:layers]
    picture = data_of(input)[image]
    has_places = any(g.spatial is not None for g in shown)
    figure, axes = panels(len(shown), 2 + has_places, 2.9, 2.4, width_ratios=[1.35] + [1] * (1 + has_places))
    for row, g in zip(axes, shown):
        ax = row[0]
        if g.channel is not None:
            values = g.channel[image]
            ax.bar(range(len(values)), values, width=0.85, color=COLOURS[0])
            ax.xaxis.get_major_locator().set_params(integer=True)
            ax.axhline(0.5, color=COLOURS[6], linewidth=0.8, linestyle=":")
            ax.set(ylim=(0, 1), xlabel="channel", ylabel="factor", title=f"Channel gates of {g.name!r}, {g.kind}")
        if g.spatial is not None:
            figure.colorbar(heat_over(row[1], picture, g.spatial[image]), ax=row[1], label="factor", fraction=0.046)
            row[1].set_title(f"Place gates: {g.spatial[image].min():.2f} to {g.spatial[image].max():.2f}")
        elif has_places:
            row[1].axis("off")
            row[1].text(0.5, 0.5, "no place gates", ha="center", va="center", color="0.4", transform=row[1].transAxes)
        figure.colorbar(heat_over(row[-1], picture, g.passed[image]), ax=row[-1], label="share of sum |x|", fraction=0.046)
        row[-1].set_title(f"What passes: {g.passed[image].min():.2f} to {g.passed[image].max():.2f}")
    for ax in axes.flat:
        ax.title.set_fontsize(9)
    return figure


def grad_cam(model: Module, input: Any, layer: str, target: Any = None) -> np.ndarray:
    """The evidence for a class at each place of a layer's feature maps A: ``relu(sum_k a_k A_k)`` with ``a_k`` the mean over places of d score / d A_k.

    `target`: the class, or one for each image; by default the one with the highest score. Shape (N, H, W) of the layer's maps. The model must give
    scores (N, classes). A hook puts a copy of A in its place, so that later in-place operations change nothing and no gradient reaches the parameters.
    Modes are left as they were. ValueError if there is no such layer, or it does not run exactly once, or gives no (N, C, H, W).
    Selvaraju et al.: Grad-CAM, 2017, equations 1 and 2.

    >>> import minidl as torch
    >>> from minidl import nn
    >>> net = nn.Sequential(nn.Identity(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> grad_cam(net, torch.tensor([[[[1., 2.], [3., 4.]], [[0., 0.], [0., 1.]]]]), "0", target=0).tolist()
    [[[0.25, 0.5], [0.75, 1.0]]]
    """
    maps: list[Tensor] = []

    def cut(module: Module, args: Any, output: Any) -> Any:
        if not isinstance(output, Tensor) or output.ndim != 4:
            raise ValueError(f"grad_cam: expected layer {layer!r} to give (N, C, H, W), got {getattr(output, 'shape', type(output).__name__)}")
        maps.append(output.detach().requires_grad_())
        return maps[-1].clone()

    module = module_of("grad_cam", model, layer)
    with enable_grad(), evaluating(model), hooked({module: cut}):
        scores = model(input)
        if len(maps) != 1:
            raise ValueError(f"grad_cam: expected layer {layer!r} to run once, it ran {len(maps)} times")
        if not isinstance(scores, Tensor) or scores.ndim != 2:
            raise ValueError(f"grad_cam: expected scores (N, classes), got {getattr(scores, 'shape', type(scores).__name__)}")
        chosen = np.broadcast_to(data_of(scores).argmax(1) if target is None else np.asarray(data_of(target)), len(scores))
        if not ((chosen >= 0) & (chosen < scores.shape[1])).all():
            raise ValueError(f"grad_cam: expected targets from 0 to {scores.shape[1] - 1}, got {chosen.tolist()}")
        total = scores[np.arange(len(scores)), chosen.astype(np.int64)].sum()
        slopes, = grad(total, [maps[0]], allow_unused=True)
    if slopes is None:
        raise ValueError(f"grad_cam: the scores do not depend on layer {layer!r}")
    weights = data_of(slopes).mean((2, 3), keepdims=True)
    evidence: np.ndarray = np.maximum((weights * data_of(maps[0])).sum(1), 0)
    return evidence


def plot_grad_cam(model: Module, input: Any, layer: str, target: Any = None, classes: Any = None) -> Any:
    """`grad_cam` over each image of a batch, each on a scale of its own; titles name the class that the evidence is for.

    >>> import minidl as torch
    >>> from minidl import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> plot_grad_cam(net, torch.rand(1, 1, 4, 4), "0", 1, ["cat", "dog"]).axes[1].get_title()
    'Evidence for dog'
    """
    evidence = grad_cam(model, input, layer, target)
    if target is None:
        with no_grad(), evaluating(model):
            target = model(input).argmax(1)
    chosen = np.broadcast_to(np.asarray(data_of(target)), len(evidence))
    figure, axes = panels(2, len(evidence), 2.0, 2.15)
    for column, image, heat, label in zip(axes.T, data_of(input), evidence, chosen):
        column[0].imshow(picture_of(image), cmap="gray")
        bare(column[0])
        shade = heat_over(column[1], image, heat / (heat.max() or 1.0), smooth=True)
        shade.set_clim(0, 1)
        column[1].set_title(f"Evidence for {label if classes is None else classes[label]}", fontsize=10)
    figure.colorbar(shade, ax=axes[1], label="share of greatest", aspect=12)
    figure.suptitle(f"Grad-CAM at {layer!r}, maps of {evidence.shape[1]} x {evidence.shape[2]}")
    return figure
