"""The layers, one file per family. A layer is its parameters, a forward that calls `minidl.nn.functional`, and its
repr."""

import typing as _typing

from .module import Module as Module  # isort: skip  # the base first
from .container import *  # isort: skip
from .activation import *
from .adaptive import *
from .attention import *
from .batchnorm import *
from .channelshuffle import *
from .conv import *
from .distance import *
from .dropout import *
from .flatten import *
from .fold import *
from .instancenorm import *
from .linear import *
from .linear_cross_entropy import *
from .loss import *
from .normalization import *
from .padding import *
from .pixelshuffle import *
from .pooling import *
from .rnn import *
from .sparse import *
from .transformer import *
from .upsampling import *

if not _typing.TYPE_CHECKING:  # for a checker of types: all that is imported
    __all__ = [_name for _name, _value in list(globals().items()) if isinstance(_value, type)]
