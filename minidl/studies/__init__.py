"""Studies: small experiments on the handwritten digits, each of which prints a table and saves a plot (``minidl study NAME``).

A study is a function in a file of its own with the decorator `study`: it takes the random seed, and returns a `Result`.
"""

from . import batch_norm_eps as batch_norm_eps
from . import batch_norm_momentum as batch_norm_momentum
from . import batch_norm_order as batch_norm_order
from . import batch_size as batch_size
from . import dropout as dropout
from . import residual_depth as residual_depth
from . import sigmoid_versus_relu as sigmoid_versus_relu
from . import validation_above_training as validation_above_training
from .registry import STUDIES as STUDIES
from .registry import Result as Result
from .registry import run as run
from .registry import study as study
