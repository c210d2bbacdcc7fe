"""Networks by name, under torchvision's names, with its arguments, its `state_dict` keys and its initial values for the same seed.

No weights are shipped; those in a .pth file load with ``model.load_state_dict(minidl.load(path))``.
"""

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
from .weights import WeightsEnum as WeightsEnum
from .weights import weights_named as __getattr__  # ResNet18_Weights and the like  # noqa: F401
from .xception import *
