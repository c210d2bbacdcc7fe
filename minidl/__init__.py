"""PyTorch's semantics in NumPy that a person can read: ``import minidl as torch``.

Importing the package costs next to nothing; the operations (`minidl.namespace`) and the subpackages load when they are first used.

>>> import minidl as torch
>>> x = torch.tensor([1., 2.], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 4.])
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import alias as _alias
from .torch_version import __version__ as __version__

_alias.install()

if TYPE_CHECKING:
    from .namespace import *

_SUBPACKAGES = ("_C", "__config__", "_dynamo", "_subclasses", "accelerator", "amp", "analysis", "ao", "autograd", "backends", "classical", "cli", "compiler", "core", "cuda",
                "datasets", "distributed", "distributions", "fft", "func", "functional", "futures", "fx", "hub", "io", "jit", "linalg", "models",
                "multiprocessing", "nn", "onnx", "optim", "overrides", "profiler", "quantization", "random",
                "serialization", "signal", "special", "studies", "testing", "transforms", "types", "utils", "vision", "viz")
_ELSEWHERE = {"save": "serialization", "load": "serialization", "vmap": "func", "ScriptModule": "jit", "trace": "profiler"}  # trace(x) the op, trace() a tracer


def __getattr__(name: str) -> Any:
    """Loads what `name` needs; called once per name, since what is found becomes an attribute."""
    if name in _SUBPACKAGES:
        return importlib.import_module(f"minidl.{name}")
    if name.startswith("__"):
        raise AttributeError(f"module 'minidl' has no attribute {name!r}")
    if name in _ELSEWHERE:
        value = getattr(importlib.import_module(f"minidl.{_ELSEWHERE[name]}"), name)
    elif name.startswith("_") and name in importlib.import_module("minidl.private").__all__:
        value = getattr(importlib.import_module("minidl.private"), name)
    else:
        found = vars(importlib.import_module("minidl.namespace"))
        if name.startswith("_") or name not in found:
            raise AttributeError(f"module 'minidl' has no attribute {name!r}")
        globals().update({key: value for key, value in found.items() if not key.startswith("_") and key not in _ELSEWHERE})
        value = found[name]
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    names = vars(importlib.import_module("minidl.namespace"))
    return sorted({*globals(), *(name for name in names if not name.startswith("_")), *_SUBPACKAGES, *_ELSEWHERE})
