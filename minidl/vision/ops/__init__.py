"""``torchvision.ops``: boxes, regions of feature maps, losses of detection, and the blocks that networks share."""

from .boxes import *
from .losses import *
from .misc import *
from .regions import *
