"""Rows of indexing, gathering, scattering and masks."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, call, calls, case, shapes

FULL = shapes(1, 3, min_side=1)


def integers(shape: Any, low: int, high: int) -> st.SearchStrategy[np.ndarray]:
    """Index tensors with values in [low, high)."""
    size = int(np.prod(shape))
    return st.lists(st.integers(low, high - 1), min_size=size, max_size=size).map(lambda v: np.array(v, np.int64).reshape(shape))


@st.composite
def brackets(draw: Any) -> Case:
    """A tensor and an index of integers, slices, None, Ellipsis, bools, index tensors, lists and masks."""
    x = draw(arrays(shapes(0, 4, min_side=1)))
    key: list[Any] = []
    common = draw(st.sampled_from([(), (1,), (2,), (2, 1)]))
    dim = 0
    while dim < x.ndim:
        n = x.shape[dim]
        kind = draw(st.sampled_from(["int", "slice", "slice", "none", "bool", "tensor", "list", "mask", "rest", "stop"]))
        if kind == "stop":
            break
        if kind == "rest" and Ellipsis not in [k for k in key if k is Ellipsis]:
            key.append(Ellipsis)
            dim += draw(st.integers(0, x.ndim - dim))
            continue
        if kind == "none" and len(key) < 6:
            key.append(None)
            continue
        if kind == "bool" and len(key) < 6:
            key.append(True)
            continue
        if kind == "int":
            key.append(draw(st.integers(-n, n - 1)))
        elif kind == "tensor":
            key.append(draw(integers(draw(st.sampled_from([common, (1,), ()])), -n, n)))
        elif kind == "list":
            key.append([draw(st.integers(-n, n - 1))])
        elif kind == "mask":
            count = draw(st.integers(1, min(2, x.ndim - dim)))
            mask = np.zeros(x.shape[dim:dim + count], bool)
            mask.flat[draw(st.integers(0, mask.size - 1))] = True
            key.append(mask)
            dim += count - 1
        else:
            ends = st.none() | st.integers(-n - 1, n + 1)
            key.append(slice(draw(ends), draw(ends), draw(st.sampled_from([None, 1, 2]))))
        dim += 1
    return case((x, key[0] if len(key) == 1 and draw(st.booleans()) else tuple(key)))


@st.composite
def vector(draw: Any, source: bool = False, once: bool = False, domain: str = "finite", **kwargs: Any) -> Case:
    """A tensor, a dimension, a vector of indices along it, and perhaps a source of as many slices."""
    x = draw(arrays(FULL, domain))
    dim = draw(st.integers(-x.ndim, x.ndim - 1))
    n = x.shape[dim]
    k = draw(st.integers(0, n if once else 4))
    index = np.array(draw(st.permutations(range(n)))[:k], np.int64) if once else draw(integers((k,), 0, n))
    extra = {name: draw(v) if isinstance(v, st.SearchStrategy) else v for name, v in kwargs.items()}
    if not source:
        return case((x, dim, index), extra)
    shape = list(x.shape)
    shape[dim] = k
    return case((x, dim, index, draw(other(tuple(shape), domain))), extra)


def other(shape: tuple[int, ...], domain: str) -> st.SearchStrategy[np.ndarray]:
    """A second array; of the domain "distinct" no value is in the first one too."""
    found = arrays(shape, domain)
    return found.map(lambda a: a + 0.125) if domain == "distinct" else found


@st.composite
def elementwise(draw: Any, source: bool = False, once: bool = False, domain: str = "finite", **kwargs: Any) -> Case:
    """A tensor, a dimension, an index tensor no larger in the other dimensions, and perhaps a source of the same shape."""
    x = draw(arrays(FULL, domain))
    dim = draw(st.integers(-x.ndim, x.ndim - 1))
    n = x.shape[dim]
    shape = [draw(st.integers(1, size)) for size in x.shape]
    shape[dim] = draw(st.integers(1, n if once else 4))
    index = draw(integers(shape, 0, n))
    if once:
        order = np.array(draw(st.permutations(range(n))))[:shape[dim]]
        index = np.moveaxis(np.broadcast_to(order, [*np.delete(shape, dim), shape[dim]]), -1, dim).copy()
    extra = {name: draw(v) if isinstance(v, st.SearchStrategy) else v for name, v in kwargs.items()}
    if not source:
        return case((x, dim, index), extra)
    return case((x, dim, index, draw(other(tuple(shape), domain))), extra)


@st.composite
def flat(draw: Any, once: bool = False, source: bool = False) -> Case:
    x = draw(arrays(FULL))
    if not source:
        return case((x, draw(integers(draw(shapes(0, 2)), -x.size, x.size))))
    once = draw(st.booleans())
    index = np.array(draw(st.permutations(range(x.size)))[:2], np.int64) if once else draw(integers((3,), -x.size, x.size))
    return case((x, index, draw(arrays(index.shape)), not once))


@st.composite
def put_at(draw: Any) -> Case:
    x = draw(arrays(shapes(2, 3, min_side=1)))
    once = draw(st.booleans())
    if once:
        places = draw(st.permutations(range(x.shape[0] * x.shape[1])))[:2]
        key = tuple(np.array(i) for i in np.unravel_index(places, x.shape[:2]))
    else:
        key = tuple(draw(integers((3,), -n, n)) for n in x.shape[:2])
    return case((x, key, draw(arrays((len(key[0]), *x.shape[2:]))), not once))


@st.composite
def masked(draw: Any, *args: Any, source: bool = False) -> Case:
    x = draw(arrays(shapes(0, 3)))
    mask = draw(arrays(tuple(draw(st.sampled_from([n, 1])) for n in x.shape[draw(st.integers(0, x.ndim)):]), dtype=bool))
    if source:
        args = (draw(arrays((x.size + 1,))),)
    return case((x, mask, *(draw(a) if isinstance(a, st.SearchStrategy) else a for a in args)))


@st.composite
def embedded(draw: Any, kind: str) -> Case:
    x = draw(arrays(shapes(2, 3, min_side=1)))
    dim = draw(st.integers(0, x.ndim - 1))
    n = x.shape[dim]
    args: tuple[Any, ...]
    if kind == "select":
        args = (dim, draw(st.integers(-n, n - 1)))
        part = np.take(x, args[1], dim)
    elif kind == "slice":
        args = (dim, draw(st.none() | st.integers(-n, n)), draw(st.none() | st.integers(-n, n)), draw(st.integers(1, 2)))
        part = x[(slice(None),) * dim + (slice(*args[1:]),)]
    else:
        args = (draw(st.integers(-1, 1)), *draw(st.permutations(range(x.ndim)))[:2])
        part = np.diagonal(x, *args)
    return case((x, draw(arrays(part.shape)), *args))


@st.composite
def narrowed(draw: Any) -> Case:
    x = draw(arrays(shapes(1)))
    dim = draw(st.integers(-x.ndim, x.ndim - 1))
    start = draw(st.integers(0, x.shape[dim]))
    return case((x, dim, start, draw(st.integers(0, x.shape[dim] - start))))


@st.composite
def selected(draw: Any) -> Case:
    x = draw(arrays(FULL))
    dim = draw(st.integers(-x.ndim, x.ndim - 1))
    return case((x, dim, draw(st.integers(-x.shape[dim], x.shape[dim] - 1))))


@st.composite
def along_dim(draw: Any) -> Case:
    c = draw(elementwise())
    x, dim, index = c.args
    if draw(st.booleans()):
        return case((x, draw(integers((3,), 0, x.size))))
    sizes = [1 if draw(st.booleans()) else n for n in x.shape]
    sizes[dim] = index.shape[dim]
    return case((x, draw(integers(tuple(sizes), -x.shape[dim], x.shape[dim])), dim))


X, I = array(3, 2), np.array([0, 2])
MASK = np.array([[True, False], [False, False], [True, True]])
NUMBER = st.floats(-2, 2, width=32).map(float)
OUT = np.array([3])
ROWS = [
    Row("Tensor.__getitem__", brackets(), bad=[call(X, 3), call(X, (0, 0, 0)), call(X, 0.5), call(X, np.array([0.5])), call(X, OUT),
                                               call(X, np.array([True, False])), call(array(), 0), call(X, (I, np.array([0, 1, 1])))]),
    Row("select", selected(), bad=[call(X, 0, 3), call(X, 2, 0), call(array(), 0, 0)]),
    Row("narrow", narrowed(), bad=[call(X, 0, 2, 2), call(X, 0, 4, 0), call(X, 0, 0, -1), call(array(), 0, 0, 0)]),
    Row("gather", elementwise(), bad=[call(X, 0, I), call(X, 0, np.array([[3]])), call(X, 0, np.array([[-1]])), call(X, 0, np.array([[0.0]])),
                                      call(X, 0, np.zeros((1, 3), np.int64))]),
    Row("take_along_dim", along_dim(), bad=[call(X, I, 0), call(X, I.astype(float)), call(X, np.zeros((2, 3), np.int64), 0)]),
    Row("index_select", vector(), bad=[call(X, 0, OUT), call(X, 0, -OUT), call(X, 0, np.array([[0]])), call(X, 0, np.array([0.0]))]),
    Row("take", flat(), bad=[call(X, np.array([6])), call(X, np.array([0.5]))]),
    Row("masked_select", masked(), bad=[call(X, X), call(X, np.zeros(3, bool))]),
    Row("nonzero", calls(arrays(domain="special"), as_tuple=st.booleans()), grad=False),
    Row("argwhere", calls(arrays(dtype=np.int64)), grad=False),
    Row("index_put", put_at(), bad=[call(X, (I,), array(3)), call(X, (I,), 1.0), call(X, (OUT,), array(1))], inplace=True),
    Row("scatter", elementwise(source=True, once=True), inplace=True,
        bad=[call(X, 0, np.array([[3]]), X), call(X, 0, np.array([[0, 0, 0]]), X), call(X, 0, I, X), call(X, 0, np.array([[0, 1]]), array(1, 1)),
             call(X, 0, np.array([[0]]), X, reduce="max"), call(X, 0, np.array([[0]]), X > 0)]),
    Row("scatter_add", elementwise(source=True), bad=[call(X, 0, np.array([[3]]), X), call(X, 0, np.array([[0]]), 1.0)], inplace=True),
    *(Row("scatter_reduce", elementwise(source=True, domain=domain, reduce=how, include_self=st.booleans()), inplace=True,
          bad=[call(X, 0, np.array([[0]]), X, "other")])
      for how, domain in (("sum", "finite"), ("mean", "finite"), ("prod", "away"), ("amax", "distinct"), ("amin", "distinct"))),
    Row("index_add", vector(source=True, alpha=st.sampled_from([1, 2.5])), bad=[call(X, 0, OUT, array(1, 2)), call(X, 0, I, array(3, 2)),
                                                                              call(X, 0, I, array(2, 2) > 0)], inplace=True),
    Row("index_copy", vector(source=True, once=True), bad=[call(X, 0, OUT, array(1, 2)), call(X, 0, I, array(3, 2))], inplace=True),
    Row("index_fill", vector(value=NUMBER | arrays(())), bad=[call(X, 0, OUT, 1.0), call(X, 0, I, array(1)), call(X, 2, I, 1.0)], inplace=True),
    *(Row("index_reduce", vector(source=True, domain=domain, reduce=how, include_self=st.booleans()), inplace=True,
          bad=[call(X, 0, I, array(2, 2), "sum"), call(X, 0, OUT, array(1, 2), "amax")])
      for how, domain in (("mean", "finite"), ("prod", "away"), ("amax", "distinct"), ("amin", "distinct"))),
    Row("Tensor.put", flat(source=True), bad=[call(X, I, array(3)), call(X, np.array([6]), array(1)), call(X, I, array(2) > 0)]),
    Row("masked_fill", masked(NUMBER | arrays(())), bad=[call(X, X, 1.0), call(X, MASK, array(1)), call(X, np.zeros(3, bool), 1.0), call(X, MASK, "a")],
        inplace=True),
    Row("masked_scatter", masked(source=True), bad=[call(X, MASK, array(2)), call(X, X, X), call(X, MASK, MASK)]),
    Row("select_scatter", embedded("select"), bad=[call(X, array(3), 0, 0), call(X, array(2), 0, 3)]),
    Row("slice_scatter", embedded("slice"), bad=[call(X, array(2, 2), 0, 0, 1)]),
    Row("diagonal_scatter", embedded("diagonal"), bad=[call(X, array(3))]),
    *(Row(name, calls(st.integers(0, 4), st.integers(0, 4), st.integers(-3, 3)), grad=False) for name in ("tril_indices", "triu_indices")),
    Row("unravel_index", calls(integers((3,), 0, 6), st.sampled_from([(6,), (2, 3), (3, 1, 2)])), grad=False,
        bad=[call(np.array([0.5]), (2,)), call(np.array([0]), (-1,))]),
]
