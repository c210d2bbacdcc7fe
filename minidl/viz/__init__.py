"""Pictures, by matplotlib; each `plot_...` returns its figure, works without a screen and leaves the model as it was.

Where one axis is enough, it can be given as `ax`. The other functions return what is drawn as numbers or text.
"""

from .attention import Gates as Gates
from .attention import gates as gates
from .attention import grad_cam as grad_cam
from .attention import plot_gates as plot_gates
from .attention import plot_grad_cam as plot_grad_cam
from .clusters import plot_kmeans_steps as plot_kmeans_steps
from .convolution import plot_dense_matrix as plot_dense_matrix
from .convolution import plot_im2col as plot_im2col
from .convolution import plot_transposed_convolution as plot_transposed_convolution
from .convolution import transposed_steps as transposed_steps
from .curves import ACTIVATIONS as ACTIVATIONS
from .curves import activation_curve as activation_curve
from .curves import gradient_flow as gradient_flow
from .curves import plot_activations as plot_activations
from .curves import plot_gradient_flow as plot_gradient_flow
from .curves import plot_schedules as plot_schedules
from .curves import schedule_rates as schedule_rates
from .graph import graph_dot as graph_dot
from .graph import plot_graph as plot_graph
from .histograms import plot_quantization_error as plot_quantization_error
from .histograms import plot_weights as plot_weights
from .landscape import filter_normalized as filter_normalized
from .landscape import loss_surface as loss_surface
from .landscape import plot_loss_surface as plot_loss_surface
from .layers import feature_maps as feature_maps
from .layers import plot_feature_maps as plot_feature_maps
from .layers import plot_filters as plot_filters
from .receptive import plot_receptive_field as plot_receptive_field
from .training import plot_confusion as plot_confusion
from .training import plot_curves as plot_curves
from .training import save_figure as save_figure
