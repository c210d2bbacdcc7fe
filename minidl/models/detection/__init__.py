"""Networks that find objects: boxes with classes, and masks or points of them.

No weights are shipped. torchvision's files load with ``load_state_dict``; those of the detectors on a ResNet-50 that are not `v2` were trained with fixed
statistics and without `eps`: build these with a backbone of `FrozenBatchNorm2d`, and call ``_utils.overwrite_eps(model, 0.0)``.
"""

from .faster_rcnn import FasterRCNN as FasterRCNN
from .faster_rcnn import fasterrcnn_mobilenet_v3_large_320_fpn as fasterrcnn_mobilenet_v3_large_320_fpn
from .faster_rcnn import fasterrcnn_mobilenet_v3_large_fpn as fasterrcnn_mobilenet_v3_large_fpn
from .faster_rcnn import fasterrcnn_resnet50_fpn as fasterrcnn_resnet50_fpn
from .faster_rcnn import fasterrcnn_resnet50_fpn_v2 as fasterrcnn_resnet50_fpn_v2
from .fcos import FCOS as FCOS
from .fcos import fcos_resnet50_fpn as fcos_resnet50_fpn
from .keypoint_rcnn import KeypointRCNN as KeypointRCNN
from .keypoint_rcnn import keypointrcnn_resnet50_fpn as keypointrcnn_resnet50_fpn
from .mask_rcnn import MaskRCNN as MaskRCNN
from .mask_rcnn import maskrcnn_resnet50_fpn as maskrcnn_resnet50_fpn
from .mask_rcnn import maskrcnn_resnet50_fpn_v2 as maskrcnn_resnet50_fpn_v2
from .retinanet import RetinaNet as RetinaNet
from .retinanet import retinanet_resnet50_fpn as retinanet_resnet50_fpn
from .retinanet import retinanet_resnet50_fpn_v2 as retinanet_resnet50_fpn_v2
from .ssd import ssd300_vgg16 as ssd300_vgg16
from .ssdlite import ssdlite320_mobilenet_v3_large as ssdlite320_mobilenet_v3_large
