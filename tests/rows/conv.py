"""Rows of convolutions, windows and padding."""

from typing import Any

from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, call, case


@st.composite
def convolutions(draw: Any, dims: int, transposed: bool = False) -> Case:
    """Calls whose kernel fits: batched or not, with or without bias, groups, stride, padding, dilation."""
    each = st.integers
    groups, c, o = draw(each(1, 2)), draw(each(1, 2)), draw(each(1, 2))
    kernel, stride, dilation = [draw(st.tuples(*[each(1, n)] * dims)) for n in (3, 3, 2)]
    padding: Any = draw(st.tuples(*[each(0, 2)] * dims))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    extra: dict[str, Any] = {"stride": stride, "dilation": dilation, "groups": groups}
    if transposed:
        weight = (groups * c, o, *kernel)
        least = [max(1, -(-(2 * p - r + 1) // s) + 1) for p, r, s in zip(padding, reach, stride)]
        extra["output_padding"] = tuple(draw(each(0, max(s, d) - 1)) for s, d in zip(stride, dilation))
    else:
        weight = (groups * o, c, *kernel)
        least = [max(1, r - 2 * p) for p, r in zip(padding, reach)]
        if draw(each(0, 4)) == 0:
            padding = draw(st.sampled_from(["same", "valid"]))
            extra["stride"] = 1 if padding == "same" else stride
            least = reach
    size = tuple(n + draw(each(0, 2)) for n in least)
    x = draw(arrays((*draw(st.sampled_from([(), (0,), (1,), (2,)])), groups * c, *size)))
    b = draw(arrays((groups * o,))) if draw(st.booleans()) else None
    return case((x, draw(arrays(weight)), b), {**extra, "padding": padding})


def bad(dims: int) -> list[Case]:
    """Calls of `conv{dims}d` that must raise."""
    x, w = array(2, 4, *[5] * dims), array(4, 4, *[3] * dims)
    return [call(array(2, 3, *[5] * dims), w), call(array(*[5] * dims), w), call(array(1, 2, 4, *[5] * dims), w),
            call(x, w, array(3)), call(x, w, array(4, 1)), call(x, w, groups=2), call(x, array(3, 2, *[3] * dims), groups=2),
            call(x, w, groups=0), call(x, w, stride=0), call(x, w, padding=-1), call(x, w, dilation=0), call(x, w, stride=(1,) * (dims + 1)),
            call(array(2, 4, *[2] * dims), w), call(x, w, dilation=3), call(x, w, padding="some"), call(x, w, padding="same", stride=2),
            call(x, w.astype("f4")), call(x, array(0, 4, *[3] * dims)), call(array(2, 4, *[0] * dims), w, padding=2)]


def bad_transposed(dims: int) -> list[Case]:
    """Calls of `conv_transpose{dims}d` that must raise."""
    x, w = array(2, 4, *[5] * dims), array(4, 3, *[3] * dims)
    return [call(array(2, 3, *[5] * dims), w), call(array(*[5] * dims), w), call(x, w, array(4)), call(x, w, output_padding=1),
            call(x, w, output_padding=-1), call(x, w, groups=3), call(x, w, padding="same"), call(array(2, 4, *[1] * dims), w, padding=3),
            call(x, w, stride=0), call(x, w.astype("f4"))]


@st.composite
def unfolded(draw: Any, fold: bool = False) -> Case:
    """Calls of unfold, or of fold, whose kernel fits."""
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
    kernel, stride, dilation = draw(pairs), draw(pairs), draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    padding = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    size = tuple(max(1, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 2)) for k, d, p in zip(kernel, dilation, padding))
    lead = draw(st.sampled_from([(), (0,), (1,), (2,)]))
    c = draw(st.integers(1, 2))
    out = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in zip(size, padding, dilation, kernel, stride)]
    if fold:
        return case((draw(arrays((*lead, c * kernel[0] * kernel[1], out[0] * out[1]))), size, kernel, dilation, padding, stride))
    return case((draw(arrays((*lead, c, *size))), kernel, dilation, padding, stride))


@st.composite
def paddings(draw: Any, mode: str) -> Case:
    """Calls of pad; negative pads only where PyTorch defines the result."""
    dims = draw(st.integers(1, 3))
    shape = draw(st.tuples(*[st.integers(1, 2)] * draw(st.integers(1, 2)), *[st.integers(2, 4)] * dims))
    pad = []
    for n in shape[:-dims - 1:-1]:
        low = -(n // 2) if mode == "constant" else -1 if mode == "replicate" and n > 2 else 0
        pad += draw(st.tuples(*[st.integers(low, 5 if mode in ("constant", "replicate") else n - (mode == "reflect"))] * 2))
    value = {"value": draw(st.sampled_from([None, 0.5, 2]))} if mode == "constant" else {}
    return case((draw(arrays(shape)), tuple(pad)), {"mode": mode, **value})


ROWS = [
    *[Row(f"nn.functional.conv{n}d", convolutions(n), bad=bad(n)) for n in (1, 2, 3)],
    *[Row(f"nn.functional.conv_transpose{n}d", convolutions(n, transposed=True), bad=bad_transposed(n)) for n in (1, 2, 3)],
    Row("nn.functional.unfold", unfolded(), bad=[
        call(array(3, 3), 2), call(array(1, 1, 3, 3), 4), call(array(1, 1, 3, 3), 0), call(array(1, 1, 3, 3), 2, stride=0),
        call(array(1, 1, 3, 3), 2, padding=-1), call(array(1, 1, 3, 3), 2, dilation=3), call(array(1, 0, 3, 3), 2),
        call(array(1, 1, 3, 3), (2, 2, 2))]),
    Row("nn.functional.fold", unfolded(fold=True), bad=[
        call(array(1, 4, 3), 3, 2), call(array(1, 3, 4), 3, 2), call(array(4), 3, 2), call(array(1, 4, 4), 1, 2), call(array(1, 4, 4), 3, 0),
        call(array(1, 4, 4), 0, 2)]),
    *[Row("nn.functional.pad", paddings(mode)) for mode in ("constant", "reflect", "replicate", "circular")],
    Row("nn.functional.pad", paddings("constant"), bad=[
        call(array(3), (1, 1, 1)), call(array(3), (1, 1, 1, 1)), call(array(3), (-2, -2)), call(array(1, 3), (1, 1), "other"),
        call(array(1, 3), (3, 1), "reflect"), call(array(1, 3), (4, 0), "circular"), call(array(1, 3), (1, 1), "reflect", 1.0),
        call(array(3), (1, 1), "reflect"), call(array(1, 1, 1, 3), (1, 1), "replicate"), call(array(1, 0), (1, 1), "replicate"),
        call(array(1, 3, dtype=bool), (1, 1), "reflect")]),
]
