"""Rows of what a tensor is apart from arithmetic: type, sizes, copies, and random fills."""

import numpy as np
from hypothesis import strategies as st

from ..harness import EDITABLE, DType, Row, array, arrays, call, calls, shapes

ANY = arrays(dtype=np.float64) | arrays(dtype=np.int64) | arrays(dtype=np.bool_)
CASTS = ("double", "float", "half", "long", "int", "short", "char", "bool")
DTYPES = st.sampled_from([DType(name) for name in ("float64", "float32", "int64", "int8", "bool")])

ROWS = [
    *(Row(f"Tensor.{name}", calls(ANY)) for name in CASTS),
    Row("Tensor.byte", calls(arrays(dtype=np.int64, domain="positive") | arrays(dtype=np.bool_))),
    *(Row(f"Tensor.{name}", calls(ANY)) for name in ("contiguous", "cpu", "dim", "element_size", "nelement", "tolist", "type", "is_pinned",
                                                     "share_memory_")),
    Row("Tensor.is_contiguous", calls(ANY), layouts=False),
    Row("Tensor.item", calls(arrays((1,)) | arrays((1, 1), dtype=np.int64) | arrays((), dtype=np.bool_)), bad=[call(array(2))]),
    Row("Tensor.size", calls(arrays(shapes(min_dims=1)), st.integers(-1, 0)), bad=[call(array(2), 1)]),
    Row("Tensor.stride", calls(arrays((2, 3, 4)), st.integers(-3, 2)), bad=[call(array(2), 1)], layouts=False),
    Row("Tensor.storage_offset", calls(arrays(shapes(min_side=1))), layouts=False),
    Row("Tensor.to", calls(ANY, DTYPES), bad=[call(array(2), "nothing")]),
    Row("Tensor.type_as", calls(ANY, arrays(dtype=np.float32) | arrays(dtype=np.int16))),
    Row("Tensor.new_tensor", calls(arrays(), st.lists(st.integers(-3, 3), max_size=4)), grad=False),
    Row("Tensor.copy_", calls(arrays((2, 3)), arrays((3,)) | arrays((2, 3)) | arrays((2, 1), dtype=np.int64)), bad=[call(array(2), array(3)), call(array(2), 1.0)],
        grad=False, layouts=False),
    Row("Tensor.set_", calls(arrays((2, 3)), arrays((4,))), grad=False, layouts=False),
    Row("Tensor.requires_grad_", calls(arrays()), bad=[call(array(2, dtype=np.int64))]),
    Row("Tensor.detach_", calls(arrays())),
    *(Row(f"Tensor.{name}", calls(arrays(shapes(max_side=6), layout=EDITABLE)), grad=False, layouts="drawn") for name in ("normal_", "uniform_", "exponential_", "cauchy_", "log_normal_", "bernoulli_")),
    Row("Tensor.geometric_", calls(arrays(layout=EDITABLE), st.sampled_from([0.25, 0.5])), bad=[call(array(2), 2.0)], grad=False, layouts="drawn"),
    Row("Tensor.random_", calls(arrays(dtype=np.int64, layout=EDITABLE), st.integers(-3, 0), st.integers(1, 9)), bad=[call(array(2), 3, 3)], grad=False, layouts="drawn"),
    *(Row(name, calls(ANY)) for name in ("clone", "detach", "is_complex", "is_floating_point", "is_signed", "is_tensor", "numel")),
    Row("is_nonzero", calls(arrays((1,)) | arrays((), dtype=np.int64)), bad=[call(array(2))]),
    Row("is_same_size", calls(arrays(), arrays())),
    Row("fill", calls(arrays(), st.floats(-2, 2, width=32).map(float) | arrays(())), bad=[call(array(2), array(2))]),
    Row("tensor", calls(st.lists(st.integers(-3, 3) | st.floats(-2, 2, width=32).map(float), max_size=4)), bad=[call([[1], [2, 3]]), call("a")], grad=False),
    Row("as_tensor", calls(st.lists(st.booleans(), max_size=4), dtype=DTYPES), grad=False),
    Row("range", calls(st.integers(-3, 0), st.integers(0, 5), st.sampled_from([1, 2, 0.5])), grad=False),
]
