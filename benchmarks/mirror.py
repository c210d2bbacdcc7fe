"""`minidl.models` on PyTorch: its source, unchanged, in a package whose `nn`, `ops` and `core` are torch's. minidl itself is not imported."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

NAME = "models_on_torch"


def mirror(**layers: Any) -> Any:
    """The package: ``.models`` holds the networks as torch modules, ``.nn`` is torch.nn with minidl's attention layers, and with
    `layers` in place of those of their names."""
    if NAME in sys.modules:
        return sys.modules[NAME]
    import torch

    found = importlib.util.find_spec("minidl")
    assert found is not None and found.origin is not None
    source = Path(found.origin).parent

    def package(name: str, path: list[str], **members: Any) -> Any:
        module = ModuleType(f"{NAME}.{name}" if name else NAME)
        module.__path__ = path
        vars(module).update(members)
        sys.modules[module.__name__] = module
        return module

    root = package("", [])
    for name in ("core", "ops"):
        package(name, [])
    root.nn = package("nn", [], **{**{k: v for k, v in vars(torch.nn).items() if not k.startswith("__")}, **layers})
    package("nn.modules", [str(source / "nn" / "modules")])
    for name in ("core.modes", "core.tensor", "ops.create", "ops.join", "ops.random", "ops.select"):
        sys.modules[f"{NAME}.{name}"] = torch
    sys.modules[f"{NAME}.autograd"] = torch.autograd
    for name in ("activation", "container", "conv", "module", "pooling"):
        sys.modules[f"{NAME}.nn.modules.{name}"] = torch.nn
    attention = importlib.import_module(f"{NAME}.nn.modules.attention")
    vars(root.nn).update({name: getattr(attention, name) for name in attention.__all__})
    spec = importlib.util.spec_from_file_location(f"{NAME}.models", source / "models" / "__init__.py",
                                                  submodule_search_locations=[str(source / "models")])
    assert spec is not None and spec.loader is not None
    root.models = importlib.util.module_from_spec(spec)
    sys.modules[f"{NAME}.models"] = root.models
    spec.loader.exec_module(root.models)
    return root
