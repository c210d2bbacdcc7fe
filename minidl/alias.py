"""The package under another name: after ``sys.modules["torch"] = minidl``, ``from torch.utils.data import DataLoader`` finds minidl's.

Without this, Python would load each submodule a second time under the other name, with classes that are not the first ones.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PACKAGE = __name__.partition(".")[0]


class Alias:
    """Finder and loader of a submodule of what stands in `sys.modules` under another name than its own."""

    def __init__(self, real: str) -> None:
        self.real = real

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """A spec if the parent is a module of ours and has this submodule, or holds this module of ours, under another name."""
        parent, _, last = name.rpartition(".")
        module = sys.modules.get(parent)
        own = getattr(module, "__name__", "")
        if own.partition(".")[0] != PACKAGE:
            return None
        held = getattr(vars(module).get(last), "__name__", "")
        real = held if isinstance(sys.modules.get(held), ModuleType) and held.partition(".")[0] == PACKAGE else f"{own}.{last}"
        if real == name or importlib.util.find_spec(real) is None:
            return None
        return ModuleSpec(name, Alias(real))  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module itself."""
        module = importlib.import_module(self.real)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run; the module keeps its own spec, from which its relative imports go on."""
        spec = module.__spec__
        if spec is not None:
            module.__spec__ = spec.loader_state


def install() -> None:
    """Puts the finder before Python's own, once."""
    if Alias not in sys.meta_path:
        sys.meta_path.insert(0, Alias)
