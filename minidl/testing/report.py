"""What a failure says: where the results differ, and a script that shows it again."""

from __future__ import annotations

import inspect
import sys
import textwrap
from typing import Any

import numpy as np

from .adapters import Candidate
from .case import Case

__all__ = ["Mismatch", "script"]


class Mismatch(AssertionError):
    """A candidate differs: `case` is the simplest call that shows it, `what` tells how, `script` runs it again."""

    def __init__(self, what: str, case: Case, candidate: Candidate, against: str) -> None:
        self.what, self.case = what, case
        self.script = script(case, candidate, against, what)
        super().__init__(f"{against}: {what}\n\n{textwrap.indent(self.script, '    ')}")


def script(case: Case, candidate: Candidate, against: str, what: str = "") -> str:
    """A program that checks the candidate at this one case."""
    body = f"case = {case.constructor()}\ncheck({candidate}, against={against!r}, inputs=[case])"
    names = [n for n in ("Case", "check", "jax_function", "lay_out", "minidl_function", "numpy_function", "onnx_operator", "torch_function")
             if f"{n}(" in body]
    lines = [*(f"# {line}" for line in what.splitlines()), "import numpy as np"]
    lines += ["import torch"] if "torch_function" in names else []
    lines += [f"from minidl.testing import {', '.join(names)}", ""]
    for function in (candidate.function, getattr(candidate, "backward", None)):
        lines += [definition(function), ""] if callable(function) else []
    return "\n".join([*lines, body])


def definition(function: Any) -> str:
    """Code that makes a function's name known: an import, or its source."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", repr(function))
    if module and module != "__main__" and getattr(sys.modules.get(module), name, None) is function:
        return f"from {module} import {name}"
    try:
        return textwrap.dedent(inspect.getsource(function)).rstrip()
    except (OSError, TypeError):
        return f"# {name} is the function under test"


def difference(have: np.ndarray, want: np.ndarray, bound: np.ndarray) -> str | None:
    """The place and size of the worst element beyond the bound; NaN and infinities must be where they should."""
    with np.errstate(all="ignore"):
        off = abs(have.astype(np.float64) - want)
        bad = ~((have == want) | (np.isnan(have) & np.isnan(want)) | (np.isfinite(want) & (off <= bound)))
    if not bad.any():
        return None
    excess = np.where(bad, np.nan_to_num(off, nan=np.inf), -1)
    place = tuple(int(i) for i in np.unravel_index(int(excess.argmax()), excess.shape))
    return (f"element {list(place)} is {have[place]:.9g}, expected {want[place]:.9g} (rounding explains {bound[place]:.2g}; "
            f"{int(bad.sum())} of {bad.size} differ)")
