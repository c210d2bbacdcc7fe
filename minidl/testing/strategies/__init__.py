"""Hypothesis strategies of tensors and of valid calls of operators.

>>> from minidl.testing import strategies
>>> from hypothesis import find
>>> find(strategies.cases("conv1d"), lambda case: case.kwargs["stride"] > (1,))
conv1d(np.array([[[1.0]]]), np.array([[[1.0]]]), None, stride=(2,), padding=(0,), dilation=(1,), groups=1)
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis.strategies import SearchStrategy

from ..case import Case
from .convolution import bilinear, convolutions, linear
from .indexing import indexed, indices, permutations, permuted, reduced
from .tensors import DOMAINS, broadcastable_shapes, shapes, tensors

__all__ = ["CASES", "DOMAINS", "broadcastable_shapes", "cases", "convolutions", "indexed", "indices", "permutations", "reduced", "shapes", "tensors"]

CASES: dict[str, Callable[[], SearchStrategy[Case]]] = {
    **{f"conv{n}d": lambda n=n: convolutions(n) for n in (1, 2, 3)},  # type: ignore[misc]
    **{f"conv_transpose{n}d": lambda n=n: convolutions(n, transposed=True) for n in (1, 2, 3)},  # type: ignore[misc]
    "linear": linear,
    "bilinear": bilinear,
    "getitem": indexed,
    "permute": permuted,
}


def cases(op: str) -> SearchStrategy[Case]:
    """Valid calls of an operator; ValueError for one without a strategy."""
    if op not in CASES:
        raise ValueError(f"cases: expected an operator of {', '.join(CASES)}, got {op!r}")
    return CASES[op]()
