"""Networks by name, under torchvision's names, with its arguments, its `state_dict` keys and its initial values for the same seed.

No weights are shipped; those in a .pth file load with ``model.load_state_dict(minidl.load(path))``.
"""

import sys as _sys

from . import _utils as _utils
from . import detection as detection
from . import feature_extraction as feature_extraction
from . import ops as ops
from . import segmentation as segmentation
from . import video as video
from .alexnet import *
from .attention_resnet import *
from .convnext import *
from .densenet import *
from .efficientnet import *
from .googlenet import *
from .inception import *
from .maxvit import *
from .mnasnet import *
from .mobilenetv2 import *
from .mobilenetv3 import *
from .registry import MODELS as MODELS
from .registry import get_model as get_model
from .registry import get_model_builder as get_model_builder
from .registry import list_models as list_models
from .regnet import *
from .resnet import *
from .shufflenetv2 import *
from .small import *
from .squeezenet import *
from .swin_transformer import *
from .unet import *
from .vgg import *
from .vision_transformer import *
from .weights import Weights as Weights
from .weights import WeightsEnum as WeightsEnum
from .weights import get_model_weights as get_model_weights
from .weights import get_weight as get_weight
from .weights import weights_named as __getattr__  # ResNet18_Weights and the like
from .xception import *

for _module in {_build.__module__ for _build in MODELS.values()}:  # each makes them too, and so do the packages
    for _name in (_module, _module.rpartition(".")[0]):
        vars(_sys.modules[_name])["__getattr__"] = __getattr__
