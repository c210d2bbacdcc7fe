"""TorchScript archives: the tensors and attributes of their modules, by name. Their programs stay text that nothing runs."""

from __future__ import annotations

import contextlib
import os
import re
import types
import zipfile
from typing import Any, NoReturn

from ..core.tensor import Tensor
from ..nn import Module, Parameter
from ..serialization.read import ZipReader
from ..serialization.rebuild import refuse
from ..serialization.trust import Unpickler

__all__ = ["RecursiveScriptModule", "ScriptModule", "load"]

MAX_TEXT = 1 << 26  # bytes of one file of a program
CLASS = r"^class {}\(Module\):\n  __parameters__ = \[(.*)\]\n  __buffers__ = \[(.*)\]$"


class ScriptModule(Module):
    """A module that says so itself: a base for older code, and for what `load` makes; no other module is one."""


class RecursiveScriptModule(ScriptModule):
    """A module of a TorchScript archive: parameters, buffers, submodules and attributes, but no forward."""

    original_name: str
    declared: tuple[list[str], list[str]]  # names of parameters and of buffers

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({})
        parameters, buffers = self.declared
        for name, value in state.items():
            if name in parameters:
                if type(value) is Tensor:
                    value.__class__ = Parameter  # the tensor itself, which may be another module's too
                self.register_parameter(name, value)
            elif name in buffers:
                self.register_buffer(name, value)
            elif name == "training" or not hasattr(self, name):
                setattr(self, name, value)

    def forward(self, *args: Any, **kwargs: Any) -> NoReturn:
        """RuntimeError: there is no interpreter of TorchScript."""
        raise RuntimeError(f"{self.original_name}: there is no interpreter of TorchScript here; build the module in Python, and give it "
                           "this one's state_dict()")

    def extra_repr(self) -> str:
        return f"original_name={self.original_name}"


def load(f: Any, map_location: Any = None, _extra_files: Any = None) -> RecursiveScriptModule:
    """The modules in a TorchScript archive, a path or a binary file, for their tensors: ``load(f).state_dict()``.

    https://docs.pytorch.org/docs/stable/generated/torch.jit.load.html, whose modules run; these raise RuntimeError when called.
    ValueError for a path where no file is; RuntimeError, naming the reason, for a file that is damaged or no such archive.
    """
    is_path = isinstance(f, (str, os.PathLike))
    if is_path and not os.path.isfile(f):
        raise ValueError(f"The provided filename {os.fsdecode(f)} does not exist")
    with open(f, "rb") if is_path else contextlib.nullcontext(f) as file:
        try:
            return ScriptReader(file, False, "utf-8", None).read()
        except Exception as error:  # whatever a damaged file leads to
            raise RuntimeError(f"jit.load: {getattr(file, 'name', type(file).__name__)}: not loaded: {error!s:.300}") from error


class ScriptReader(ZipReader):
    """The program is ``NAME/code/PACKAGE/MODULE.py``; all that is read of it is what each module calls its parameters and buffers."""

    def read(self) -> RecursiveScriptModule:
        unpickler = self.unpickler(ScriptUnpickler, self.pickled(script=True))
        unpickler.declared = self.declared
        module = unpickler.load()
        if not isinstance(module, RecursiveScriptModule):
            refuse("its object is no module")
        return module

    def declared(self, module: str, name: str) -> tuple[list[str], list[str]] | None:
        """The names of a module's parameters and of its buffers; None for a class that is no module."""
        info = self.records.get(f"{self.root}code/{module.replace('.', '/')}.py")
        if info is None or info.file_size > MAX_TEXT:
            refuse(f"the program of {module!a:.80} is missing")
        with zipfile.ZipFile(self.file) as archive:
            text = archive.read(info).decode()
        found = re.search(CLASS.format(re.escape(name)), text, re.MULTILINE)
        if found is None:
            return None
        parameters, buffers = (re.findall(r'"([^"]+)"', names) for names in found.groups())
        return parameters, buffers


class ScriptUnpickler(Unpickler):
    """Builds what a checkpoint may hold, and for the program's own classes modules that have no program."""

    declared: Any

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.allowed |= {"torch.jit._pickle.restore_type_tag": restored,
                         **{f"torch.jit._pickle.build_{kind}list": list for kind in ("int", "double", "bool", "tensor")}}

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] != "__torch__":
            return super().find_class(module, name)
        declared = self.declared(module, name)
        if declared is None:
            return types.SimpleNamespace
        return type("RecursiveScriptModule", (RecursiveScriptModule,), {"original_name": name, "declared": declared})


def restored(value: Any, type_name: Any) -> Any:
    """A list or dict, whose type TorchScript names."""
    return value
