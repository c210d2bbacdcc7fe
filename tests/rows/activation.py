"""Rows of activation functions. Kinks are drawn too: the subgradients there are PyTorch's."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, call, calls, case, shapes, unary

INT, BOOL = np.int64, np.bool_
WHOLE = call(array(3, dtype=INT))
SLOPES = st.sampled_from([0.01, 0.0, 1.0, 0.3, -0.5, 2.0])
AT_KINKS = calls(st.sampled_from([np.array([-3.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 3.0, 6.0, 20.0]), np.array(0.5)]))


def activation(**kwargs: Any) -> st.SearchStrategy[Case]:
    return unary(**kwargs) | AT_KINKS


@st.composite
def prelus(draw: Any) -> Case:
    x = draw(arrays(shapes(max_dims=4), "away"))  # at 0 PyTorch's second derivative is its own
    channels = x.shape[1] if x.ndim > 1 else 1
    return case((x, draw(arrays(st.sampled_from([(), (1,), (channels,)])))))


@st.composite
def halves(draw: Any) -> Case:
    shape = list(draw(shapes(min_dims=1)))
    dim = draw(st.integers(-len(shape), len(shape) - 1))
    shape[dim] *= 2
    return case((draw(arrays(tuple(shape))), dim))


ROWS = [
    Row("relu", activation() | unary(dtype=INT), inplace=True, bad=[call(array(2, dtype=BOOL)), call(2.0)]),
    Row("sigmoid", activation() | unary(dtype=INT), inplace=True, bad=[call(2.0)]),
    *(Row(f"nn.functional.{name}", activation(), bad=[WHOLE, call(2.0)], float32=(3e-6, 1e-5)) for name in (
        "logsigmoid", "silu", "mish", "hardswish", "selu")),
    # PyTorch takes 1 / 6 in float32 for its gradient, which tests/test_house.py compares with slopes.
    Row("nn.functional.hardsigmoid", activation(), grad=False, bad=[WHOLE, call(2.0)]),
    *(Row(f"nn.functional.{name}", activation() | unary(dtype=INT), bad=[call(array(2, dtype=BOOL))]) for name in ("softsign", "tanhshrink")),
    Row("nn.functional.relu6", activation() | unary(dtype=INT), bad=[call(array(2, dtype=BOOL))]),
    Row("nn.functional.hardtanh", activation() | calls(arrays(), -2.0, 0.5), bad=[call(array(2), 1.0, -1.0), call(array(2, dtype=np.uint8))]),
    Row("nn.functional.leaky_relu", activation() | calls(arrays(), SLOPES), bad=[WHOLE]),
    Row("nn.functional.rrelu", st.one_of(unary(), calls(arrays(), 0.1, 0.5), unary(training=True)), bad=[call(array(2), 0.5, 0.25), WHOLE]),
    Row("nn.functional.elu", activation() | calls(arrays(), st.sampled_from([0.5, 1.0, 2.0])), bad=[WHOLE]),
    Row("nn.functional.celu", activation() | calls(arrays(), st.sampled_from([0.5, 1.0, 2.0])), bad=[WHOLE, call(array(2), 0.0)]),
    Row("nn.functional.softplus", activation() | calls(arrays(), st.sampled_from([1, 2, 0.5]), st.sampled_from([20, 1])), bad=[WHOLE]),
    Row("nn.functional.gelu", activation() | unary(approximate="tanh"), bad=[WHOLE, call(array(2), approximate="sigmoid")]),
    Row("nn.functional.hardshrink", activation() | calls(arrays(), st.sampled_from([0.0, 1.0])), bad=[WHOLE]),
    Row("nn.functional.softshrink", activation() | calls(arrays(), st.sampled_from([0.0, 1.0])), bad=[WHOLE, call(array(2), -1.0)]),
    Row("nn.functional.threshold", calls(arrays(), st.sampled_from([0.0, 0.5]), st.sampled_from([7.0, -1.0])), bad=[call(array(2))]),
    Row("nn.functional.prelu", prelus(), bad=[call(array(2, 3), array(2)), call(array(2, 3), array(3, 1)), call(array(), array(2)),
                                             call(array(2, 3), array(3, dtype=np.float32)), call(array(2), 0.5)]),
    Row("nn.functional.glu", halves(), bad=[call(array(3)), call(array()), call(array(2, 4), 2), call(array(2, dtype=INT))]),
]
