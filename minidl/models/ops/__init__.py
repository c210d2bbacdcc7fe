"""``torchvision.ops``: boxes, regions of feature maps, losses of detection, and the blocks that networks share."""

from . import losses as losses
from .boxes import *
from .deform_conv import *
from .drop_block import *
from .feature_pyramid_network import FeaturePyramidNetwork as FeaturePyramidNetwork
from .losses import *
from .misc import *
from .poolers import MultiScaleRoIAlign as MultiScaleRoIAlign
from .regions import *

ciou_loss = diou_loss = focal_loss = giou_loss = losses  # torchvision has a file for each
