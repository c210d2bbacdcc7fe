"""Rows of pooling."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, call, case, dense


@st.composite
def pooled(draw: Any, dims: int, kind: str, domain: str = "finite", dtype: Any = np.float64) -> Case:
    """Calls of max_pool, avg_pool ("max", "avg") or lp_pool ("lp") whose windows fit."""
    each = st.integers
    kernel = draw(st.tuples(*[each(1, 3)] * dims))
    stride = draw(st.none() | st.tuples(*[each(1, 3)] * dims))
    padding = tuple(draw(each(0, k // 2)) for k in kernel) if kind != "lp" else (0,) * dims
    dilation = draw(st.tuples(*[each(1, 2)] * dims)) if kind == "max" else (1,) * dims
    size = tuple(d * (k - 1) + 1 + draw(each(0, 3)) for k, d in zip(kernel, dilation))
    x = draw(arrays((*draw(st.sampled_from([(1,), (2,), (0, 1), (1, 2), (2, 1)])), *size), domain, dtype))
    extra: dict[str, Any] = {"ceil_mode": draw(st.booleans())}
    if kind == "lp":
        return case((x, 2.0, kernel if dims > 1 else kernel[0], stride), extra)
    if kind == "max":
        extra |= {"dilation": dilation, "return_indices": draw(st.booleans())}
    else:
        extra["count_include_pad"] = draw(st.booleans())
        if dims > 1:
            extra["divisor_override"] = draw(st.sampled_from([None, 3, -2]))
    return case((x, kernel, stride, padding), extra)


@st.composite
def adaptive(draw: Any, dims: int, domain: str = "finite", indices: bool = False) -> Case:
    """Calls of the adaptive pools."""
    size = draw(st.tuples(*[st.integers(1, 5)] * dims))
    out = draw(st.tuples(*[st.integers(1, 5)] * dims) | st.just((1,) * dims))
    x = draw(arrays((*draw(st.sampled_from([(1,), (2,), (0, 1), (1, 2), (2, 1)])), *size), domain))
    return case((x, out if dims > 1 else out[0]), {"return_indices": draw(st.booleans())} if indices else {})


@st.composite
def unpooled(draw: Any, dims: int) -> Case:
    """Calls of max_unpool; the places differ, so that none is written twice."""
    kernel = draw(st.integers(1, 2))
    size = draw(st.tuples(*[st.integers(1, 3)] * dims))
    lead = draw(st.sampled_from([(1,), (2,), (1, 2)]))
    x = draw(arrays((*lead, *size)))
    places = range(int(np.prod(size)) * kernel ** dims)
    chosen = [draw(st.permutations(places))[:int(np.prod(size))] for _ in range(int(np.prod(lead)))]
    return case((x, np.array(chosen, np.int64).reshape(x.shape), kernel))


@st.composite
def fractional(draw: Any, dims: int) -> Case:
    """Calls of fractional_max_pool; both libraries draw the same random starts."""
    kernel, out = draw(st.tuples(*[st.integers(1, 2)] * dims)), draw(st.tuples(*[st.integers(1, 3)] * dims))
    size = tuple(k + m + draw(st.integers(0, 2)) for k, m in zip(kernel, out))
    x = draw(arrays((*draw(st.sampled_from([(1,), (1, 2), (2, 1)])), *size)))
    return case((x, kernel), {"output_size": out, "return_indices": draw(st.booleans())})


def bad(dims: int) -> list[Case]:
    """Calls of any sliding pool that must raise."""
    x = array(2, 3, *[5] * dims)
    return [call(array(*[5] * dims), 2), call(array(1, 2, 3, *[5] * dims), 2), call(x, 6), call(x, 0), call(x, 2, 0), call(x, 2, -1),
            call(x, 2, 2, 2), call(x, 2, 2, -1), call(x, (2,) * (dims + 1)), call(x, 2, (2,) * (dims + 1)), call(array(2, 0, *[5] * dims), 2),
            call(array(2, 3, *[0] * dims), 2)]


def bad_adaptive(dims: int) -> list[Case]:
    """Calls of any adaptive pool that must raise."""
    return [call(array(*[5] * dims), 2), call(array(2, 3, *[5] * dims), (2,) * (dims + 1)), call(array(2, 3, *[5] * dims), -1),
            call(array(2, 3, *[0] * dims), 2), call(array(2, 3, *[5] * dims, dtype=np.int64), 2)]


def max_indices(dims: int) -> np.ndarray:
    return np.zeros((1, 1, *[2] * dims), np.int64)


def bad_unpool(dims: int) -> list[Case]:
    """Calls of max_unpool that must raise."""
    x, i = array(1, 1, *[2] * dims), max_indices(dims)
    return [call(x, i.astype(np.int32), 2), call(x, i[0], 2), call(x, i + 99, 2), call(x, i - 1, 2),
            call(x, i, 2, output_size=[9] * dims), call(x, i, 2, output_size=[4] * (dims + 4))]


BAD_FRACTIONAL = [call(array(1, 1, 5, 5, 5), 2), call(array(1, 1, 5, 5, 5), 6, output_size=1), call(array(1, 1, 5, 5, 5), 2, output_size=5)]

ROWS = [
    *[Row(f"nn.functional.max_pool{n}d", pooled(n, "max") | pooled(n, "max", "special").map(dense if n == 3 else lambda c: c),
          bad=[*bad(n), call(array(2, 3, *[5] * n), 2, dilation=0)]) for n in (1, 2, 3)],  # PyTorch's index of -inf is wrong in other memory
    *[Row(f"nn.functional.max_pool{n}d", pooled(n, "max", dtype=np.int64)) for n in (2, 3)],
    *[Row(f"nn.functional.avg_pool{n}d", pooled(n, "avg"), bad=bad(n)) for n in (1, 2, 3)],
    *[Row(f"nn.functional.avg_pool{n}d", pooled(n, "avg", dtype=np.int64),
          bad=[call(array(1, 1, *[5] * n), 2, divisor_override=0)]) for n in (2, 3)],
    *[Row(f"nn.functional.lp_pool{n}d", pooled(n, "lp", "positive"), bad=[call(array(1, 1, *[5] * n), 2.0, 6)]) for n in (1, 2, 3)],
    *[Row(f"nn.functional.adaptive_avg_pool{n}d", adaptive(n), bad=bad_adaptive(n)) for n in (1, 2, 3)],
    *[Row(f"nn.functional.adaptive_max_pool{n}d", adaptive(n, indices=True) | adaptive(n, "special", indices=True),
          bad=[*bad_adaptive(n), call(array(2, 0, *[5] * n), 2)]) for n in (1, 2, 3)],
    *[Row(f"nn.functional.adaptive_{kind}_pool{n}d", st.just(call(array(2, 1, *[3] * n), 0)), grad=False)  # PyTorch's backward refuses
      for kind in ("avg", "max") for n in (1, 2, 3)],
    *[Row(f"nn.functional.max_unpool{n}d", unpooled(n), bad=bad_unpool(n)) for n in (1, 2, 3)],
    Row("nn.functional.fractional_max_pool2d", fractional(2), bad=[call(array(1, 1, 5, 5), 2), call(array(1, 1, 5, 5), 6, output_size=1),
                                                                  call(array(5, 5), 2, output_size=2)]),
    Row("nn.functional.fractional_max_pool3d", fractional(3), bad=BAD_FRACTIONAL),
]
