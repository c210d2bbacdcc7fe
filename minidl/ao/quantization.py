"""``torch.ao.quantization``: what `minidl.quantization` has, under PyTorch's place and its names of the bases."""

from ..quantization import *
from ..quantization.fake_quantize import FakeQuantize as FakeQuantizeBase
from ..quantization.observer import Observer as ObserverBase

__all__ = ["FakeQuantizeBase", "ObserverBase"]
