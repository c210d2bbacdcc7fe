"""Networks by name."""

from .registry import get_model as get_model
from .registry import list_models as list_models
from .small import LeNet as LeNet
from .small import SmallResNet as SmallResNet
