"""How convolutions are computed: by which of the algorithms of `minidl.ops.conv`, and with what error.

``algorithm`` None (the default) takes the fastest that ``precision`` allows, by estimates from the sizes; a name takes that
one wherever it can be used. ``precision`` "exact" (the default) allows the algorithms whose error is that of a plain dot
product, "fast" also Winograd's and the Fourier transform.

>>> import minidl as torch
>>> torch.backends.conv.algorithms
('pointwise', 'depthwise', 'shifted', 'im2col', 'direct', 'dense', 'winograd2', 'winograd4', 'fft')
>>> x, w = torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3)
>>> with torch.backends.conv.using("winograd2"):
...     torch.nn.functional.conv2d(x, w)
tensor([[[[9., 9.],
          [9., 9.]]]])
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from ..core import dtype_of
from ..core.dtypes import as_numpy_dtype
from ..core.workspace import empty_workspace as empty_workspace
from ..core.workspace import held_bytes as held_bytes
from ..ops.conv.choose import ALGORITHMS, PRECISIONS, Candidate, Settings, chosen, ranking
from ..ops.conv.geometry import DIRECTIONS, Problem, check

algorithms = tuple(ALGORITHMS)


class _Settable(ModuleType):
    """This module, whose two settings are checked when they are set."""

    @property
    def algorithm(self) -> str | None:
        return Settings.algorithm

    @algorithm.setter
    def algorithm(self, name: str | None) -> None:
        if name is not None and name not in ALGORITHMS:
            raise ValueError(f"backends.conv.algorithm: expected None or one of {algorithms}, got {name!r}")
        Settings.algorithm = name

    @property
    def precision(self) -> str:
        return Settings.precision

    @precision.setter
    def precision(self, name: str) -> None:
        if name not in PRECISIONS:
            raise ValueError(f"backends.conv.precision: expected one of {tuple(PRECISIONS)}, got {name!r}")
        Settings.precision = name


_module: Any = sys.modules[__name__]
_module.__class__ = _Settable


@contextmanager
def using(algorithm: str | None = None, precision: str | None = None) -> Iterator[None]:
    """Sets the algorithm, and the precision if one is given, inside (for all threads), and puts them back."""
    before = Settings.algorithm, Settings.precision
    try:
        _module.algorithm = algorithm
        if precision is not None:
            _module.precision = precision
        yield
    finally:
        Settings.algorithm, Settings.precision = before


class Explanation(NamedTuple):
    """What was chosen for a problem, and what there was to choose from, the fastest first."""

    problem: Problem
    chosen: str
    why: str
    candidates: tuple[Candidate, ...]

    def __repr__(self) -> str:
        p = self.problem
        lines = [f"{p.direction} of a convolution of {list(p.x)} with {list(p.w)} to {[p.x[0], p.w[0], *p.out]}, {p.dtype}",
                 f"chosen: {self.chosen}, {self.why}",
                 f"{'algorithm':12}{'est. ms':>9}{'Mmul-add':>11}{'memory MB':>11}{'error':>7}"]
        for c in self.candidates:
            lines.append(f"{c.name:12}  {c.reason}" if c.cost is None else
                         f"{c.name:12}{1e3 * c.cost.seconds(p.dtype.itemsize):9.2f}{c.cost.work / 1e6:11.1f}"
                         f"{c.cost.memory / 2**20:11.2f}{c.cost.error:7.0f}")
        return "\n".join(lines)


def explain(input: Any, weight: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1, *,
            transposed: bool = False, output_padding: Any = 0, direction: str = "output", dtype: Any = None) -> Explanation:
    """Which algorithm computes conv(input, weight), given as tensors or as their shapes, and why.

    `direction`: "output", or for its gradients "input_grad" or "weight_grad". The table gives for each algorithm its estimated
    time, its multiply-adds, its memory beyond the result, and its error in units of a plain dot product's. RuntimeError
    where sizes do not fit, ValueError for another direction.

    >>> explain((8, 64, 56, 56), (64, 64, 3, 3), padding=1).chosen
    'shifted'
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"backends.conv.explain: expected a direction of {DIRECTIONS}, got {direction!r}")
    given = as_numpy_dtype(dtype) if dtype is not None else dtype_of(input) if hasattr(input, "dtype") else np.dtype("f4")
    x, w = (np.broadcast_to(np.zeros((), given), tuple(getattr(z, "shape", z))) for z in (input, weight))
    op = f"conv{'_transpose' if transposed else ''}{w.ndim - 2}d"
    geo = check(op, x, w, None, stride, padding, dilation, groups, output_padding, transposed)
    if hasattr(input, "_data"):
        geo = geo._replace(last=check(op, input, w, None, stride, padding, dilation, groups, output_padding, transposed).last)
    else:
        geo = geo._replace(last=False)
    shape = x.shape if x.ndim == w.ndim else (1, *x.shape)
    if transposed:
        shape = (shape[0], w.shape[1] * groups, *geo.transposed_size(shape[2:], w.shape[2:]))
        direction = {"output": "input_grad", "input_grad": "output"}.get(direction, direction)
    problem = Problem(direction, shape, w.shape, geo, np.dtype(given))
    name = chosen(problem, Settings.algorithm, Settings.precision)
    if name == Settings.algorithm:
        why = "as backends.conv.algorithm says"
    else:
        why = f"the fastest by estimate with precision {Settings.precision!r}"
        if Settings.algorithm is not None:
            why += f" ({Settings.algorithm} cannot be used here)"
    return Explanation(problem, name, why, ranking(problem))
