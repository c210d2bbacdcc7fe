"""``torch._subclasses``: kinds of tensors that only a compiler makes."""

from .fake_tensor import FakeTensor as FakeTensor
