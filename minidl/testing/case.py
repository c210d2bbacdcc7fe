"""One call of one operator, which prints as the code that makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .layouts import lay_out, layout_of, recast

__all__ = ["Case", "code"]


@dataclass(frozen=True, repr=False, eq=False)
class Case:
    """An operator's name, its arguments, and for a module the `inputs` it is then called with.

    Arrays stand for tensors. An argument may be a Case itself: a layer within a network.

    >>> Case("conv1d", (np.ones((1, 1, 2)), np.array([[[1.0, 2.0]]])), {"stride": 2})
    conv1d(np.ones((1, 1, 2)), np.array([[[1.0, 2.0]]]), stride=2)
    >>> Case("nn.Linear", (2, 1), inputs=(np.ones((1, 2)),))
    nn.Linear(2, 1)(np.ones((1, 2)))
    """

    op: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[Any, ...] | None = None

    def __repr__(self) -> str:
        arguments = ", ".join([*map(code, self.args), *(f"{k}={code(v)}" for k, v in self.kwargs.items())])
        return f"{self.op}({arguments})" + ("" if self.inputs is None else f"({', '.join(map(code, self.inputs))})")

    def map(self, f: Callable[[np.ndarray], Any]) -> Case:
        """The case with f(a) for each array a."""
        return Case(self.op, over(f, self.args), over(f, self.kwargs), over(f, self.inputs))

    def arrays(self) -> Iterator[np.ndarray]:
        """All arrays, those of keyword arguments after those of positions."""
        found: list[np.ndarray] = []
        self.map(found.append)
        return iter(found)

    def floats(self) -> list[np.ndarray]:
        """The arrays that may have a gradient."""
        return [a for a in self.arrays() if a.dtype.kind == "f"]

    def cast(self, dtype: str) -> Case:
        """The case with its float arrays in another dtype."""
        return self.map(lambda a: recast(a, dtype))

    def copy(self) -> Case:
        """The case with new memory, of the same layouts."""
        return self.map(lambda a: lay_out(a, layout_of(a)))

    def with_floats(self, values: Any) -> Case:
        """The case with other float arrays, in the order of `floats`."""
        rest = iter(values)
        return self.map(lambda a: next(rest) if a.dtype.kind == "f" else a)

    def constructor(self) -> str:
        """The code of a `Case`, where `repr` is the code of the call."""
        parts = [repr(self.op), code(self.args), code(self.kwargs)] + ([] if self.inputs is None else [code(self.inputs)])
        return f"Case({', '.join(parts)})"


def over(f: Callable[[np.ndarray], Any], value: Any) -> Any:
    """`value` with f(a) for each array within; 0-d ones are arrays too."""
    if isinstance(value, np.ndarray):
        return f(value)
    if isinstance(value, dict):
        return {k: over(f, v) for k, v in value.items()}
    return type(value)(over(f, v) for v in value) if type(value) in (list, tuple) else value


def code(value: Any) -> str:
    """Python for a value; an array's layout is kept where it is not the ordinary one."""
    if isinstance(value, np.ndarray):
        layout = layout_of(value)
        return _array(value) if layout == "contiguous" else f"lay_out({_array(value)}, {layout!r})"
    if isinstance(value, list):
        return f"[{', '.join(map(code, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(code, value))}{',' * (len(value) == 1)})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k!r}: {code(v)}' for k, v in value.items())}}}"
    return repr(value).replace("nan", "np.nan").replace("inf", "np.inf") if isinstance(value, float) else repr(value)


def _array(a: np.ndarray) -> str:
    dtype = "" if a.dtype in (np.float64, np.bool_) or (a.dtype == np.int64 and a.size) else f", {a.dtype.name!r}"
    if a.size == 0 or (a.size > 1 and not a.any() and not np.signbit(a.astype(float)).any()):
        return f"np.zeros({a.shape}, {a.dtype.name!r})" if a.dtype != np.float64 else f"np.zeros({a.shape})"
    if a.size > 1 and (a == 1).all() and a.dtype.kind == "f":
        return f"np.ones({a.shape}{dtype})"
    return f"np.array({code(a.tolist())}{dtype})"
