"""Rows of the normalisations. Values are distinct, so that no variance is that of rounding errors.

A bias without a weight is left out: PyTorch's second derivatives fail there.
"""

from typing import Any

from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, call, case, dense, shapes


@st.composite
def channels(draw: Any, kind: str, min_dims: int = 2) -> Case:
    """x (N, C, *) with weight and bias per channel, each perhaps absent."""
    shape = draw(shapes(min_dims=min_dims, max_dims=4, min_side=1, max_side=4))
    x, c = draw(arrays(shape, "distinct")), shape[1]
    weight, bias = draw(st.just((None, None)) | st.tuples(arrays((c,)), st.none() | arrays((c,))))
    if kind == "batch":
        if draw(st.booleans()):
            return case((x, None, None, weight, bias), {"training": True})
        return case((x, draw(arrays((c,))), draw(arrays((c,), "positive")), weight, bias))
    if kind == "instance":
        return case((x,), {"weight": weight, "bias": bias, "eps": draw(st.sampled_from([1e-5, 0.1]))})
    groups = draw(st.sampled_from([g for g in range(1, c + 1) if c % g == 0]))
    return case((x, groups, weight, bias))


@st.composite
def trailing(draw: Any, parameters: int) -> Case:
    """x with up to `parameters` arrays of the shape of its last dimensions."""
    shape = draw(shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
    last = shape[draw(st.integers(0, len(shape) - 1)):]
    count = draw(st.integers(0, parameters))
    return case((draw(arrays(shape, "distinct")), list(last), *(draw(arrays(last)) for _ in range(count))),
                {"eps": draw(st.sampled_from([1e-5, 0.1]))})


@st.composite
def normalised(draw: Any) -> Case:
    x = draw(arrays(shapes(min_dims=1, min_side=1), "away"))
    return case((x,), {"p": draw(st.sampled_from([1.0, 2.0, 3.0])), "dim": draw(st.integers(-x.ndim, x.ndim - 1))})


@st.composite
def local(draw: Any) -> Case:
    x = draw(arrays(shapes(min_dims=3, max_dims=5, min_side=1), "away"))
    return case((x, draw(st.integers(1, 4))),
                {"alpha": draw(st.sampled_from([1e-4, 0.5])), "k": draw(st.sampled_from([1.0, 2.0]))})


ROWS = [
    # PyTorch's backward reads strided weights and transposed images wrongly: see minidl/testing/divergences.md
    Row("nn.functional.batch_norm", channels("batch").map(dense), float32=(1e-4, 1e-4),
        bad=[call(array(2, 3), None, None), call(array(1, 3), None, None, training=True),
             call(array(3), None, None, training=True),
             call(array(2, 3), array(4), array(3)), call(array(2, 3), array(3), array(3), array(2))]),
    Row("nn.functional.instance_norm", channels("instance", 3), float32=(1e-4, 1e-4),
        bad=[call(array(2, 3, 1)), call(array(2, 3, 4), weight=array(2))]),
    Row("nn.functional.group_norm", channels("group"), float32=(1e-4, 1e-4),
        bad=[call(array(2, 3), 2), call(array(3), 1), call(array(2, 4), 2, array(3)),
             call(array(2, 4), 2, None, array(2))]),
    Row("nn.functional.layer_norm", trailing(2), float32=(1e-4, 1e-4),
        bad=[call(array(2, 3), [2]), call(array(2, 3), []), call(array(2, 3), [3], array(2)), call(array(3), [2, 3])]),
    Row("nn.functional.rms_norm", trailing(1), bad=[call(array(2, 3), [2]), call(array(2, 3), [3], array(2))]),
    Row("nn.functional.normalize", normalised(), bad=[call(array(2, 3), dim=2)]),
    Row("nn.functional.local_response_norm", local(), bad=[call(array(2, 3), 2), call(array(2, 3, 4), 0)]),
]
