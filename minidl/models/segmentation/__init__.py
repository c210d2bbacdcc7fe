"""Networks that label every pixel, with a ResNet or a MobileNet underneath."""

from .deeplabv3 import ASPP as ASPP
from .deeplabv3 import ASPPConv as ASPPConv
from .deeplabv3 import ASPPPooling as ASPPPooling
from .deeplabv3 import DeepLabHead as DeepLabHead
from .deeplabv3 import DeepLabV3 as DeepLabV3
from .deeplabv3 import deeplabv3_mobilenet_v3_large as deeplabv3_mobilenet_v3_large
from .deeplabv3 import deeplabv3_resnet50 as deeplabv3_resnet50
from .deeplabv3 import deeplabv3_resnet101 as deeplabv3_resnet101
from .fcn import FCN as FCN
from .fcn import FCNHead as FCNHead
from .fcn import fcn_resnet50 as fcn_resnet50
from .fcn import fcn_resnet101 as fcn_resnet101
from .lraspp import LRASPP as LRASPP
from .lraspp import lraspp_mobilenet_v3_large as lraspp_mobilenet_v3_large
