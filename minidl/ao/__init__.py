"""``torch.ao``: the place of quantization."""

from . import quantization as quantization
