"""The breaks that `tests.mutation` makes, by file of minidl: (text, text in its place, tests that should notice)."""

from __future__ import annotations

from ..mutation import Mutant
from . import apart, core, ops, training

MUTANTS: list[Mutant] = [Mutant(file, *row) for part in (core, ops, training, apart) for file, rows in part.BREAKS.items() for row in rows]
