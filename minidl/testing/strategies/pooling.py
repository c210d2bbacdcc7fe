"""Poolings whose windows fit."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ..case import Case
from .tensors import tensors

__all__ = ["adaptive_pools", "pools"]

LEADS = st.sampled_from([(1, 1), (1, 2), (2, 1), (2,)])  # (batch, channels) or channels alone


@st.composite
def pools(draw: Any, op: str, dims: int, domain: str | None = None, layout: Any = None) -> Case:
    """``{op}_pool{dims}d(x, kernel, stride, padding, ...)`` of "max", "avg" or "lp" (which takes the power before the kernel, and no padding).

    Values of a maximum are distinct, so that its place is. Simplest: a window of one.
    """
    each = st.integers
    kernel = draw(st.tuples(*[each(1, 3)] * dims))
    stride = draw(st.just(kernel) | st.tuples(*[each(1, 3)] * dims))
    padding = tuple(draw(each(0, k // 2)) for k in kernel) if op != "lp" else (0,) * dims
    dilation = draw(st.tuples(*[each(1, 2)] * dims)) if op == "max" else (1,) * dims
    size = tuple(d * (k - 1) + 1 + draw(each(0, 3)) for k, d in zip(kernel, dilation))
    values = domain or {"max": "distinct", "avg": "finite", "lp": "positive"}[op]
    x = draw(tensors((*draw(LEADS), *size), values, layout=layout))
    kwargs: dict[str, Any] = {"ceil_mode": draw(st.booleans())}
    if op == "lp":
        return Case(f"lp_pool{dims}d", (x, draw(st.sampled_from([2.0, 1.0, 3.0])), kernel if dims > 1 else kernel[0], stride), kwargs)
    if op == "max":
        kwargs = {"dilation": dilation, **kwargs, "return_indices": draw(st.booleans())}
    else:
        kwargs["count_include_pad"] = draw(st.booleans())
        if dims > 1:
            kwargs["divisor_override"] = draw(st.sampled_from([None, 1, 3]))
    return Case(f"{op}_pool{dims}d", (x, kernel, stride, padding), kwargs)


@st.composite
def adaptive_pools(draw: Any, op: str, dims: int) -> Case:
    """``adaptive_{op}_pool{dims}d(x, output_size)``."""
    size, out = draw(st.tuples(*[st.integers(1, 6)] * dims)), draw(st.tuples(*[st.integers(1, 5)] * dims))
    x = draw(tensors((*draw(LEADS), *size), "distinct" if op == "max" else "finite"))
    return Case(f"adaptive_{op}_pool{dims}d", (x, out), {"return_indices": draw(st.booleans())} if op == "max" else {})
