"""``torch.jit`` without a compiler: what it decorates stays the Python that it is.

>>> import minidl as torch
>>> @torch.jit.script
... def square(x):
...     return x * x
>>> square(torch.tensor(3.))
tensor(9.)
"""

from __future__ import annotations

from builtins import isinstance as isinstance
from typing import Any, Final, NoReturn, TypeVar

from .archive import RecursiveScriptModule as RecursiveScriptModule
from .archive import ScriptModule as ScriptModule
from .archive import load as load

__all__ = ["Attribute", "Final", "RecursiveScriptModule", "ScriptFunction", "ScriptModule", "TracerWarning", "annotate", "export", "freeze", "ignore", "interface", "is_scripting", "is_tracing",
           "load", "optimize_for_inference", "save", "script", "script_if_tracing", "script_method", "trace", "unused"]

T = TypeVar("T")


class TracerWarning(Warning):
    """What a tracer would warn with: programs leave it out by name."""


class ScriptFunction:
    """What a compiled function would be: no function is one."""


def script(obj: T, *args: Any, **kwargs: Any) -> T:
    """The function, class or module as it is."""
    return obj


_overload = export = freeze = interface = optimize_for_inference = script_if_tracing = script_method = unused = script


def trace(func: Any, example_inputs: Any = None, **kwargs: Any) -> Any:
    """The function or module as it is: the path of the example is not kept."""
    return func


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """The function as it is; also a decorator with options."""
    return drop if callable(drop) else script


def is_scripting() -> bool:
    """False."""
    return False


def is_tracing() -> bool:
    """False."""
    return False


def annotate(the_type: Any, the_value: T) -> T:
    """The value."""
    return the_value


def Attribute(value: T, type: Any) -> T:
    """The value."""
    return value


def _get_trace_graph(f: Any, args: Any = (), kwargs: Any = None, **options: Any) -> NoReturn:
    """NotImplementedError: a program is run, never recorded."""
    raise NotImplementedError(f"jit: {type(f).__name__} cannot be traced: this library runs a program and keeps no graph of it")


def save(m: Any, f: Any, **kwargs: Any) -> NoReturn:
    """RuntimeError: there is no compiled form to save."""
    raise RuntimeError("jit.save: nothing is compiled here, so there is no TorchScript to save; use torch.save(model.state_dict(), f)")

