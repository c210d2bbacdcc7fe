"""The table of public ops: what `minidl`, `minidl.nn.functional` and `Tensor` offer is read from it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .primitive import ALIASES, call_with, parameters, spec_of

__all__ = ["Op", "TABLE", "public", "namespace"]


@dataclass
class Op:
    """One row: the function, and where it appears."""

    name: str
    function: Callable[..., Any]
    where: tuple[str, ...]  # namespaces: "torch", "nn.functional", "linalg", "special"
    method: str | None  # its name as a Tensor method
    operators: tuple[str, ...]
    inplace: bool
    aliases: tuple[str, ...]


TABLE: dict[Callable[..., Any], Op] = {}


def public(function: Callable[..., Any] | None = None, /, *, where: str = "torch", method: bool | str = False,
           operators: tuple[str, ...] = (), inplace: bool = False, aliases: str = "") -> Any:
    """Enters a function in the table of public ops.

    - `where`: the namespaces it appears in, separated by spaces; empty for a Tensor method alone.
    - `method`: also a Tensor method, of the same name or of the one given.
    - `operators`: special methods it implements, such as ``("__add__", "__radd__")``; for a reflected one the
      operands are exchanged.
    - `inplace`: also as an in-place method, with ``_`` at the end, and where there is an operator as ``__iadd__``.
    - `aliases`: further names of the same function and methods.

    The function then takes NumPy's ``axis`` and ``keepdims`` for ``dim`` and ``keepdim`` too, and ``out=``.
    """
    def decorate(f: Callable[..., Any]) -> Callable[..., Any]:
        spec = spec_of(f)
        if spec is not None:
            spec.keywords = True
        else:
            f = _accept_keywords(f)
        name = f.__name__
        TABLE[f] = Op(name, f, tuple(where.split()), (method if isinstance(method, str) else name) if method else None,
                      operators, inplace, tuple(aliases.split()))
        return f

    return decorate if function is None else decorate(function)


def _accept_keywords(f: Callable[..., Any]) -> Callable[..., Any]:
    own = parameters(f) + f.__code__.co_varnames[f.__code__.co_argcount:][:f.__code__.co_kwonlyargcount]
    foreign = {alias for alias, name in ALIASES.items() if name in own and alias not in own}
    if "out" not in own:
        foreign.add("out")
    sizes = "size" in f.__code__.co_varnames and "size" not in own  # `*size`, which may also come as one keyword

    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            return f(*args)
        if sizes and "size" in kwargs:
            args = (*args, kwargs.pop("size"))
        return f(*args, **kwargs) if foreign.isdisjoint(kwargs) else call_with(f, args, kwargs)

    return wrapper


def namespace(where: str) -> dict[str, Callable[..., Any]]:
    """The functions of one namespace by name, aliases included."""
    return {name: op.function for op in TABLE.values() if where in op.where for name in (op.name, *op.aliases)}
