"""Rows of shapes, views and rearrangements."""

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, call, calls, case, shapes

MATRICES = arrays(shapes(2, 3))
FULL = arrays(shapes(1, 3, min_side=1))


@st.composite
def regrouped(draw: Any, start: bool = False, **kwargs: Any) -> Case:
    """A tensor and another shape of as many elements, perhaps with a -1."""
    x = draw(arrays(shapes(max_side=4)))
    rest, sizes = x.size, []
    while rest > 1 and draw(st.booleans()):
        sizes.append(draw(st.sampled_from([n for n in range(1, rest + 1) if rest % n == 0])))
        rest //= sizes[-1]
    sizes = [*sizes, rest]
    if rest and draw(st.booleans()):
        sizes[draw(st.integers(0, len(sizes) - 1))] = -1
    return case((x, tuple(sizes)), kwargs)


@st.composite
def with_dims(draw: Any, count: int, extra: int = 0, min_dims: int = 1, **kwargs: Any) -> Case:
    """A tensor and `count` dimensions of it (or of one with `extra` dimensions more)."""
    x = draw(arrays(shapes(min_dims)))
    n = x.ndim + extra
    return case((x, *(draw(st.integers(-n, n - 1)) for _ in range(count))), {k: draw(v) for k, v in kwargs.items()})


@st.composite
def permutations(draw: Any) -> Case:
    x = draw(arrays())
    order = draw(st.permutations(range(x.ndim)))
    return case((x, tuple(d - x.ndim if draw(st.booleans()) else d for d in order)))


@st.composite
def moves(draw: Any) -> Case:
    x = draw(arrays(shapes(1)))
    n = draw(st.integers(1, x.ndim))
    return case((x, *(tuple(draw(st.permutations(range(x.ndim)))[:n]) for _ in range(2))))


@st.composite
def squeezes(draw: Any) -> Case:
    x = draw(arrays(shapes(max_side=2)))
    dims = draw(st.none() | st.lists(st.integers(0, max(x.ndim - 1, 0)), max_size=x.ndim, unique=True).map(tuple))
    return case((x,) if dims is None else (x, dims[0] if len(dims) == 1 and draw(st.booleans()) else dims))


@st.composite
def expansions(draw: Any, keep: bool = True) -> Case:
    x = draw(arrays(shapes(max_side=2)))
    sizes = [n if n != 1 else draw(st.integers(0, 3)) for n in x.shape]
    if keep:
        sizes = [-1 if draw(st.booleans()) else n for n in sizes]
    return case((x, (*draw(st.lists(st.integers(0, 2), max_size=2)), *sizes)))


@st.composite
def flattened(draw: Any) -> Case:
    x = draw(arrays())
    dims = sorted(draw(st.tuples(*[st.integers(0, max(x.ndim - 1, 0))] * 2)))
    return case((x, *dims))


