"""The names that a checkpoint would use, read without building anything."""

from __future__ import annotations

import contextlib
import os
import pickle
import pickletools
from typing import Any

from .read import ZipReader
from .rebuild import NAMES, in_python_3
from .trust import added_by_name

__all__ = ["get_unsafe_globals_in_checkpoint"]


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """The classes and functions, as ``module.name``, that a zip checkpoint names and that `load` would refuse.

    Names that its pickle would only put together while it runs are not among them. ValueError where `f`, a path or a
    binary file, is not in the zip format; UnpicklingError where it is damaged. As torch.serialization's function of that name.
    """
    with open(f, "rb") if isinstance(f, (str, os.PathLike)) else contextlib.nullcontext(f) as file:
        start = file.tell()
        is_zip = file.read(4) == b"PK\x03\x04"
        file.seek(start)
        if not is_zip:
            raise ValueError("Expected input to be a checkpoint returned by torch.save")
        try:
            named = names(ZipReader(file, False, "utf-8", None).pickled())
        except Exception as error:  # whatever a damaged file leads to
            raise pickle.UnpicklingError(f"{getattr(file, 'name', type(file).__name__)}: not read: {error!s:.300}") from error
    return sorted(named - NAMES.keys() - added_by_name().keys())


def names(data: bytes) -> set[str]:
    """The names in a pickle: in the operation itself, or, in later protocols, the two strings before it."""
    found, strings, top = set(), [""], None
    memo: dict[int, str | None] = {}
    for operation, argument, _ in pickletools.genops(data):
        value: Any = argument
        match operation.name:
            case "GLOBAL":
                found.add(value.replace(" ", "."))
            case "STACK_GLOBAL":
                found.add(".".join(strings[-2:]))
            case "MEMOIZE":
                memo[len(memo)] = top
                continue
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                memo[value] = top
                continue
            case "GET" | "BINGET" | "LONG_BINGET":
                value = memo.get(value)
        top = value if isinstance(value, str) else None
        if top is not None:
            strings.append(top)
    return {in_python_3(name) for name in found}
