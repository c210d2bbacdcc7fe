"""Which module is running: names for the calls of modules, in this thread."""

from __future__ import annotations

import sys
import threading
from typing import Any

from ..nn import Module
from ..nn.modules.hooks import GLOBAL

__all__ = ["ModuleCalls"]


class ModuleCalls:
    """While it is entered, `entered` and `left` are called for every call of a module in this thread.

    `stack` holds the modules that are running, with their names: the names that the outermost of them gives to its
    submodules ("" for itself).
    """

    def __init__(self) -> None:
        self.stack: list[tuple[Module, str]] = []
        self.failed: tuple[Module, str, Any] | None = None  # the innermost module that raised: itself, name, arguments
        self._names: dict[Module, dict[int, str]] = {}

    def entered(self, module: Module, name: str, args: Any, kwargs: Any) -> None: ...

    def left(self, module: Module, name: str, args: Any, kwargs: Any, output: Any) -> None: ...

    def __enter__(self) -> Any:
        self._thread, self._outer = threading.get_ident(), sys.exc_info()[1]
        self._handles = [GLOBAL.register_forward_pre_hook(self._enter, prepend=True, with_kwargs=True),
                         GLOBAL.register_forward_hook(self._leave, with_kwargs=True, always_call=True)]
        return self

    def __exit__(self, *exc: object) -> None:
        for handle in self._handles:
            handle.remove()
        self.stack.clear()

    def _enter(self, module: Module, args: Any, kwargs: Any) -> None:
        if threading.get_ident() != self._thread:
            return
        root = self.stack[0][0] if self.stack else module
        if root not in self._names:
            self._names[root] = {id(m): name for name, m in root.named_modules()}
        name = self._names[root].get(id(module))
        if name is None:  # made on the way
            name = f"{self.stack[-1][1]}.{type(module).__name__}".lstrip(".")
        self.stack.append((module, name))
        self.entered(module, name, args, kwargs)

    def _leave(self, module: Module, args: Any, kwargs: Any, output: Any) -> None:
        if threading.get_ident() != self._thread:
            return
        name = self.stack.pop()[1]
        if self.failed is None and sys.exc_info()[1] is not self._outer:
            self.failed = module, name, args
        self.left(module, name, args, kwargs, output)
