"""Settings of what computes, as in `torch.backends`: `conv` chooses how convolutions are computed.

The others answer for parts that PyTorch may have and this library has not, so that code which asks for them runs: flags are
kept and change nothing, and nothing is available. https://docs.pytorch.org/docs/stable/backends.html
"""

from . import conv as conv
from . import cuda as cuda
from . import cudnn as cudnn
from . import mkl as mkl
from . import mkldnn as mkldnn
from . import mps as mps
from . import openmp as openmp
