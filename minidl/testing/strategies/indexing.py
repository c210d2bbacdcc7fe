"""Index expressions, permutations and reductions."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from ..case import Case
from .tensors import shapes, tensors

__all__ = ["indexed", "indices", "permutations", "permuted", "reduced"]


@st.composite
def indices(draw: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """A valid index of an array of `shape`: integers, slices, None, an ellipsis, integer arrays of one shape, or a mask."""
    if len(shape) and draw(st.integers(0, 5)) == 5:
        return (draw(tensors(shape[:draw(st.integers(1, len(shape)))], dtype="bool", layout="contiguous")),)
    together = draw(shapes(max_dims=2, max_side=3))
    index: list[Any] = []
    for n in shape[:draw(st.integers(0, len(shape)))]:
        kind = draw(st.integers(0, 3 if n else 1))
        if kind == 0:
            index.append(slice(None))
        elif kind == 1:
            start, stop = draw(st.none() | st.integers(-n, n)), draw(st.none() | st.integers(-n - 1, n + 1))
            index.append(slice(start, stop, draw(st.sampled_from([None, 1, 2, 3]))))
        elif kind == 2:
            index.append(draw(st.integers(-n, n - 1)))
        else:
            index.append(draw(tensors(together, dtype="int64", layout="contiguous", high=n)))
    if draw(st.integers(0, 3)) == 3:
        index.append(...)
    if draw(st.integers(0, 3)) == 3:
        index.insert(draw(st.integers(0, len(index))), None)
    return tuple(index)


def permutations(dims: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Orders of `dims` dimensions, the negative names among them."""
    signs = st.lists(st.booleans(), min_size=dims, max_size=dims)
    return st.tuples(st.permutations(range(dims)), signs).map(lambda p: tuple(d - dims if s else d for d, s in zip(*p)))


@st.composite
def indexed(draw: Any) -> Case:
    """x[index]."""
    x = draw(tensors(shapes(min_dims=1, min_side=0)))
    return Case("getitem", (x, draw(indices(x.shape))))


@st.composite
def permuted(draw: Any) -> Case:
    x = draw(tensors(shapes(min_side=0)))
    return Case("permute", (x, draw(permutations(x.ndim))))


@st.composite
def reduced(draw: Any, op: str, domain: str = "finite", many: bool = True) -> Case:
    """op(x), op(x, dim), op(x, dims, keepdim)."""
    x = draw(tensors(shapes(min_dims=1), domain))
    dim: Any = draw(st.integers(-x.ndim, x.ndim - 1))
    if many and draw(st.booleans()):
        dim = tuple(int(d) for d in np.flatnonzero(draw(st.lists(st.booleans(), min_size=x.ndim, max_size=x.ndim)))) or dim
    return Case(op, (x, dim), {"keepdim": draw(st.booleans())})
