"""``torch.ops.aten``: the public operations by their names, and by those of their overloads.

>>> import minidl as torch
>>> torch.ops.aten.add.Tensor(torch.tensor([1.]), torch.tensor([2.]))
tensor([3.])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.registry import namespace


class Packet:
    """An operation by name: calling it, or one of its overloads, calls the public operation; AttributeError if there is none here."""

    def __init__(self, name: str, overload: str = "") -> None:
        self.name, self.overload = name, overload

    def __getattr__(self, overload: str) -> Packet:
        if overload.startswith("__") or self.overload:
            raise AttributeError(overload)
        packet = Packet(self.name, overload)
        setattr(self, overload, packet)
        return packet

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function: Callable[..., Any] | None = namespace("torch").get(self.name) or namespace("nn.functional").get(self.name)
        if function is None:
            raise AttributeError(f"aten: no public operation is called {self.name!r} here")
        return function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<OpOverload(op='aten.{self.name}', overload='{self.overload}')>" if self.overload else f"<OpOverloadPacket(op='aten.{self.name}')>"


class Packets:
    """All operations by name."""

    def __getattr__(self, name: str) -> Packet:
        if name.startswith("__"):
            raise AttributeError(name)
        packet = Packet(name)
        setattr(self, name, packet)
        return packet


aten = Packets()
