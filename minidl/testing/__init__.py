"""Tests for anyone's operators: Hypothesis strategies of valid calls, and checks against an oracle, or against nothing but mathematics.

As an example, someone's own convolution, which mixes up the order of groups. `check` draws calls of ``conv2d``, compares, and reports the simplest
call that differs (``found.script`` is a program that shows it):

>>> import numpy as np
>>> from minidl.testing import Mismatch, check, strategies
>>> def my_conv2d(x, w, b=None, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
...     x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
...     reach = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:])]
...     x = np.lib.stride_tricks.sliding_window_view(x, reach, (2, 3))
...     x = x[:, :, ::stride[0], ::stride[1], ::dilation[0], ::dilation[1]]
...     x, w = x.reshape(len(x), groups, -1, *x.shape[2:]), w.reshape(-1, groups, *w.shape[1:])
...     y = np.einsum("ngchwij,ogcij->ngohw", x, w).reshape(len(x), -1, *x.shape[3:5])
...     return y if b is None else y + b[:, None, None]
>>> try:
...     check(my_conv2d, against="conv2d", inputs=strategies.cases("conv2d", plain=True), examples=100)
... except Mismatch as found:
...     print(found.case)
conv2d(np.array([[[[1.0]], [[2.0]]]]), np.array([[[[1.0]]], [[[2.0]]], [[[3.0]]], [[[-1.0]]]]), None, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=2)

- `check`: outputs, shapes, dtypes, gradients and second gradients against minidl or any other oracle, within bounds of rounding, and relations
  (linearity, adjointness, shifts, ...) that need none.
- `strategies`: what is drawn; needs Hypothesis.
- `numpy_function`, `minidl_function`, `torch_function`, `jax_function`, `onnx_operator`: candidates and oracles.
- `gradcheck`, `gradgradcheck`: gradients against extrapolated differences, kinks told apart.
- `assert_close`, `make_tensor`: PyTorch's.
- ``minidl fuzz MODULE:FUNCTION --as conv2d``, and a pytest plugin (`plugin`).

`divergences.md`, beside this file, lists what these checks found in other libraries.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adapters import Candidate as Candidate
    from .adapters import jax_function as jax_function
    from .adapters import minidl_function as minidl_function
    from .adapters import numpy_function as numpy_function
    from .adapters import torch_function as torch_function
    from .case import Case as Case
    from .checking import check as check
    from .comparison import assert_close as assert_close
    from .creation import make_tensor as make_tensor
    from .derivatives import complex_step as complex_step
    from .derivatives import derivative as derivative
    from .derivatives import gradcheck as gradcheck
    from .derivatives import gradgradcheck as gradgradcheck
    from .layouts import lay_out as lay_out
    from .onnx import onnx_operator as onnx_operator
    from .report import Mismatch as Mismatch
    from .training import Training as Training

# Loaded when first used, so that the pytest plugin, which is always loaded, costs nothing.
_HOMES = {
    "adapters": ("Candidate", "jax_function", "minidl_function", "numpy_function", "torch_function"),
    "case": ("Case",),
    "checking": ("check",),
    "comparison": ("assert_close",),
    "creation": ("make_tensor",),
    "derivatives": ("complex_step", "derivative", "gradcheck", "gradgradcheck"),
    "layouts": ("lay_out",),
    "onnx": ("onnx_operator",),
    "report": ("Mismatch",),
    "training": ("Training",),
}
__all__ = [name for names in _HOMES.values() for name in names] + ["strategies"]


def __getattr__(name: str) -> Any:
    if name == "strategies":
        return importlib.import_module(f"{__name__}.strategies")
    for module, names in _HOMES.items():
        if name in names:
            return globals().setdefault(name, getattr(importlib.import_module(f"{__name__}.{module}"), name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
