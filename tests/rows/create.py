"""Rows of the factories."""

import numpy as np
from hypothesis import strategies as st

from ..harness import DType, Row, array, arrays, call, calls, shapes

SIZES = shapes(max_dims=3, min_side=0, max_side=3)
DTYPES = st.sampled_from([None, DType("float64"), DType("float32"), DType("int64"), DType("uint8"), DType("bool")])
NUMBERS = st.integers(-5, 5) | st.floats(-5, 5, width=32).map(float)

ROWS = [
    *(Row(name, calls(SIZES, dtype=DTYPES), bad=[call((-1,)), call("a")], grad=False) for name in ("zeros", "ones")),
    Row("empty", calls(SIZES, dtype=DTYPES), bad=[call((2, -1))], grad=False, random=True),
    Row("full", calls(SIZES, NUMBERS | st.booleans(), dtype=DTYPES), bad=[call((-1,), 1.0)], grad=False),
    *(Row(name, calls(arrays(), dtype=DTYPES), bad=[call(3.0)], grad=False) for name in ("zeros_like", "ones_like")),
    Row("empty_like", calls(arrays(), dtype=DTYPES), bad=[call(3.0)], grad=False, random=True),
    Row("full_like", calls(arrays(), NUMBERS, dtype=DTYPES), grad=False),
    *(Row(f"Tensor.{name}", calls(arrays(dtype=np.int64), SIZES), grad=False) for name in ("new_zeros", "new_ones")),
    Row("Tensor.new_empty", calls(arrays(), SIZES), grad=False, random=True),
    Row("Tensor.new_full", calls(arrays(), SIZES, NUMBERS), grad=False),
    Row("arange", calls(st.integers(-4, 0) | st.floats(-4, 0, width=32).map(float), st.integers(0, 6),
                        st.sampled_from([1, 2, 0.5, 0.3])), bad=[call(0, 3, 0), call(0, 3, -1), call(0, float("inf"))], grad=False),
    Row("linspace", calls(NUMBERS, NUMBERS, st.integers(0, 7), dtype=st.sampled_from([None, DType("float64"), DType("int64")])) | calls(3, -1, 7, dtype=DType("int64")),
        bad=[call(0, 1, -1), call(array(2), 1, 3)], grad=False),
    Row("logspace", calls(st.floats(-2, 2, width=32).map(float), st.floats(-2, 2, width=32).map(float), st.integers(0, 5),
                          dtype=st.sampled_from([None, DType("float64")])), bad=[call(0, 1, -1)], grad=False),
    *(Row(f"{name}_window", calls(st.integers(0, 20), st.booleans(), dtype=st.sampled_from([None, DType("float64")])),
          bad=[call(-1), call(3, dtype=DType("int64"))], grad=False) for name in ("hann", "hamming", "blackman", "bartlett", "kaiser")),
    Row("eye", calls(st.integers(0, 4), st.integers(0, 4), dtype=DTYPES), bad=[call(-1)], grad=False),
    *(Row(name, calls(SIZES), bad=[call((-1,))], grad=False) for name in ("rand", "randn")),
    *(Row(name, calls(arrays()), grad=False, layouts="drawn") for name in ("rand_like", "randn_like")),
    Row("randint", calls(st.integers(-3, 2), st.integers(3, 9), SIZES), bad=[call(3, 3, (2,))], grad=False),
    Row("randint_like", calls(arrays(), st.integers(-3, 2), st.integers(3, 9)), grad=False, layouts="drawn"),
    Row("randperm", calls(st.integers(0, 50)), bad=[call(-1)], grad=False),
    Row("normal", calls(arrays(shapes(min_side=1)), arrays((1,), "positive")), bad=[call(array(2), -1.0)], grad=False),
    Row("bernoulli", calls(arrays(domain="unit")), bad=[call(array(3, dtype=np.int64))], grad=False),
    Row("poisson", calls(arrays(domain="positive")) | calls(arrays((20,), "unit")), bad=[call(array(3, dtype=np.int64)), call(np.array([-1.0]))], grad=False),
    Row("binomial", calls(st.sampled_from([0.0, 3.0, 30.0, 300.0]).map(lambda n: np.full((4,), n)), arrays((4,), "unit")), grad=False),
    Row("multinomial", calls(arrays((5,), "positive"), st.integers(1, 5), st.booleans()), bad=[call(array(2, dtype=np.int64), 1)], grad=False),
]