@st.composite
def unflattened(draw: Any) -> Case:
    x = draw(FULL)
    dim = draw(st.integers(-x.ndim, x.ndim - 1))
    n = x.shape[dim]
    first = draw(st.sampled_from([m for m in range(1, n + 1) if n % m == 0]))
    return case((x, dim, (first, draw(st.sampled_from([-1, n // first])))))


@st.composite
def windows(draw: Any) -> Case:
    x = draw(FULL)
    dim = draw(st.integers(-x.ndim, x.ndim - 1))
    return case((x, dim, draw(st.integers(0, x.shape[dim])), draw(st.integers(1, 3))))


@st.composite
def rolls(draw: Any) -> Case:
    x = draw(FULL)
    dims = draw(st.lists(st.integers(0, x.ndim - 1), max_size=2))
    shifts = draw(st.lists(st.integers(-4, 4), min_size=len(dims) or 1, max_size=len(dims) or 1))
    return case((x, tuple(shifts), tuple(dims)) if dims else (x, shifts[0]))


@st.composite
def flips(draw: Any) -> Case:
    x = draw(arrays())
    return case((x, tuple(draw(st.lists(st.integers(0, x.ndim - 1), max_size=x.ndim, unique=True))) if x.ndim else ()))


@st.composite
def repeats(draw: Any, fewer: int = 0) -> Case:
    x = draw(arrays(shapes(max_dims=2)))
    n = draw(st.integers(max(x.ndim - fewer, 0), x.ndim + 1))
    return case((x, tuple(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))))


@st.composite
def interleaved(draw: Any) -> Case:
    x = draw(FULL)
    dim = draw(st.none() | st.integers(-x.ndim, x.ndim - 1))
    n = x.size if dim is None else x.shape[dim]
    counts = st.lists(st.integers(0, 3), min_size=n, max_size=n).map(np.array)
    return case((x, draw(st.integers(0, 3) | counts), dim))


@st.composite
def diagonals(draw: Any) -> Case:
    x = draw(MATRICES)
    first, second = draw(st.permutations(range(x.ndim)))[:2]
    return case((x, draw(st.integers(-3, 3)), first, second - x.ndim))


@st.composite
def broadcastable(draw: Any) -> Case:
    shape = draw(shapes())
    parts = [tuple(draw(st.sampled_from([n, 1])) for n in shape[draw(st.integers(0, len(shape))):]) for _ in range(2)]
    return case(tuple(draw(arrays(part)) for part in parts))


@st.composite
def like(draw: Any, expand: bool = False) -> Case:
    c = draw(expansions(keep=False) if expand else regrouped())
    sizes = c.args[1]
    known = math.prod(n for n in sizes if n != -1)
    return case((c.args[0], np.zeros([c.args[0].size // max(known, 1) if n == -1 else n for n in sizes], np.int64)))


@st.composite
def strided(draw: Any) -> Case:
    """Sizes, steps and a beginning that stay within the memory; elements may share a place."""
    x = draw(arrays(st.just((3, 4))))
    size = draw(st.lists(st.integers(0, 3), max_size=3))
    steps, room = [], 11
    for n in size:
        steps.append(draw(st.integers(0, room // max(n - 1, 1))))
        room -= steps[-1] * max(n - 1, 0)
    return case((x, tuple(size), tuple(steps), draw(st.none() | st.integers(0, room))))


X = array(2, 3, 4)
ROWS = [
    Row("reshape", regrouped(), bad=[call(X, (5,)), call(X, (-1, 7)), call(array(0), (0, -1)), call(X, (-1, -1)), call(X, (-2, 12)), call(X, 2.5)]),
    Row("Tensor.reshape_as", like(), bad=[call(X, array(5))]),
    Row("flatten", flattened(), bad=[call(X, 2, 1), call(X, 3), call(X, 0, -4)]),
    Row("ravel", calls(arrays())),
    Row("unflatten", unflattened(), bad=[call(X, 0, (3, 2)), call(X, 5, (1, 2)), call(X, 0, ()), call(X, 0, (-1, -1))]),
    Row("permute", permutations(), bad=[call(X, (0, 1)), call(X, (0, 0, 1)), call(X, (0, 1, 3))]),
    Row("transpose", with_dims(2), bad=[call(X, 0, 3), call(X, -4, 0)], inplace=True),
    Row("t", calls(arrays(shapes(max_dims=2))), bad=[call(X)], inplace=True),
    Row("adjoint", calls(MATRICES), bad=[call(array(3))]),
    Row("movedim", moves(), bad=[call(X, (0, 0), (0, 1)), call(X, (0, 1), (1,)), call(X, 0, 3)]),
    Row("squeeze", squeezes(), bad=[call(X, 3), call(X, (0, 0))], inplace=True),
    Row("unsqueeze", with_dims(1, extra=1, min_dims=0), bad=[call(X, 4), call(X, -5)], inplace=True),
    Row("Tensor.expand", expansions(), bad=[call(X, (2, 3)), call(X, (2, 2, 4)), call(X, (-1, 2, 3, 4)), call(X, (2, 3, -2))]),
    Row("Tensor.expand_as", like(expand=True), bad=[call(X, array(3))]),
    Row("broadcast_to", expansions(), bad=[call(X, (4,))]),
    Row("broadcast_tensors", broadcastable(), bad=[call(array(2), array(3))]),
    Row("broadcast_shapes", st.just(call((2, 1), (3,), 1)), bad=[call((2,), (3,)), call((-1,))], grad=False),
    *(Row(f"atleast_{n}d", calls(arrays())) for n in (1, 2, 3)),
    Row("diagonal", diagonals(), bad=[call(X, 0, 1, 1), call(X, 0, 0, 3), call(array(3))]),
    Row("diag_embed", calls(FULL, st.integers(-2, 2)), bad=[call(X, 0, 1, 1)]),
    Row("diag", calls(arrays(shapes(1, 2)), st.integers(-3, 3)), bad=[call(X), call(array())]),
    Row("diagflat", calls(arrays(shapes(max_dims=2, max_side=2)), st.integers(-2, 2))),
    *(Row(name, calls(MATRICES, st.integers(-3, 3)), bad=[call(array(3))], inplace=True) for name in ("tril", "triu")),
    Row("as_strided", strided(), layouts=False,
        bad=[call(X, (2,), (1, 1)), call(X, (25,), (1,)), call(X, (2,), (-1,)), call(X, (2,), (1,), -1), call(X, (2,), (1,), 23)]),
    Row("Tensor.unfold", windows(), bad=[call(X, 0, 3, 1), call(X, 0, 1, 0), call(X, 0, -1, 1), call(X, 3, 1, 1)]),
    Row("flip", flips(), bad=[call(X, (0, 0)), call(X, (3,))]),
    Row("fliplr", calls(MATRICES), bad=[call(array(3))]),
    Row("flipud", calls(arrays(shapes(1))), bad=[call(array())]),
    Row("roll", rolls(), bad=[call(X, (1, 2), 0), call(X, (), ()), call(X, 1, 3), call(array(), 1, 0)]),
    Row("rot90", calls(MATRICES, st.integers(-5, 5), st.sampled_from([(0, 1), (1, 0), (-1, 0)])),
        bad=[call(X, 1, (0, 0)), call(array(3), 1, (0, 1)), call(X, 1, (0, 3)), call(X, 1, (0,))]),
    Row("Tensor.repeat", repeats(), bad=[call(X, (2, 2)), call(X, (1, -1, 1))]),
    Row("tile", repeats(fewer=1), bad=[call(X, (-1,))]),
    Row("repeat_interleave", interleaved(), bad=[call(X, -1), call(X, np.array([1, 2, 3]), 0), call(X, np.array([1.0, 2.0]), 0),
                                                call(X, np.array([1, -1]), 0), call(X, 2, 3)]),
]
