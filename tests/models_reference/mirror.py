"""`minidl.models` on PyTorch: its source, unchanged, imported into a package whose `nn`, `ops` and `core` are torch."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

import minidl

ROOT = Path(minidl.__file__).parent
NAME = "models_on_torch"


class Hardsigmoid(torch.nn.Module):
    """PyTorch's has a derivative of 1/6 in single precision, wrong from the ninth digit on in double."""

    def forward(self, x: Any) -> Any:
        return torch.nn.functional.relu6(x + 3) / 6


def mirror() -> Any:
    """The package: ``.models`` holds the networks as torch modules, ``.nn`` is torch.nn with minidl's attention layers."""
    if NAME in sys.modules:
        return sys.modules[NAME]

    def package(name: str, path: list[str], **members: Any) -> ModuleType:
        module = ModuleType(f"{NAME}.{name}" if name else NAME)
        module.__path__ = path
        vars(module).update(members)
        sys.modules[module.__name__] = module
        return module

    root = package("", [])
    package("core", [])
    package("ops", [])
    root.nn = package("nn", [], **{k: v for k, v in vars(torch.nn).items() if not k.startswith("__")})
    root.nn.Hardsigmoid = Hardsigmoid
    package("nn.modules", [str(ROOT / "nn" / "modules")])
    for name in ("core.tensor", "ops.create", "ops.join"):
        sys.modules[f"{NAME}.{name}"] = torch
    for name in ("activation", "container", "conv", "module", "pooling"):
        sys.modules[f"{NAME}.nn.modules.{name}"] = torch.nn
    attention = importlib.import_module(f"{NAME}.nn.modules.attention")
    vars(root.nn).update({name: getattr(attention, name) for name in attention.__all__})
    spec = importlib.util.spec_from_file_location(f"{NAME}.models", ROOT / "models" / "__init__.py",
                                                  submodule_search_locations=[str(ROOT / "models")])
    root.models = importlib.util.module_from_spec(spec)
    sys.modules[f"{NAME}.models"] = root.models
    spec.loader.exec_module(root.models)
    return root
