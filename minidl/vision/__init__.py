"""torchvision's place: after ``sys.modules["torchvision"] = minidl.vision`` code that imports it finds what is here, submodules included.

>>> from minidl import models, tensor, vision
>>> vision.models is models, vision.ops.box_area(tensor([[0, 0, 2, 3]])).tolist()
(True, [6])
"""

from .. import datasets as datasets
from .. import io as io
from .. import models as models
from .. import transforms as transforms
from ..models import ops as ops
from . import utils as utils

__version__ = "0.28.0"  # whose names, arguments and numbers are followed
