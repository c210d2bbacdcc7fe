"""Convolutions and transposed convolutions of 1, 2 and 3 dimensions, always valid."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ..case import Case
from .tensors import tensors

__all__ = ["bilinear", "convolutions", "linear"]


@st.composite
def convolutions(draw: Any, dims: int, transposed: bool = False, domain: str = "finite", dtype: str = "float64", layout: Any = None,
                 words: bool = True, unbatched: bool = True) -> Case:
    """``conv{dims}d(x, w, b, stride, padding, dilation, groups)``, or its transpose, whose kernel fits and whose output is not empty.

    Everything but `groups` and a padding in words ("same", "valid": only with `words`) is a tuple. `unbatched` also gives x without a batch.
    Simplest: one pixel, one channel, a kernel of one, no bias.
    """
    each = st.integers
    groups, c, o = draw(each(1, 3)), draw(each(1, 2)), draw(each(1, 2))
    kernel, stride, dilation = [draw(st.tuples(*[each(1, n)] * dims)) for n in (3, 3, 2 + (dims < 3))]
    padding: Any = draw(st.tuples(*[each(0, 2)] * dims))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    kwargs: dict[str, Any] = {}
    if transposed:
        weight = (groups * c, o, *kernel)
        kwargs["output_padding"] = extra = tuple(draw(each(0, max(s, d) - 1)) for s, d in zip(stride, dilation))
        least = [max(1, -(-(2 * p - r + 1 - e) // s) + 1) for p, r, s, e in zip(padding, reach, stride, extra)]
    else:
        weight = (groups * o, c, *kernel)
        least = [max(1, r - 2 * p) for p, r in zip(padding, reach)]
        if words and draw(each(0, 5)) == 5:
            padding, least = draw(st.sampled_from(["valid", "same"])), reach
            stride = (1,) * dims if padding == "same" else stride
    size = tuple(n + draw(each(0, 2)) for n in least)
    lead = draw(st.sampled_from([(1,), (2,), (), (3,)] if unbatched else [(1,), (2,), (3,)]))
    x = draw(tensors((*lead, groups * c, *size), domain, dtype, layout))
    w = draw(tensors(weight, domain, dtype, layout))
    b = draw(tensors((groups * o,), domain, dtype, layout)) if draw(st.booleans()) else None
    kwargs = {"stride": stride, "padding": padding, **kwargs, "dilation": dilation, "groups": groups}
    return Case(f"conv{'_transpose' * transposed}{dims}d", (x, w, b), kwargs)


@st.composite
def linear(draw: Any) -> Case:
    """linear(x, w, b)."""
    lead, n, m = draw(st.sampled_from([(1,), (2,), (), (2, 3)])), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return Case("linear", (draw(tensors((*lead, n))), draw(tensors((m, n))), draw(st.none() | tensors((m,)))))


@st.composite
def bilinear(draw: Any) -> Case:
    """bilinear(x1, x2, w, b)."""
    lead, (n, m, o) = draw(st.sampled_from([(1,), (2,), (2, 3)])), draw(st.tuples(*[st.integers(1, 3)] * 3))
    return Case("bilinear", (draw(tensors((*lead, n))), draw(tensors((*lead, m))), draw(tensors((o, n, m))), draw(st.none() | tensors((o,)))))
