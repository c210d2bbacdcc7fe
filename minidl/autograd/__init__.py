"""Derivatives: `backward`, `grad`, custom functions, checks, and the functional interface."""

import importlib
from typing import Any

from ..core.engine import backward as backward
from ..core.engine import grad as grad
from ..core.modes import enable_grad as enable_grad
from ..core.modes import inference_mode as inference_mode
from ..core.modes import is_grad_enabled as is_grad_enabled
from ..core.modes import no_grad as no_grad
from ..core.modes import set_grad_enabled as set_grad_enabled
from . import forward_ad as forward_ad
from . import functional as functional
from . import graph as graph
from .anomaly import detect_anomaly as detect_anomaly
from .anomaly import set_detect_anomaly as set_detect_anomaly
from .function import Function as Function
from .gradcheck import gradcheck as gradcheck
from .gradcheck import gradgradcheck as gradgradcheck
from .variable import Variable as Variable


def __getattr__(name: str) -> Any:
    """`profiler`, which needs what needs autograd, loads when it is asked for."""
    if name != "profiler":
        raise AttributeError(f"module 'minidl.autograd' has no attribute {name!r}")
    return importlib.import_module("minidl.autograd.profiler")
