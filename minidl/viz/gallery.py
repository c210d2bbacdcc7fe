"""Pictures of a data set: images under their titles, and masks over their images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .canvas import COLOURS, bare, panels, picture_of

__all__ = ["plot_gallery", "plot_overlays"]


def plot_gallery(images: Sequence[Any] | np.ndarray, titles: Sequence[str], columns: int = 8) -> Any:
    """Images (C, H, W), each under its title.

    >>> len(plot_gallery(np.eye(4)[None, None].repeat(3, 0), ["a", "b", "c"]).axes)
    3
    """
    columns = min(columns, len(images))
    figure, axes = panels(-(-len(images) // columns), columns, 1.35, 1.75)
    for ax in axes.flat[len(images):]:
        ax.remove()
    for ax, image, title in zip(axes.flat, images, titles):
        ax.imshow(picture_of(image), cmap="gray")
        ax.set_title(title, fontsize=9)
        bare(ax)
    return figure


def plot_overlays(images: np.ndarray, truths: np.ndarray, guesses: np.ndarray, classes: Sequence[str], titles: Sequence[str]) -> Any:
    """For each image (C, H, W) a column: itself, and its greys with the true and with the predicted classes (H, W) laid over them.

    Class 0 is left clear; what is no class is black.

    >>> masks = np.eye(4, dtype=int)[None]
    >>> len(plot_overlays(np.zeros((1, 3, 4, 4)), masks, masks, ["ground", "line"], ["all right"]).axes)
    3
    """
    from matplotlib.patches import Patch
    colours = [COLOURS[(i - 1) % (len(COLOURS) - 1)] for i in range(1, len(classes))]
    figure, axes = panels(3, len(images), 1.9, 1.9)
    for column, image in zip(axes.T, images):
        picture = picture_of(image)
        grey = np.atleast_3d(picture).mean(2)  # in which the colours of the classes stay what they are in the legend
        for ax, shown in zip(column, (picture, grey, grey)):
            ax.imshow(shown, cmap="gray")
            bare(ax)
    for i, title in enumerate(titles):
        axes[0, i].set_title(title, fontsize=9)
        for ax, mask in ((axes[1, i], truths[i]), (axes[2, i], guesses[i])):
            ax.imshow(coloured(mask, colours))
    for ax, name in zip(axes[:, 0], ("image", "truth", "prediction")):
        ax.set_ylabel(name)
    if colours:
        figure.legend(handles=[Patch(color=c, label=name) for c, name in zip(colours, classes[1:])], loc="outside lower center",
                      ncols=min(len(colours), 6), frameon=False)
    return figure


def coloured(mask: np.ndarray, colours: Sequence[str]) -> np.ndarray:
    """Classes (H, W) as colours (H, W, 4), half transparent."""
    from matplotlib.colors import to_rgba
    table = np.array([(0.0, 0.0, 0.0, 0.0), *(to_rgba(c, 0.55) for c in colours), (0.0, 0.0, 0.0, 0.8)])
    return table[np.where((mask >= 0) & (mask <= len(colours)), mask, -1)]
