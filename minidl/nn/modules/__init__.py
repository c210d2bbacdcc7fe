"""The layers, one file per family. A layer is its parameters, a forward that calls `minidl.nn.functional`, and its repr."""

from .container import *
from .module import Module as Module
