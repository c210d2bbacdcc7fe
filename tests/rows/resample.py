"""Rows of interpolation, of sampling at given places, and of channels rearranged into positions."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl.testing import Case

from ..harness import Row, array, arrays, call, case, shapes

SCALES = st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0])


@st.composite
def resized(draw: Any, dims: int, modes: Any, antialias: bool = False) -> Case:
    """An image of at least 2 in each size, so that half of it is not empty; to a size of at least 2 with antialias.

    (PyTorch's antialiased bicubic kernel repeats the first row where the output is one pixel wide.)
    """
    shape = draw(shapes(min_dims=dims + 2, max_dims=dims + 2, min_side=2 if not antialias else 4,
                        max_side=3 if not antialias else 6))
    mode = draw(st.sampled_from(modes))
    kwargs: dict[str, Any] = {"mode": mode}
    if draw(st.booleans()):
        kwargs["size"] = draw(st.lists(st.integers(1 + antialias, 6), min_size=dims, max_size=dims))
    else:
        kwargs["scale_factor"] = draw(st.lists(SCALES, min_size=dims, max_size=dims))
        kwargs["recompute_scale_factor"] = draw(st.sampled_from([None, True]))
    if "nearest" not in mode and mode != "area":
        kwargs["align_corners"] = draw(st.booleans())
    if antialias:
        kwargs["antialias"] = True
    return case((draw(arrays(shape)),), kwargs)


@st.composite
def sampled(draw: Any, dims: int) -> Case:
    """Places are odd multiples of 1/32, of which none is at a pixel's centre, edge or half for sizes from 2 to 4."""
    n, c = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    x = draw(arrays((n, c, *draw(shapes(min_dims=dims, max_dims=dims, min_side=2, max_side=4)))))
    out = draw(shapes(min_dims=dims, max_dims=dims, min_side=1, max_side=2))
    odd = st.integers(-35, 35).map(lambda i: (2 * i + 1) / 31.7)
    size = int(np.prod(out)) * n * dims
    grid = np.array(draw(st.lists(odd, min_size=size, max_size=size))).reshape(n, *out, dims)
    return case((x, grid), {"mode": draw(st.sampled_from(["bilinear", "nearest", *(["bicubic"] if dims == 2 else [])])),
                            "padding_mode": draw(st.sampled_from(["zeros", "border", "reflection"])),
                            "align_corners": draw(st.booleans())})


@st.composite
def affine(draw: Any) -> Case:
    dims = draw(st.sampled_from([2, 3]))
    n, *rest = draw(shapes(min_dims=dims + 2, max_dims=dims + 2, min_side=1))
    return case((draw(arrays((n, dims, dims + 1))), [n, *rest]), {"align_corners": draw(st.booleans())})


@st.composite
def blocks(draw: Any, inverse: bool) -> Case:
    lead, r = draw(shapes(max_dims=2, min_side=1)), draw(st.integers(1, 3))
    c, h, w = draw(st.tuples(*[st.integers(1, 2)] * 3))
    return case((draw(arrays((*lead, c, h * r, w * r) if inverse else (*lead, c * r * r, h, w))), r))


@st.composite
def shuffled(draw: Any) -> Case:
    groups, per_group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    n, *positions = draw(shapes(min_dims=2, max_dims=3, min_side=1))
    return case((draw(arrays((n, groups * per_group, *positions))), groups))


@st.composite
def sized(draw: Any, **fixed: Any) -> Case:
    sizes = draw(st.fixed_dictionaries({"size": st.integers(1, 5)}) | st.fixed_dictionaries({"scale_factor": SCALES}))
    return case((draw(arrays((1, 2, 2, 3))),), sizes | fixed)


X = array(1, 2, 4, 4)
INTERPOLATE_BAD = [call(X), call(X, 3, 2.0), call(X, [3]), call(X, 3, mode="linear"), call(X, 3, mode="trilinear"),
                   call(X, 3, align_corners=True),
                   call(X, 0), call(X, 3, mode="nearest", antialias=True), call(X, 3, recompute_scale_factor=True),
                   call(X, 3, mode="cubic"),
                   call(array(2, 2), 3), call(X, 1.5)]

ROWS = [
    Row("nn.functional.interpolate", resized(1, ["nearest", "nearest-exact", "linear", "area"]), bad=INTERPOLATE_BAD),
    Row("nn.functional.interpolate", resized(2, ["nearest", "nearest-exact", "bilinear", "bicubic", "area"])),
    Row("nn.functional.interpolate", resized(3, ["nearest", "nearest-exact", "trilinear", "area"])),
    Row("nn.functional.interpolate", resized(2, ["bilinear", "bicubic"], antialias=True)),
    Row("nn.functional.upsample", sized(mode="bilinear"), bad=[call(X)]),
    Row("nn.functional.upsample_nearest", sized(), bad=[call(X)]),
    Row("nn.functional.upsample_bilinear", sized(), bad=[call(X)]),
    Row("nn.functional.grid_sample", sampled(2),
        bad=[call(X, array(2, 3, 3, 2)), call(X, array(1, 3, 3, 3)), call(X, array(1, 3, 2)),
             call(X, array(1, 3, 3, 2), mode="cubic"),
             call(X, array(1, 3, 3, 2), padding_mode="wrap"), call(X, array(1, 3, 3, 2, dtype=np.float32)),
             call(array(1, 2, 3, 3, 3), array(1, 2, 2, 2, 3), mode="bicubic")]),
    Row("nn.functional.grid_sample", sampled(3)),
    Row("nn.functional.grid_sample", st.just(call(X, np.array([np.inf, 0.1, -np.inf, 0.3, 0.2, np.inf, -np.inf, np.inf]).reshape(1, 2, 2, 2),
                                                  padding_mode="border", align_corners=False))),
    Row("nn.functional.affine_grid", affine(),
        bad=[call(array(1, 2, 2), [1, 1, 2, 2]), call(array(1, 2, 3), [1, 1, 2]), call(array(1, 2, 3), [1, 1, 0, 2]),
             call(array(2, 2, 3), [1, 1, 2, 2]), call(array(1, 2, 3, dtype=np.int64), [1, 1, 2, 2])]),
    Row("pixel_shuffle", blocks(inverse=False),
        bad=[call(array(3, 2, 2), 2), call(array(4, 2), 2), call(array(4, 2, 2), 0)]),
    Row("pixel_unshuffle", blocks(inverse=True),
        bad=[call(array(1, 3, 2), 2), call(array(4, 2), 2), call(array(4, 2, 2), 0)]),
    Row("channel_shuffle", shuffled(), bad=[call(array(1, 3, 2), 2), call(array(1, 3), 3), call(array(1, 3, 2), 0)]),
]
