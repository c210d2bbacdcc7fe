"""Pictures, by matplotlib; each function returns its figure and works without a screen."""

from .training import plot_confusion as plot_confusion
from .training import plot_curves as plot_curves
from .training import save_figure as save_figure
