"""Rows of products and distances of vectors."""

import math

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, call, calls, case
from .matmul import products

ORDERS = st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0, math.inf])


def apart(call: Case) -> Case:
    """The second array moved away from the first, so that no distance or difference is at its kink, and no two differences tie."""
    a, b = call.args[:2]
    shift = 10 + np.arange(b.size).reshape(b.shape) ** 1.5
    return case((a, b + shift, *call.args[2:]), call.kwargs)


CROSS = [call(array(2), array(2)), call(array(3), array(2)), call(array(2, 3), array(3)), call(array(2, 3), array(4, 3))]

ROWS = [
    Row("linalg.cross", products("?a3", "?a3") | products("3a", "3a", dim=0), bad=CROSS),
    Row("cross", products("?a3", "?a3", dim=-1) | products("3a", "3a", dim=0), bad=[*CROSS[:2], CROSS[3], call(array(3, 2), array(3, 2), 1)]),
    Row("linalg.vecdot", products("?ai", "?ai") | products("ia", "ia", dim=0) | products("i", "i"),
        bad=[call(array(2), array(3)), call(array(2), array(2, dtype=np.int64))]),
    Row("linalg.vander", calls(arrays((3,), "away"), N=st.sampled_from([None, 2, 4])) | calls(arrays((2, 3), "away"))
        | calls(arrays((3,), dtype=np.int64)), bad=[call(array()), call(array(2), N=0)]),
    Row("vander", calls(arrays((3,), "away"), st.sampled_from([None, 0, 1, 4]), st.booleans()), grad=False, bad=[call(array(2, 2))]),
    Row("dist", st.builds(apart, products("?a?b", "?a?b", p=ORDERS.filter(bool))), bad=[call(array(2), array(3))]),
    *(Row(name, st.builds(apart, products("?ai", "?ai", p=ORDERS.filter(bool), keepdim=st.booleans())), bad=[call(array(2, 3), array(4, 3))])
      for name in ("pairwise_distance", "nn.functional.pairwise_distance")),
    *(Row(name, calls(arrays(st.sampled_from([(2, 3), (1, 3), (3,)]), "away"), arrays((2, 3), "away"), dim=st.sampled_from([-1, 1])),
          bad=[call(array(3), array(3)), call(array(3, 2), array(2, 2)), call(array(2, 2, dtype=np.int64), array(2, 2, dtype=np.int64))])
      for name in ("cosine_similarity", "nn.functional.cosine_similarity")),
    Row("cosine_similarity", calls(arrays((), "away"), arrays((), "away"), dim=0), second=False),
    Row("cdist", st.builds(apart, products("pm", "rm", p=ORDERS) | products("?bpm", "?brm", p=st.sampled_from([1.0, 2.0, 3.0]))
                           | products("pm", "rm", compute_mode=st.sampled_from(["use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"]))),
        second=False, bad=[call(array(2), array(2, 2)), call(array(2, 3), array(2, 2)), call(array(2, 2), array(2, 2), p=-1.0),
                           call(array(2, 2), array(2, 2, dtype=np.int64)), call(array(2, 2), array(2, 2), compute_mode="x")]),
    *(Row(name, calls(arrays(st.sampled_from([(1, 2), (2, 3), (4, 2)]), "distinct").map(lambda x: x + x * x / 100), ORDERS.filter(bool)), second=False,
          bad=[call(array(2)), call(array(2, 2), -1.0)]) for name in ("pdist", "nn.functional.pdist")),
    Row("renorm", calls(arrays(st.sampled_from([(2, 3), (2, 2, 2)]), "away"), st.sampled_from([1, 2, 1.5]), st.integers(-2, 1),
                        st.sampled_from([0, 1, 2.5, 100])), inplace=True,
        bad=[call(array(3), 2, 0, 1), call(array(2, 2), -1, 0, 1), call(array(2, 2), 2, 0, -1), call(array(2, 2), 2, 4, 1)]),
]
