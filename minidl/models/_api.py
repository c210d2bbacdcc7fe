"""The registry and the names of weights under ``torchvision.models._api``, where other code finds them."""

from .registry import get_model as get_model
from .registry import get_model_builder as get_model_builder
from .registry import list_models as list_models
from .weights import Weights as Weights
from .weights import WeightsEnum as WeightsEnum
from .weights import get_model_weights as get_model_weights
from .weights import get_weight as get_weight
